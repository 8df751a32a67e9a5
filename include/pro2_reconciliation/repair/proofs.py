"""The proof of every step: a fresh read of the world, never the 200 of the request (docs/architecture.md, the flow).

::

    stop campaign     status 4 or 6, zero everywhere, in two reads
    copy              the copy is a draft of the same content (checked again before it is sent)
    send              copy sending or complete, at least 95 % of its total at the end, original still zero
    stop run          gone from the Console, and no success row afterwards
    run now           a row of this job after our request, a success; who entered is said, be it nobody
    repeat import     such a row, and the holders of its tag are no fewer than before
    list import       such a row under the unique tag, whose holders are as many as the row counts
    tags              counting again leaves nothing to add or to remove

A proof that does not come before its deadline is NEEDS_HUMAN with the rule that says so, never "probably". One that
an Activity Log older than the deadline could not bring is "open": the step stays DONE, and a newer log settles it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.errors import LedgerError, RequestError
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.localtime import lasting, local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.rules import ENDING_RULES
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Outcome, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.checks import read_campaign
from pro2_reconciliation.repair.drift import drift_of
from pro2_reconciliation.repair.effects import HELD_BEFORE, copy_of
from pro2_reconciliation.repair.ground import confirmed, disproved
from pro2_reconciliation.repair.lost_requests import asked_rows, began_after, is_manual
from pro2_reconciliation.repair.own_run import log_from
from pro2_reconciliation.repair.steps import end_of_action

PROVEN, FAILED, WAITING, OPEN = "proven", "failed", "waiting", "open"
LOGGED = frozenset({Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST})
"""Verbs that a row of the Activity Log proves."""
_RUNS = {
    Verb.RUN_NOW: Capability.RUN_NOW,
    Verb.REPEAT_IMPORT: Capability.REPEAT_IMPORT,
    Verb.IMPORT_LIST: Capability.IMPORT_LIST,
}


class Verdict(Value):
    """``proven``, ``failed``, ``waiting``, or ``open`` (not before a newer log), with the sentence for the log.

    ``blames``: what the account does not do if it ends so; None where that says nothing of it, or a proof stands before
    whatever follows (a stop, a copy).
    """

    state: str
    why: str
    blames: Capability | None = None

    @property
    def decided(self) -> bool:
        return self.state != WAITING


@dataclass
class Proof:
    """Looks at the world until one step is proven, or its deadline has passed. Remembers the first good read."""

    account: Account
    plan: Plan
    action_id: str
    verb: Verb
    _first_good: datetime | None = field(default=None)
    _log: ActivityLog | None = field(default=None)

    def look(self) -> Verdict:
        """One look. A read that fails is "waiting"; the verdict is written to the ledger once it is decided."""
        action, decision, step = self._record()
        verdict = self.peek()
        if self.verb in LOGGED:
            waits = verdict.state == WAITING
            self.account.progress.say(f"«{decision.name}»: {verdict.why}" if waits else "")
        if step.state is State.DONE and verdict.state in (PROVEN, FAILED):
            to = State.CONFIRMED if verdict.state == PROVEN else State.NEEDS_HUMAN
            rule = ENDING_RULES.get(self.verb.value, "")
            why = f"{rule}: {verdict.why}" if to is State.NEEDS_HUMAN and rule else verdict.why
            self._blame(action, step, verdict)
            try:
                self.account.ledger.move(step.id, to, who=self.account.owner, why=why)
            except LedgerError:
                if self.account.ledger.step(step.id).state is State.DONE:
                    raise
                return self.peek()  # another dag run wrote its own verdict meanwhile; that stands
            if to is State.CONFIRMED:
                confirmed(self.account, action, step, verdict.why)
            if to is State.NEEDS_HUMAN:
                end_of_action(self.account, action.id, self.verb, why)
        return verdict

    def _blame(self, action: ActionRecord, step: StepRecord, verdict: Verdict) -> None:
        """Before the verdict is written: who dies in between leaves the account with less than it does, not more."""
        stays = verdict.blames is Capability.STAYS_STOPPED
        if verdict.state == FAILED and verdict.blames and (stays or not is_manual(step)):
            disproved(self.account, action, verdict.blames, verdict.why)

    def peek(self) -> Verdict:
        """What a look would find; nothing is written."""
        action, decision, step = self._record()
        if step.state is State.CONFIRMED:
            return Verdict(state=PROVEN, why=step.moves[-1].why)
        if step.state is not State.DONE:
            return Verdict(state=FAILED, why=f"{step.state.value}: {step.moves[-1].why}")
        self._log = None
        try:
            verdict = self._verdict(action, decision, step)
        except RequestError as error:
            verdict = Verdict(state=WAITING, why=f"not read: {error}")
        deadline = step.when(State.DONE)
        limit = self._limit()
        late = deadline is not None and self.account.now() >= deadline + limit
        if (
            verdict.state == WAITING and late and self._first_good is None
        ):  # a good first read earns its second
            newer = self._needs_newer(step, limit)
            if newer:
                return Verdict(state=OPEN, why=f"{verdict.why}; {newer}")
            within = lasting(limit.total_seconds())
            why = f"not proven within {within}: {verdict.why}"
            verdict = verdict.model_copy(update={"state": FAILED, "why": why})
        return verdict

    def pause(self) -> float:
        """Seconds until the next look is worth its requests: the second of two reads counts after the gap only."""
        seconds = self.account.policy.poll_seconds
        if self._first_good is not None:
            waited = (self.account.now() - self._first_good).total_seconds()
            seconds = max(seconds, self.account.policy.read_gap_seconds - waited)
        return seconds

    def _needs_newer(self, step: StepRecord, limit: timedelta) -> str | None:
        """Why a missing row proves nothing: the log is no live one and ends before the deadline, or was not read."""
        if self.verb not in LOGGED:
            return None
        if self._log is None:
            return "it is looked at again when the export can be read" if is_manual(step) else None
        now, as_of = self.account.now(), self._log.as_of
        live = now - as_of <= timedelta(seconds=self.account.policy.quiet_seconds)
        if live or as_of >= (step.when(State.DONE) or now) + limit:
            return None
        return f"this needs a newer export: the newest shows what was until {local(as_of, self.account.zone)}"

    def _record(self) -> tuple[ActionRecord, Decision, StepRecord]:
        action = self.account.ledger.action(self.action_id)
        step = action.step(self.verb) if action else None
        decision = self.plan.decision(action.item_key) if action else None
        if action is None or step is None or decision is None:
            raise LedgerError(
                f"{self.action_id} or its step {self.verb.value} is not in this ledger and plan"
            )
        return action, decision, step

    def _limit(self) -> timedelta:
        policy = self.account.policy
        stop = self.verb in (Verb.STOP_CAMPAIGN, Verb.STOP_RUN)
        return timedelta(seconds=policy.stop_settle_seconds if stop else policy.confirm_seconds)

    def _verdict(self, action: ActionRecord, decision: Decision, step: StepRecord) -> Verdict:
        match self.verb:
            case Verb.STOP_CAMPAIGN:
                return self._stopped(decision)
            case Verb.COPY_CAMPAIGN:
                return self._copied(action)
            case Verb.SEND_CAMPAIGN:
                return self._sent(action, decision)
            case Verb.STOP_RUN:
                return self._run_gone(decision, step)
            case Verb.ADD_TAG | Verb.REMOVE_TAG:
                return self._no_drift(decision)
            case _:
                return self._ran(decision, step)

    def _stopped(self, decision: Decision) -> Verdict:
        reading = read_campaign(self.account, decision.item_id)
        status = reading.campaign.status if reading.campaign else CampaignStatus.UNKNOWN
        if status not in STOPPED_STATUSES or not reading.zero_everywhere:
            self._first_good = None
            return Verdict(state=WAITING, why=f"the original is {status.value}")
        return self._twice(f"{status.value}, zero everywhere, in two reads")

    def _twice(self, why: str) -> Verdict:
        now = self.account.now()
        if self._first_good is None:
            self._first_good = now
        gap = timedelta(seconds=self.account.policy.read_gap_seconds)
        if now - self._first_good < gap or (gap and now == self._first_good):
            return Verdict(state=WAITING, why="one good read so far")
        return Verdict(state=PROVEN, why=why)

    def _copied(self, action: ActionRecord) -> Verdict:
        copy = self.account.campaigns.get(copy_of(action))
        if copy is None:
            return Verdict(state=WAITING, why="the copy cannot be seen yet")
        if copy.status is CampaignStatus.DRAFT:
            return Verdict(state=PROVEN, why=f"draft {copy.id}")
        return Verdict(state=FAILED, why=f"the copy {copy.id} is {copy.status.value}, not a draft")

    def _sent(self, action: ActionRecord, decision: Decision) -> Verdict:
        copy = self.account.campaigns.get(copy_of(action))
        original = read_campaign(self.account, decision.item_id)
        if not original.zero_everywhere:
            why = f"the original {decision.item_id} counts mail as well"
            return Verdict(state=FAILED, why=why, blames=Capability.STAYS_STOPPED)
        if copy is None:
            return Verdict(state=WAITING, why="the copy cannot be seen")
        enough = copy.total_amt > 0 and copy.send_amt >= self.account.policy.short_share * copy.total_amt
        if copy.status in (CampaignStatus.SENDING, CampaignStatus.COMPLETE) and enough:
            return Verdict(state=PROVEN, why=f"copy {copy.id}: {copy.send_amt} of {copy.total_amt} sent")
        why = f"copy {copy.id}: {copy.status.value}, {copy.send_amt} sent"
        return Verdict(state=WAITING, why=why, blames=Capability.SEND_COPY)

    def _run_gone(self, decision: Decision, step: StepRecord) -> Verdict:
        job_id = decision.item_id.partition("@")[0]
        asked = step.when(State.INTENDED) or self.account.now()
        running = [r for r in self.account.dashboard.console().of(job_id) if r.running]
        if running and step.remote_id != "refused":
            return Verdict(state=WAITING, why="it is still in the Console")
        log = self.account.dashboard.activity(log_from(self.plan, decision), self.account.now())
        late = [
            r for r in log.of(job_id) if r.outcome is Outcome.SUCCESS and (r.finished or r.started) >= asked
        ]
        if late:
            return Verdict(state=FAILED, why="it succeeded after the stop")
        answer = (step.remote_id or "stopped").replace("_", " ")
        return Verdict(state=PROVEN, why=f"{answer}, gone from the Console")

    def _ran(self, decision: Decision, step: StepRecord) -> Verdict:
        asked = step.when(State.INTENDED) or self.account.now()
        log = self.account.dashboard.activity(began_after(step, asked), self.account.now())
        self._log = log
        imported = self.verb is Verb.IMPORT_LIST
        rows = asked_rows(self.account, decision, step, log.rows)
        if not rows:
            return Verdict(state=WAITING, why="no row of it yet", blames=_RUNS[self.verb])
        row = rows[-1]
        if row.outcome is Outcome.IN_PROGRESS:
            return Verdict(state=WAITING, why=f"run {row.run_id} is in progress")
        if row.outcome is not Outcome.SUCCESS:
            return Verdict(state=FAILED, why=f"run {row.run_id} ended «{row.raw_status}»")
        updated = row.counts.updated if row.counts else None
        said = f"run {row.run_id}: success, {'an unknown number of' if updated is None else updated} contacts"
        if self.verb is Verb.RUN_NOW:
            return Verdict(state=PROVEN, why=said + self._entries(decision, asked))
        held = self._held(step.remote_id if imported else row.tag)
        if imported and updated is not None and held != updated:
            why = f"{held or 0} hold the tag, the row says {updated}"
            return Verdict(state=WAITING, why=why, blames=_RUNS[self.verb])
        before = self._held_before(step, row.tag)
        if before is not None and held is not None and held < before:
            return Verdict(state=WAITING, why=f"{held} hold the tag «{row.tag}», before it were {before}")
        return Verdict(state=PROVEN, why=said if held is None else f"{said}, {held} hold the tag")

    def _held(self, tag: str | None) -> int | None:
        """How many hold a tag; None where there is no such tag."""
        tag_id = self.account.contacts.tag_id(tag) if tag else None
        return None if tag_id is None else self.account.contacts.holder_count(tag_id)

    @staticmethod
    def _held_before(step: StepRecord, tag: str | None) -> int | None:
        """How many held this tag before the import was asked for; None where that was not known."""
        intent = step.move_to(State.INTENDED)
        noted = (intent.details or {}).get(HELD_BEFORE) if intent else None
        return noted.get(tag) if isinstance(noted, dict) and tag else None

    def _entries(self, decision: Decision, asked: datetime) -> str:
        job = self.account.site.jobs_by_id[decision.item_id.partition("@")[0]]
        if job.automation is None:
            return ""
        count = self.account.contacts.entries(job.automation, asked, self.account.now())
        return f", {count} entered automation {job.automation}"

    def _no_drift(self, decision: Decision) -> Verdict:
        drift = drift_of(self.account, decision)
        left = drift.to_add if self.verb is Verb.ADD_TAG else drift.to_remove
        if left:
            return Verdict(state=WAITING, why=f"{len(left)} contacts left", blames=Capability.WRITE_TAGS)
        return Verdict(state=PROVEN, why="counting again leaves nothing to do")
