"""The message to the vendor about one item: what was expected, what was seen, what we did, the question.

Plain text without anything secret: ids, counts, and times in the organization's zone with UTC beside them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.observation import CampaignState, Observation, OccurrenceState
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.ledger import State
from pro2_reconciliation.overview.casefile import CaseFile
from pro2_reconciliation.repair.timeline import printable

_ANSWERS = frozenset(
    {
        State.INTENDED,
        State.DONE,
        State.AMBIGUOUS,
        State.NOT_DONE,
        State.FAILED,
        State.CONFIRMED,
        State.NEEDS_HUMAN,
    }
)
"""Moves from the request on."""
_QUESTIONS: dict[str, str] = {
    CampaignState.PENDING: "Will your system still send this campaign by itself, or is its send lost?",
    CampaignState.IN_FLIGHT: "Is it still sending, and how many recipients are left?",
    CampaignState.PARTLY_SENT: "Which recipients got it, and will the others still get it by itself?",
    CampaignState.COMPLETE_EMPTY: "Was it sent? It counts as complete, and its report is empty.",
    CampaignState.COUNTERS_DISAGREE: "How many recipients got it? Campaign and report do not agree.",
    CampaignState.HALTED: "What stopped it, and was anything of it sent?",
    CampaignState.DRAFT: "It was scheduled before the outage. What made it a draft, and was anything of it sent?",
    CampaignState.GONE: "It was scheduled before the outage. Where is it, and was anything of it sent?",
    CampaignState.APPROVAL_HOLD: "What is it held for, and will it go out by itself once it is approved?",
    OccurrenceState.NO_TRACE: "Did this run start? The Activity Log shows nothing of it.",
    OccurrenceState.IN_PROGRESS: "Is it still running, and can it be stopped?",
    OccurrenceState.FAILED: "Why did it fail, and was anything written before it did?",
    OccurrenceState.PARTIAL: "Which part of it failed, and why?",
}
_ELSE = {
    ItemKind.CAMPAIGN: "What became of it, and may it still go out by itself?",
    ItemKind.OCCURRENCE: "What became of this run, and will it still be made up for by itself?",
    ItemKind.AUTOMATION: "Do contacts still wait in it because of the outage, and do they go on by themselves?",
}
_NOUNS = {
    ItemKind.CAMPAIGN: "campaign",
    ItemKind.OCCURRENCE: "run of an integrated process",
    ItemKind.AUTOMATION: "automation",
}


def vendor_message(case: CaseFile, contact: str | None) -> str:
    """The whole message, the address and the subject line first."""
    noun, name = _NOUNS[case.kind], f"«{printable(case.name)}» ({printable(case.item_id)})"
    lines = [
        f"To: {printable(contact) if contact else 'your contact at Prospect2'}",
        f"Subject: {case.organization}: {noun} {name}",
        "",
        "Hello,",
        "",
        f"we need your help with this {noun} of our account ({case.organization}): {name}.",
    ]
    for head, entries in (
        ("What was expected", _expected(case)),
        ("What was seen", _seen(case)),
        ("The outage, as far as we know", _outage(case)),
        ("What we did", _did(case)),
        ("What we did not do", _did_not(case)),
        ("Our question", _question(case)),
        ("Ids", _ids(case)),
    ):
        lines += ["", f"{head}:", *(f"- {printable(entry)}" for entry in entries)]
    return "\n".join([*lines, "", f"Times are those of the zone {case.zone}, with UTC beside them.", ""])


def _expected(case: CaseFile) -> list[str]:
    latest = case.latest
    due = latest.decision.due if latest else None
    if due is None:
        return ["We do not know when it was due."]
    audience = (
        f", for about {latest.decision.audience:,} patrons" if latest and latest.decision.audience else ""
    )
    return [f"It was due {case.both(due)}{audience}."]


def _seen(case: CaseFile) -> list[str]:
    found = dict.fromkeys(
        f"{case.both(seen.seen_at)}: {seen.state}{_counts(seen)} (read from {seen.source})"
        for one in case.planned
        if (seen := one.decision.observation)
    )
    alarms = [f"{case.both(alarm.at)}: {alarm.body.get('text', alarm.kind)}" for alarm in case.alarms]
    return [*found, *alarms] or ["Nothing that we have kept."]


def _counts(seen: Observation) -> str:
    if seen.reading and seen.reading.campaign:
        campaign = seen.reading.campaign
        return f", status {campaign.status.value}, {campaign.send_amt:,} of {campaign.total_amt:,} sent"
    if seen.row:
        return f", run {seen.row.run_id}, {seen.row.raw_status or seen.row.outcome.value}"
    return ""


def _outage(case: CaseFile) -> Iterator[str]:
    for outage in case.outages:
        end = f"to {case.both(outage.end)}" if outage.end else "and lasts"
        sources = ", ".join(dict.fromkeys(claim.source for claim in outage.evidence))
        yield f"{outage.service.value}: from {case.both(outage.start)} {end}; known from: {sources or 'no source'}"
    if not case.outages:
        yield "None that we know of touches it."


def _did(case: CaseFile) -> list[str]:
    found = [
        (
            move.at,
            f"{case.both(move.at)}: {step.verb.value.replace('_', ' ')}: {_became(move.to_state)} ({move.why})",
        )
        for action in case.actions
        for step in action.steps
        for move in step.moves
        if move.to_state in _ANSWERS
    ]
    return [sentence for _, sentence in sorted(found)] or ["We changed nothing of it."]


def _became(state: State) -> str:
    words = {
        State.INTENDED: "the request was about to leave",
        State.DONE: "it was done",
        State.AMBIGUOUS: "we do not know whether it arrived",
        State.NOT_DONE: "it provably was not done",
        State.FAILED: "it was refused",
        State.CONFIRMED: "a later look confirmed it",
        State.NEEDS_HUMAN: "only a person can tell",
    }
    return words[state]


def _did_not(case: CaseFile) -> list[str]:
    found = [
        f"{step.verb.value.replace('_', ' ')}: not asked for ({step.state.value}: {step.moves[-1].why})"
        for action in case.actions
        for step in action.latest
        if not step.had_effect
    ]
    more = "We did not repeat any request of which we do not know whether it arrived."
    return [*found, more]


def _question(case: CaseFile) -> list[str]:
    latest = case.latest
    seen = latest.decision.observation if latest else None
    state = str(seen.state) if seen else ""
    asked = [_QUESTIONS.get(state, _ELSE[case.kind])]
    if any(action.had_effect for action in case.actions):
        asked.append(
            "We have repaired it meanwhile, see above. May the original still go out or run by itself?"
        )
    return asked


def _ids(case: CaseFile) -> Iterator[str]:
    yield f"item {case.key}"
    for action in case.actions:
        made = ", ".join(step.remote_id for step in action.steps if step.remote_id)
        yield f"action {action.id}, made {made}" if made else f"action {action.id}"
    for outage in case.outages:
        yield f"outage {outage.id}, {local(outage.start, case.zone)}"
    for one in case.planned:
        yield f"plan {one.plan_hash} of dag run {one.dag_run}"
