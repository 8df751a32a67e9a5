"""Apply the decision table: facts of one item in, one Decision out.

Fails with KeyError for a rule that names a fact or word that does not exist (a mistake in the table, found by its
test); an item that fits no row gets the last one, which belongs to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pro2_reconciliation.domain.campaigns import Automation, Campaign, CampaignReading
from pro2_reconciliation.domain.facts import Facts
from pro2_reconciliation.domain.observation import Observation, OccurrenceState
from pro2_reconciliation.domain.occurrence_facts import OccurrenceEvidence
from pro2_reconciliation.domain.plan import Decision, Fingerprint
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.rules import AUTOMATION_RULE, RULE_BOOK, Rule, RuleBook
from pro2_reconciliation.domain.words import Choice, ItemKind, Reach, Remedy

LEFT_ALONE = "the policy leaves this campaign to people"
NOT_OBSERVED = "but it was not observed to the end, so nothing is proposed"
LOOK_YOURSELF = (
    "Look in the Integrated Dashboard whether «{name}» of {due_text} ran, and repeat it there if not"
)


def first_fit(table: Sequence[Rule], facts: Facts) -> Rule:
    """The first rule of which every condition holds."""
    return next(rule for rule in table if all(facts.holds(condition) for condition in rule.when))


def fingerprint_of(campaign: Campaign, remedy: Remedy) -> Fingerprint:
    """What consent is bound to: content, audience (lists and segment) and action, not the number of patrons."""
    return Fingerprint(
        subject=campaign.subject,
        lists=campaign.lists,
        segment_id=campaign.segment_id,
        messages=campaign.messages,
        remedy=remedy.value,
    )


def decide_campaign(
    reading: CampaignReading,
    facts: Facts,
    *,
    item_id: str,
    name: str,
    root: str,
    policy: Policy,
    feeds: tuple[str, ...] = (),
    observation: Observation | None = None,
    book: RuleBook = RULE_BOOK,
) -> Decision:
    """The decision on one campaign by table C0 to C14. ``feeds`` are ids of jobs that make its audience."""
    rule = first_fit(book.campaigns, facts)
    campaign = reading.campaign
    entry = policy.of(campaign) if campaign else None
    remedy, choices = rule.remedy, rule.choices
    reason = rule.reason.format(**facts.words)
    steps = _steps(rule, facts)
    if entry and entry.leave_alone and remedy.acts:
        remedy, choices, reason = Remedy.NEEDS_HUMAN, (), f"{reason}; {LEFT_ALONE}"
        steps = (f"Decide in Pro2 whether «{name}» should still go out",)
    return Decision(
        kind=ItemKind.CAMPAIGN,
        item_id=item_id,
        name=name,
        root=root,
        rule=rule.id,
        via=rule.via,
        remedy=remedy,
        reach=rule.reach,
        reason=reason,
        choices=choices,
        steps=steps,
        audience=campaign.total_amt if campaign else None,
        due=campaign.due if campaign else None,
        send_by=policy.send_by(campaign) if campaign and campaign.due else None,
        feeds=feeds,
        fingerprint=fingerprint_of(campaign, remedy) if campaign and remedy.acts else Fingerprint(),
        observation=observation,
    )


def decide_occurrence(
    evidence: OccurrenceEvidence,
    facts: Facts,
    *,
    tag: str | None = None,
    fresh_since: datetime | None = None,
    observation: Observation | None = None,
    book: RuleBook = RULE_BOOK,
) -> Decision:
    """The decision on one occurrence by table R0 to R16; reprocessing goes through the sub-tables R11 to R14.

    ``tag`` is the unique tag that a data sync's import would use, of a list generated after ``fresh_since``.
    """
    head = first_fit(book.occurrences, facts)
    rule, via = head, head.via
    if head.then == "resume" and evidence.own is not None:
        rule = replace(head, remedy=evidence.own.remedy)
    if head.then in book.sub_tables:
        sub = first_fit(book.sub_tables[head.then], facts)
        if sub.remedy.acts:
            rule = Rule(
                head.id,
                (),
                sub.remedy,
                f"{head.reason}: {sub.reason}",
                sub.reach,
                sub.choices,
                stop_first=head.stop_first,
            )
            via = tuple(dict.fromkeys((*head.via, *([sub.id] if sub.id != head.id else []))))
        else:
            rule = Rule(sub.id, (), sub.remedy, f"{head.reason}; {sub.reason}", steps=sub.steps)
            via = tuple(dict.fromkeys((head.id, *sub.via))) if sub.id != head.id else sub.via
    unseen = observation is None or observation.state == OccurrenceState.UNKNOWN
    if unseen and rule.remedy.acts and head.then != "resume":
        rule = replace(
            rule,
            remedy=Remedy.NEEDS_HUMAN,
            choices=(),
            reason=f"{rule.reason}; {NOT_OBSERVED}",
            steps=(LOOK_YOURSELF,),
        )
    choices = rule.choices
    if head.stop_first and facts.flags["hanging"] and Choice.REPROCESS in choices:
        choices = (*choices, Choice.REPROCESS_EVEN_IF_NOT_STOPPED)
    occurrence, job = evidence.occurrence, evidence.job
    return Decision(
        kind=ItemKind.OCCURRENCE,
        item_id=occurrence.key,
        name=job.name,
        root=f"occurrence:{occurrence.key}",
        rule=rule.id,
        via=via,
        remedy=rule.remedy,
        reach=rule.reach,
        reason=rule.reason.format(**facts.words),
        choices=choices,
        steps=_steps(rule, facts),
        due=occurrence.due,
        stop_first=head.stop_first and rule.remedy.acts,
        tag=tag if rule.remedy is Remedy.DATA_SYNC else None,
        fresh_since=fresh_since if rule.remedy is Remedy.DATA_SYNC else None,
        fingerprint=Fingerprint(
            subject=job.name, segment_id=job.id, lists=_lists(job.tessitura_list), remedy=rule.remedy.value
        )
        if rule.remedy.acts
        else Fingerprint(),
        observation=observation,
    )


def decide_automation(automation: Automation) -> Decision:
    """A1: counts only; an automation is never repaired. What could not be counted is for a person."""
    words: dict[str, Any] = {
        "stalled": automation.stalled,
        "entered": automation.entered,
        "waiting": automation.waiting,
        "reentry": " and may enter again" if automation.reentry and automation.entered else "",
        "more": "" if automation.whole else "; there are more, only so many were read",
    }
    return Decision(
        kind=ItemKind.AUTOMATION,
        item_id=automation.id,
        name=automation.name,
        root=f"automation:{automation.id}",
        rule=AUTOMATION_RULE.id,
        remedy=Remedy.NEEDS_HUMAN if automation.unreadable else AUTOMATION_RULE.remedy,
        reach=Reach.DATA,
        reason=f"it could not be counted ({automation.unreadable})"
        if automation.unreadable
        else AUTOMATION_RULE.reason.format(**words),
        steps=("Look in Pro2 at the contacts that wait in an automation since the outage",)
        if automation.unreadable
        else (),
    )


def _steps(rule: Rule, facts: Facts) -> tuple[str, ...]:
    return (
        tuple(step.format(**facts.words) for step in rule.steps) if rule.remedy is Remedy.NEEDS_HUMAN else ()
    )


def _lists(list_id: str | None) -> tuple[str, ...] | None:
    return None if list_id is None else (list_id,)
