"""The last task of ``reconcile``: plan against ledger, as page, table, JSON and a story in the log; at night a digest.

It runs whatever the tasks before it did, and raises when an action has no end, so that a dag run cannot look well
while something was lost. What is kept in the ledger is kept before anything is written to a storage.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pro2 import links
from pro2.accounts import open_account, require_plan, who_acts
from pro2.files import drift_file, write_digest, write_report
from pro2.flow import steps_of
from pro2.notifying import tell
from pro2.retention import delete_old
from pro2_reconciliation.domain.errors import LedgerError, ReconciliationError

if TYPE_CHECKING:
    from pro2_reconciliation.domain.catching_up import CatalogCheck
    from pro2_reconciliation.domain.plan import Plan
    from pro2_reconciliation.ledger import Ledger
    from pro2_reconciliation.repair.account import Account
    from pro2_reconciliation.repair.report import Report
    from pro2_reconciliation.repair.upcoming import Upcoming

log = logging.getLogger("pro2.reconcile")
NIGHTLY = "nightly"
"""The source of a window that the schedule gave."""
NOT_CLEARED = "ask or clear failed; read their logs"


def report(
    context: Any, resolved: dict[str, Any], plan_hash: str | None, cleared: dict[str, Any] | None
) -> str:
    """Compare plan and ledger, keep and write the report, tell its story; raise if anything has no end.

    Returns the path of the HTML file. Raises ``ReconciliationError`` also when there is no plan at all, when a question
    or what follows it failed (such a dag run looks well otherwise), and when the report could not be written: then it
    stands in the log.
    """
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.open_items import keep_open_items
    from pro2_reconciliation.repair.report import make_report, raise_if_failed
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
    for told in settle_waiting(account):
        log.info("Waited for a look: %s", told)
    mode = Mode(resolved["mode"])
    made = make_report(account, plan, mode, not_now=not_now, reason=resolved["reason"])
    made = _with_links(context, made, account.ledger, cleared)
    made = keep_open_items(account, plan, made)
    _close_outages(account, plan, made)
    made = made.model_copy(
        update={
            "old_tags": _old_tags(account),
            "upcoming": _upcoming(account),
            "drift_file": _drift_file(context),
            "catalog": _catalog(account, plan),
        }
    )
    _tell(made)
    path = _write(context, made)
    noting.reported(account.ledger, context["dag_run"].run_id, plan, made, path)
    _move_watermark(account, plan, mode)
    if plan.window.source == NIGHTLY:
        _end_the_night(context, account, plan)
    tell(lambda teller: teller.report(made, context["dag_run"].run_id, path))
    raise_if_failed(made)
    if unasked and made.mode is not Mode.PLAN:
        raise ReconciliationError(
            f"Nothing was done about {len(unasked)} items, whatever was answered: {NOT_CLEARED}. "
            "Then start reconcile again, mode ask"
        )
    return path


def _tell(made: Report) -> None:
    """The story of the report, worst things louder, and the table."""
    from pro2_reconciliation.repair.outcome import End
    from pro2_reconciliation.repair.plain import render_text, story

    levels = {End.FAILED: logging.ERROR, End.NEEDS_HUMAN: logging.WARNING}
    told = story(made)
    log.info("Plan %s was compared with the ledger: %d items", made.plan_hash, len(made.rows))
    for outcome, sentence in told:
        log.log(levels.get(outcome, logging.INFO), "%s", sentence)
    log.info("%d items needed nothing", len(made.rows) - len(told))
    log.info("The whole report:\n%s", render_text(made))


def _write(context: Any, made: Report) -> str:
    """Write the files. Raises ``ReconciliationError`` with the place, and says that the log holds the report."""
    try:
        path = write_report(context, made)
    except ReconciliationError:
        raise
    except Exception as error:  # an object storage has errors of its own
        raise ReconciliationError(
            f"the report could not be written ({error}); it stands in this log, and in the ledger nothing is missing. "
            "Make the storage of PRO2_RECONCILIATION_REPORTS reachable and clear this task"
        ) from error
    log.info("The report was written to %s", path)
    return path


def _end_the_night(context: Any, account: Account, plan: Plan) -> None:
    """The digest, and what is too old. Neither is a reason to fail: the report was written."""
    from pro2_reconciliation.overview.digest import digest

    _compare(account)
    try:
        night = digest(
            account.site, account.ledger, account.now(), since=plan.window.start, witness=account.witness,
            link=links.page_of_item, plan_hash=plan.hash,
        )  # fmt: skip
        log.info("The digest: %s\n%s", night.subject, night.text)
        write_digest(context, night)
        run_id = context["dag_run"].run_id
        tell(lambda teller: teller.digest(run_id, night.subject, night.text, night.html))
    except Exception as error:
        log.warning("The digest could not be made: %s", error)
    deleted = delete_old(account)
    if deleted:
        log.info("%d files were too old and were deleted: %s", len(deleted), ", ".join(deleted))


def _compare(account: Account) -> None:
    """What became of the proposals of mode plan (docs/shadow.md); a night does not fail because of it."""
    from pro2_reconciliation.repair.shadowing import compare

    try:
        for one in compare(account):
            log.info(
                "Shadow: %s of %s would have been «%s»: %s",
                one.rule,
                one.item_key,
                one.verdict.value,
                one.why,
            )
    except Exception as error:
        log.warning("Proposals could not be compared with what happened: %s", error)


def _move_watermark(account: Any, plan: Any, mode: Any) -> None:
    """The nightly's windows join each other; another one counts only if it leaves no gap before it, and nothing out:
    the outage of another service than sending says nothing of campaigns."""
    from pro2_reconciliation.domain.words import Mode, Service

    if plan.restriction or Service.SENDING not in plan.window.services:
        return
    mark = account.ledger.watermark(account.organization)
    joins = mode is not Mode.PLAN and mark is not None and plan.window.start <= mark
    if joins or plan.window.source == NIGHTLY:
        account.ledger.set_watermark(account.organization, min(plan.window.end, plan.created_at))


def _close_outages(account: Any, plan: Any, made: Any) -> None:
    """An outage is closed once nothing of it is open any more; until then it stays planned. A dag run that was
    restricted by its form has not looked at all of it, and closes nothing."""
    from pro2_reconciliation.domain.outage import OutageState
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.outcome import SETTLED
    from pro2_reconciliation.repair.report import make_report

    if plan.restriction:
        return
    rows, first = list(made.rows), plan
    while first.parent:  # a follow-up looks at a part only
        first = require_plan(account.ledger, first.parent)
        rows += make_report(account, first, Mode.ASK, not_now={}).rows
    for outage_id in plan.window.outage_ids if all(row.outcome in SETTLED for row in rows) else ():
        if account.ledger.outage(outage_id) is not None:
            account.ledger.set_outage_state(
                outage_id,
                OutageState.CLOSED,
                why=f"nothing open in {plan.hash}",
                provided=lambda one: one.state is OutageState.PLANNED,
            )


def _old_tags(account: Any) -> tuple[str, ...]:
    """Import tags of ours that a person may delete; a report does not fail because they cannot be read."""
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.drift import old_tags

    try:
        return tuple(old_tags(account))
    except RequestError as error:
        log.warning("Old tags could not be listed: %s", error)
        return ()


def _drift_file(context: Any) -> str:
    try:
        return drift_file(context)
    except (
        Exception
    ) as error:  # an object storage has errors of its own; writing the report says the same louder
        log.warning("Whether there is a drift's file could not be seen: %s", error)
        return ""


def _upcoming(account: Account) -> Upcoming:
    """What is due in the next day: read from Pro2 now, else what detection kept last. Nothing fails because of it."""
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.ledger import Snapshot
    from pro2_reconciliation.overview.due import LOOKED_BACK, upcoming
    from pro2_reconciliation.overview.picture import Picture, lasts
    from pro2_reconciliation.repair.snapshot import scheduled_snapshot
    from pro2_reconciliation.repair.upcoming import Soon, Upcoming

    site, ledger, now = account.site, account.ledger, account.now()
    snapshot: Snapshot | None
    try:
        try:
            snapshot = Snapshot(now, scheduled_snapshot(account))
        except RequestError as error:
            log.warning(
                "What is scheduled could not be read (%s); the last snapshot was taken instead", error
            )
            snapshot = ledger.latest_snapshot(site.organization)
        lasting = [one for one in ledger.outages(site.organization) if lasts(one, now)]
        picture = Picture.read(site, ledger, now, outages=lasting, more=now - LOOKED_BACK)
        items = [
            Soon(kind=one.kind, item_id=one.item_id, name=one.name, due=one.due, risk=one.risk)
            for one in upcoming(picture, snapshot)
        ]
    except Exception as error:  # whatever it is, the report comes first
        log.warning("What is due next could not be told: %s", error)
        return Upcoming()
    return Upcoming(items=tuple(items), as_of=snapshot.at if snapshot else None)


def _catalog(account: Account, plan: Plan) -> CatalogCheck:
    """At night the catalog is checked against the runs; a report does not fail because of it."""
    from pro2_reconciliation.domain.catching_up import CatalogCheck
    from pro2_reconciliation.repair.catalog import check_catalog

    if plan.window.source != NIGHTLY:
        return CatalogCheck()
    try:
        return check_catalog(account)
    except Exception as error:  # whatever it is, the report comes first
        log.warning("The catalog could not be checked: %s", error)
        return CatalogCheck(unread=str(error))


def _with_links(context: Any, made: Report, ledger: Ledger, cleared: dict[str, Any] | None) -> Report:
    """Each row with the log of the task that knew most of it: its last step, else its sensor, else the plan."""
    from pro2_reconciliation.domain.inventory import places
    from pro2_reconciliation.repair.actions import Lane

    run_id = context["dag_run"].run_id
    here = links.tasks_of(context["dag"].dag_id, run_id)
    found: dict[str, str] = {}
    try:
        inventory = ledger.inventory(run_id)
    except LedgerError:
        inventory = None
    for key, place in places(inventory.watch).items() if inventory else []:
        found[key] = f"{here}/{place.sensor}/mapped/{place.map_index}"
    for lane in Lane:
        for index, step in enumerate(steps_of(cleared, lane)):
            found[step["item_key"]] = f"{here}/{lane}/mapped/{index}"
    rows = tuple(
        row.model_copy(update={"log_url": found.get(row.key, f"{here}/build_plan")}) for row in made.rows
    )
    return made.model_copy(update={"rows": rows})
