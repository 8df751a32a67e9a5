"""A step that a person presses is asked for once at a time, is right when it is asked for, and is settled by a look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import Evening
from tests.incident.test_manual import Colleague, by_hand, only

from pro2_reconciliation.domain.errors import NoConsole, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Console
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.ports import Dashboard
from pro2_reconciliation.domain.schedule import next_due
from pro2_reconciliation.domain.words import Choice, Mode, Outcome, Remedy, Verb
from pro2_reconciliation.ledger import Stage, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.adoption import asked_rows
from pro2_reconciliation.repair.clearing import ClearedStep, clear
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.manual import PRESS_WITHIN, ManualAnswer, answer_manual, press_by
from pro2_reconciliation.repair.proofs import OPEN, Proof
from pro2_reconciliation.repair.report import End, make_report
from pro2_reconciliation.repair.settling import settle_waiting
from pro2_reconciliation.repair.step_result import ASKED, ELSEWHERE, HELD
from pro2_reconciliation.repair.steps import carry_out


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


@dataclass
class Asked:
    """A plan of which one item was approved, and nobody has pressed anything yet."""

    evening: Evening
    account: Account
    plan: Plan
    steps: tuple[ClearedStep, ...]

    def step(self, verb: Verb) -> ClearedStep:
        return next(step for step in self.steps if step.verb is verb)

    def carry_out(self, verb: Verb, account: Account | None = None, **options: Any) -> Any:
        return carry_out(account or self.account, self.plan, self.step(verb).action_id, verb, **options)

    def answer(self, verb: Verb, answer: ManualAnswer, **options: Any) -> Any:
        return answer_manual(
            self.account, self.plan, self.step(verb).action_id, verb, answer, "Ada", **options
        )

    def record(self, verb: Verb) -> Any:
        action = self.evening.ledger().action(self.step(verb).action_id)
        assert action is not None
        return action.step(verb)

    def job(self, verb: Verb) -> str:
        return self.step(verb).item_key.partition(":")[2].partition("@")[0]


def asked(evening: Evening, *remedies: Remedy, answer: Any = None) -> Asked:
    plan, _ = evening.reconcile(account=by_hand(evening), answer=answer or only(*remedies))
    account = by_hand(evening)
    return Asked(evening, account, plan, clear(account, plan, Mode.ASK, who="test").steps)


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
        assert (result.state, result.instruction) == (HELD, "")
        assert result.why.startswith("do not press it now: the kill switch is on")

    def test_without_a_guard_nobody_is_asked_to_send(self, evening: Evening) -> None:
        found = sending(evening)
        evening.clock.every_minute = None
        evening.clock.sleep(3600)
        result = found.carry_out(Verb.SEND_CAMPAIGN)
        assert (result.state, result.instruction) == (HELD, "")
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
    item = next(a.item_id for a in evening.ledger().actions("playhouse") if a.remedy is Remedy.RESEND)
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


class OldExport:
    """The dashboard as the newest export shows it: until ``until``, without a Console."""

    def __init__(self, live: Dashboard, until: datetime, shifted: timedelta) -> None:
        self.live = live
        self.until = until
        self.shifted = shifted

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        rows = self.live.activity(since, min(until, self.until)).rows
        return ActivityLog(as_of=self.until, rows=tuple(replaced(row, self.shifted) for row in rows))

    def console(self) -> Console:
        raise NoConsole("an export has no Console")


def replaced(row: ActivityRow, shifted: timedelta) -> ActivityRow:
    """A run that a person started, as if it had begun earlier."""
    return row.model_copy(update={"started": row.started - shifted}) if row.manual else row


class TestAnExport:
    """Somebody exports the Activity Log now and then; what it does not show yet did not fail."""

    def pressed(self, evening: Evening, found: Asked) -> None:
        job = found.job(Verb.REPEAT_IMPORT)
        evening.clock.sleep(20)
        evening.world.jobs.repeat_import(job, evening.world.advance(), "person")
        assert found.answer(Verb.REPEAT_IMPORT, ManualAnswer.DONE).state is State.DONE

    def account(self, evening: Evening, until: datetime, shifted: float = 0) -> Account:
        live = by_hand(evening)
        export = OldExport(live.dashboard, until, timedelta(seconds=shifted))
        return replace(live, dashboard=export)  # type: ignore[arg-type]

    def test_without_a_console_a_person_is_asked_and_told_to_look_there_first(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account = self.account(evening, evening.clock.now())
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "Ada")
        (step,) = clear(account, plan, Mode.ASK, who="test").steps
        result = carry_out(account, plan, step.action_id, step.verb)
        assert result.state == ASKED
        assert result.instruction.startswith("First look in the Console and the Activity Log: if «")

    def test_we_press_nothing_where_we_cannot_see_what_runs(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        first = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT and not d.stop_first)
        account = replace(self.account(evening, evening.clock.now()), manual=frozenset())
        account.ledger.save_answers(plan.hash, {first.key: Choice.REPROCESS}, "Ada")
        (step,) = clear(account, plan, Mode.ASK, who="test").steps
        with pytest.raises(NoConsole):
            carry_out(account, plan, step.action_id, step.verb)
        assert evening.effects("us") == []

    def test_an_old_one_leaves_the_item_open_and_a_newer_one_proves_it(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        before = evening.clock.now()
        self.pressed(evening, found)
        evening.clock.sleep(evening.site.policy.confirm_seconds + 1)
        step = found.step(Verb.REPEAT_IMPORT)

        old = self.account(evening, before)
        verdict = Proof(old, found.plan, step.action_id, step.verb).look()
        assert verdict.state == OPEN
        assert "needs a newer export" in verdict.why
        assert found.record(Verb.REPEAT_IMPORT).state is State.DONE
        assert carry_out(old, found.plan, step.action_id, step.verb).instruction == "", "never asked again"

        _, report = evening.reconcile(
            Mode.PLAN, account=self.account(evening, evening.clock.now()), dag_run="2"
        )
        assert found.record(Verb.REPEAT_IMPORT).state is State.CONFIRMED
        (row,) = [row for row in report.rows if row.key == step.item_key]
        assert row.outcome is End.NONE
        assert "reprocessed by us already" in row.reason

    def test_the_report_says_what_is_missing_and_does_not_fail(self, evening: Evening) -> None:
        colleague = Colleague(evening)
        frozen = evening.clock.now()
        _, report = evening.reconcile(
            account=self.account(evening, frozen), answer=only(Remedy.REPEAT_IMPORT), presser=colleague
        )
        (row,) = [row for row in report.rows if "newer export" in row.detail]
        assert row.outcome is End.OPEN
        assert report.failures == ()

    def test_one_that_reaches_the_deadline_and_shows_nothing_is_for_a_person(self, evening: Evening) -> None:
        found = asked(evening, Remedy.REPEAT_IMPORT)
        found.answer(Verb.REPEAT_IMPORT, ManualAnswer.DONE)
        evening.clock.sleep(evening.site.policy.confirm_seconds + 1)
        step = found.step(Verb.REPEAT_IMPORT)
        fresh = self.account(evening, evening.clock.now())
        assert Proof(fresh, found.plan, step.action_id, step.verb).look().state == "failed"
        assert found.record(Verb.REPEAT_IMPORT).state is State.NEEDS_HUMAN

    @pytest.mark.parametrize(("earlier", "state"), [(70, "proven"), (130, "failed")])
    def test_the_minute_of_a_start_is_enough(self, evening: Evening, earlier: float, state: str) -> None:
        """An export without seconds says 18:05 of what began at 18:05:40, after it was asked for at 18:05:20."""
        found = asked(evening, Remedy.REPEAT_IMPORT)
        self.pressed(evening, found)  # twenty seconds after it was asked for
        evening.clock.sleep(1800)
        step = found.step(Verb.REPEAT_IMPORT)
        rounded = self.account(evening, evening.clock.now(), earlier)
        assert Proof(rounded, found.plan, step.action_id, step.verb).look().state == state


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


class TestACampaignThatAJobFeeds:
    def both(self, evening: Evening) -> Any:
        """j-202 makes the audience of campaign 103; both are approved."""
        jobs = tuple(
            job.model_copy(update={"feeds": ("103",)}) if job.id == "j-202" else job
            for job in evening.site.jobs
        )
        evening.site = evening.site.model_copy(update={"jobs": jobs})
        wanted = ("campaign:103", "occurrence:j-202@")
        return lambda plan: {
            d.key: d.choices[1] for d in plan.decisions if d.asks and d.key.startswith(wanted)
        }

    def row(self, report: Any) -> Any:
        return next(row for row in report.rows if row.key == "campaign:103")

    def test_is_held_and_not_given_up_while_the_job_still_waits_for_its_person(
        self, evening: Evening
    ) -> None:
        answer = self.both(evening)
        account = evening.account("run-1", manual=frozenset({Verb.REPEAT_IMPORT}))
        plan, first = evening.reconcile(account=account, answer=answer)
        held = self.row(first)
        assert (held.outcome, held.copy_id) == (End.NOT_NOW, None)
        assert "the repair of job j-202, which makes its audience, has not ended" in held.detail

        pressed = evening.sandbox.call(
            "POST", "/sandbox/people", json={"does": "repeat_import", "item": "j-202"}
        )
        assert pressed.status == 201
        root = next(d.root for d in plan.decisions if d.item_id.startswith("j-202@"))
        (action,) = account.ledger.actions_of("playhouse", root)
        answer_manual(account, plan, action.id, Verb.REPEAT_IMPORT, ManualAnswer.DONE, "Ada")
        evening.clock.sleep(60)
        _, second = evening.reconcile(dag_run="run-2", answer=answer)
        assert self.row(second).outcome is End.VERIFIED
        assert evening.truth()["mailed_twice"] == []


class TestAReport:
    def test_writes_nothing_and_what_the_world_shows_by_then_is_settled_before_it(
        self, evening: Evening
    ) -> None:
        """Its confirm task died: the step is done, proven by a row, and nobody has looked."""
        found = asked(evening, Remedy.REPEAT_IMPORT, answer=lambda plan: {})
        plan = found.plan
        evening.ledger().save_answers(plan.hash, only(Remedy.REPEAT_IMPORT)(plan), "Ada")
        account = evening.account("run-1")
        cleared = clear(account, plan, Mode.ASK, who="test")
        step = cleared.steps[0]
        assert carry_out(account, plan, step.action_id, step.verb).state == State.DONE
        evening.clock.sleep(account.policy.confirm_seconds + 1)

        report = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        assert next(row for row in report.rows if row.key == step.item_key).outcome is End.FAILED
        assert account.ledger.action(step.action_id).step(step.verb).state is State.DONE

        settle_waiting(account)
        report = make_report(account, plan, Mode.ASK, not_now=cleared.not_now)
        assert next(row for row in report.rows if row.key == step.item_key).outcome is End.VERIFIED
