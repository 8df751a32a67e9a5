"""The last task of ``reconcile``: plan against ledger, as HTML, JSON and a table in the log.

It runs whatever the tasks before it did, and raises when an action has no end, so that a dag run cannot look well
while something was lost.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from pro2.accounts import open_account, require_plan, who_acts
from pro2.files import drift_file, folder_and_name
from pro2.flow import steps_of
from pro2_reconciliation.domain.errors import LedgerError

log = logging.getLogger("pro2.reconcile")
NOT_CLEARED = "ask or clear failed; read their logs"


def report(
    context: Any, resolved: dict[str, Any], plan_hash: str | None, cleared: dict[str, Any] | None
) -> str:
    """Compare plan and ledger, write HTML and JSON, print the table; raise if anything has no end.

    Returns the path of the HTML file. Raises ``ReconciliationError`` also when there is no plan at all, and when a
    question or what follows it failed: such a dag run looks well otherwise.
    """
    from pro2_reconciliation.domain.errors import ReconciliationError
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.page import render_text
    from pro2_reconciliation.repair.report import keep_open_items, make_report, raise_if_failed
    from pro2_reconciliation.repair.settling import settle_waiting

    if not plan_hash:
        raise ReconciliationError(
            "there is no plan, so nothing was done; read the log of the first failed task"
        )
    account = open_account(who_acts(context))
    plan = require_plan(account.ledger, plan_hash)
    # ask or clear failed: nothing was cleared, and the report says so for each item that was asked about
    unasked = {} if cleared else {d.key: NOT_CLEARED for d in plan.decisions if d.asks}
    not_now = cleared["not_now"] if cleared else unasked
    settle_waiting(account)
    made = make_report(account, plan, Mode(resolved["mode"]), not_now=not_now, reason=resolved["reason"])
    made = _with_links(context, made, account.ledger, cleared)
    made = made.model_copy(update={"old_tags": _old_tags(account), "drift_file": drift_file(context)})
    made = keep_open_items(account, plan, made)
    _close_outages(account, plan, made)
    path = _write(context, made)
    log.info("Report: %s\n%s", path, render_text(made))
    _move_watermark(account, plan, Mode(resolved["mode"]))
    raise_if_failed(made)
    if unasked and made.mode is not Mode.PLAN:
        raise ReconciliationError(
            f"Nothing was done about {len(unasked)} items, whatever was answered: {NOT_CLEARED}. "
            "Then start reconcile again, mode ask"
        )
    return path


def _move_watermark(account: Any, plan: Any, mode: Any) -> None:
    """The nightly's windows join each other; another one counts only if it leaves no gap before it."""
    from pro2_reconciliation.domain.words import Mode

    mark = account.ledger.watermark(account.organization)
    joins = mode is not Mode.PLAN and mark is not None and plan.window.start <= mark
    if joins or plan.window.source == "nightly":
        account.ledger.set_watermark(account.organization, min(plan.window.end, plan.created_at))


def _close_outages(account: Any, plan: Any, made: Any) -> None:
    """An outage is closed once nothing of it is open any more; until then it stays planned."""
    from pro2_reconciliation.domain.outage import OutageState
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.report import End, make_report

    settled = {End.NONE, End.VERIFIED, End.REPORTED}
    rows, first = list(made.rows), plan
    while first.parent:  # a follow-up looks at a part only
        first = require_plan(account.ledger, first.parent)
        rows += make_report(account, first, Mode.ASK, not_now={}).rows
    for outage_id in plan.window.outage_ids if all(row.outcome in settled for row in rows) else ():
        outage = account.ledger.outage(outage_id)
        if outage is not None and outage.state is OutageState.PLANNED:
            account.ledger.set_outage_state(outage_id, OutageState.CLOSED, why=f"nothing open in {plan.hash}")


def _old_tags(account: Any) -> tuple[str, ...]:
    """Import tags of ours that a person may delete; a report does not fail because they cannot be read."""
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.drift import old_tags

    try:
        return tuple(old_tags(account))
    except RequestError as error:
        log.warning("Old tags could not be listed: %s", error)
        return ()


def _write(context: Any, made: Any) -> str:
    from pro2_reconciliation.repair.page import render
    from pro2_reconciliation.repair.report import as_json

    folder, name = folder_and_name(context)
    (folder / f"{name}.json").write_text(json.dumps(as_json(made), indent=1, ensure_ascii=False))
    page = folder / f"{name}.html"
    page.write_text(render(made))
    return str(page)


def _with_links(context: Any, made: Any, ledger: Any, cleared: dict[str, Any] | None) -> Any:
    """Each row with the log of the task that knew most of it: its last step, else its sensor, else the plan."""
    from airflow.sdk.configuration import conf

    from pro2_reconciliation.domain.words import ItemKind
    from pro2_reconciliation.repair.actions import Lane

    base = conf.get("api", "base_url", fallback="").rstrip("/")
    run_id = context["dag_run"].run_id
    here = f"{base}/dags/{context['dag'].dag_id}/runs/{run_id}/tasks"
    links: dict[str, str] = {}
    try:
        inventory = ledger.inventory(run_id)
    except LedgerError:
        inventory = None
    for kind in (ItemKind.CAMPAIGN, ItemKind.OCCURRENCE):
        for index, item in enumerate(inventory.watched(kind) if inventory else []):
            links[f"{kind.value}:{item['item_id']}"] = f"{here}/watch_{kind.value}/mapped/{index}"
    for lane in Lane:
        for index, step in enumerate(steps_of(cleared, lane)):
            links[step["item_key"]] = f"{here}/{lane}/mapped/{index}"
    rows = tuple(
        row.model_copy(update={"log_url": links.get(row.key, f"{here}/build_plan")}) for row in made.rows
    )
    return made.model_copy(update={"rows": rows})
