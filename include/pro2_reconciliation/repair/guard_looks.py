"""One look of the guard at one original: has it woken, has it run after all, and what follows from that.

A campaign that wakes before its copy was sent may go; one that wakes afterwards is stopped again at once
(``guard_stops``) and told (``guard_alarms``). An occurrence that runs after all is told. Raises the errors of the
ports and of the ledger: the pass names the original then, and goes on to the next one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.jobs import Occurrence
from pro2_reconciliation.domain.matching import match
from pro2_reconciliation.domain.schedule import occurrence_at
from pro2_reconciliation.domain.states import GOING, STOPPED_STATUSES, WENT
from pro2_reconciliation.domain.words import CampaignStatus, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, Stage, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.checks import read_campaign, stale_reason
from pro2_reconciliation.repair.gates import closed_gate
from pro2_reconciliation.repair.ground import ACCEPT, disproved
from pro2_reconciliation.repair.guard_alarms import (
    and_the_copy,
    copy_id_of,
    is_asked,
    kind_of,
    named,
    unfinished,
)
from pro2_reconciliation.repair.guard_stops import Stopped, settle, stop_again, wake_of
from pro2_reconciliation.repair.guard_watch import Watch, occurrence_due
from pro2_reconciliation.repair.lost_requests import is_manual
from pro2_reconciliation.repair.manual import seen_done
from pro2_reconciliation.repair.own_run import RAN
from pro2_reconciliation.repair.proofs import LOGGED

REMIND = timedelta(minutes=10)
"""So often it is told again of an original that goes and that we may not stop."""
_AT_IT = frozenset({State.DONE, State.CONFIRMED})


def look(watch: Watch, action: ActionRecord) -> None:
    """Look at the original of one repair; what is told goes to the alarms of the pass."""
    if action.remedy in (Remedy.RESEND, Remedy.HOLD_BACK):
        _campaign(watch, action)
    else:
        _run(watch, action)


def may_have_left(send: StepRecord) -> bool:
    """Whether the copy may be on its way, whatever became of the step since: a person may have closed it."""
    return send.had_effect and send.when(State.NOT_DONE) is None and send.when(State.FAILED) is None


def _campaign(watch: Watch, action: ActionRecord) -> None:
    stop = action.step(Verb.STOP_CAMPAIGN)
    if stop is None or stop.state not in _AT_IT:
        return
    reading = watch.reading(action)
    if stop.state is State.DONE or reading is None or reading.campaign is None:
        return  # whether a stop took is for its proof to say; but it was seen
    status = reading.campaign.status
    send = action.step(Verb.SEND_CAMPAIGN)
    if status not in GOING:
        _finished(watch, action, reading)
        quiet = status not in WENT and reading.zero_everywhere
        if quiet or (reading.report is None and status in STOPPED_STATUSES):
            if send is not None:
                _asked_too_long_ago(watch, action, send, reading)
            return
        if any(event.startswith("woke") for event in watch.alarms.events(action)) and status not in WENT:
            return  # its counts are those of a wake that was told
    _stopped_for_nothing(watch, action)
    if send is not None and not may_have_left(send):
        _let_it_go(watch, action, send, reading)
    elif status in GOING:
        _woke(watch, action, send, reading)
    else:
        copy_id = copy_id_of(action)
        how = "is complete" if status is CampaignStatus.COMPLETE else "shows mail"
        text = f"{named(action)} {how} although it was stopped{and_the_copy(copy_id, send)}; it is over"
        watch.alarms.tell(action, "over", kind_of(copy_id, send), text, reading=reading, other=copy_id)


def _stopped_for_nothing(watch: Watch, action: ActionRecord) -> None:
    """An original that goes although it was stopped: from now on a person sends every copy of this account."""
    if not disproved(watch.account, action, Capability.STAYS_STOPPED, "it goes although it was stopped"):
        return
    how = ACCEPT.format(Capability.STAYS_STOPPED.value)
    text = (
        f"{named(action)} goes although it was stopped, so from now on a person is asked to send each copy. When it is "
        f"clear why it went: {how}"
    )
    watch.alarms.tell(action, "not proven", "a stopped campaign did not stay stopped", text)


def _let_it_go(watch: Watch, action: ActionRecord, send: StepRecord, reading: CampaignReading) -> None:
    """The original goes before its copy did: that is what should have happened in the first place."""
    if send.state is State.CLAIMED and watch.account.ledger.holder(send.id) is not None:
        return  # somebody is about to send, or about to see the same; the next pass knows which
    if send.state is State.CLEARED:
        why = "the original woke up; it may go"
        watch.account.ledger.end_rest(action.id, State.STALE, who=watch.account.owner, why=why)
    copy_id = copy_id_of(action)
    draft = f"; the draft {copy_id} can be deleted" if copy_id else ""
    watch.alarms.tell(
        action,
        "before",
        "original woke before its copy was sent",
        f"{named(action)} woke up; our copy is not sent{draft}",
        reading=reading,
        other=copy_id,
    )


def _woke(watch: Watch, action: ActionRecord, send: StepRecord | None, reading: CampaignReading) -> None:
    stopped = _stop_again(watch.account, action)
    if stopped.text is None:
        return  # another guard is stopping it at this moment, and tells it
    if stopped.asked:
        reading = _read_again(watch.account, action, reading)
    _told_of_wake(watch, action, send, reading, stopped)


def _told_of_wake(
    watch: Watch, action: ActionRecord, send: StepRecord | None, reading: CampaignReading, stopped: Stopped
) -> None:
    copy_id = copy_id_of(action)
    times = "" if stopped.number == 1 else f" once more (wake {stopped.number})"
    event, now = f"woke {stopped.number}", watch.account.now()
    known = watch.alarms.events(action)
    if stopped.refused and event in known:
        told = [alarm.at for name, alarm in known.items() if name.startswith(("woke", "not stopped"))]
        if now - max(told) < REMIND:
            return
        event = f"not stopped, {now.isoformat()}"
    watch.alarms.tell(
        action,
        event,
        kind_of(copy_id, send),
        f"{named(action)} woke up{times} although it was stopped{and_the_copy(copy_id, send)}; {stopped.text}",
        reading=reading,
        other=copy_id,
    )


def _read_again(account: Account, action: ActionRecord, before: CampaignReading) -> CampaignReading:
    try:
        after = read_campaign(account, action.item_id)
    except RequestError:
        return before
    return after if after.campaign is not None else before


def _finished(watch: Watch, action: ActionRecord, reading: CampaignReading) -> None:
    """What an earlier pass could not write or tell any more, now that the original is at rest."""
    assert reading.campaign is not None  # noqa: S101 (for the type checker; the caller looked)
    send = action.step(Verb.SEND_CAMPAIGN)
    for stop in watch.stops.get(action.root, []):
        became = settle(watch.account, stop, reading.campaign.status)
        number = wake_of(stop)[1]
        if f"woke {number}" not in watch.alarms.events(action):
            _told_of_wake(watch, action, send, reading, Stopped(number, became))
    events = watch.alarms.events(action)
    if unfinished(events):
        copy_id = copy_id_of(action)
        count = sum(event.startswith("woke") for event in events)
        text = f"{named(action)} is at rest again: these are the counts of both"
        watch.alarms.tell(
            action, f"count {count}", "counts after a wake", text, reading=reading, other=copy_id
        )


def _asked_too_long_ago(
    watch: Watch, action: ActionRecord, send: StepRecord, reading: CampaignReading
) -> None:
    """A person may press for hours: what our own send would look at just before its request is looked at here."""
    account = watch.account
    if not is_asked(send) or send.state is not State.INTENDED:
        return
    plan = account.ledger.plan(action.plan_hash)
    decision = plan.decision(action.item_key) if plan else None
    if plan is None or decision is None:
        return
    if seen_done(account, decision, action, send, plan.floor_id)[0] is not State.INTENDED:
        return  # it was sent, and is for its proof
    # the gate of a stop: the guard's own heart and the hours are in the words of the question
    gate = closed_gate(account, plan, decision, action, Verb.STOP_CAMPAIGN)
    reason = gate.why if gate else stale_reason(account, plan, decision, action, Verb.SEND_CAMPAIGN)
    if reason is None:
        return
    copy_id = copy_id_of(action)
    watch.alarms.tell(
        action,
        "asked too long ago",
        "a person was asked to send a copy that must not go any more",
        f"{named(action)}: a person was asked to send its copy {copy_id}: do NOT send it any more, {reason}",
        reading=reading,
    )


def _stop_again(account: Account, action: ActionRecord) -> Stopped:
    """Stop a woken original at once, unless we may not: then the alarm says who has to.

    Where a person presses in Pro2, the alarm asks for it: a question would wait too long, and we send nothing there.
    """
    refusal = ""
    switch = account.ledger.switch(account.organization)
    if Verb.STOP_CAMPAIGN in account.manual:
        refusal = "stop it in Pro2 by hand, NOW"
    elif closed := account.refusal_of([Verb.STOP_CAMPAIGN]) or account.plan_only():
        refusal = f"it was NOT stopped again, stop it in Pro2 by hand, NOW: {closed}"
    elif switch.stage is Stage.EVERYTHING:
        refusal = (
            f"the kill switch is on ({switch.who}: {switch.why}), so it was NOT stopped again; "
            "stop it in Pro2 by hand, NOW, or switch it off"
        )
    if refusal:
        return Stopped(1, refusal, refused=True)
    return stop_again(account, action)


def _run(watch: Watch, action: ActionRecord) -> None:
    """Did the original occurrence run after all, by its own schedule, after we had reprocessed it?"""
    account = watch.account
    asked, pressed = _asked(action), _asked(action, LOGGED)
    occurrence = _occurrence(account, action)
    if occurrence is None or asked is None:
        return
    job = account.site.jobs_by_id[occurrence.job_id]
    # where the log does not say who started a run, one of before we asked is not ours
    rows = [
        r for r in watch.log().of(job.id) if r.manual is False or (r.manual is None and r.started < asked)
    ]
    found = match([occurrence], rows, {job.id: job}).by_key.get(occurrence.key)
    row = found.row if found else None
    if row is None:
        return
    if row.started > asked:
        how = f"ran by itself (run {row.run_id})"
    elif pressed and row.finished and row.finished > pressed and row.outcome in RAN:
        how = f"had begun before, hung, and went on to its end by itself (run {row.run_id})"
    else:
        return
    waits = any(step.state is State.INTENDED and is_manual(step) for step in action.latest)
    after = "a person was asked to repeat it: do not press that any more" if waits else "we reprocessed it"
    watch.alarms.tell(
        action,
        "ran",
        "the original occurrence ran after all",
        f"{named(action)} {how} after {after}",
        other=row.run_id,
    )


def _asked(action: ActionRecord, verbs: Collection[Verb] = tuple(Verb)) -> datetime | None:
    """When the first effect of these verbs was asked for; None: none was."""
    asked = [s.when(State.INTENDED) for s in action.steps if s.had_effect and s.verb in verbs]
    return min((at for at in asked if at is not None), default=None)


def _occurrence(account: Account, action: ActionRecord) -> Occurrence | None:
    job, due = account.site.jobs_by_id.get(action.item_id.partition("@")[0]), occurrence_due(action)
    return occurrence_at(job, due) if job is not None and due is not None else None
