"""Where there is no API a person presses: told exactly what, once, and proven by the same fresh reads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Evening

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Verb
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.manual import ManualAnswer, answer_manual
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.step_result import ASKED, StepResult
from pro2_reconciliation.repair.steps import carry_out
from pro2_sandbox import load_incident

EVERYTHING = frozenset(Verb) - {Verb.ADD_TAG, Verb.REMOVE_TAG}


class Colleague:
    """Presses in Pro2 what she is told to press, and keeps what she was told."""

    def __init__(self, evening: Evening, plan_of: Any = None) -> None:
        self.evening = evening
        self.told: list[StepResult] = []

    def __call__(self, asked: StepResult) -> ManualAnswer:
        self.told.append(asked)
        world, at = self.evening.world, self.evening.world.advance()
        item = asked.item_key.partition(":")[2].partition("@")[0]
        match asked.verb:
            case Verb.STOP_CAMPAIGN:
                world.campaigns.stop_campaign(world.campaigns.all[int(item)], at, "person")
            case Verb.COPY_CAMPAIGN:
                world.campaigns.copy(world.campaigns.all[int(item)], at, "person")
            case Verb.SEND_CAMPAIGN:
                copy = max(c.id for c in world.campaigns.all.values() if c.name.startswith(self._name(item)))
                world.campaigns.send_now(world.campaigns.all[copy], at, "person")
            case Verb.RUN_NOW:
                world.jobs.run_now(item, at, "person")
            case Verb.REPEAT_IMPORT:
                world.jobs.repeat_import(item, at, "person")
            case _:
                return ManualAnswer.NOT_POSSIBLE
        return ManualAnswer.DONE

    def _name(self, item: str) -> str:
        return self.evening.world.campaigns.all[int(item)].name


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def only(*remedies: Remedy) -> Any:
    """Approve the first item of each remedy, and nothing else."""

    def answer(plan: Plan) -> dict[str, Choice]:
        chosen: dict[str, Choice] = {}
        for remedy in remedies:
            first = next(
                d for d in plan.decisions if d.remedy is remedy and len(d.choices) > 1 and not d.stop_first
            )
            chosen[first.key] = Choice.RESEND if remedy is Remedy.RESEND else Choice.REPROCESS
        return chosen

    return answer


def by_hand(evening: Evening, **changes: Any) -> Any:
    return evening.account("run-1", manual=EVERYTHING, **changes)


def test_a_campaign_and_a_job_are_repaired_by_hand_and_proven(evening: Evening) -> None:
    colleague = Colleague(evening)
    _, report = evening.reconcile(
        account=by_hand(evening), answer=only(Remedy.RESEND, Remedy.REPEAT_IMPORT), presser=colleague
    )
    ends = [row.outcome for row in report.rows if row.answered_by and row.outcome is not End.NOT_CHOSEN]
    assert ends == [End.VERIFIED, End.VERIFIED]
    assert [told.verb for told in colleague.told] == [
        Verb.STOP_CAMPAIGN,
        Verb.REPEAT_IMPORT,
        Verb.COPY_CAMPAIGN,
        Verb.SEND_CAMPAIGN,
    ]
    assert evening.effects("us") == []
    assert evening.truth()["mailed_twice"] == []


def test_what_to_press_names_the_thing_and_says_once(evening: Evening) -> None:
    colleague = Colleague(evening)
    evening.reconcile(account=by_hand(evening), answer=only(Remedy.RESEND), presser=colleague)
    stop, copy, send = (told.instruction for told in colleague.told)
    assert stop.startswith("In Pro2, Campaigns: open «")
    assert "Do not delete it" in stop
    assert "leave the copy a draft" in copy
    assert "shows 0 sent" in send
    assert " CST" in send, "until when, in local time"


def test_nobody_answers_so_nothing_happens_and_the_item_waits_for_a_person(evening: Evening) -> None:
    _, report = evening.reconcile(account=by_hand(evening), answer=only(Remedy.REPEAT_IMPORT))
    (row,) = [
        row for row in report.rows if row.outcome is End.NEEDS_HUMAN and "nobody has answered" in row.detail
    ]
    assert row.steps[0].startswith("In the Integrated Dashboard, Imports: press Repeat Import of «")
    assert evening.effects("us") == []


@pytest.mark.parametrize("answer", [ManualAnswer.NOT_POSSIBLE, ManualAnswer.SKIP])
def test_an_answer_that_is_not_done_ends_with_a_person_and_nothing_follows(
    evening: Evening, answer: ManualAnswer
) -> None:
    _, report = evening.reconcile(
        account=by_hand(evening), answer=only(Remedy.RESEND), presser=lambda asked: answer
    )
    (row,) = [row for row in report.rows if f"answered «{answer.value}»" in row.detail]
    assert row.outcome is End.NEEDS_HUMAN
    assert evening.effects("us") == []


def test_done_without_a_copy_is_not_believed(evening: Evening) -> None:
    colleague = Colleague(evening)

    def presser(asked: StepResult) -> ManualAnswer:
        return ManualAnswer.DONE if asked.verb is Verb.COPY_CAMPAIGN else colleague(asked)

    _, report = evening.reconcile(account=by_hand(evening), answer=only(Remedy.RESEND), presser=presser)
    (row,) = [row for row in report.rows if "no single new copy can be seen" in row.detail]
    assert row.outcome is End.NEEDS_HUMAN
    assert Verb.SEND_CAMPAIGN not in [told.verb for told in colleague.told]


class TestAskedTwice:
    """A retry, a cleared task, a connection that is given an API meanwhile: what was asked is never sent by us."""

    def cleared(self, evening: Evening) -> tuple[Any, Plan, Any]:
        plan, _ = evening.reconcile(account=by_hand(evening), answer=only(Remedy.REPEAT_IMPORT))
        account = by_hand(evening)
        (step,) = clear(account, plan, Mode.ASK, who="test").steps
        return account, plan, step

    def test_a_retry_asks_again(self, evening: Evening) -> None:
        account, plan, step = self.cleared(evening)
        assert carry_out(account, plan, step.action_id, step.verb).state == ASKED

    def test_it_is_not_sent_although_there_is_an_api_now(self, evening: Evening) -> None:
        _, plan, step = self.cleared(evening)
        with_api = evening.account("run-1")
        assert carry_out(with_api, plan, step.action_id, step.verb).state == ASKED
        assert evening.effects("us") == []

    def test_a_retry_sees_that_it_was_pressed_and_asks_nobody(self, evening: Evening) -> None:
        account, plan, step = self.cleared(evening)
        evening.clock.sleep(5)
        evening.world.jobs.repeat_import(
            step.item_key.partition(":")[2].partition("@")[0], evening.world.advance(), "person"
        )
        evening.clock.sleep(30)
        result = carry_out(account, plan, step.action_id, step.verb)
        assert result.went_on
        assert result.found

    def test_a_second_answer_changes_nothing(self, evening: Evening) -> None:
        account, plan, step = self.cleared(evening)
        first = answer_manual(account, plan, step.action_id, step.verb, ManualAnswer.SKIP, "Ada")
        second = answer_manual(account, plan, step.action_id, step.verb, ManualAnswer.DONE, "Bob")
        assert second == first
        assert "Ada answered «skip»" in second.moves[-1].why


def test_a_read_only_connection_does_not_close_what_a_person_presses(evening: Evening) -> None:
    account = by_hand(evening, read_only=dict.fromkeys(Verb, "connection pro2 is read-only"))
    colleague = Colleague(evening)
    evening.reconcile(account=account, answer=only(Remedy.REPEAT_IMPORT), presser=colleague)
    assert [told.verb for told in colleague.told] == [Verb.REPEAT_IMPORT]


def test_an_original_that_wakes_while_its_copy_waits_to_be_sent_is_an_alarm_not_to_send_it(
    tmp_path: Path,
) -> None:
    incident = load_incident(INCIDENTS / "worked-example.yaml")
    campaigns = tuple(
        c.model_copy(update={"sends_itself": timedelta(hours=3), "stop": "forgotten"}) if c.id == "103" else c
        for c in incident.campaigns
    )
    evening = Evening(tmp_path, incident.model_copy(update={"campaigns": campaigns}))
    evening.end_outage()
    colleague = Colleague(evening)
    alarms: list[str] = []

    def presser(asked: StepResult) -> ManualAnswer:
        if asked.verb is not Verb.SEND_CAMPAIGN:
            return colleague(asked)
        evening.clock.at = evening.world.t0 + timedelta(hours=3, seconds=1)
        alarms.extend(guard_pass(by_hand(evening)).alarms)
        return ManualAnswer.SKIP

    evening.reconcile(account=by_hand(evening), answer=only(Remedy.RESEND), presser=presser)
    (alarm,) = alarms
    assert "a person was asked to send its copy" in alarm
    assert "do NOT send it any more" in alarm
    assert "was sent" not in alarm
    assert evening.truth()["mailed_twice"] == []
