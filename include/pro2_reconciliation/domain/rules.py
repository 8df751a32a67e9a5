"""The decision table, as data: what the vendor's checklist (help.prospect2.com article 715) means for software.

A rule names the conditions that must ALL hold; the first rule of its table that fits decides. A condition is the
name of a boolean fact (``facts.py``), a leading "not " negates it. Nothing here computes: to change a decision,
change a row. Both tables end in a row without conditions, so every item gets a decision and the last word is
always a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pro2_reconciliation.domain.campaign_rules import CAMPAIGN_RULES
from pro2_reconciliation.domain.occurrence_rules import DATA_SYNC_RULES, OCCURRENCE_RULES, REPROCESS_RULES
from pro2_reconciliation.domain.rule import Rule
from pro2_reconciliation.domain.words import Remedy

__all__ = [
    "AUTOMATION_RULE",
    "CAMPAIGN_RULES",
    "DATA_SYNC_RULES",
    "ENDING_RULES",
    "OCCURRENCE_RULES",
    "REPROCESS_RULES",
    "RULE_BOOK",
    "Rule",
    "RuleBook",
]


@dataclass(frozen=True)
class RuleBook:
    """The tables a decision is made with; tests break one row of a copy and see it found out."""

    campaigns: tuple[Rule, ...] = CAMPAIGN_RULES
    occurrences: tuple[Rule, ...] = OCCURRENCE_RULES
    sub_tables: dict[str, tuple[Rule, ...]] = field(
        default_factory=lambda: {"reprocess": REPROCESS_RULES, "data_sync": DATA_SYNC_RULES}
    )

    def ids(self) -> set[str]:
        rules = [*self.campaigns, *self.occurrences, *(r for t in self.sub_tables.values() for r in t)]
        return {rule.id for rule in rules} | {via for rule in rules for via in rule.via}


RULE_BOOK = RuleBook()
ENDING_RULES = {"stop_campaign": "C13", "stop_run_refused": "R10b", "stop_run": "R10a"}
"""Rules that are decided by what an action met, not by the plan."""
AUTOMATION_RULE = Rule(
    "A1",
    (),
    Remedy.REPORT,
    "{entered} contacts entered it in the outage{reentry}; in progress with no step since: {stalled} that stopped in "
    "it or shortly before, {waiting} that wait for longer (a long wait looks the same){more}",
)
