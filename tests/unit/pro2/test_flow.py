"""From the sensors to the plan, from the answer to the lanes, and what is handed over."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from tests.incident.harness import approve_none
from tests.unit.pro2.conftest import Playing, end_stale

from pro2 import flow
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.restriction import Restriction
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Service


@pytest.fixture
def playing(play: Any) -> Playing:
    """Nothing here changes anything in Pro2."""
    found: Playing = play(still=True)
    return found


def rules(plan: Plan) -> dict[str, tuple[str, Remedy]]:
    return {decision.item_id: (decision.rule, decision.remedy) for decision in plan.decisions}


class TestThePlan:
    def test_what_triggers_pushed_as_json_text_is_read(self, playing: Playing) -> None:
        xcoms = playing.observed()
        assert isinstance(xcoms["watch_campaign"][0], str)
        found = rules(playing.plan(xcoms))
        assert found == {"103": ("C11", Remedy.RESEND), "104": ("C11", Remedy.RESEND)}

    def test_what_a_sensor_returned_as_an_object_is_read_too(self, playing: Playing) -> None:
        xcoms = playing.observed()
        xcoms["watch_campaign"] = [json.loads(text) for text in xcoms["watch_campaign"]]
        assert rules(playing.plan(xcoms))["103"] == ("C11", Remedy.RESEND)

    @pytest.mark.parametrize("missing", ["nothing came", "the last one failed"])
    def test_a_sensor_that_says_nothing_makes_nothing_look_broken(
        self, playing: Playing, missing: str
    ) -> None:
        xcoms = playing.observed()
        watched = [item["item_id"] for item in playing.watched_items("campaign")]
        told = xcoms["watch_campaign"]
        xcoms["watch_campaign"] = None if missing == "nothing came" else [*told[:-1], None]
        plan = playing.plan(xcoms)
        silent = plan.decision(f"campaign:{watched[-1]}")
        assert silent is not None
        assert not silent.remedy.acts
        assert silent.choices == ()
        if missing == "the last one failed":
            assert rules(plan)[watched[0]] == ("C11", Remedy.RESEND)

    def test_without_an_inventory_nothing_is_decided_and_nothing_tried_again(self, playing: Playing) -> None:
        with pytest.raises(AirflowFailException, match=r"no inventory.*read the log of take_inventory"):
            flow.build_plan(playing.context(), playing.resolved)

    def test_made_again_from_the_same_world_it_is_the_same_plan(self, playing: Playing) -> None:
        xcoms = playing.observed()
        assert playing.plan(xcoms).hash == playing.plan(xcoms).hash

    @pytest.mark.parametrize("dag_run", ["outage__3f2a__g1", "manual__1"])
    def test_only_the_dag_run_of_detection_marks_its_outage_as_planned(self, play: Any, dag_run: str) -> None:
        playing = play(run_id=dag_run, outage_ids=("3f2a",))
        know_outage(playing, playing.evening.window().end)
        playing.plan()
        state = OutageState.PLANNED if dag_run.startswith("outage__") else OutageState.SETTLED
        assert playing.ledger.outage("3f2a").state is state

    def test_one_that_was_narrowed_marks_no_outage(self, play: Any) -> None:
        """Somebody may start it over REST under the name that detection would take."""
        playing = play(
            run_id="outage__3f2a__g1", outage_ids=("3f2a",), restriction=Restriction(kinds=("campaign",))
        )
        know_outage(playing, playing.evening.window().end)
        plan = playing.plan()
        assert plan.restriction.kinds == ("campaign",)
        assert playing.ledger.outage("3f2a").state is OutageState.SETTLED

    @pytest.mark.parametrize("longer", [timedelta(hours=1), None])
    def test_an_outage_that_came_back_meanwhile_is_not_planned_by_it(
        self, play: Any, longer: timedelta | None
    ) -> None:
        """The DAG was paused, or watched for long; the dag run of the next generation is still to come."""
        playing = play(run_id="outage__3f2a__g1", outage_ids=("3f2a",))
        outage = know_outage(playing, playing.evening.window().end + longer if longer else None)
        playing.plan()
        assert playing.ledger.outage("3f2a").state is outage.state

    def test_one_that_came_back_while_it_was_marked_is_not_planned_by_it(
        self, play: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Detection writes between a look at the outage and the mark."""
        playing = play(run_id="outage__3f2a__g1", outage_ids=("3f2a",))
        know_outage(playing, playing.evening.window().end)
        look = playing.ledger.outage

        def looks(outage_id: str) -> Outage | None:
            seen = look(outage_id)
            know_outage(playing, None)
            return seen

        monkeypatch.setattr(playing.ledger, "outage", looks)
        playing.plan()
        assert look("3f2a").state is OutageState.OPEN

    def test_a_suspicion_that_was_confirmed_meanwhile_is_not_planned_by_it(self, play: Any) -> None:
        """It could only propose; the dag run of the next generation may ask."""
        playing = play(run_id="outage__3f2a__g1", outage_ids=("3f2a",))
        outage = know_outage(playing, playing.evening.window().end)
        playing.ledger.set_outage_state(outage.id, OutageState.ENDED, generation=2, why="confirmed")
        playing.plan()
        assert playing.ledger.outage("3f2a").state is OutageState.ENDED


def know_outage(playing: Playing, end: datetime | None) -> Outage:
    outage = Outage(
        id="3f2a",
        organization="playhouse",
        service=Service.SENDING,
        start=playing.evening.window().start,
        end=end,
        state=OutageState.SETTLED if end else OutageState.OPEN,
    )
    playing.ledger.replace_outages("playhouse", [outage], "known by the test")
    return outage


class TestALeanWatch:
    """One with more items than ``lean_above``: the triggerer has it from the start, and nobody else."""

    def test_gives_each_unsettled_item_a_place_and_no_sensor_with_a_name(self, lean: Playing) -> None:
        xcoms = lean.observed()
        assert xcoms["take_inventory"] == [0, 1]
        assert list(xcoms) == ["take_inventory", "watch_lean"]
        assert lean.watched_items("campaign") == lean.watched_items("occurrence") == []

    def test_leads_to_the_same_decisions(self, lean: Playing) -> None:
        assert rules(lean.plan()) == {"103": ("C11", Remedy.RESEND), "104": ("C11", Remedy.RESEND)}

    def test_is_for_many_only(self, play: Any) -> None:
        few = with_lean_above(play(outage_ids=("1",)), 2)
        assert few.observed()["take_inventory"] == []
        assert len(few.watched_items("campaign")) == 2


def with_lean_above(playing: Playing, number: int) -> Playing:
    site = playing.evening.site
    policy = site.policy.model_copy(update={"lean_above": number})
    playing.evening.site = site.model_copy(update={"policy": policy})
    return playing


@pytest.fixture
def lean(play: Any) -> Playing:
    return with_lean_above(play(outage_ids=("1",)), 1)


class TestTheLanes:
    def test_have_the_smallest_audience_first(self, playing: Playing) -> None:
        _, cleared = playing.cleared()
        audiences = [step["audience"] for step in flow.steps_of(cleared, "send_campaign")]
        assert audiences == sorted(audiences) == [850, 900]

    def test_that_have_work_are_followed_and_no_other(self, playing: Playing) -> None:
        playing.cleared()
        assert set(playing.followed) == {
            "list_stop_campaign",
            "list_duplicate_campaign",
            "list_send_campaign",
        }

    @pytest.mark.parametrize("nothing", [None, {}])
    def test_are_empty_when_clear_did_not_end_well(self, nothing: Any) -> None:
        assert flow.steps_of(nothing, "send_campaign") == []

    def test_without_a_choice_nothing_is_cleared(self, playing: Playing) -> None:
        _, cleared = playing.cleared(approve_none)
        assert cleared["steps"] == []
        assert set(cleared["not_now"].values()) == {"Ada chose «leave to me»; it stays open for a person"}
        assert playing.followed == ["nothing_to_do"]

    def test_none_has_work_but_something_is_to_be_asked_again(self, play: Any) -> None:
        """In ``auto`` nobody was asked yet about what could reach an inbox."""
        playing = play(mode=Mode.AUTO)
        plan = playing.plan()
        context = playing.context(task_id="clear")
        assert flow.clear(context, playing.resolved, plan.hash) == ["follow_up"]
        (more,) = flow.follow_up(playing.context(xcoms=context["ti"].xcoms), playing.resolved, plan.hash)
        assert more["conf"]["follow_up"] == plan.hash

    def test_an_answer_in_airflow_alone_clears_nothing(self, playing: Playing) -> None:
        """The ledger is asked, not the form."""
        plan = playing.plan()
        context = playing.context(task_id="clear", xcoms={"ask": {"choices": {"campaign:103": "resend"}}})
        flow.clear(context, playing.resolved, plan.hash)
        assert context["ti"].xcoms["clear.cleared"]["steps"] == []


class TestTheHandOver:
    def test_carries_only_ids_of_our_own_making(self, play: Any) -> None:
        playing = play(hostile=True)
        plan, cleared = playing.cleared()
        playing.evening.edit("104", subject="Something else")
        end_stale(playing, "campaign:104")
        more = flow.follow_up(after_clear(playing, cleared), playing.resolved, plan.hash)
        assert more == [
            {"trigger_run_id": f"ask__{plan.hash}", "conf": {"follow_up": plan.hash, "mode": "ask"}}
        ]
        assert playing.ledger.follow_up(plan.hash) == ["campaign:104"]

    @pytest.mark.parametrize(("answered", "goes_on"), [(True, [1, 1, 0]), (False, [1, 1, 1])])
    def test_is_asked_for_twice_in_a_row_at_most_but_what_nobody_decided_as_long_as_it_may_be_sent(
        self, playing: Playing, answered: bool, goes_on: list[int]
    ) -> None:
        parents: list[str] = []
        for _ in range(3):
            playing.ledger.save_inventory(f"run-{len(parents)}", playing.ledger.inventory("outage__1__g1"))
            playing.run_id = f"run-{len(parents)}"
            xcoms = playing.observed()
            resolved = {**playing.resolved, "parent": parents[-1] if parents else None}
            made = flow.build_plan(playing.context(xcoms=xcoms), resolved)
            parents.append(made)
            if answered:
                playing.ledger.save_answers(
                    made, {"campaign:103": Choice.RESEND, "campaign:104": Choice.LEAVE}, "Ada"
                )
        not_now = {"not_now": {"campaign:103": "the kill switch is on"}}
        after = after_clear(playing, not_now)
        asked = [flow.follow_up(after, playing.resolved, made) for made in parents]
        assert [len(more) for more in asked] == goes_on

    def test_does_not_happen_in_mode_plan(self, play: Any) -> None:
        playing = play(mode=Mode.PLAN)
        plan, cleared = playing.cleared()
        assert flow.follow_up(after_clear(playing, cleared), playing.resolved, plan.hash) == []

    def test_does_not_happen_when_the_dag_run_failed_before(self, playing: Playing) -> None:
        assert flow.follow_up(playing.context(), playing.resolved, "0123456789abcdef") == []
        assert flow.follow_up(playing.context(), None, None) == []  # type: ignore[arg-type]


def after_clear(playing: Playing, cleared: dict[str, Any]) -> dict[str, Any]:
    """The context of a task that comes later than ``clear``."""
    return playing.context(xcoms={"clear.cleared": cleared})
