"""The demo's incident, played in process: what the whole house promises, in one evening."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.incident.harness import Evening, approve_none

from pro2_reconciliation.domain.rules import ENDING_RULES, RULE_BOOK, Rule, RuleBook
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.reconcile import watch
from pro2_reconciliation.repair.report import End, Report


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def differences(evening: Evening, report: Report) -> list[str]:
    """Where the report is not what the incident says must come of each item."""
    rows = {(row.kind.value, row.item_id): row for row in report.rows}
    found = []
    for want in evening.expected():
        if want["run"] not in (None, 1):
            continue  # what only a follow-up sees; tests/incident/test_incidents.py plays those too
        row = rows.get((want["kind"], want["id"]))
        if want.get("absent"):
            if row is not None:
                found.append(f"{want['id']} is an item and should not be")
            continue
        if row is None:
            found.append(f"{want['id']} is missing")
            continue
        got = (row.rule, row.decision, row.outcome.value)
        if got != (want["rule"], want["decision"], want["outcome"]):
            found.append(
                f"{want['id']}: {got}, expected {want['rule']}, {want['decision']}, {want['outcome']}: "
                f"{row.reason} / {row.detail}"
            )
    return found


def test_every_item_ends_as_the_incident_says_and_nobody_is_mailed_twice(evening: Evening) -> None:
    _, report = evening.reconcile()

    assert differences(evening, report) == []
    truth = evening.truth()
    assert truth["mailed_twice"] == []
    assert truth["missing"] == []


def test_every_rule_that_can_occur_here_occurs(evening: Evening) -> None:
    _, report = evening.reconcile()

    seen = {row.rule for row in report.rows} | {via for row in report.rows for via in row.via}
    # C0 and R0 need an action of ours from before, C3 a copy of ours that a second outage caught
    assert RULE_BOOK.ids() - seen - {"C0", "R0", "C3"} == set()


@pytest.mark.parametrize(("mode", "answer"), [(Mode.PLAN, None), (Mode.ASK, approve_none)])
def test_without_a_choice_nothing_at_all_is_changed(evening: Evening, mode: Mode, answer: object) -> None:
    _, report = evening.reconcile(mode, answer=answer)  # type: ignore[arg-type]

    assert evening.effects() == []
    assert not [row for row in report.rows if row.outcome in (End.VERIFIED, End.FAILED)]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_read_only_connection_changes_nothing_in_any_mode(evening: Evening, mode: Mode) -> None:
    account = evening.account("run-1", read_only=dict.fromkeys(Verb, "connection pro2 is read-only"))
    _, report = evening.reconcile(mode, account=account)

    assert evening.effects() == []
    assert report.failures == ()


def test_the_mode_auto_touches_only_data_that_starts_no_mail(evening: Evening) -> None:
    evening.reconcile(Mode.AUTO)

    assert sorted(effect["kind"] for effect in evening.effects()) == ["import", "repeat_import"]


def test_the_mode_auto_leaves_an_import_that_may_start_mail_to_a_person(evening: Evening) -> None:
    jobs = tuple(job.model_copy(update={"starts_mail": "yes"}) for job in evening.site.jobs)
    evening.site = evening.site.model_copy(update={"jobs": jobs})
    evening.reconcile(Mode.AUTO)

    assert evening.effects() == []


def test_reconciling_the_same_window_again_adds_no_effect(evening: Evening) -> None:
    evening.reconcile(dag_run="outage__1__g1")
    before = [e for e in evening.effects() if e["kind"] not in ("tag_added", "tag_removed")]

    _, again = evening.reconcile(
        dag_run="manual__2", answer=only(Choice.RESEND, Choice.REPROCESS, Choice.HOLD_BACK)
    )

    assert [e for e in evening.effects() if e["kind"] not in ("tag_added", "tag_removed")] == before
    assert evening.truth()["mailed_twice"] == []
    assert {row.rule for row in again.rows if row.item_id in ("103", "104", "105", "119")} == {"C0"}


def only(*choices: Choice):  # type: ignore[no-untyped-def]
    def answer(plan):  # type: ignore[no-untyped-def]
        return {
            d.key: next((c for c in choices if c in d.choices), Choice.LEAVE)
            for d in plan.decisions
            if d.asks
        }

    return answer


def test_an_earlier_dag_run_that_only_proposed_does_not_stand_in_the_way(evening: Evening) -> None:
    evening.reconcile(answer=approve_none, dag_run="run-1")
    _, report = evening.reconcile(dag_run="run-2")

    assert {
        row.item_id for row in report.rows if row.outcome is End.VERIFIED and row.decision == "resend"
    } == {
        "103",
        "104",
        "105",
        "119",
    }


def without(rule_id: str) -> RuleBook:
    """The table with one rule broken: it never fits."""

    def broken(table: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in table if rule.id != rule_id or not rule.when)

    return RuleBook(
        broken(RULE_BOOK.campaigns),
        broken(RULE_BOOK.occurrences),
        {name: broken(table) for name, table in RULE_BOOK.sub_tables.items()},
    )


Misjudging = Callable[[RuleBook], set[str]]


@pytest.fixture(scope="module")
def misjudged(tmp_path_factory: pytest.TempPathFactory) -> Misjudging:
    """What a rule book decides of one watched evening: the rules of the incident that it does not go by."""
    evening = Evening(tmp_path_factory.mktemp("watched"))
    evening.end_outage()
    account = evening.account("run-1")
    inventory = take_inventory(account, evening.window())
    observations = watch(account, inventory)

    def judge(book: RuleBook) -> set[str]:
        plan = build_plan(account, inventory, observations, run="run-1", book=book)
        rules = {(one.kind.value, one.item_id): one.rule for one in plan.decisions}
        wanted = [want for want in evening.expected() if want["run"] in (None, 1) and not want.get("absent")]
        missed = {want["rule"] for want in wanted if rules[want["kind"], want["id"]] != want["rule"]}
        return missed - set(ENDING_RULES.values())  # of what only its lane could find out

    return judge


def test_the_whole_table_judges_every_item_as_the_incident_says(misjudged: Misjudging) -> None:
    assert misjudged(RULE_BOOK) == set()


@pytest.mark.parametrize(
    "rule_id", ["C5", "C6", "C7", "C8", "C11", "C12", "R3", "R5", "R8", "R13", "R15", "R4"]
)
def test_a_broken_rule_is_found_out(misjudged: Misjudging, rule_id: str) -> None:
    assert rule_id in misjudged(without(rule_id))


def test_a_rule_that_resends_too_much_is_found_out_by_the_truth(evening: Evening) -> None:
    """C6 broken: what a colleague sent by hand would go out again. The step's own look still prevents it."""
    book = without("C6")
    eager = RuleBook(
        tuple(
            replace(rule, when=("pending",), remedy=Remedy.RESEND) if rule.id == "C11" else rule
            for rule in book.campaigns
        ),
        book.occurrences,
        book.sub_tables,
    )
    _, report = evening.reconcile(book=eager)

    assert evening.truth()["mailed_twice"] == []
    assert {r.item_id: r.outcome for r in report.rows}["106"] is not End.VERIFIED
