"""The bodies of the plain tasks of ``reconcile``: from inventory to plan, from answer to lanes.

Each takes Airflow's context and calls the core; what travels by XCom is JSON. They fail in words that name local
time with its zone, before anything is sent.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from pro2.accounts import DASHBOARD, PRO2, TESSITURA, open_account, open_ledger, require_plan, who_acts
from pro2.files import write_drift, write_recording
from pro2_reconciliation.domain.errors import ConfigurationError, Rejected

log = logging.getLogger("pro2.reconcile")


def take_inventory(context: Any, resolved: dict[str, Any]) -> str:
    """Read everything touched into the ledger; returns the inventory's id (the dag run's)."""
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.repair.inventory import take_inventory as take
    from pro2_reconciliation.repair.settling import settle_waiting
    from pro2_reconciliation.repair.telling import named, seen

    account = open_account(who_acts(context))
    for told in settle_waiting(account):
        log.info("Waited for a look: %s", told)
    try:
        inventory = take(account, Window.model_validate(resolved["window"]), only=tuple(resolved["only"]))
    except Rejected as error:
        if error.status not in (401, 403):
            raise
        raise ConfigurationError(
            f"{error}. Check the password of the connections {PRO2}, {DASHBOARD} and {TESSITURA} "
            "(Admin, Connections, Test)"
        ) from error
    watched = {item.key: item.until for item in inventory.watch}
    log.info(
        "%d items were touched, and %d of them were unsettled", len(inventory.observations), len(watched)
    )
    for key, found in inventory.observations.items():
        more = f"; it was unsettled, so it is watched until {watched[key]}" if key in watched else ""
        log.info("%s: was seen %s%s", named(found.name, key), seen(found, account.zone), more)
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
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.questions import to_be_asked
    from pro2_reconciliation.repair.recording import record_plan
    from pro2_reconciliation.repair.telling import decided, named

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
    plan, recording = record_plan(account, inventory, observations, run=run_id, parent=resolved["parent"])
    plan = to_be_asked(plan, Mode(resolved["mode"]))
    account.ledger.save_plan(plan, run_id)
    write_drift(context, account, plan)
    write_recording(context, recording)
    for decision in plan.decisions:
        log.info("%s: %s", named(decision.name, decision.key), decided(decision))
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
    from pro2_reconciliation.repair.telling import DOING

    account = open_account(who_acts(context))
    plan = require_plan(account.ledger, plan_hash)
    cleared = clear_plan(account, plan, Mode(resolved["mode"]), who=who_acts(context))
    for key, why in cleared.not_now.items():
        log.info("%s: nothing is done: %s", _named(plan, key), why)
    doing: dict[str, list[str]] = {}
    for step in cleared.steps:
        doing.setdefault(step.item_key, []).append(DOING[step.verb])
    for key, steps in doing.items():
        before = f" ({cleared.joined[key]}; nothing is done twice)" if key in cleared.joined else ""
        log.info("%s: was cleared for %s%s", _named(plan, key), ", ".join(steps), before)
    log.info("%d items were cleared, %d were not", len(doing), len(cleared.not_now))
    return cleared.model_dump(mode="json")


def _named(plan: Any, key: str) -> str:
    from pro2_reconciliation.repair.telling import named

    decision = plan.decision(key)
    return named(decision.name if decision else key, key)


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
    context: Any, resolved: dict[str, Any], plan_hash: str | None, cleared: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """What needs another question goes to one more dag run, and what waits for the sending hours to one that begins
    then. Where ``clear`` did not end well nobody decided, so what it was about is asked again.

    Only ids of our own making leave here: Airflow renders the values of a conf.
    """
    from pro2_reconciliation.domain.localtime import local
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.handover import hand_overs

    if not plan_hash or resolved["mode"] == Mode.PLAN.value:
        return []
    account = open_account(who_acts(context))
    plan = account.ledger.plan(plan_hash)
    if plan is None:
        log.warning("Plan %s is not in this ledger, so nothing goes on from it", plan_hash)
        return []
    not_now = cleared["not_now"] if cleared else {}
    started = []
    for one in hand_overs(account, plan, Mode(resolved["mode"]), not_now):
        account.ledger.save_follow_up(one.notes, one.keys)
        for key in one.keys:
            goes_on = f"goes on {local(one.after, account.zone)}" if one.after else "is asked about again"
            log.info("%s: %s in dag run %s", _named(plan, key), goes_on, one.run_id)
        start = {"trigger_run_id": one.run_id, "conf": {"follow_up": plan.hash, "mode": Mode.ASK.value}}
        started.append({**start, "run_after": one.after.isoformat()} if one.after else start)
    if not started:
        log.info("Nothing had to be asked again")
    return started
