"""The bodies of the plain tasks of ``reconcile``: from inventory to plan, from answer to lanes.

Each takes Airflow's context and calls the core; what travels by XCom is JSON. They fail in words that name local
time with its zone, before anything is sent.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import Any

from pro2.accounts import DASHBOARD, PRO2, TESSITURA, open_account, open_ledger, require_plan, who_acts
from pro2.files import write_drift, write_recording
from pro2_reconciliation.domain.errors import ConfigurationError, Rejected

log = logging.getLogger("pro2.reconcile")
MAX_FOLLOW_UPS = 2
CLEARED = "cleared"
"""The XCom of ``clear`` that holds its list; what it returns is the branch."""


def take_inventory(context: Any, resolved: dict[str, Any]) -> list[int]:
    """Read everything touched into the ledger, under the id of the dag run.

    Returns the places in its list of what is unsettled that are watched without a worker; none where each item gets
    a sensor that carries its name (``lean_above`` of the policy).
    """
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.inventory import take_inventory as take
    from pro2_reconciliation.repair.settling import settle_waiting

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
    watched = {item.key for item in inventory.watch}
    log.info("%d items were touched, %d of them are unsettled", len(inventory.observations), len(watched))
    for key, seen in inventory.observations.items():
        more = "will be watched" if key in watched else "settled"
        log.info("«%s» (%s) was seen: %s (%s)", seen.name, seen.item_id, seen.state, more)
    run_id = context["dag_run"].run_id
    account.ledger.save_inventory(run_id, inventory)
    noting.watching(account.ledger, account.organization, run_id, inventory)
    lean = sum(item.lean for item in inventory.watch)
    if not lean:
        return []
    log.info(
        "These are more than %s (lean_above in policy.yaml), so the triggerer alone watches them: watch_lean shows "
        "numbers, the log of each says its name",
        account.policy.lean_above,
    )
    return list(range(lean))


def watched_items(context: Any, kind: str) -> list[dict[str, Any]]:
    """The unsettled items of one kind, for mapped sensors that carry their names; none when the watch is lean."""
    from pro2_reconciliation.domain.words import ItemKind

    return open_ledger().inventory(context["dag_run"].run_id).watched(ItemKind(kind))


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
    for sensor, size in Counter(item.sensor for item in inventory.watch).items():
        for text in ti.xcom_pull(task_ids=sensor, map_indexes=range(size)):
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


def clear(context: Any, resolved: dict[str, Any], plan_hash: str) -> list[str]:
    """Work out the one list of what may be done now; returns the ids of the tasks that follow from it.

    The list, a ``Cleared`` as JSON, is the XCom ``cleared`` of this task.
    """
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.clearing import clear as clear_plan

    account = open_account(who_acts(context))
    plan = require_plan(account.ledger, plan_hash)
    answers = account.ledger.answers(plan_hash)
    who = next((record.who for record in answers.values()), who_acts(context))
    cleared = clear_plan(account, plan, Mode(resolved["mode"]), who=who)
    noting.cleared(account.ledger, account.organization, context["dag_run"].run_id, cleared)
    for key, why in cleared.not_now.items():
        decision = plan.decision(key)
        log.info("«%s» (%s) is not done: %s", decision.name if decision else key, key, why)
    log.info("%d steps may be done", len(cleared.steps))
    body = cleared.model_dump(mode="json")
    context["ti"].xcom_push(key=CLEARED, value=body)
    again = bool(_keys_to_ask_again(account, plan, resolved, body))
    return lanes_with_work(body) or ["follow_up" if again else "nothing_to_do"]


def cleared_in(context: Any) -> dict[str, Any] | None:
    """What ``clear`` worked out in this dag run; None when it did not end well."""
    found = context["ti"].xcom_pull(task_ids="clear", key=CLEARED)
    return dict(found) if found else None


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


def follow_up(context: Any, resolved: dict[str, Any], plan_hash: str) -> list[dict[str, Any]]:
    """What needs another question (drift of a data sync, STALE, consent in ``auto``) goes to one more dag run.

    Only ids of our own making leave here: Airflow renders the values of a conf.
    """
    from pro2_reconciliation.domain.words import Mode

    cleared = cleared_in(context)
    if not cleared or resolved["mode"] == Mode.PLAN.value:
        return []
    account = open_account(who_acts(context))
    plan = require_plan(account.ledger, plan_hash)
    keys = _keys_to_ask_again(account, plan, resolved, cleared)
    if not keys:
        return []
    account.ledger.save_follow_up(plan.hash, keys)
    log.info("%d items need another question: dag run ask__%s", len(keys), plan.hash)
    return [{"trigger_run_id": f"ask__{plan.hash}", "conf": {"follow_up": plan.hash, "mode": Mode.ASK.value}}]


def _keys_to_ask_again(
    account: Any, plan: Any, resolved: dict[str, Any], cleared: dict[str, Any]
) -> list[str]:
    """The items that need another question; none in mode ``plan``, nor after ``MAX_FOLLOW_UPS`` of them."""
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.handover import follow_up_keys

    mode = Mode(resolved["mode"])
    if mode is Mode.PLAN:
        return []
    depth, parent = 0, plan.parent
    while parent:
        depth, parent = depth + 1, require_plan(account.ledger, parent).parent
    return list(follow_up_keys(account, plan, mode, cleared["not_now"])) if depth < MAX_FOLLOW_UPS else []
