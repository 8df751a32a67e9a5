"""What was chosen for the sending hours goes in them, by itself and once; "now" goes at any hour."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import Evening, approve_all, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, open_keys, row

from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Remedy
from pro2_reconciliation.ledger import Stage, State
from pro2_reconciliation.repair.report import End

OPENING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""20:00 in Chicago; the plan is made at 18:45."""


@pytest.fixture
def evening(tmp_path: Path) -> OneCampaign:
    return OneCampaign(tmp_path, sending_hours=("20:00", "21:30"))


def choose(choice: Choice) -> Any:
    return lambda plan: {RESEND: choice}


def ask_nobody(plan: Plan) -> dict[str, Choice]:
    raise AssertionError(f"a person was asked about {[d.key for d in plan.decisions if d.asks]}")


def sent(evening: OneCampaign) -> list[str]:
    return [e["kind"] for e in evening.effects() if e["kind"] == "campaign_sent"]


class TestChosenForTheHours:
    def test_it_is_stopped_and_duplicated_at_once_and_waits_with_the_send(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=choose(Choice.RESEND))
        assert row(report).outcome is End.NOT_NOW
        assert row(report).detail.startswith("no end: send_campaign is cleared; Thu 19 Nov 18:5")
        assert (
            "outside the sending hours 20:00 to 21:30; it goes on Thu 19 Nov 20:00 CST" in row(report).detail
        )
        assert [e["kind"] for e in evening.effects()] == ["campaign_stopped", "campaign_copied"]
        (more,) = evening.goes_on(plan, report)
        assert (more.run_id, more.after) == (f"hours__{plan.hash}", OPENING)

    def test_it_goes_when_they_open_and_nobody_is_asked_a_second_time(self, evening: OneCampaign) -> None:
        plan, report = evening.reconcile(answer=choose(Choice.RESEND))
        (more,) = evening.goes_on(plan, report)

        second, report = evening.follow(more, plan, answer=ask_nobody)

        assert row(report).outcome is End.VERIFIED
        assert row(report).answered_by.startswith(
            "in process (chosen Thu 19 Nov 18:45 CST, for the sending hours): «resend», Thu 19 Nov 20:"
        )
        assert sent(evening) == ["campaign_sent"]
        assert evening.truth()["mailed_twice"] == []
        assert evening.goes_on(second, report) == []
        assert open_keys(evening) == set()

    def test_nothing_goes_and_a_person_is_asked_anew_when_what_was_shown_has_changed(
        self, evening: OneCampaign
    ) -> None:
        plan, report = evening.reconcile(answer=choose(Choice.RESEND))
        (more,) = evening.goes_on(plan, report)
        evening.edit("103", subject="Something else")
        asked: list[list[str]] = []

        def look(plan: Plan) -> dict[str, Choice]:
            asked.append([d.key for d in plan.decisions if d.asks])
            return {}

        evening.follow(more, plan, answer=look)

        assert asked == [[RESEND]]
        assert sent(evening) == []

    def test_what_another_gate_holds_up_as_well_is_asked_about_and_not_carried_on(
        self, evening: OneCampaign
    ) -> None:
        def switched(plan: Plan) -> dict[str, Choice]:
            evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "kim", "a moment")
            return approve_all(plan)

        plan, report = evening.reconcile(answer=switched)
        (more,) = evening.goes_on(plan, report)
        assert more.run_id == f"ask__{plan.hash}"

    def test_it_is_told_that_only_now_would_send_it_where_they_open_too_late(self, tmp_path: Path) -> None:
        evening = OneCampaign(tmp_path, sending_hours=("08:00", "18:50"))  # may be sent until 04:05
        plan, report = evening.reconcile(answer=choose(Choice.RESEND))  # 18:45: still open
        assert row(report).outcome is End.NOT_NOW
        assert (
            "after Fri 20 Nov 04:05 CST it is too late; only «now», chosen in the next question"
            in row(report).detail
        )
        (more,) = evening.goes_on(plan, report)
        assert more.run_id == f"ask__{plan.hash}"

        second, report = evening.follow(more, plan, answer=approve_all)

        decision = second.decision(RESEND)
        assert decision is not None
        assert decision.choices == (Choice.LEAVE, Choice.RESEND_NOW)
        assert row(report).outcome is End.VERIFIED
        assert sent(evening) == ["campaign_sent"]


class TestChosenNow:
    def test_it_goes_outside_the_hours_and_ledger_and_report_say_who_chose_that(
        self, evening: OneCampaign
    ) -> None:
        plan, report = evening.reconcile(answer=choose(Choice.RESEND_NOW))
        assert row(report).outcome is End.VERIFIED
        assert evening.clock.now() < OPENING
        assert evening.ledger().answers(plan.hash)[RESEND].choice is Choice.RESEND_NOW
        assert row(report).answered_by == "in process: «resend now», Thu 19 Nov 18:45 CST"
        assert sent(evening) == ["campaign_sent"]

    def test_it_opens_the_hours_for_its_own_plan_only(self, evening: OneCampaign) -> None:
        """Another dag run that joins the action with the plain choice waits."""
        ledger = evening.ledger()

        def switched(plan: Plan) -> dict[str, Choice]:
            ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "a moment")
            return {RESEND: Choice.RESEND_NOW}

        evening.reconcile(answer=switched, dag_run="first")
        ledger.set_switch("playhouse", Stage.OFF, "kim", "go on")
        _, report = evening.reconcile(answer=choose(Choice.RESEND), dag_run="second")

        assert row(report).outcome is End.NOT_NOW
        (action,) = every_action(ledger)
        assert action.latest[-1].state is State.CLEARED
        assert sent(evening) == []


class OneOccurrence(OneCampaign):
    """The demo's evening, of which only one occurrence is repaired: an import or a Run Now that may start mail, or
    the tags of a data sync whose import is proven already."""

    def __init__(self, folder: Path, remedy: Remedy, job: str) -> None:
        Evening.__init__(self, folder)
        self.remedy, self.job, self.parent = remedy, job, ""
        policy = self.site.policy.model_copy(update={"sending_hours": ("20:00", "21:30")})
        jobs = tuple(one.model_copy(update={"starts_mail": "yes"}) for one in self.site.jobs)
        self.site = self.site.model_copy(update={"policy": policy, "jobs": jobs})
        self.end_outage()
        self.only: tuple[str, ...] = ()
        if remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG):
            self.import_its_list(policy.model_copy(update={"sending_hours": ("00:00", "24:00")}))

    def import_its_list(self, policy: Any) -> None:
        closed, self.site = self.site, self.site.model_copy(update={"policy": policy})
        plan, _ = self.reconcile(
            dag_run="outage__1__g1",
            answer=lambda plan: {self.of(plan, Remedy.DATA_SYNC).key: Choice.REPROCESS},
        )
        self.only, self.parent = (self.of(plan, Remedy.DATA_SYNC).key,), plan.hash
        self.site = closed

    def of(self, plan: Plan, remedy: Remedy) -> Decision:
        found = [d for d in plan.decisions if d.remedy is remedy and d.item_id.startswith(f"{self.job}@")]
        assert len(found) == 1
        return found[0]

    def chosen(self, choice: Choice) -> tuple[Plan, Any, Decision]:
        def answer(plan: Plan) -> dict[str, Choice]:
            assert choice in self.of(plan, self.remedy).choices
            return approve_none(plan) | {self.of(plan, self.remedy).key: choice}

        options = {"only": self.only, "parent": self.parent} if self.only else {}
        plan, report = self.reconcile(dag_run="manual__1", answer=answer, **options)
        return plan, report, self.of(plan, self.remedy)


OCCURRENCES = [
    (Remedy.REPEAT_IMPORT, "j-206", Choice.REPROCESS, "repeat_import"),
    (Remedy.REPEAT_IMPORT, "j-206", Choice.REPROCESS_EVEN_IF_NOT_STOPPED, "repeat_import"),
    (Remedy.RUN_NOW, "j-216", Choice.REPROCESS, "run_now"),
    (Remedy.ADD_TAG, "j-204", Choice.ADD_TAG, "tag_added"),
    (Remedy.REMOVE_TAG, "j-204", Choice.REMOVE_TAG, "tag_removed"),
]


@pytest.mark.parametrize(
    ("remedy", "job", "choice", "effect"), OCCURRENCES, ids=[choice.value for _, _, choice, _ in OCCURRENCES]
)
class TestWhateverCanReachAnInbox:
    def test_waits_for_the_hours_and_goes_in_them_once(
        self, tmp_path: Path, remedy: Remedy, job: str, choice: Choice, effect: str
    ) -> None:
        evening = OneOccurrence(tmp_path, remedy, job)
        plan, report, decision = evening.chosen(choice)
        assert row(report, decision.key).outcome is End.NOT_NOW
        assert "it goes on Thu 19 Nov 20:00 CST" in row(report, decision.key).detail
        assert effect not in {one["kind"] for one in evening.effects()}
        more = next(one for one in evening.goes_on(plan, report) if one.run_id.startswith("hours__"))
        assert more.after == OPENING

        answer = approve_all if choice is Choice.REPROCESS_EVEN_IF_NOT_STOPPED else ask_nobody
        _, report = evening.follow(more, plan, answer=answer)

        assert row(report, decision.key).outcome is End.VERIFIED, row(report, decision.key).detail
        happened = [(one["kind"], str(one["detail"].get("contact"))) for one in evening.effects()]
        done = [one for one in happened if one[0] == effect]
        assert done
        assert len(done) == len(set(done))

    def test_goes_at_any_hour_where_a_person_chose_now(
        self, tmp_path: Path, remedy: Remedy, job: str, choice: Choice, effect: str
    ) -> None:
        evening = OneOccurrence(tmp_path, remedy, job)
        now = choice.now_form
        assert now is not None
        plan, report, decision = evening.chosen(now)
        assert row(report, decision.key).outcome is End.VERIFIED, row(report, decision.key).detail
        assert f"in process: «{now.value}», Thu 19 Nov" in row(report, decision.key).answered_by
        assert effect in {one["kind"] for one in evening.effects()}
        assert evening.clock.now() < OPENING
        assert not [one for one in evening.goes_on(plan, report) if one.run_id.startswith("hours__")]
