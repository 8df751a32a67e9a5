"""The one question of a plan: what it shows, what it takes for an answer, and where the answer stands first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput
from tests.incident.harness import approve_none
from tests.unit.domain import factories as f
from tests.unit.pro2.conftest import HOSTILE, Playing

from pro2.operators.question import AskOperator
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode

RESEND_BOTH = {"campaign:103": "resend", "campaign:104": "resend"}


@pytest.fixture
def playing(play: Any) -> Playing:
    """Nothing here changes anything in Pro2."""
    found: Playing = play(still=True)
    return found


@pytest.fixture(autouse=True)
def asked(executable: None, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Airflow's server is given to show; there is no server here."""
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **said: shown.append(said)
    )
    return shown


def ask(playing: Playing, plan: Plan | None) -> Any:
    return AskOperator(task_id="ask").execute(context(playing, plan))


def context(playing: Playing, plan: Plan | None) -> dict[str, Any]:
    xcoms = {"resolve_window": playing.resolved, "build_plan": plan.hash if plan else None}
    return playing.context(task_id="ask", xcoms=xcoms)


def answer(playing: Playing, plan: Plan, choices: dict[str, Any] | None, **event: Any) -> dict[str, Any]:
    """Resume the task in another process with what the server took."""
    said = {
        "chosen_options": [f"Carry out my choices ({plan.hash[:8]})"],
        "params_input": choices,
        "responded_at": datetime(2026, 11, 20, 0, 50, tzinfo=UTC),
        "responded_by_user": {"id": "1", "name": "Ada"},
        "timedout": False,
    }
    found: dict[str, Any] = AskOperator(task_id="ask").execute_complete(
        context(playing, plan), {**said, **event}
    )
    return found


def standing(playing: Playing, plan: Plan) -> dict[str, Choice]:
    return {key: record.choice for key, record in playing.ledger.answers(plan.hash).items()}


class TestNobodyIsAsked:
    @pytest.mark.parametrize("mode", [Mode.PLAN, Mode.AUTO])
    def test_in_another_mode(self, play: Any, mode: Mode, asked: list[Any]) -> None:
        playing = play(mode=mode, still=True)
        with pytest.raises(
            AirflowSkipException, match=f"Nobody was asked: this dag run's mode is {mode.value}"
        ):
            ask(playing, None)
        assert asked == []

    def test_when_nothing_may_be_done(self, playing: Playing, asked: list[Any]) -> None:
        identity = playing.ledger.identity
        plan = f.plan(f.decision(), ledger_uuid=identity.uuid, ledger_epoch=identity.epoch)
        playing.ledger.save_plan(plan, plan.run)
        with pytest.raises(AirflowSkipException, match="Nobody needs to be asked"):
            ask(playing, plan)
        assert asked == []

    def test_twice_about_the_same_plan(self, playing: Playing, asked: list[Any]) -> None:
        plan = playing.plan()
        playing.ledger.save_answers(plan.hash, approve_none(plan), "Ada")
        assert ask(playing, plan) == {"plan_hash": plan.hash, "who": "Ada"}
        assert asked == []

    def test_about_a_plan_that_the_ledger_does_not_know(self, playing: Playing) -> None:
        with pytest.raises(RuntimeError, match="not in this ledger; clear build_plan and run it again"):
            ask(playing, f.plan(f.decision()))


class TestTheQuestion:
    def test_waits_for_a_person_with_one_select_per_item_and_the_safe_choice_preset(
        self, playing: Playing, asked: list[Any]
    ) -> None:
        plan = playing.plan()
        with pytest.raises(TaskAwaitingInput):
            ask(playing, plan)
        (shown,) = asked
        assert set(shown["params"]) == {"campaign:103", "campaign:104"}
        for select in shown["params"].values():
            assert select["value"] == "leave to me"
            assert "resend" in select["schema"]["enum"]

    def test_has_two_options_that_carry_the_hash_of_the_plan_and_defaults_to_nothing(
        self, playing: Playing, asked: list[Any]
    ) -> None:
        plan = playing.plan()
        with pytest.raises(TaskAwaitingInput):
            ask(playing, plan)
        short = plan.hash[:8]
        assert asked[0]["options"] == [f"Carry out my choices ({short})", f"Do nothing ({short})"]
        assert asked[0]["defaults"] == [f"Do nothing ({short})"]
        assert asked[0]["multiple"] is False

    def test_shows_a_hostile_name_as_it_stands_and_never_as_a_template(
        self, play: Any, asked: list[Any]
    ) -> None:
        playing = play(hostile=True, still=True)
        with pytest.raises(TaskAwaitingInput):
            ask(playing, playing.plan())
        select = asked[0]["params"]["campaign:104"]
        assert select["schema"]["title"].startswith(f"{HOSTILE} · about 900 patrons · ")
        assert "{{" not in asked[0]["body"]
        assert "<script>" not in asked[0]["body"].replace("\\<", "")
        assert tuple(AskOperator.template_fields) == ()

    def test_waits_until_the_plan_says(self, playing: Playing) -> None:
        plan = playing.plan()
        playing.advance(hours=2)
        with pytest.raises(TaskAwaitingInput) as waits:
            ask(playing, plan)
        assert plan.asked_until == plan.created_at + timedelta(hours=12)
        assert waits.value.timeout == timedelta(hours=10)

    def test_is_not_put_when_its_time_has_passed(self, playing: Playing, asked: list[Any]) -> None:
        plan = playing.plan()
        playing.advance(hours=12)
        with pytest.raises(AirflowSkipException, match=r"ended Fri 20 Nov 06:45 CST.*asked again"):
            ask(playing, plan)
        assert asked == []

    def test_says_in_each_select_what_a_choice_means(self, playing: Playing, asked: list[Any]) -> None:
        with pytest.raises(TaskAwaitingInput):
            ask(playing, playing.plan())
        shown = asked[0]["params"]["campaign:103"]["schema"]["values_display"]
        assert shown["resend now"] == "resend now: at any hour, also outside 08:00 to 21:30"

    def test_is_asked_again_in_the_same_words_when_its_worker_died_before_the_answer_was_written(
        self, playing: Playing, asked: list[Any]
    ) -> None:
        plan = playing.plan()
        for _ in ("a first try", "a second"):
            with pytest.raises(TaskAwaitingInput):
                ask(playing, plan)
        assert asked[0] == asked[1]


class TestTheAnswer:
    def test_stands_in_the_ledger_with_the_name_of_who_gave_it(self, playing: Playing) -> None:
        plan = playing.plan()
        assert answer(playing, plan, RESEND_BOTH) == {"plan_hash": plan.hash, "who": "Ada"}
        assert set(standing(playing, plan).values()) == {Choice.RESEND}
        assert {record.who for record in playing.ledger.answers(plan.hash).values()} == {"Ada"}

    @pytest.mark.parametrize(
        "said",
        [
            "RESEND",
            "add the tag",
            "reprocess",
            "{{ conn.pro2.password }}",
            "",
            None,
            True,
            1,
            ["resend"],
            {"resend": True},
        ],
    )
    def test_that_was_not_offered_becomes_leave_to_me(self, playing: Playing, said: Any) -> None:
        plan = playing.plan()
        answer(playing, plan, {"campaign:103": said, "campaign:104": "resend"})
        assert standing(playing, plan) == {"campaign:103": Choice.LEAVE, "campaign:104": Choice.RESEND}

    @pytest.mark.parametrize("choices", [None, {}, {"campaign:999": "resend", "outage": "latest"}])
    def test_that_is_missing_or_about_something_else_chooses_nothing(
        self, playing: Playing, choices: dict[str, Any] | None
    ) -> None:
        plan = playing.plan()
        answer(playing, plan, choices)
        assert standing(playing, plan) == {"campaign:103": Choice.LEAVE, "campaign:104": Choice.LEAVE}

    @pytest.mark.parametrize("event", [{"chosen_options": "nothing"}, {"chosen_options": "both"}])
    def test_do_nothing_chooses_nothing_whatever_the_selects_say(
        self, playing: Playing, event: dict[str, Any]
    ) -> None:
        plan = playing.plan()
        go, nothing = f"Carry out my choices ({plan.hash[:8]})", f"Do nothing ({plan.hash[:8]})"
        options = {"nothing": [nothing], "both": [go, nothing]}
        answer(playing, plan, RESEND_BOTH, chosen_options=options[event["chosen_options"]])
        assert set(standing(playing, plan).values()) == {Choice.LEAVE}
        assert {record.who for record in playing.ledger.answers(plan.hash).values()} == {"Ada"}

    @pytest.mark.parametrize("option", ["Carry out my choices", "Do nothing"])
    def test_that_never_came_is_no_answer_and_the_log_says_that_it_is_asked_again(
        self, playing: Playing, option: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        plan = playing.plan()
        playing.advance(hours=1)
        event = {
            "chosen_options": [f"{option} ({plan.hash[:8]})"],
            "timedout": True,
            "responded_by_user": None,
        }
        assert answer(playing, plan, RESEND_BOTH, **event) == {"plan_hash": plan.hash, "who": "nobody"}
        assert standing(playing, plan) == {}
        said = capfd.readouterr().out
        assert said.count("so nothing was chosen; it stays open and is asked again") == 2
        assert "«Opening night invitation» (103): nobody" in said

    def test_to_another_plan_does_nothing_and_fails(self, playing: Playing) -> None:
        plan = playing.plan()
        with pytest.raises(AirflowFailException, match=r"of another plan.*Nothing was chosen.*asked again"):
            answer(playing, plan, RESEND_BOTH, chosen_options=["Carry out my choices (00000000)"])
        assert standing(playing, plan) == {}

    def test_is_in_the_ledger_before_airflow_gets_it(
        self, playing: Playing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = playing.plan()

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(AskOperator, "validate_chosen_options", stop)
        with pytest.raises(KeyboardInterrupt):
            answer(playing, plan, RESEND_BOTH)
        assert set(standing(playing, plan).values()) == {Choice.RESEND}

    def test_that_comes_second_changes_nothing_and_says_whose_stands(
        self, playing: Playing, capfd: pytest.CaptureFixture[str]
    ) -> None:
        plan = playing.plan()
        answer(playing, plan, {"campaign:103": "resend"})
        capfd.readouterr()
        answer(playing, plan, RESEND_BOTH, responded_by_user={"id": "2", "name": "Bob"})
        assert standing(playing, plan) == {"campaign:103": Choice.RESEND, "campaign:104": Choice.LEAVE}
        assert {record.who for record in playing.ledger.answers(plan.hash).values()} == {"Ada"}
        said = capfd.readouterr().out
        assert "«Opening night invitation» (103): Ada chose «resend», Thu 19 Nov 18:45 CST" in said
        assert "(104): «resend» of Bob had no effect, since that answer came first" in said

    def test_of_an_error_fails_and_chooses_nothing(self, playing: Playing) -> None:
        plan = playing.plan()
        with pytest.raises(Exception, match="passed"):
            answer(playing, plan, RESEND_BOTH, error="the time has passed", error_type="timeout")
        assert standing(playing, plan) == {}
