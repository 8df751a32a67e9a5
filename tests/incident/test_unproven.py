"""An account of which nobody has seen what it does: a person is asked for every step, with the reason (ADR 14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.incident.harness import Evening, approve_all
from tests.incident.test_drill import evening_with
from tests.incident.test_drill import given as desk
from tests.incident.test_manual import Colleague, only

from pro2_reconciliation.desk.drill import drilled_at
from pro2_reconciliation.domain.capability import RESTS_ON, Capability
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import CampaignStatus, Choice, Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.overview import commands
from pro2_reconciliation.repair.actions import verbs_of
from pro2_reconciliation.repair.asking import question
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.ground import ground_of, pressed_beforehand
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.proofs import Proof
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.step_result import ASKED, StepResult
from pro2_reconciliation.repair.steps import carry_out

EVERY = frozenset(Capability)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def prove(evening: Evening, some: Iterable[Capability]) -> None:
    names = [one.value for one in some]
    if names:  # the desk asks for one at least
        commands.accept_capabilities(
            evening.ledger(), "playhouse", "America/Chicago", names, who="kim", why="seen on the test job"
        )


def withdraw(evening: Evening, some: Iterable[Capability]) -> None:
    names = [one.value for one in some]
    if names:
        commands.withdraw_capabilities(
            evening.ledger(), "playhouse", "America/Chicago", names, who="kim", why="odd"
        )


def site(evening: Evening, **changes: Any) -> Any:
    """The account as ``open_account`` opens it."""
    return evening.account("run-1", only_proven=True, **changes)


def resend_one(status: CampaignStatus) -> Any:
    """Resend the first campaign that has this status."""

    def answer(plan: Plan) -> dict[str, Choice]:
        for one in plan.decisions:
            reading = one.observation.reading if one.observation else None
            if Choice.RESEND in one.choices and reading and reading.campaign.status is status:
                return {one.key: Choice.RESEND}
        raise AssertionError(f"no campaign is {status}")

    return answer


class TestNothingIsProven:
    def test_every_acting_step_asks_a_person_and_nothing_leaves(self, evening: Evening) -> None:
        asked: list[StepResult] = []

        def presser(step: StepResult) -> Any:
            asked.append(step)
            return Colleague(evening)(step)

        _, report = evening.reconcile(account=site(evening), answer=approve_all, presser=presser)

        assert evening.effects("us") == []
        assert {step.verb for step in asked} == {
            Verb.STOP_CAMPAIGN,
            Verb.STOP_RUN,
            Verb.REPEAT_IMPORT,
            Verb.IMPORT_LIST,
            Verb.COPY_CAMPAIGN,
            Verb.SEND_CAMPAIGN,
        }, "the colleague cannot stop a run, so nothing follows that"
        assert evening.truth()["mailed_twice"] == []
        assert End.VERIFIED in {row.outcome for row in report.rows if row.answered_by}

    def test_the_words_say_why_and_how_it_ends(self, evening: Evening) -> None:
        colleague = Colleague(evening)
        evening.reconcile(account=site(evening), answer=only(Remedy.REPEAT_IMPORT), presser=colleague)
        (asked,) = colleague.told
        assert asked.instruction.endswith(
            "You are asked because it was not seen yet that Repeat Import runs. Once somebody saw it do so: "
            'python -m pro2_reconciliation capabilities accept repeat_import --why "..."'
        )

    def test_a_connection_that_leaves_it_to_a_person_is_named_instead(self, evening: Evening) -> None:
        colleague = Colleague(evening)
        account = site(evening, manual=frozenset({Verb.REPEAT_IMPORT}))
        evening.reconcile(account=account, answer=only(Remedy.REPEAT_IMPORT), presser=colleague)
        (asked,) = colleague.told
        assert asked.instruction.endswith("You are asked because its connection says actions: manual.")

    def test_nobody_answers_and_the_report_says_why_a_person_is_needed(self, evening: Evening) -> None:
        _, report = evening.reconcile(account=site(evening), answer=only(Remedy.REPEAT_IMPORT))
        (row,) = [row for row in report.rows if "asked to press it" in row.detail]
        assert row.steps[1].startswith(
            "Know: You are asked because it was not seen yet that Repeat Import runs"
        )
        assert evening.effects("us") == []

    def test_the_plan_and_the_question_say_it_beforehand(self, evening: Evening) -> None:
        account = site(evening)
        plan, report = evening.reconcile(Mode.PLAN, account=account)
        details = {row.detail for row in report.rows if row.decision == "repeat_import"}
        assert "plan only; a person is asked to press repeat import (not seen yet: repeat_import)" in details

        facts = {
            one.key: one.facts
            for one in question(plan, pressed=lambda d: pressed_beforehand(account, d)).selects
        }
        of_campaigns = [said for key, said in facts.items() if key.startswith("campaign:")]
        assert of_campaigns
        asked = "a person is asked to press stop campaign"
        assert all(asked in said for said in of_campaigns)
        assert any(
            f"{asked}, copy campaign, send campaign (not seen yet: 6 things, see capabilities)" in said
            for said in of_campaigns
        )
        prove(evening, EVERY)
        assert {pressed_beforehand(account, d) for d in plan.decisions} == {""}

    def test_the_plan_has_the_same_hash_whatever_is_proven(self, tmp_path: Path) -> None:
        hashes = set()
        for some in (frozenset(), EVERY):
            evening = Evening(tmp_path / str(len(some)))
            evening.end_outage()
            prove(evening, some)
            plan, _ = evening.reconcile(Mode.PLAN, account=site(evening))
            hashes.add(plan.model_copy(update={"ledger_uuid": "one"}).hash)
        assert len(hashes) == 1


def test_with_all_proven_it_is_as_before(evening: Evening) -> None:
    prove(evening, EVERY)
    _, report = evening.reconcile(
        account=site(evening), answer=only(Remedy.RESEND, Remedy.REPEAT_IMPORT), presser=None
    )
    ends = [row.outcome for row in report.rows if row.answered_by and row.outcome is not End.NOT_CHOSEN]
    assert ends == [End.VERIFIED, End.VERIFIED]
    assert {effect["kind"] for effect in evening.effects("us")} >= {
        "campaign_stopped", "campaign_copied", "campaign_sent", "repeat_import"}  # fmt: skip


class TestAStop:
    """It rests on the status that its campaign has right before."""

    @pytest.mark.parametrize(
        ("status", "proven", "asks"),
        [
            (CampaignStatus.SCHEDULED, Capability.STOP_SCHEDULED, False),
            (CampaignStatus.SCHEDULED, Capability.STOP_SENDING, True),
            (CampaignStatus.SENDING, Capability.STOP_SCHEDULED, True),
            (CampaignStatus.SENDING, Capability.STOP_SENDING, False),
        ],
    )
    def test_is_a_persons_only_where_its_own_status_is_not_proven(
        self, evening: Evening, status: CampaignStatus, proven: Capability, asks: bool
    ) -> None:
        prove(evening, (EVERY - RESTS_ON[Verb.STOP_CAMPAIGN]) | {proven})
        colleague = Colleague(evening)
        evening.reconcile(account=site(evening), answer=resend_one(status), presser=colleague)
        assert [told.verb for told in colleague.told] == ([Verb.STOP_CAMPAIGN] if asks else [])
        assert ("campaign_stopped" in {e["kind"] for e in evening.effects("us")}) is not asks
        assert evening.truth()["mailed_twice"] == []


class TestTheGuard:
    def test_stops_what_wakes_whatever_is_proven(self, tmp_path: Path) -> None:
        from tests.incident.overview.looking import wakes_after

        evening = Evening(tmp_path, wakes_after(timedelta(hours=3)))
        evening.end_outage()
        prove(evening, EVERY)
        evening.reconcile(account=site(evening), answer=only(Remedy.RESEND))
        withdraw(evening, EVERY - {Capability.STAYS_STOPPED})
        stops = [e for e in evening.effects("us") if e["kind"] == "campaign_stopped"]

        evening.clock.at = evening.world.t0 + timedelta(hours=3, seconds=1)
        alarms = guard_pass(site(evening)).alarms

        assert len([e for e in evening.effects("us") if e["kind"] == "campaign_stopped"]) > len(stops)
        assert any("woke up although it was stopped" in told for told in alarms)
        assert any("from now on a person is asked to send each copy" in told for told in alarms)
        assert Capability.STAYS_STOPPED not in evening.ledger().proven("playhouse")
        told = guard_pass(site(evening)).alarms
        assert [one for one in told if "from now on a person" in one] == [], "once"


class TestWithdrawnInTheMiddle:
    def test_the_next_step_asks_a_person_and_a_plan_from_before_is_carried_out_right(
        self, evening: Evening
    ) -> None:
        prove(evening, EVERY)
        account = site(evening)
        account.ledger.beat(GUARD)
        plan, _ = evening.reconcile(Mode.PLAN, account=account)
        first = next(d for d in plan.decisions if d.remedy is Remedy.RESEND and Choice.RESEND in d.choices)
        account.ledger.save_answers(plan.hash, {first.key: Choice.RESEND}, "kim")
        cleared = clear(account, plan, Mode.ASK, who="kim")
        stop, copy, send = (next(s for s in cleared.steps if s.verb is verb) for verb in (
            Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN))  # fmt: skip
        assert carry_out(account, plan, stop.action_id, stop.verb).went_on
        proof = Proof(account, plan, stop.action_id, stop.verb)
        while not proof.look().decided:
            evening.clock.sleep(proof.pause())

        withdraw(evening, [Capability.COPY_IS_A_DRAFT])
        asked = carry_out(account, plan, copy.action_id, copy.verb)

        assert asked.state == ASKED
        assert "it was not seen yet that a copy is a draft with nothing sent" in asked.instruction
        assert {e["kind"] for e in evening.effects("us")} == {"campaign_stopped"}
        prove(evening, [Capability.COPY_IS_A_DRAFT])
        again = carry_out(account, plan, copy.action_id, copy.verb)
        assert again.state == ASKED, "what a person was asked for stays his"
        assert {e["kind"] for e in evening.effects("us")} == {"campaign_stopped"}
        assert carry_out(account, plan, send.action_id, send.verb).state != State.DONE


class TestTags:
    def test_are_not_written_and_nobody_is_asked_to_press_them(self, tmp_path: Path) -> None:
        from tests.chaos.closing import CHAINS, Gated

        chain = next(one for one in CHAINS if one.name == "add tag")
        evening = Gated(tmp_path, chain)
        evening.prepare()
        withdraw(evening, [Capability.WRITE_TAGS])
        evening.go("manual__1")
        assert evening.acted() == []
        assert evening.row().outcome is End.NOT_NOW
        assert "capabilities accept write_tags" in evening.row().detail

        prove(evening, [Capability.WRITE_TAGS])
        before = evening.ledger().capabilities("playhouse")[Capability.WRITE_TAGS]
        evening.go("manual__2")
        assert evening.acted() == [Verb.ADD_TAG]
        after = evening.ledger().capabilities("playhouse")[Capability.WRITE_TAGS]
        assert (before.evidence, after.proven) == ("accepted: seen on the test job", True)
        assert after.evidence.endswith("add tag: counting again leaves nothing to do")


class TestWhatStepsShow:
    def test_a_confirmed_repair_refreshes_date_and_proof(self, evening: Evening) -> None:
        prove(evening, EVERY)
        before = evening.ledger().capabilities("playhouse")
        evening.clock.sleep(60)
        evening.reconcile(account=site(evening), answer=only(Remedy.RESEND, Remedy.REPEAT_IMPORT))
        after = evening.ledger().capabilities("playhouse")
        changed = {one for one in Capability if after[one] != before[one]}
        assert {Capability.REPEAT_IMPORT, Capability.SEND_COPY, Capability.STAYS_STOPPED,
                Capability.COPY_KEEPS_LISTS, Capability.COPY_IS_A_DRAFT} <= changed  # fmt: skip
        assert len(changed & RESTS_ON[Verb.STOP_CAMPAIGN]) == 1, "the status that it had"
        assert not changed & {Capability.RUN_NOW, Capability.STOP_RUN, Capability.WRITE_TAGS}
        assert after[Capability.REPEAT_IMPORT].evidence.startswith("«")
        assert ": success, " in after[Capability.REPEAT_IMPORT].evidence

    def test_what_a_person_pressed_shows_nothing(self, evening: Evening) -> None:
        evening.reconcile(
            account=site(evening), answer=only(Remedy.REPEAT_IMPORT), presser=Colleague(evening)
        )
        assert evening.ledger().capabilities("playhouse") == {}

    def test_what_was_under_way_does_not_bring_back_what_was_withdrawn(self, evening: Evening) -> None:
        prove(evening, EVERY)

        def minute() -> None:
            if evening.effects("us") and Capability.REPEAT_IMPORT in evening.ledger().proven("playhouse"):
                withdraw(evening, [Capability.REPEAT_IMPORT])

        account = site(evening)
        plan, _ = evening.reconcile(Mode.PLAN, account=account)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "kim")
        (step,) = clear(account, plan, Mode.ASK, who="kim").steps
        assert carry_out(account, plan, step.action_id, step.verb).went_on
        minute()
        proof = Proof(account, plan, step.action_id, step.verb)
        while not proof.look().decided:
            evening.clock.sleep(proof.pause())
        assert proof.peek().state == "proven"
        assert Capability.REPEAT_IMPORT not in evening.ledger().proven("playhouse")

    def test_a_request_that_shows_nothing_is_a_persons_from_then_on(self, evening: Evening) -> None:
        prove(evening, EVERY)
        account = site(evening)
        plan, _ = evening.reconcile(Mode.PLAN, account=account)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "kim")
        (step,) = clear(account, plan, Mode.ASK, who="kim").steps
        account.dashboard.repeat_import = lambda job_id: None  # accepted, and nothing comes of it
        assert carry_out(account, plan, step.action_id, step.verb).went_on
        proof = Proof(account, plan, step.action_id, step.verb)
        while not proof.look().decided:
            evening.clock.sleep(proof.pause())
        known = evening.ledger().capabilities("playhouse")[Capability.REPEAT_IMPORT]
        assert not known.proven
        assert "not proven within" in known.evidence
        assert evening.ledger().proven("playhouse") == EVERY - {Capability.REPEAT_IMPORT}


def test_a_drill_goes_over_the_api_though_nothing_is_proven(tmp_path: Path) -> None:
    evening = evening_with(tmp_path, segment="7")
    text, code = drilled_at(evening.account("drill by kim", only_proven=True), desk("--yes"))
    assert code == 0, text
    assert Capability.SEND_COPY in evening.ledger().proven("playhouse")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evening, list[tuple[Decision, Verb]]]:
    """An evening with the steps that are asked about, one of each kind."""
    evening = Evening(tmp_path_factory.mktemp("planned"))
    evening.end_outage()
    plan, _ = evening.reconcile(Mode.PLAN)
    found: dict[tuple[object, ...], tuple[Decision, Verb]] = {}
    for one in plan.decisions:
        reading = one.observation.reading if one.observation else None
        status = reading.campaign.status if reading and reading.campaign else None
        for verb in verbs_of(one, one.remedy) if one.asks else ():
            found.setdefault((verb, status, one.fingerprint.segment_id), (one, verb))
    assert len(found) > 6
    return evening, list(found.values())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.sampled_from(list(Capability))))
def test_a_request_is_ours_only_if_all_that_it_rests_on_is_proven(
    planned: tuple[Evening, list[tuple[Decision, Verb]]], some: set[Capability]
) -> None:
    """Whatever is proven, and by what the campaign is now."""
    evening, steps = planned
    prove(evening, some)
    withdraw(evening, EVERY - some)
    account = site(evening)
    for decision, verb in steps:
        found = ground_of(account, decision, verb)
        needed = set(RESTS_ON[verb])
        if verb is Verb.STOP_CAMPAIGN:
            now = account.campaigns.get(decision.item_id)
            assert now is not None
            needed = {
                CampaignStatus.SCHEDULED: {Capability.STOP_SCHEDULED},
                CampaignStatus.SENDING: {Capability.STOP_SENDING},
            }[now.status]
        if verb is Verb.COPY_CAMPAIGN and decision.fingerprint.segment_id == "0":
            needed.discard(Capability.COPY_KEEPS_SEGMENT)
        assert bool(found.missing) is not (needed <= some), (verb, some)
