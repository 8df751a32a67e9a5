"""Keep watching the originals of everything that we repaired: the vendor warns that they may still go out.

One pass looks at each original once and beats the guard's heart; without a young heartbeat nothing is sent
(invariant 9). An original that wakes before its copy was sent may go: the resend is dropped, and the draft is
named. One that wakes afterwards is stopped again at once, each time (``guard_stops``), and an alarm tells the ids and
counts (``guard_alarms``).

What a pass did is in the ledger before the next request leaves, so a guard that dies anywhere is followed by one that
goes on. An original that cannot be read is named; while its copy waits to be sent the heart does not beat.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.errors import NeverSent, RequestError
from pro2_reconciliation.domain.jobs import ActivityLog, Occurrence
from pro2_reconciliation.domain.matching import match
from pro2_reconciliation.domain.schedule import occurrence_at
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, Stage, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.adoption import is_manual
from pro2_reconciliation.repair.checks import read_campaign, stale_reason
from pro2_reconciliation.repair.gates import GUARD, closed_gate
from pro2_reconciliation.repair.guard_alarms import (
    GOING,
    WENT,
    Alarms,
    and_the_copy,
    copy_id_of,
    is_asked,
    kind_of,
    named,
    unfinished,
)
from pro2_reconciliation.repair.guard_stops import Stopped, settle, stop_again, wake_of
from pro2_reconciliation.repair.manual import seen_done

CLOSE_WATCH = timedelta(hours=2)
"""So long after a repair, and while a copy waits to be sent, every pass looks; else every fifth minute."""
REMIND = timedelta(minutes=10)
"""So often it is told again of an original that goes and that we may not stop."""
TIME_BOX = timedelta(seconds=150)
"""A pass that takes longer leaves the rest to the next one; below the timeout of its task."""
_AT_IT = frozenset({State.DONE, State.CONFIRMED})


class GuardReport(Value):
    """What one pass did: how many originals it looked at, and a sentence for each alarm.

    ``plan_only``: why nothing may be done on this ledger; with ``lost`` another one is known, which this guard
    cannot see: what was repaired there is watched by nobody.
    """

    watched: int = 0
    alarms: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    plan_only: str = ""
    lost: bool = False


def guard_pass(account: Account) -> GuardReport:
    """Look at every original once. An original that cannot be read is named, and the pass goes on."""
    now = account.now()
    actions = account.ledger.guarded(account.organization, now - timedelta(hours=account.policy.guard_hours))
    originals = [a for a in actions if not a.by_guard]
    due = [a for a in originals if _copy_waits(a) or now - a.last_moved <= CLOSE_WATCH or not now.minute % 5]
    if not due:
        account.ledger.beat(GUARD, now)
        plan_only, lost = _remember(account)
        return GuardReport(plan_only=plan_only, lost=lost)
    watch = Watch.over(account, due, [a for a in actions if a.by_guard])
    unread: dict[str, str] = {}
    for action in sorted(due, key=lambda a: (not _copy_waits(a), now - a.last_moved)):
        if account.now() - now > TIME_BOX:
            unread[action.id] = f"the pass ended after {TIME_BOX.total_seconds():g} s; the next one looks"
            continue
        try:
            _look(watch, action)
        except Exception as error:  # whatever it is, it must not hide the other originals
            unread[action.id] = str(error) or type(error).__name__
    blind = [a for a in due if a.id in unread and _copy_waits(a)]
    if not blind and len(unread) < len(due):
        account.ledger.beat(
            GUARD, now
        )  # a guard that cannot see the original of what is about to go is no guard
    plan_only, lost = _remember(account)
    names = {a.id: f"{a.name} ({a.item_id})" for a in due}
    return GuardReport(
        watched=len(due),
        alarms=tuple(watch.alarms.told),
        unread=tuple(f"{names[key]}: {why}" for key, why in unread.items()),
        plan_only=plan_only,
        lost=lost,
    )


def _remember(account: Account) -> tuple[str, bool]:
    """Tell the witness how much this ledger holds: why it allows plans only, and whether another one is known."""
    try:
        account.remember()
    except NeverSent as error:
        return str(error), account.ledger.identity.adopted_at is not None or account.another_is_known()
    return "", False


@dataclass
class Watch:
    """What one pass reads at once for all originals: a few requests, however many there are."""

    account: Account
    alarms: Alarms
    stops: dict[str, list[ActionRecord]]
    listed: dict[str, Campaign]
    whole_look: bool
    since: datetime
    _log: ActivityLog | None = field(default=None)

    @classmethod
    def over(cls, account: Account, due: list[ActionRecord], own: list[ActionRecord]) -> Watch:
        stops: dict[str, list[ActionRecord]] = {}
        for stop in own:
            stops.setdefault(wake_of(stop)[0], []).append(stop)
        campaigns = [a.item_id for a in due if a.remedy in (Remedy.RESEND, Remedy.HOLD_BACK)]
        try:
            listed = account.campaigns.detailed(campaigns) if campaigns else {}
        except RequestError:
            listed = {}  # each is then read by itself
        dues = [occurrence_due(a) for a in due if a.item_id not in campaigns]
        known = account.ledger.alarms(account.organization)
        return cls(
            account,
            Alarms(account, known),
            stops,
            listed,
            not account.now().minute % 5,
            min([found for found in dues if found], default=account.now()) - timedelta(hours=1),
        )

    def reading(self, action: ActionRecord) -> CampaignReading | None:
        """A fresh read of an original; None where the list shows it at rest with nothing sent.

        The list has no report, so every fifth minute, and while its copy waits or a person may send it, both are read.
        """
        seen = self.listed.get(action.item_id)
        at_rest = seen is not None and seen.status in STOPPED_STATUSES and not any(seen.counters.values())
        close = self.whole_look or _copy_waits(action) or is_asked(action.step(Verb.SEND_CAMPAIGN))
        if at_rest and not close and action.root not in self.stops:
            return None
        return read_campaign(self.account, action.item_id)

    def log(self) -> ActivityLog:
        if self._log is None:
            self._log = self.account.dashboard.activity(self.since, self.account.now())
        return self._log


def _copy_waits(action: ActionRecord) -> bool:
    """Whether a send of this action is still to come."""
    send = action.step(Verb.SEND_CAMPAIGN)
    return send is not None and send.state in (State.CLEARED, State.CLAIMED, State.NOT_DONE)


def _may_have_left(send: StepRecord) -> bool:
    """Whether the copy may be on its way, whatever became of the step since: a person may have closed it."""
    return send.had_effect and send.when(State.NOT_DONE) is None and send.when(State.FAILED) is None


def _look(watch: Watch, action: ActionRecord) -> list[str | None]:
    if action.remedy in (Remedy.RESEND, Remedy.HOLD_BACK):
        return _campaign(watch, action)
    return [_run(watch, action)]


def _campaign(watch: Watch, action: ActionRecord) -> list[str | None]:
    stop = action.step(Verb.STOP_CAMPAIGN)
    if stop is None or stop.state not in _AT_IT:
        return []
    reading = watch.reading(action)
    if stop.state is State.DONE or reading is None or reading.campaign is None:
        return []  # whether a stop took is for its proof to say; but it was seen
    status = reading.campaign.status
    send = action.step(Verb.SEND_CAMPAIGN)
    if status not in GOING:
        told = _finished(watch, action, reading)
        quiet = status not in WENT and reading.zero_everywhere
        if quiet or (reading.report is None and status in STOPPED_STATUSES):
            asked_long_ago = _asked_too_long_ago(watch, action, send, reading) if send else None
            return [*told, asked_long_ago]
        if any(event.startswith("woke") for event in watch.alarms.events(action)) and status not in WENT:
            return told  # its counts are those of a wake that was told
    else:
        told = []
    if send is not None and not _may_have_left(send):
        return [*told, _let_it_go(watch, action, send, reading)]
    if status in GOING:
        return [*told, *_woke(watch, action, send, reading)]
    copy_id = copy_id_of(action)
    how = "is complete" if status is CampaignStatus.COMPLETE else "counts mail"
    text = f"{named(action)} {how} although it was stopped{and_the_copy(copy_id, send)}; it is over"
    return [
        *told,
        watch.alarms.tell(action, "over", kind_of(copy_id, send), text, reading=reading, other=copy_id),
    ]


def _let_it_go(watch: Watch, action: ActionRecord, send: StepRecord, reading: CampaignReading) -> str | None:
    """The original goes before its copy did: that is what should have happened in the first place."""
    if send.state is State.CLAIMED and watch.account.ledger.holder(send.id) is not None:
        return None  # somebody is about to send, or about to see the same; the next pass knows which
    if send.state is State.CLEARED:
        why = "the original woke up; it may go"
        watch.account.ledger.end_rest(action.id, State.STALE, who=watch.account.owner, why=why)
    copy_id = copy_id_of(action)
    draft = f"; the draft {copy_id} can be deleted" if copy_id else ""
    return watch.alarms.tell(
        action,
        "before",
        "original woke before its copy was sent",
        f"{named(action)} woke up; our copy is not sent{draft}",
        reading=reading,
        other=copy_id,
    )


def _woke(
    watch: Watch, action: ActionRecord, send: StepRecord | None, reading: CampaignReading
) -> list[str | None]:
    stopped = _stop_again(watch.account, action)
    if stopped.text is None:
        return []  # another guard is stopping it at this moment, and tells it
    if stopped.asked:
        reading = _read_again(watch.account, action, reading)
    return [_told_of_wake(watch, action, send, reading, stopped)]


def _told_of_wake(
    watch: Watch, action: ActionRecord, send: StepRecord | None, reading: CampaignReading, stopped: Stopped
) -> str | None:
    copy_id = copy_id_of(action)
    times = "" if stopped.number == 1 else f" once more (wake {stopped.number})"
    event, now = f"woke {stopped.number}", watch.account.now()
    known = watch.alarms.events(action)
    if stopped.refused and event in known:
        told = [alarm.at for name, alarm in known.items() if name.startswith(("woke", "not stopped"))]
        if now - max(told) < REMIND:
            return None
        event = f"not stopped, {now.isoformat()}"
    return watch.alarms.tell(
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


def _finished(watch: Watch, action: ActionRecord, reading: CampaignReading) -> list[str | None]:
    """What an earlier pass could not write or tell any more, now that the original is at rest."""
    assert reading.campaign is not None  # noqa: S101 (for the type checker; the caller looked)
    told: list[str | None] = []
    send = action.step(Verb.SEND_CAMPAIGN)
    for stop in watch.stops.get(action.root, []):
        became = settle(watch.account, stop, reading.campaign.status)
        number = wake_of(stop)[1]
        if f"woke {number}" not in watch.alarms.events(action):
            told.append(_told_of_wake(watch, action, send, reading, Stopped(number, became)))
    events = watch.alarms.events(action)
    if unfinished(events):
        copy_id = copy_id_of(action)
        count = sum(event.startswith("woke") for event in events)
        text = f"{named(action)} is at rest again: these are the counts of both"
        told.append(
            watch.alarms.tell(
                action, f"count {count}", "counts after a wake", text, reading=reading, other=copy_id
            )
        )
    return told


def _asked_too_long_ago(
    watch: Watch, action: ActionRecord, send: StepRecord, reading: CampaignReading
) -> str | None:
    """A person may press for hours: what our own send would look at just before its request is looked at here."""
    account = watch.account
    if not is_asked(send) or send.state is not State.INTENDED:
        return None
    plan = account.ledger.plan(action.plan_hash)
    decision = plan.decision(action.item_key) if plan else None
    if plan is None or decision is None:
        return None
    if seen_done(account, decision, action, send, plan.floor_id)[0] is not State.INTENDED:
        return None  # it was sent, and is for its proof
    # the gate of a stop: the guard's own heart and the hours are in the words of the question
    gate = closed_gate(account, plan, decision, action, Verb.STOP_CAMPAIGN)
    reason = gate.why if gate else stale_reason(account, plan, decision, action, Verb.SEND_CAMPAIGN)
    if reason is None:
        return None
    copy_id = copy_id_of(action)
    return watch.alarms.tell(
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


def _run(watch: Watch, action: ActionRecord) -> str | None:
    """Did the original occurrence run after all, by its own schedule, after we had reprocessed it?"""
    account = watch.account
    asked = min(s.when(State.INTENDED) or account.now() for s in action.steps if s.had_effect)
    occurrence = _occurrence(account, action)
    if occurrence is None:
        return None
    job = account.site.jobs_by_id[occurrence.job_id]
    rows = [r for r in watch.log().of(job.id) if r.manual is False]
    found = match([occurrence], rows, {job.id: job}).by_key.get(occurrence.key)
    row = found.row if found else None
    if row is None or row.started <= asked:
        return None
    waits = any(step.state is State.INTENDED and is_manual(step) for step in action.latest)
    after = "a person was asked to repeat it: do not press that any more" if waits else "we reprocessed it"
    return watch.alarms.tell(
        action,
        "ran",
        "the original occurrence ran after all",
        f"{named(action)} ran by itself (run {row.run_id}) after {after}",
        other=row.run_id,
    )


def occurrence_due(action: ActionRecord) -> datetime | None:
    """When the occurrence of an action was due; None for what is no occurrence."""
    due = action.item_id.partition("@")[2]
    return datetime.fromisoformat(due) if due else None


def _occurrence(account: Account, action: ActionRecord) -> Occurrence | None:
    job, due = account.site.jobs_by_id.get(action.item_id.partition("@")[0]), occurrence_due(action)
    return occurrence_at(job, due) if job is not None and due is not None else None
