"""The proof of every step: a fresh read of the world, never the 200 of the request (decisions, section 3).

::

    stop campaign     status 4 or 6, zero everywhere, in two reads
    copy              the copy is a draft of the same content (checked again before it is sent)
    send              copy sending or complete, at least 95 % of its total at the end, original still zero
    stop run          gone from the Console, and no success row afterwards
    run now, import   a row of this job after our request, a success; for a list import the tag's count equals it
    tags              counting again leaves nothing to add or to remove

A proof that does not come before its deadline is NEEDS_HUMAN with the rule that says so, never "probably".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import LedgerError, RequestError
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.rules import ENDING_RULES
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import CampaignStatus, Outcome, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.checks import read_campaign
from pro2_reconciliation.repair.drift import drift_of
from pro2_reconciliation.repair.effects import copy_of
from pro2_reconciliation.repair.steps import end_of_action

PROVEN, FAILED, WAITING = "proven", "failed", "waiting"


class Verdict(Value):
    """``proven``, ``failed`` or ``waiting``, with the sentence for the log."""

    state: str
    why: str

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

    def look(self) -> Verdict:
        """One look. A read that fails is "waiting"; the verdict is written to the ledger once it is decided."""
        action, decision, step = self._record()
        if step.state is State.CONFIRMED:
            return Verdict(state=PROVEN, why=step.moves[-1].why)
        if step.state is not State.DONE:
            return Verdict(state=FAILED, why=f"{step.state.value}: {step.moves[-1].why}")
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
            seconds = limit.total_seconds()
            within = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
            verdict = Verdict(state=FAILED, why=f"not proven within {within}: {verdict.why}")
        if verdict.decided:
            to = State.CONFIRMED if verdict.state == PROVEN else State.NEEDS_HUMAN
            rule = ENDING_RULES.get(self.verb.value, "")
            why = f"{rule}: {verdict.why}" if to is State.NEEDS_HUMAN and rule else verdict.why
            self.account.ledger.move(step.id, to, who=self.account.owner, why=why)
            if to is State.NEEDS_HUMAN:
                end_of_action(self.account, action.id, self.verb, why)
        return verdict

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
            return Verdict(state=FAILED, why=f"the original {decision.item_id} counts mail as well")
        if copy is None:
            return Verdict(state=WAITING, why="the copy cannot be seen")
        enough = copy.total_amt > 0 and copy.send_amt >= self.account.policy.short_share * copy.total_amt
        if copy.status in (CampaignStatus.SENDING, CampaignStatus.COMPLETE) and enough:
            return Verdict(state=PROVEN, why=f"copy {copy.id}: {copy.send_amt} of {copy.total_amt} sent")
        return Verdict(state=WAITING, why=f"copy {copy.id}: {copy.status.value}, {copy.send_amt} sent")

    def _run_gone(self, decision: Decision, step: StepRecord) -> Verdict:
        job_id = decision.item_id.partition("@")[0]
        asked = step.when(State.INTENDED) or self.account.now()
        running = [r for r in self.account.dashboard.console().of(job_id) if r.running]
        if running and step.remote_id != "refused":
            return Verdict(state=WAITING, why="it is still in the Console")
        log = self.account.dashboard.activity(asked - timedelta(minutes=5), self.account.now())
        late = [
            r for r in log.of(job_id) if r.outcome is Outcome.SUCCESS and (r.finished or r.started) >= asked
        ]
        if late:
            return Verdict(state=FAILED, why="it succeeded after the stop")
        return Verdict(state=PROVEN, why=f"{step.remote_id or 'stopped'}, gone from the Console")

    def _ran(self, decision: Decision, step: StepRecord) -> Verdict:
        asked = step.when(State.INTENDED) or self.account.now()
        log = self.account.dashboard.activity(asked - timedelta(minutes=5), self.account.now())
        job_id = decision.item_id.partition("@")[0]
        imported = self.verb is Verb.IMPORT_LIST
        rows = [
            r
            for r in log.rows
            if (r.tag == step.remote_id if imported else r.job_id == job_id)
            and r.started >= asked - timedelta(seconds=1)
            and r.manual is not False
        ]
        if not rows:
            return Verdict(state=WAITING, why="no row of it yet")
        row = rows[-1]
        if row.outcome is Outcome.IN_PROGRESS:
            return Verdict(state=WAITING, why=f"run {row.run_id} is in progress")
        if row.outcome is not Outcome.SUCCESS:
            return Verdict(state=FAILED, why=f"run {row.run_id} ended «{row.raw_status}»")
        updated = row.counts.updated if row.counts else None
        if imported:
            tag = self.account.contacts.tag_id(step.remote_id or "")
            held = self.account.contacts.holder_count(tag) if tag else 0
            if updated is not None and held != updated:
                return Verdict(state=WAITING, why=f"{held} hold the tag, the row says {updated}")
        entered = self._entries(decision, asked) if self.verb is Verb.RUN_NOW else ""
        return Verdict(state=PROVEN, why=f"run {row.run_id}: success, {updated} contacts{entered}")

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
            return Verdict(state=WAITING, why=f"{len(left)} contacts left")
        return Verdict(state=PROVEN, why="counting again leaves nothing to do")
