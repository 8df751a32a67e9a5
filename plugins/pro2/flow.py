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
MAX_FOLLOW_UPS = 2


def take_inventory(context: Any, resolved: dict[str, Any]) -> str:
    """Read everything touched into the ledger; returns the inventory's id (the dag run's)."""
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.restriction import Restriction
    from pro2_reconciliation.repair.inventory import take_inventory as take
    from pro2_reconciliation.repair.restricting import in_words
    from pro2_reconciliation.repair.settling import settle_waiting

    account = open_account(who_acts(context))
    for settled in settle_waiting(account):
        log.info("Waited for a look: %s", settled)
    try:
        inventory = take(
            account,
            Window.model_validate(resolved["window"]),
            only=tuple(resolved["only"]),
            restriction=Restriction.model_validate(resolved.get("restriction") or {}),
        )
    except Rejected as error:
        if error.status not in (401, 403):
            raise
        raise ConfigurationError(
            f"{error}. Check the password of the connections {PRO2}, {DASHBOARD} and {TESSITURA} "
            "(Admin, Connections, Test)"
        ) from error
    for sentence in in_words(inventory.restriction, inventory.not_looked_at, inventory.zone):
        log.info("%s", sentence)
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
    from pro2_reconciliation.repair.recording import record_plan

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
    account.ledger.save_plan(plan, run_id)
    write_drift(context, account, plan)
    write_recording(context, recording)
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
    if run_id.startswith("outage__") and not plan.restriction:
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
    plan = require_plan(account.ledger, plan_hash)
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
    plan = require_plan(account.ledger, plan_hash)
    keys = follow_up_keys(account, plan, Mode(resolved["mode"]), cleared["not_now"])
    depth, parent = 0, plan.parent
    while parent:
        depth, parent = depth + 1, require_plan(account.ledger, parent).parent
    if not keys or depth >= MAX_FOLLOW_UPS:
        return []
    account.ledger.save_follow_up(plan.hash, keys)
    log.info("%d items need another question: dag run ask__%s", len(keys), plan.hash)
    return [{"trigger_run_id": f"ask__{plan.hash}", "conf": {"follow_up": plan.hash, "mode": Mode.ASK.value}}]
