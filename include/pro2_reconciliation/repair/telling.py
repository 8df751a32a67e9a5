"""Sentences for the log of a task, as a person on call reads them: what was seen, decided, done and verified.

Past tense, one line, the item's name and id in front, times in local time with their zone. Names are other people's
data and cannot break a line. No I/O; nothing here fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Mode, Remedy, Verb
from pro2_reconciliation.ledger import AnswerRecord, State
from pro2_reconciliation.repair.proofs import FAILED, OPEN, PROVEN, WAITING, Verdict
from pro2_reconciliation.repair.step_result import ASKED, ELSEWHERE, GATED, StepResult

HEARTBEAT = timedelta(minutes=10)
"""So often a look that finds nothing new says so."""
DOING = {
    Verb.STOP_CAMPAIGN: "stopping the original",
    Verb.COPY_CAMPAIGN: "duplicating it",
    Verb.SEND_CAMPAIGN: "sending the copy",
    Verb.STOP_RUN: "stopping its run",
    Verb.RUN_NOW: "Run Now",
    Verb.REPEAT_IMPORT: "Repeat Import",
    Verb.IMPORT_LIST: "importing its list",
    Verb.ADD_TAG: "adding the tag",
    Verb.REMOVE_TAG: "removing the tag",
}
"""Each step as the beginning of a sentence."""
_BECAME: dict[str, str] = {
    State.PLANNED: "was planned only",
    State.CLEARED: "was not begun",
    State.DECLINED: "was declined",
    State.SKIPPED: "was not needed",
    State.CLAIMED: "was begun and nothing was sent",
    State.INTENDED: "was begun, and its outcome is not known yet",
    State.DONE: "was done",
    State.AMBIGUOUS: "may have happened, and its outcome is not known yet",
    State.NOT_DONE: "did not happen",
    State.CONFIRMED: "was done and verified",
    State.FAILED: "was refused",
    State.STALE: "was dropped",
    State.NEEDS_HUMAN: "was left to a person",
    State.CLOSED: "was closed by a person",
    GATED: "had to wait",
    ELSEWHERE: "was left to the one who is at it",
    ASKED: "was asked of a person",
}
REMEDIES = {
    Remedy.NONE: "nothing had to be done",
    Remedy.WATCH: "it was left to be watched",
    Remedy.NEEDS_HUMAN: "it was left to a person",
    Remedy.REPORT: "it was only reported",
    Remedy.RESEND: "a resend was proposed",
    Remedy.HOLD_BACK: "holding it back was proposed",
    Remedy.REPEAT_IMPORT: "Repeat Import was proposed",
    Remedy.RUN_NOW: "Run Now was proposed",
    Remedy.DATA_SYNC: "the import of its list was proposed",
    Remedy.ADD_TAG: "adding the tag was proposed",
    Remedy.REMOVE_TAG: "removing the tag was proposed",
}


def named(name: str, key: str) -> str:
    """``«Gala» (103)`` of an item's name and its key or id, on one line."""
    kind, _, item_id = key.partition(":")
    known = kind in ("campaign", "occurrence", "automation") and item_id
    return f"«{one_line(name)}» ({one_line(item_id if known else key)})"


def state_of(observation: Observation) -> str:
    """The state of an item as it was seen, and for a campaign how much had left."""
    campaign = observation.reading.campaign if observation.reading else None
    counted = f", {campaign.send_amt:,} of {campaign.total_amt:,} sent" if campaign else ""
    note = f", {one_line(observation.note)}" if observation.note else ""
    return f"{observation.state}{counted}{note}"


def seen(observation: Observation, zone: str) -> str:
    """What was seen of an item, and when."""
    return f"{state_of(observation)}, {local(observation.seen_at, zone)}"


def watched(ended: Observation, zone: str) -> str:
    """What watching an item ended with."""
    if ended.waived:
        return f"was still {seen(ended, zone)}; a person did not want to wait, so watching ended"
    if ended.still_pending:
        return f"was still {seen(ended, zone)}, when watching ended"
    return f"was seen {seen(ended, zone)}; that settled it, so watching ended"


def decided(decision: Decision) -> str:
    """``C11 decided, a resend was proposed: pending send since ...``."""
    via = f" via {', '.join(decision.via)}" if decision.via else ""
    return f"{decision.rule}{via} decided, {REMEDIES[decision.remedy]}: {one_line(decision.reason)}"


def chosen(plan: Plan, decision: Decision, mode: Mode, answer: AnswerRecord | None) -> str:
    """Why a step of an item is done at all: the rule, and who wanted it when."""
    read = local(plan.created_at, plan.zone)
    if answer is not None:
        who = f"{one_line(answer.who)} chose «{answer.choice.value}», {local(answer.at, plan.zone)}"
    else:
        who = f"mode {mode.value} does it by itself"
    return f"{decided(decision)} (read until {read}); {who}"


def outcome(result: StepResult) -> str:
    """What became of a step, and why."""
    before = " before" if result.found and result.went_on else ""
    return became(result.verb, result.state, result.why, before)


def became(verb: Verb, state: str, why: str, before: str = "") -> str:
    """``duplicating it was dropped: stop campaign ended badly: ...``."""
    return f"{DOING[verb]} {_BECAME.get(state, state)}{before}: {one_line(why)}"


def proven(verb: Verb, verdict: Verdict) -> str:
    """``verified: ...`` of a look at what a step was for."""
    words = {
        PROVEN: f"{DOING[verb]} was verified",
        FAILED: f"{DOING[verb]} could not be verified",
        WAITING: f"{DOING[verb]} was not verified yet",
        OPEN: f"{DOING[verb]} could not be verified so far",
    }
    return f"{words[verdict.state]}: {one_line(verdict.why)}"


@dataclass
class Heartbeat:
    """What a look that is repeated says: the first time, when it changed, and else every ten minutes."""

    said: str = ""
    at: datetime | None = None
    looks: int = 0

    def news(self, sentence: str, now: datetime) -> str:
        """The sentence to be told at this look, empty where nothing is."""
        if sentence == self.said and self.at is not None and now - self.at < HEARTBEAT:
            self.looks += 1
            return ""
        told = sentence if sentence != self.said else f"{sentence} (the same in {self.looks + 1} more looks)"
        self.said, self.at, self.looks = sentence, now, 0
        return told
