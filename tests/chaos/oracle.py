"""Judges a played evening by what the sandbox knows: who got which mail, from whose press, and what we could see.

"Because of us" means: a patron got mail of one lineage twice, one of them from a send (Run Now) of ours, and before
that request left an answer to a read of OURS had already told what makes the other one: somebody's copy, a send, a
new date, a run. A person who acts between that last read and the request cannot be seen by anybody; such cases are
counted as ``within_a_look``, with how many requests lay between. What a person or the vendor does after our effect is
theirs; an original that wakes then must have rung the guard's alarm.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from tests.chaos.playing import DagRun, Stage, Stamped
from tests.claims import every_action

from pro2_reconciliation.domain.words import Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.report import End, Row

UNSETTLED = frozenset({State.CLAIMED, State.INTENDED, State.AMBIGUOUS})
LOUD = frozenset(
    {End.NEEDS_HUMAN, End.FAILED, End.STALE, End.OPEN, End.NOT_NOW, End.NOT_CHOSEN, End.PROPOSED}
)
"""Ends that leave an item with somebody, with a reason."""
PRESSES = {"run_now": Verb.RUN_NOW, "repeat_import": Verb.REPEAT_IMPORT, "import": Verb.IMPORT_LIST}


@dataclass
class Verdict:
    """``faults`` are sentences, empty for a good evening; the rest is counted."""

    faults: list[str] = field(default_factory=list)
    within_a_look: list[int] = field(default_factory=list)
    woke: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def judge(stage: Stage) -> Verdict:
    """Everything that must never be, of one stage after its dag runs."""
    verdict = Verdict()
    _mailed_twice(stage, verdict)
    _each_press_once(stage, verdict)
    for run in stage.runs:
        _whole_report(stage, run, verdict)
        _limits(stage, run, verdict)
    _nothing_lost(stage, verdict)
    _nothing_left_unsettled(stage, verdict)
    return verdict


# ------------------------------------------------------------------------------------------- at most once


def _mailed_twice(stage: Stage, verdict: Verdict) -> None:
    for found in stage.world.effects.mailed_twice():
        if found.lineage.startswith("automation:"):
            _entered_twice(stage, found.lineage, verdict)
            continue
        sent = {
            one.effect.item: one
            for one in stage.stamped
            if one.effect.kind == "campaign_sent" and one.effect.by == "us"
        }
        ours = [campaign for campaign in dict.fromkeys(found.campaigns) if campaign in sent]
        where = f"lineage {found.lineage}, {found.patrons} patrons, campaigns {', '.join(found.campaigns)}"
        if len(ours) > 1:
            verdict.faults.append(f"mailed twice by us alone: {where}")
            continue
        for other in dict.fromkeys(found.campaigns):
            if ours and other not in ours:
                _because_of(stage, sent[ours[0]], other, found.lineage, where, verdict)


def _because_of(stage: Stage, ours: Stamped, other: str, root: str, where: str, verdict: Verdict) -> None:
    """Could we see, before our send ``ours``, that campaign ``other`` mails the same patrons?"""
    causes = [one for one in stage.stamped if one.number <= ours.number - 1 and _makes_mail(one, other)]
    if other == root or other in _at_t0(stage):
        stops = [
            one.number
            for one in stage.stamped
            if one.effect.kind == "campaign_stopped" and one.effect.item == other and one.effect.by == "us"
        ]
        causes = [one for one in causes if not stops or one.number > max(stops)]
    _seen_or_not(stage, ours, causes, f"campaign:{other}", where, verdict)
    if not causes and other == root:
        verdict.woke += 1
        if not any(f"({other})" in told for told in stage.alarms):
            verdict.faults.append(f"no alarm although the original woke: {where}")


def _makes_mail(stamped: Stamped, campaign: str) -> bool:
    effect = stamped.effect
    if effect.kind == "campaign_copied":
        return str(effect.detail["copy"]) == campaign and effect.by != "us"
    return effect.item == campaign and effect.kind in ("rescheduled", "campaign_sent", "mail")


def _at_t0(stage: Stage) -> set[str]:
    return {one.id for one in stage.incident.campaigns}


def _seen_or_not(
    stage: Stage, ours: Stamped, causes: list[Stamped], mark: str, where: str, verdict: Verdict
) -> None:
    owner = next(one.owner for one in stage.wire.carried if one.number == ours.number - 1)
    for cause in causes:
        seen = [
            one.number
            for one in stage.wire.carried
            if cause.number <= one.number < ours.number - 1 and one.owner == owner and mark in one.shown
        ]
        if seen:
            verdict.faults.append(
                f"mailed twice because of us: {where}; {cause.effect.kind} of {mark} by {cause.effect.by} stood in "
                f"the answer to request {seen[0]}, we sent with request {ours.number - 1}"
            )
            return
    if causes:
        verdict.within_a_look.append(ours.number - min(one.number for one in causes))


def _entered_twice(stage: Stage, lineage: str, verdict: Verdict) -> None:
    """Two runs of a trigger mailed the same patrons; each run of a job is told by its number."""
    automation = lineage.split(":")[1]
    jobs = {job.id for job in stage.incident.jobs if job.automation == automation}
    presses = [
        one
        for one in stage.stamped
        if one.effect.kind == "run_now" and one.effect.item in jobs and one.effect.by == "us"
    ]
    runs = sorted(
        (run for run in stage.world.jobs.runs if run.process_id in jobs), key=lambda run: int(run.id[2:])
    )
    for ours in presses:
        own = next((run for run in runs if run.by == "us" and run.started == ours.effect.at), None)
        for run in runs:
            if (
                own is None
                or run is own
                or run.started > ours.effect.at
                or run.label in ("Failed", "Stopped")
            ):
                continue
            if (ours.effect.at - run.started).total_seconds() > 86_400:
                continue
            shown = [
                one.number
                for one in stage.wire.carried
                if one.number < ours.number - 1 and f"run:{run.id}" in one.shown
            ]
            where = f"{lineage}, run {run.id} by {run.by} and our run {own.id}"
            if shown:
                verdict.faults.append(f"entered twice because of us: {where}, seen in request {shown[-1]}")
            elif int(run.id[2:]) < int(own.id[2:]):
                verdict.within_a_look.append(1)


def _each_press_once(stage: Stage, verdict: Verdict) -> None:
    """No more presses of ours than steps of the ledger that intended one; one send for each lineage."""
    ledger, organization = stage.ledger(), stage.site.organization
    intended: Counter[tuple[str, str]] = Counter()
    for action in every_action(ledger, organization):
        for step in action.steps:
            if step.when(State.INTENDED) is not None:
                intended[(action.root, step.verb.value)] += 1
    sent: Counter[str] = Counter()
    pressed: Counter[tuple[str, str]] = Counter()
    for one in stage.stamped:
        effect = one.effect
        if effect.by != "us":
            continue
        verdict.counts[effect.kind] += 1
        if effect.kind == "campaign_sent":
            sent[stage.world.campaigns.root(effect.item)] += 1
        elif effect.kind in PRESSES:
            pressed[(effect.item, effect.kind)] += 1
    verdict.faults += [f"sent {n} times by us: lineage {root}" for root, n in sent.items() if n > 1]
    for (item, kind), n in pressed.items():
        wanted = sum(
            amount
            for (root, verb), amount in intended.items()
            if verb == PRESSES[kind].value and (kind == "import" or root.startswith(f"occurrence:{item}@"))
        )
        if n > wanted:
            verdict.faults.append(f"{kind} of {item} pressed {n} times, the ledger intended {wanted}")


# --------------------------------------------------------------------------------------------- nothing lost


def _whole_report(stage: Stage, run: DagRun, verdict: Verdict) -> None:
    if run.report is None or run.plan is None:
        if not run.refused:
            verdict.faults.append(f"{run.run_id} has neither a report nor a reason")
        return
    rows = Counter(row.key for row in run.report.rows)
    verdict.faults += [f"{run.run_id} reports {key} {n} times" for key, n in rows.items() if n > 1]
    verdict.faults += [
        f"{run.run_id} decided {decision.key} and does not report it"
        for decision in run.plan.decisions
        if decision.key not in rows
    ]
    verdict.faults += [
        f"{run.run_id} gives no reason for {row.key} ({row.outcome})"
        for row in run.report.rows
        if not row.reason
    ]
    for key in sorted(_must_be_told(stage, run) - set(rows)):
        verdict.faults.append(f"{run.run_id} does not report {key}")


def _must_be_told(stage: Stage, run: DagRun) -> set[str]:
    """The items that were due in the outage, by the sandbox's own books; those that people moved are left out."""
    assert run.plan is not None
    window = run.plan.window
    moved = {
        one.effect.item
        for one in stage.stamped
        if one.effect.by != "us" and one.effect.kind in ("unscheduled", "rescheduled")
    }
    keys = set()
    if "sending" in {service.value for service in window.services}:
        for model in stage.incident.campaigns:
            due = None if model.due is None else stage.offset(model.due)
            if (
                due is not None
                and model.status != 0
                and window.start <= due < window.end
                and model.id not in moved
            ):
                keys.add(f"campaign:{model.id}")
    return keys | {f"occurrence:{key}" for key in _occurrences(stage, run)}


def _occurrences(stage: Stage, run: DagRun) -> list[str]:
    assert run.plan is not None
    window = run.plan.window
    found = []
    for model in stage.incident.jobs:
        begun = min(window.end, run.at - timedelta(minutes=model.grace_minutes))
        for due in stage.world.jobs.schedules[model.id].between(window.start, begun):
            found.append(f"{model.id}@{due:%Y-%m-%dT%H:%M:%SZ}")
    return found


def _nothing_lost(stage: Stage, verdict: Verdict) -> None:
    """Who did not get the mail of a campaign that was due is named, or it was a person who took it away."""
    last = next((run for run in reversed(stage.runs) if run.report is not None), None)
    if last is None or last.report is None:
        return
    rows = {row.key: row for row in last.report.rows}
    people = {
        stage.world.campaigns.root(one.effect.item) for one in stage.stamped if one.effect.by == "person"
    }
    for key in sorted(_must_be_told(stage, last)):
        row, kind = rows.get(key), key.partition(":")[0]
        if row is None or row.outcome in LOUD:
            continue
        if kind == "campaign":
            _mail_lost(stage, row, people, verdict)
        else:
            _run_lost(stage, row, verdict)


def _mail_lost(stage: Stage, row: Row, people: set[str], verdict: Verdict) -> None:
    campaign = stage.world.campaigns.all.get(int(row.item_id))
    held = row.decision == Remedy.HOLD_BACK or "hold back" in row.reason
    if campaign is None or held or row.item_id in people or row.rule in ("C1", "C2", "C5"):
        return  # a person said so, or it was never to go out now
    lacking = set(campaign.audience) - stage.world.effects.reached(campaign.lineage)
    share = len(lacking) / max(1, len(campaign.audience))
    if share > 1 - stage.site.policy.short_share and "short" not in row.reason:
        verdict.faults.append(
            f"{len(lacking)} of {len(campaign.audience)} never got {row.key}, and the report says "
            f"{row.rule}, {row.outcome}: {row.reason}; {row.detail}"
        )


def _run_lost(stage: Stage, row: Row, verdict: Verdict) -> None:
    if row.outcome is not End.VERIFIED:
        return
    job_id = row.item_id.partition("@")[0]
    model = stage.world.jobs.models[job_id]
    done = [
        run
        for run in stage.world.jobs.runs
        if run.by == "us"
        and run.status(stage.world.now) == "Completed"
        and (run.process_id == job_id or (run.process_id.startswith("import:") and model.tessitura_list))
    ]
    if not done:
        verdict.faults.append(f"{row.key} is verified, and no run of ours succeeded")


def _nothing_left_unsettled(stage: Stage, verdict: Verdict) -> None:
    """A request of unknown outcome is settled in the end, or its item is with somebody."""
    last = {}
    for run in stage.runs:
        for row in run.report.rows if run.report else ():
            last[row.key] = row
    for action in every_action(stage.ledger(), stage.site.organization):
        row = last.get(action.item_key)
        for step in action.latest:
            if step.state in UNSETTLED and (row is None or row.outcome not in LOUD):
                told = f"{row.rule}, {row.outcome}" if row else "nothing"
                verdict.faults.append(
                    f"{action.item_key}: {step.verb.value} is {step.state.value}, and the report says {told}"
                )


# -------------------------------------------------------------------------------------------------- limits


def _limits(stage: Stage, run: DagRun, verdict: Verdict) -> None:
    mutating = [one for one in stage.wire.carried if one.owner == run.run_id and one.request.mutating]
    if run.mode is Mode.PLAN and mutating:
        verdict.faults.append(f"{run.run_id} is in mode plan and sent {mutating[0].request.path}")
    numbers = {one.number for one in mutating}
    sends = [
        one
        for one in stage.stamped
        if one.effect.kind == "campaign_sent" and one.effect.by == "us" and one.number - 1 in numbers
    ]
    if len(sends) > stage.site.policy.max_sends:
        verdict.faults.append(f"{run.run_id} sent {len(sends)} campaigns, the policy allows fewer")
    if run.cleared is not None:
        actions = {step.action_id for step in run.cleared.steps}
        if len(actions) > stage.site.policy.max_actions:
            verdict.faults.append(f"{run.run_id} cleared {len(actions)} actions, the policy allows fewer")
