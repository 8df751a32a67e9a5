"""The tables as data: every row can be asked, filled in and read by a person."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import pytest
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.decide import first_fit
from pro2_reconciliation.domain.facts import Facts
from pro2_reconciliation.domain.rules import (
    AUTOMATION_RULE,
    CAMPAIGN_RULES,
    DATA_SYNC_RULES,
    ENDING_RULES,
    OCCURRENCE_RULES,
    REPROCESS_RULES,
    RULE_BOOK,
    Rule,
)
from pro2_reconciliation.domain.words import Choice, ProcessType, Reach, Remedy

TABLES = {
    "campaigns": CAMPAIGN_RULES,
    "occurrences": OCCURRENCE_RULES,
    "reprocess": REPROCESS_RULES,
    "data_sync": DATA_SYNC_RULES,
}
ROWS = [
    pytest.param(table, rule, id=f"{table}-{n}-{rule.id}")
    for table, rules in TABLES.items()
    for n, rule in enumerate(rules)
]
VERBS = {
    "Ask",
    "Check",
    "Compare",
    "Decide",
    "Duplicate",
    "Generate",
    "Import",
    "Look",
    "Make",
    "Open",
    "Start",
    "Stop",
    "Wait",
}


def facts_for(table: str) -> Facts:
    return f.facts_of_campaign() if table == "campaigns" else f.facts_of_occurrence(f.evidence())


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("table", "rule"), ROWS)
def test_every_condition_is_answered_by_a_fact(table, rule):
    facts = facts_for(table)
    assert all(facts.holds(condition) in (True, False) for condition in rule.when)


@pytest.mark.parametrize(("table", "rule"), ROWS)
def test_every_word_of_a_sentence_is_provided(table, rule):
    wanted = set().union(*(placeholders(text) for text in (rule.reason, *rule.steps)))
    assert wanted <= set(facts_for(table).words)


@pytest.mark.parametrize(
    ("table", "facts"),
    [
        ("campaigns", f.facts_of_campaign(f.reading(None), first=None, observation=None)),
        (
            "occurrences",
            f.facts_of_occurrence(f.evidence(log=None, console=None, occurrence=f.due(following=None))),
        ),
    ],
)
def test_facts_and_words_are_the_same_set_when_nothing_is_known(table, facts):
    usual = facts_for(table)
    assert (facts.flags.keys(), facts.words.keys()) == (usual.flags.keys(), usual.words.keys())


@pytest.mark.parametrize(
    ("names", "tables"),
    [("campaigns", ["campaigns"]), ("occurrences", ["occurrences", "reprocess", "data_sync"])],
)
def test_no_fact_is_worked_out_for_nothing(names, tables):
    asked = {c.removeprefix("not ") for table in tables for rule in TABLES[table] for c in rule.when}
    outside_the_table = {"hanging"}  # decide_occurrence reads it for R10b
    assert set(facts_for(names).flags) - asked - outside_the_table == set()


@pytest.mark.parametrize(("table", "rule"), ROWS)
def test_every_step_starts_with_a_verb(table, rule):
    assert [step for step in rule.steps if step.split()[0] not in VERBS] == []


@pytest.mark.parametrize(("table", "rule"), ROWS)
def test_a_row_for_a_person_says_what_to_do(table, rule):
    told_by_the_sub_table = rule.then in RULE_BOOK.sub_tables
    assert rule.steps or rule.remedy is not Remedy.NEEDS_HUMAN or told_by_the_sub_table


@pytest.mark.parametrize(("table", "rule"), ROWS)
def test_a_row_that_acts_asks_first_and_offers_the_safe_choice_first(table, rule):
    if rule.remedy.acts and rule.then not in RULE_BOOK.sub_tables:
        assert rule.choices[0] is Choice.LEAVE
        assert len(rule.choices) > 1
    elif not rule.then:
        assert rule.choices == ()


@pytest.mark.parametrize("table", [CAMPAIGN_RULES, OCCURRENCE_RULES, REPROCESS_RULES, DATA_SYNC_RULES])
def test_every_table_ends_in_a_row_without_conditions_that_belongs_to_a_person(table):
    assert (table[-1].when, table[-1].remedy) == ((), Remedy.NEEDS_HUMAN)
    assert [rule.id for rule in table[:-1] if not rule.when] == []


def test_every_rule_of_the_decision_table_exists_and_no_other():
    ids = RULE_BOOK.ids() | set(ENDING_RULES.values()) | {AUTOMATION_RULE.id}
    expected = {f"C{n}" for n in range(15)} | {f"R{n}" for n in range(17)} | {"R10a", "R10b", "A1"}
    assert ids == expected


def test_the_rules_that_only_an_action_can_meet_are_in_no_table():
    assert "C13" not in RULE_BOOK.ids()
    assert ENDING_RULES["stop_campaign"] == "C13"


def test_campaign_rules_stand_in_the_order_of_their_numbers():
    numbers = [int(rule.id[1:]) for rule in CAMPAIGN_RULES]
    assert numbers == sorted(numbers)


def test_what_can_mail_reaches_the_inbox():
    rows = [rule for rules in TABLES.values() for rule in rules]
    assert {r.reach for r in rows if r.remedy in (Remedy.RESEND, Remedy.RUN_NOW)} == {Reach.INBOX}


def test_a_row_that_names_an_unknown_fact_is_found_out():
    broken = (replace(CAMPAIGN_RULES[0], when=("moon_is_full",)), *CAMPAIGN_RULES[1:])
    with pytest.raises(KeyError, match="moon_is_full"):
        first_fit(broken, f.facts_of_campaign())


def test_not_negates_a_fact():
    facts = Facts({"sent": True})
    assert facts.holds("sent")
    assert not facts.holds("not sent")


def test_the_first_row_that_fits_decides():
    rows = (
        Rule("X1", ("not sent",), Remedy.NONE, ""),
        Rule("X2", ("sent",), Remedy.NONE, ""),
        Rule("X3", (), Remedy.NONE, ""),
    )
    assert first_fit(rows, Facts({"sent": True})).id == "X2"


@pytest.mark.parametrize("kind", ProcessType)
def test_every_kind_of_job_gets_a_decision_for_a_missed_run(kind):
    assert f.judged(f.job(kind)).reason
