"""The bodies of the plain tasks of ``reconcile``: from dag run to plan, from answer to lanes, from ledger to report.

Each takes Airflow's context and calls the core; what travels by XCom is JSON. They fail in words that name local
time with its zone, before anything is sent.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from pro2.accounts import DASHBOARD, PRO2, TESSITURA, open_account, open_ledger, open_site, who_acts
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError, Rejected

log = logging.getLogger("pro2.reconcile")
LATEST = "latest"
MAX_FOLLOW_UPS = 2


def resolve_window(context: Any) -> dict[str, Any]:
    """The window of this dag run as JSON, with its mode: from a follow-up, an outage, the form, or the watermark.

    Raises ``ConfigurationError`` for a value that cannot be meant, with the place and the next step.
    """
    from pro2_reconciliation.domain.localtime import describe_window, local
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.words import Mode

    params = dict(context["params"])
    site, ledger, now = open_site(), open_ledger(), datetime.now(UTC)
    _require_organization(params.get("organization"), site.organization)
    mode = _mode(params.get("mode"))
    only: tuple[str, ...] = ()
    parent: str | None = None
    if params.get("follow_up"):
        plan = _plan(ledger, str(params["follow_up"]))
        if plan.organization != site.organization:
            raise ConfigurationError(
                f"plan {plan.hash} is about {plan.organization!r}; jobs.yaml is about {site.organization!r}"
            )
        window, parent, mode = plan.window, plan.hash, Mode.ASK
        only = tuple(ledger.follow_up(plan.hash))
    elif params.get("from") or params.get("to"):
        window = _form_window(ledger, site, params, now)
    elif _is_scheduled(context["dag_run"]):
        start = ledger.watermark(site.organization) or now - timedelta(hours=24)
        window, mode = Window(start=start, end=now, source="nightly"), Mode.PLAN
    else:
        window, mode = _outage_window(ledger, site, str(params.get("outage") or LATEST), mode, now)
    log.info("Window %s, source %s, mode %s", describe_window(window, site.zone), window.source, mode.value)
    if not window.outage_known and mode is not Mode.PLAN:
        log.info(
            "No known outage that is over lies in this window, so this dag run only proposes (mode plan)"
        )
        mode = Mode.PLAN
    log.info("It is %s", local(now, site.zone))
    return {
        "window": window.model_dump(mode="json"),
        "mode": mode.value,
        "only": list(only),
        "parent": parent,
        "reason": str(params.get("reason") or ""),
    }


def _is_scheduled(dag_run: Any) -> bool:
    run_type = dag_run.run_type  # a task gets an enum whose text is "DagRunType.SCHEDULED"
    return bool(getattr(run_type, "value", run_type) == "scheduled")


def _form_window(ledger: Any, site: Any, params: dict[str, Any], now: datetime) -> Any:
    """The window that was typed. Its outage is known when one lies in it, and none in it goes on."""
    from pro2_reconciliation.domain.config import parse_window

    for key in ("from", "to"):
        if not params.get(key):
            raise ConfigurationError(f"{key} is empty; give both from and to, or neither and an outage")
    try:
        window = parse_window(
            str(params["from"]),
            str(params["to"]),
            site.zone,
            now=now,
            max_hours=site.policy.max_window_hours,
            confirmed=bool(params.get("confirmed")),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"from and to of the form: {error}") from None
    inside = [
        outage
        for outage in ledger.outages(site.organization)
        if outage.start < window.end and (outage.end is None or window.start < outage.end)
    ]
    for outage in inside:
        if _goes_on(outage, now):
            log.warning("Outage %s is still open: this window is only observed", outage.id)
    known = bool(inside) and not any(_goes_on(outage, now) for outage in inside)
    return window.model_copy(update={"source": "form", "outage_known": known})


def _goes_on(outage: Any, now: datetime) -> bool:
    from pro2_reconciliation.domain.outage import OutageState

    return bool(outage.state is OutageState.OPEN or outage.end is None or outage.end > now)


def _require_organization(wanted: object, organization: str) -> None:
    if wanted and wanted != organization:
        raise ConfigurationError(
            f"organization {wanted!r} is not configured here; jobs.yaml is about {organization!r}. Leave it empty"
        )


def _mode(value: object) -> Any:
    from pro2_reconciliation.domain.words import Mode

    try:
        return Mode(str(value or Mode.PLAN.value))
    except ValueError:
        raise ConfigurationError(f"mode {value!r} is unknown; choose plan, ask or auto") from None


def _plan(ledger: Any, plan_hash: str) -> Any:
    plan = ledger.plan(plan_hash)
    if plan is None:
        raise LedgerError(f"plan {plan_hash} is not in this ledger; run reconcile for its outage again")
    return plan


def _outage_window(ledger: Any, site: Any, wanted: str, mode: Any, now: datetime) -> tuple[Any, Any]:
    from pro2_reconciliation.domain.outage import OutageState
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.words import Mode

    known = ledger.outages(site.organization)
    if wanted == LATEST:
        chosen = max(known, key=lambda o: o.start, default=None)
        if chosen is None:
            raise ConfigurationError("no outage is known; give from and to, or declare one in sources.yaml")
    else:
        chosen = ledger.outage(wanted)
        if chosen is None or chosen.organization != site.organization:
            ids = ", ".join(o.id for o in known) or "none"
            raise ConfigurationError(f"outage {wanted!r} is not known; known are: {ids}")
    still_on = _goes_on(chosen, now)
    if still_on:
        log.warning("Outage %s is still open: it is only observed", chosen.id)
    window = Window(
        start=chosen.start,
        end=now if still_on else chosen.end,
        source=f"outage {chosen.id}",
        outage_ids=(chosen.id,),
        outage_known=not still_on,
        services=(chosen.service,),
    )
    if chosen.state is OutageState.ENDED and not still_on and mode is not Mode.PLAN:
        log.warning("Outage %s has ended and not settled yet: this dag run only proposes", chosen.id)
        mode = Mode.PLAN
    return window, Mode.PLAN if still_on else mode


def take_inventory(context: Any, resolved: dict[str, Any]) -> str:
    """Read everything touched into the ledger; returns the inventory's id (the dag run's)."""
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.repair.inventory import take_inventory as take

    account = open_account(who_acts(context))
    try:
        inventory = take(account, Window.model_validate(resolved["window"]), only=tuple(resolved["only"]))
    except Rejected as error:
        if error.status not in (401, 403):
            raise
        raise ConfigurationError(
            f"{error}. Check the password of the connections {PRO2}, {DASHBOARD} and {TESSITURA} "
            "(Admin, Connections, Test)"
        ) from error
    watched = {item.key for item in inventory.watch}
    log.info("%d items were touched, %d of them are unsettled", len(inventory.observations), len(watched))
    for key, seen in inventory.observations.items():
        more = "will be watched" if key in watched else "settled"
        log.info("«%s» (%s) was seen: %s (%s)", seen.name, seen.item_id, seen.state, more)
    run_id = context["dag_run"].run_id
    return account.ledger.save_inventory(run_id, inventory)


def watched_items(inventory_id: str, kind: str) -> list[dict[str, Any]]:
    """The unsettled items of one kind, for mapped sensors."""
    from pro2_reconciliation.domain.words import ItemKind

    return open_ledger().inventory(inventory_id).watched(ItemKind(kind))


def build_plan(context: Any, resolved: dict[str, Any]) -> str:
    """Decide; keep the plan in the ledger; return its hash. A sensor without an observation leaves UNKNOWN."""
    from airflow.sdk.exceptions import AirflowFailException

    from pro2_reconciliation.domain.observation import Observation
    from pro2_reconciliation.repair.planning import build_plan as build

    ti, run_id = context["ti"], context["dag_run"].run_id
    account = open_account(who_acts(context))
    if ti.xcom_pull(task_ids="take_inventory") is None:
        raise AirflowFailException(
            "there is no inventory, so nothing is decided; read the log of take_inventory"
        )
    inventory = account.ledger.inventory(run_id)
    observations: dict[str, Observation] = {}
    for task_id, kind in (("watch_campaign", "campaign"), ("watch_occurrence", "occurrence")):
        size = sum(item.kind == kind for item in inventory.watch)
        for text in ti.xcom_pull(task_ids=task_id, map_indexes=range(size)) if size else []:
            if text is not None:
                # a trigger that ends a task pushes JSON text
                seen = Observation.model_validate(json.loads(text) if isinstance(text, str) else text)
                observations[seen.key] = seen
    plan = build(account, inventory, observations, run=run_id, parent=resolved["parent"])
    account.ledger.save_plan(plan, run_id)
    for decision in plan.decisions:
        via = f" via {', '.join(decision.via)}" if decision.via else ""
        log.info(
            "«%s» (%s): %s%s, %s: %s",
            decision.name,
            decision.item_id,
            decision.rule,
            via,
            decision.remedy.value,
            decision.reason,
        )
    if run_id.startswith("outage__"):
        _mark_planned(account.ledger, plan)
    return plan.hash


def _mark_planned(ledger: Any, plan: Any) -> None:
    """An outage that came back since detection started this dag run is not covered: its own is still to come."""
    from pro2_reconciliation.domain.outage import OutageState

    for outage_id in plan.window.outage_ids:
        outage = ledger.outage(outage_id)
        if (
            outage is not None
            and outage.end is not None
            and plan.window.start <= outage.start
            and outage.end <= plan.window.end
        ):
            ledger.set_outage_state(outage_id, OutageState.PLANNED, why=f"plan {plan.hash}")


def clear(context: Any, resolved: dict[str, Any], plan_hash: str) -> dict[str, Any]:
    """The one list of what may be done now (a ``Cleared`` as JSON)."""
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.clearing import clear as clear_plan

    account = open_account(who_acts(context))
    plan = _plan(account.ledger, plan_hash)
    answers = account.ledger.answers(plan_hash)
    who = next((record.who for record in answers.values()), who_acts(context))
    cleared = clear_plan(account, plan, Mode(resolved["mode"]), who=who)
    for key, why in cleared.not_now.items():
        decision = plan.decision(key)
        log.info("«%s» (%s) is not done: %s", decision.name if decision else key, key, why)
    log.info("%d steps may be done", len(cleared.steps))
    return cleared.model_dump(mode="json")


def steps_of(cleared: dict[str, Any] | None, lane: str) -> list[dict[str, Any]]:
    """The steps of one lane, smallest audience first; none when ``clear`` did not end well."""
    if not cleared:
        return []
    from pro2_reconciliation.repair.actions import Lane
    from pro2_reconciliation.repair.clearing import Cleared

    steps = Cleared.model_validate(cleared).of(Lane(lane))
    return [step.model_dump(mode="json") for step in steps]


def lanes_with_work(cleared: dict[str, Any]) -> list[str]:
    """Task ids of the lists of the lanes that have work; an empty list follows none."""
    lanes = {step["lane"] for step in cleared["steps"]}
    return [f"list_{lane}" for lane in lanes]


def follow_up(
    context: Any, resolved: dict[str, Any], plan_hash: str, cleared: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """What needs another question (drift of a data sync, STALE, consent in ``auto``) goes to one more dag run.

    Only ids of our own making leave here: Airflow renders the values of a conf.
    """
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.handover import follow_up_keys

    if not cleared or resolved["mode"] == Mode.PLAN.value:
        return []
    account = open_account(who_acts(context))
    plan = _plan(account.ledger, plan_hash)
    keys = follow_up_keys(account, plan, Mode(resolved["mode"]), cleared["not_now"])
    depth, parent = 0, plan.parent
    while parent:
        depth, parent = depth + 1, _plan(account.ledger, parent).parent
    if not keys or depth >= MAX_FOLLOW_UPS:
        return []
    account.ledger.save_follow_up(plan.hash, keys)
    log.info("%d items need another question: dag run ask__%s", len(keys), plan.hash)
    return [{"trigger_run_id": f"ask__{plan.hash}", "conf": {"follow_up": plan.hash, "mode": Mode.ASK.value}}]


def report(
    context: Any, resolved: dict[str, Any], plan_hash: str | None, cleared: dict[str, Any] | None
) -> str:
    """Compare plan and ledger, write HTML and JSON, print the table; raise if anything has no end.

    Returns the path of the HTML file. Raises ``ReconciliationError`` also when there is no plan at all.
    """
    from pro2_reconciliation.domain.errors import ReconciliationError
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.page import render_text
    from pro2_reconciliation.repair.report import keep_open_items, make_report, raise_if_failed

    if not plan_hash:
        raise ReconciliationError(
            "there is no plan, so nothing was done; read the log of the first failed task"
        )
    account = open_account(who_acts(context))
    plan = _plan(account.ledger, plan_hash)
    # clear failed: nothing was cleared, and the report says so for each item that was chosen
    not_now = (
        cleared["not_now"]
        if cleared
        else {d.key: "clear failed; read its log" for d in plan.decisions if d.asks}
    )
    made = make_report(account, plan, Mode(resolved["mode"]), not_now=not_now, reason=resolved["reason"])
    made = _with_links(context, made, account.ledger, cleared)
    keep_open_items(account, plan, made)
    _close_outages(account, plan, made)
    path = _write(context, made)
    log.info("Report: %s\n%s", path, render_text(made))
    _move_watermark(account, plan, Mode(resolved["mode"]))
    raise_if_failed(made)
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
    from pro2_reconciliation.repair.report import End

    settled = {End.NONE, End.VERIFIED, End.REPORTED}
    for outage_id in plan.window.outage_ids if all(row.outcome in settled for row in made.rows) else ():
        outage = account.ledger.outage(outage_id)
        if outage is not None and outage.state is OutageState.PLANNED:
            account.ledger.set_outage_state(outage_id, OutageState.CLOSED, why=f"nothing open in {plan.hash}")


def _write(context: Any, made: Any) -> str:
    import os

    from airflow.sdk import ObjectStoragePath

    from pro2_reconciliation.repair.page import render
    from pro2_reconciliation.repair.report import as_json

    home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
    folder = ObjectStoragePath(os.environ.get("PRO2_RECONCILIATION_REPORTS") or f"file://{home}/reports")
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in context["dag_run"].run_id)
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
