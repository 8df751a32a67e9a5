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
CLEARED = "cleared"
"""The XCom of ``clear`` that holds its list; what it returns is the branch."""


def take_inventory(context: Any, resolved: dict[str, Any]) -> list[int]:
    """Read everything touched into the ledger, under the id of the dag run.

    Returns the places in its list of what is unsettled that are watched without a worker; none where each item gets
    a sensor that carries its name (``lean_above`` of the policy).
    """
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.restriction import Restriction
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.inventory import take_inventory as take
    from pro2_reconciliation.repair.restricting import in_words
    from pro2_reconciliation.repair.settling import settle_waiting
    from pro2_reconciliation.repair.telling import named, seen

    account = open_account(who_acts(context))
    for settled in settle_waiting(account):
        log.info("Waited for a look: %s", settled)
    try:
        inventory = take(
            account,
            Window.model_validate(resolved["window"]),
            only=tuple(resolved["only"]),
            restriction=Restriction.model_validate(resolved.get("restriction") or {}),
            dag_run=context["dag_run"].run_id,
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
    watched = {item.key: item.until for item in inventory.watch}
    log.info(
        "%d items were touched, and %d of them were unsettled", len(inventory.observations), len(watched)
    )
    for key, found in inventory.observations.items():
        more = f"; it was unsettled, so it is watched until {watched[key]}" if key in watched else ""
        log.info("%s: was seen %s%s", named(found.name, key), seen(found, account.zone), more)
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
    for sensor, size in Counter(item.sensor for item in inventory.watch).items():
        for text in ti.xcom_pull(task_ids=sensor, map_indexes=range(size)):
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
    if run_id.startswith("outage__") and not plan.restriction:
        _mark_planned(account.ledger, plan)
    return plan.hash


def _mark_planned(ledger: Any, plan: Any) -> None:
    """An outage that came back, or that was confirmed, since detection started this dag run is not covered: its own,
    of the next generation, is still to come."""
    from pro2_reconciliation.domain.outage import OutageState

    window, generation = plan.window, plan.run.rpartition("__g")[2]

    def covered(outage: Any) -> bool:
        ended = outage.end is not None and window.start <= outage.start and outage.end <= window.end
        return ended and str(outage.generation) == generation

    for outage_id in window.outage_ids:
        if ledger.outage(outage_id) is not None:
            ledger.set_outage_state(outage_id, OutageState.PLANNED, why=f"plan {plan.hash}", provided=covered)


def clear(context: Any, resolved: dict[str, Any], plan_hash: str) -> list[str]:
    """Work out the one list of what may be done now; returns the ids of the tasks that follow from it.

    The list, a ``Cleared`` as JSON, is the XCom ``cleared`` of this task.
    """
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.clearing import clear as clear_plan
    from pro2_reconciliation.repair.handover import hand_overs
    from pro2_reconciliation.repair.telling import DOING

    account = open_account(who_acts(context))
    plan = require_plan(account.ledger, plan_hash)
    mode = Mode(resolved["mode"])
    cleared = clear_plan(account, plan, mode, who=who_acts(context))
    noting.cleared(account.ledger, account.organization, context["dag_run"].run_id, cleared)
    for key, why in cleared.not_now.items():
        log.info("%s: nothing is done: %s", _named(plan, key), why)
    doing: dict[str, list[str]] = {}
    for step in cleared.steps:
        doing.setdefault(step.item_key, []).append(DOING[step.verb])
    for key, steps in doing.items():
        before = f" ({cleared.joined[key]}; nothing is done twice)" if key in cleared.joined else ""
        log.info("%s: was cleared for %s%s", _named(plan, key), ", ".join(steps), before)
    log.info("%d items were cleared, %d were not", len(doing), len(cleared.not_now))
    body = cleared.model_dump(mode="json")
    context["ti"].xcom_push(key=CLEARED, value=body)
    if lanes := lanes_with_work(body):
        return lanes
    again = mode is not Mode.PLAN and hand_overs(account, plan, mode, cleared.not_now)
    return ["follow_up" if again else "nothing_to_do"]


def cleared_in(context: Any) -> dict[str, Any] | None:
    """What ``clear`` worked out in this dag run; None when it did not end well."""
    found = context["ti"].xcom_pull(task_ids="clear", key=CLEARED)
    return dict(found) if found else None


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


def follow_up(context: Any, resolved: dict[str, Any], plan_hash: str | None) -> list[dict[str, Any]]:
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
    cleared = cleared_in(context)
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
