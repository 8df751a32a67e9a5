"""A step that a person presses is asked for once at a time, is right when it is asked for, and is settled by a look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.asking import Asked, asked
from tests.incident.harness import Evening
from tests.incident.test_manual import Colleague, by_hand, only

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.jobs import ActivityRow
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.schedule import next_due
from pro2_reconciliation.domain.words import Choice, Mode, Outcome, Remedy, Verb
from pro2_reconciliation.ledger import Stage, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.lost_requests import asked_rows
from pro2_reconciliation.repair.manual import PRESS_WITHIN, ManualAnswer, press_by
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import ASKED, ELSEWHERE, GATED


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


class TestOneQuestionAtATime:
    """Two people who are asked to press Run Now are two mails."""

    def test_another_dag_run_asks_nobody_while_the_question_waits(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        other = found.carry_out(Verb.REPEAT_IMPORT, evening.account("run-2", manual=frozenset(Verb)))
        assert other.state == ELSEWHERE
        assert "a person is asked to press it until" in other.why
        assert "by run-1" in other.why
        assert " CST" in other.why

    def test_the_same_task_on_another_host_asks_again(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        retry = evening.account("run-1 on another-host", manual=frozenset(Verb))
        assert found.carry_out(Verb.REPEAT_IMPORT, retry).state == ASKED

    def test_once_the_question_has_ended_another_dag_run_may_ask(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        evening.clock.sleep(PRESS_WITHIN.total_seconds() + 1)
        other = evening.account("run-2", manual=frozenset(Verb))
        result = found.carry_out(Verb.REPEAT_IMPORT, other)
        assert result.state == ASKED
        assert "was asked for at" in result.instruction
        assert "answer that it is done" in result.instruction


class TestBeforeItIsAskedAgain:
    def test_a_kill_switch_that_closed_meanwhile_is_said_and_nobody_is_asked(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "ops", "fire drill")
        result = found.carry_out(Verb.REPEAT_IMPORT)
        assert (result.state, result.instruction) == (GATED, "")
        assert result.why.startswith("do not press it now: the kill switch is on")

    def test_without_a_guard_nobody_is_asked_to_send(self, evening: Evening) -> None:
        found = sending(evening)
        evening.clock.every_minute = None
        evening.clock.sleep(3600)
        result = found.carry_out(Verb.SEND_CAMPAIGN)
        assert (result.state, result.instruction) == (GATED, "")
        assert "guard_repairs last passed" in result.why

    def test_a_world_that_moved_ends_it_with_a_person(self, evening: Evening) -> None:
        found = sending(evening)
        item = int(found.step(Verb.SEND_CAMPAIGN).item_key.partition(":")[2])
        campaigns = evening.world.campaigns
        campaigns.copy(campaigns.all[item], evening.world.advance(), "person")
        evening.ledger().beat(GUARD)
        result = found.carry_out(Verb.SEND_CAMPAIGN)
        assert result.state == State.NEEDS_HUMAN
        assert "must not any more: somebody made a copy since" in result.why
        assert result.instruction == ""


def sending(evening: Evening) -> Asked:
    """A campaign that was stopped and copied by hand; its copy is asked for and not sent."""
    colleague = Colleague(evening)
    account = by_hand(evening)
    plan, _ = evening.reconcile(
        account=account,
        answer=only(Remedy.RESEND),
        presser=lambda told: colleague(told) if told.verb is not Verb.SEND_CAMPAIGN else _nobody(),
    )
    return Asked(evening, by_hand(evening), plan, clear(account, plan, Mode.ASK, who="test").steps)


class Nobody(Exception):
    pass


def _nobody() -> ManualAnswer:
    raise Nobody


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A presser that raises Nobody leaves the question unanswered."""
    from pro2_reconciliation.repair import reconcile as module

    plain = module._step

    def step(*given: Any) -> None:
        try:
            plain(*given)
        except Nobody:
            return

    monkeypatch.setattr(module, "_step", step)


class TestAStopThatIsNotPossible:
    def hanging(self, evening: Evening, choice: Choice) -> Asked:
        def answer(plan: Plan) -> dict[str, Choice]:
            first = next(d for d in plan.decisions if d.stop_first and choice in d.choices)
            return {first.key: choice}

        return asked(evening, answer=answer)

    def test_goes_on_where_somebody_chose_that_both_may_run(self, evening: Evening) -> None:
        found = self.hanging(evening, Choice.REPROCESS_EVEN_IF_NOT_STOPPED)
        (stop,) = [step for step in found.steps if step.verb is Verb.STOP_RUN]
        record = found.answer(
            Verb.STOP_RUN, ManualAnswer.NOT_POSSIBLE, even_if_not_stopped=stop.even_if_not_stopped
        )
        assert (record.state, record.remote_id) == (State.DONE, "refused")
        assert record.moves[-1].who == "Ada"

    def test_else_it_ends_there(self, evening: Evening) -> None:
        found = self.hanging(evening, Choice.REPROCESS)
        record = found.answer(Verb.STOP_RUN, ManualAnswer.NOT_POSSIBLE)
        assert record.state is State.FAILED
        rest = [s for s in found.steps if s.verb is not Verb.STOP_RUN]
        assert [found.record(step.verb).state for step in rest] == [State.STALE]


class TestUntilWhen:
    def test_a_send_ends_with_the_sending_hours(self, evening: Evening) -> None:
        decision = self.resend(evening)
        account = by_hand(evening)
        late = replace(account, site=with_hours(account, "08:00", "19:00"))
        ends = press_by(late, decision.model_copy(update={"send_by": None}), Verb.SEND_CAMPAIGN)
        assert f"{ends.astimezone(evening.world.zone):%H:%M}" == "19:00"

    def test_a_send_ends_with_its_own_time(self, evening: Evening) -> None:
        decision = self.resend(evening)
        ends = evening.clock.now() + timedelta(minutes=20)
        sooner = decision.model_copy(update={"send_by": ends})
        assert press_by(by_hand(evening), sooner, Verb.SEND_CAMPAIGN) == ends

    def test_what_mails_nobody_has_its_twelve_hours(self, evening: Evening) -> None:
        decision = self.resend(evening)
        assert press_by(by_hand(evening), decision, Verb.STOP_CAMPAIGN) == evening.clock.now() + PRESS_WITHIN

    def test_the_question_waits_as_long(self, evening: Evening) -> None:
        found = sending(evening)
        evening.ledger().beat(GUARD)
        result = found.carry_out(Verb.SEND_CAMPAIGN)
        decision = found.plan.decision(result.item_key)
        assert decision is not None
        left = press_by(found.account, decision, Verb.SEND_CAMPAIGN) - evening.clock.now()
        assert result.wait_seconds == pytest.approx(left.total_seconds(), abs=1)
        assert "From " in result.instruction
        assert "on it is too late" in result.instruction

    def resend(self, evening: Evening) -> Any:
        plan, _ = evening.reconcile(Mode.PLAN)
        return next(d for d in plan.decisions if d.remedy is Remedy.RESEND)


def with_hours(account: Account, start: str, end: str) -> Any:
    policy = account.policy.model_copy(update={"sending_hours": (start, end)})
    return account.site.model_copy(update={"policy": policy})


def test_a_guard_of_people_asks_for_the_stop_and_presses_nothing(evening: Evening) -> None:
    colleague = Colleague(evening)
    evening.reconcile(account=by_hand(evening), answer=only(Remedy.RESEND), presser=colleague)
    item = next(a.item_id for a in every_action(evening.ledger()) if a.remedy is Remedy.RESEND)
    campaigns = evening.world.campaigns
    original = campaigns.all[int(item)]
    original.status = 1
    report = guard_pass(by_hand(evening))
    assert len(report.alarms) == 1
    assert "; stop it in Pro2 by hand, NOW" in report.alarms[0]
    assert evening.effects("us") == []
    assert evening.pro2.carried[-1].mutating is False


def test_a_copy_that_cannot_be_looked_for_is_no_answer_yet(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague = Colleague(evening)

    def presser(told: Any) -> ManualAnswer:
        return colleague(told) if told.verb is Verb.STOP_CAMPAIGN else _nobody()

    plan, _ = evening.reconcile(account=by_hand(evening), answer=only(Remedy.RESEND), presser=presser)
    found = Asked(evening, by_hand(evening), plan, clear(by_hand(evening), plan, Mode.ASK, who="test").steps)

    def silent(*_: Any) -> Any:
        raise Unreadable("no answer within 20 s")

    with monkeypatch.context() as broken:
        broken.setattr(type(found.account.campaigns), "newer_than", silent)
        with pytest.raises(Unreadable):
            found.answer(Verb.COPY_CAMPAIGN, ManualAnswer.DONE)
    assert found.record(Verb.COPY_CAMPAIGN).state is State.INTENDED


class TestPressedAfterTheQuestionHadEnded:
    def test_the_next_dag_run_sees_it_and_asks_nobody(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        evening.clock.sleep(PRESS_WITHIN.total_seconds() + 1)
        evening.world.jobs.repeat_import(found.job(Verb.REPEAT_IMPORT), evening.world.advance(), "person")
        evening.clock.sleep(1800)
        told = settle_waiting(by_hand(evening))
        assert found.record(Verb.REPEAT_IMPORT).state is State.CONFIRMED
        assert len(told) == 1
        assert "repeat_import confirmed" in told[0]

    def test_a_question_that_still_waits_is_left_to_its_person(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        evening.world.jobs.repeat_import(found.job(Verb.REPEAT_IMPORT), evening.world.advance(), "person")
        evening.clock.sleep(600)
        assert settle_waiting(evening.account("run-2")) == []
        assert found.record(Verb.REPEAT_IMPORT).state is State.INTENDED


class TestTheGuardOfAnAskedSend:
    """A person may press for hours; what our own send would look at just before, the guard looks at meanwhile."""

    def test_says_not_to_send_when_a_colleague_sent_it_himself(self, evening: Evening) -> None:
        found = sending(evening)
        assert guard_pass(found.account).alarms == ()
        item = int(found.step(Verb.SEND_CAMPAIGN).item_key.partition(":")[2])
        campaigns = evening.world.campaigns
        made = campaigns.copy(campaigns.all[item], evening.world.advance(), "person")
        campaigns.send_now(made, evening.world.advance(), "person")
        (alarm,) = guard_pass(found.account).alarms
        assert "do NOT send it any more, somebody made a copy since" in alarm
        assert guard_pass(found.account).alarms == (), "told once"

    def test_says_not_to_send_when_the_kill_switch_is_on(self, evening: Evening) -> None:
        found = sending(evening)
        evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "ops", "fire drill")
        (alarm,) = guard_pass(found.account).alarms
        assert "do NOT send it any more, the kill switch is on" in alarm

    def test_is_quiet_once_it_was_sent(self, evening: Evening) -> None:
        found = sending(evening)
        copy = found.record(Verb.COPY_CAMPAIGN).remote_id
        campaigns = evening.world.campaigns
        campaigns.send_now(campaigns.all[int(copy)], evening.world.advance(), "person")
        assert guard_pass(found.account).alarms == ()


@pytest.mark.parametrize(
    ("minutes", "manual", "ours"),
    [(0, None, False), (9, None, False), (40, None, True), (0, True, True), (40, False, False)],
    ids=["due, by whom is unknown", "late", "not due", "due, by hand", "not by hand"],
)
def test_a_run_of_the_schedule_is_not_the_one_that_was_asked_for(
    evening: Evening, minutes: float, manual: bool | None, ours: bool
) -> None:
    found = asked(evening, Remedy.REPEAT_IMPORT)
    step, verb = found.record(Verb.REPEAT_IMPORT), Verb.REPEAT_IMPORT
    job = evening.site.jobs_by_id[found.job(verb)]
    due = next_due(job, evening.clock.now())
    assert due is not None
    row = ActivityRow(
        organization="playhouse",
        run_id="r",
        process_type=None,
        job_id=job.id,
        started=due + timedelta(minutes=minutes),
        outcome=Outcome.SUCCESS,
        manual=manual,
    )
    decision = found.plan.decision(found.step(verb).item_key)
    assert decision is not None
    assert bool(asked_rows(found.account, decision, step, [row])) is ours


def test_a_job_that_left_the_catalog_stops_no_reconciliation(evening: Evening) -> None:
    found = asked(evening, Remedy.REPEAT_IMPORT)
    gone = found.job(Verb.REPEAT_IMPORT)
    site = evening.site.model_copy(update={"jobs": tuple(j for j in evening.site.jobs if j.id != gone)})
    evening.clock.sleep(PRESS_WITHIN.total_seconds() + 1)
    assert settle_waiting(evening.account("run-2", site=site)) == []
    assert found.record(Verb.REPEAT_IMPORT).state is State.INTENDED
