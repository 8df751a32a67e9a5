"""The outage is not what it seemed, or the schedule is not what it was: nothing is lost, nothing is sent in vain."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.repair.snapshot import at_risk, scheduled_snapshot

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return Evening(tmp_path, INCIDENTS / "worked-example.yaml")


def known(evening: Evening, window: Window) -> Window:
    """The window as that of an outage in the ledger."""
    evening.ledger().replace_outages("playhouse", [outage(window)], "put by the test")
    return window.model_copy(update={"outage_ids": ("3f2a",)})


def outage(window: Window, **changes: Any) -> Outage:
    plain = {
        "id": "3f2a",
        "organization": "playhouse",
        "service": Service.SENDING,
        "state": OutageState.PLANNED,
    }
    return Outage(**{**plain, "start": window.start, "end": window.end, **changes})


def row(report: Report, item_id: str) -> tuple[str, str, str]:
    found = next(row for row in report.rows if row.item_id == item_id)
    return found.rule, found.outcome.value, found.detail


def sent(evening: Evening) -> list[str]:
    return [effect["kind"] for effect in evening.effects()]


class TestAShrunkWindow:
    """Evidence was corrected between the answer and the step: 103 was due outside of what is left."""

    def reconciled(self, evening: Evening, left: Window) -> tuple[Plan, Report]:
        evening.end_outage()

        def answer(plan: Plan) -> dict[str, Choice]:
            evening.ledger().replace_outages("playhouse", [outage(left)], "the page was corrected")
            return approve_all(plan)

        return evening.reconcile(answer=answer, window=known(evening, evening.window()))

    def test_cancels_what_it_does_not_touch_any_more(self, evening: Evening) -> None:
        whole = evening.window()
        left = whole.model_copy(update={"end": whole.start + 2 * MINUTE})
        _, report = self.reconciled(evening, left.model_copy(update={"start": whole.start - HOUR}))
        rule, outcome, detail = row(report, "103")
        assert (rule, outcome) == ("C11", "stale")
        assert "the outage was found to be shorter" in detail
        assert sent(evening) == []

    def test_leaves_what_it_still_touches(self, evening: Evening) -> None:
        whole = evening.window()
        _, report = self.reconciled(evening, whole.model_copy(update={"end": whole.end - HOUR}))
        assert row(report, "103")[:2] == ("C11", "verified")

    def test_of_which_nothing_is_left_cancels_everything(self, evening: Evening) -> None:
        whole = evening.window()
        _, report = self.reconciled(evening, whole.model_copy(update={"end": whole.start}))
        assert row(report, "103")[1] == "stale"
        assert sent(evening) == []


class TestWhatWasScheduledBefore:
    """The snapshot from before the outage knows what Pro2 does not show any more."""

    @pytest.fixture
    def before(self, evening: Evening) -> Evening:
        at = evening.window().start - 5 * MINUTE
        evening.ledger().add_snapshot("playhouse", scheduled_snapshot(evening.account()), at)
        evening.end_outage()
        return evening

    def planned(self, evening: Evening) -> dict[str, tuple[str, str]]:
        plan, _ = evening.reconcile(Mode.PLAN)
        return {decision.item_id: (decision.rule, decision.reason) for decision in plan.decisions}

    def test_a_campaign_that_is_gone_is_an_item_for_a_person(self, before: Evening) -> None:
        del before.world.campaigns.all[103]
        rule, reason = self.planned(before)["103"]
        assert rule == "C14"
        assert reason == "gone, although it was scheduled for Thu 19 Nov 16:05 CST"

    def test_without_a_snapshot_nobody_would_know(self, evening: Evening) -> None:
        evening.end_outage()
        del evening.world.campaigns.all[103]
        assert "103" not in self.planned(evening)

    def test_a_campaign_that_became_a_draft_is_one_too(self, before: Evening) -> None:
        campaign = before.world.campaigns.all[103]
        before.world.campaigns.unschedule(campaign, before.window().start + MINUTE, "person")
        campaign.due = None
        rule, reason = self.planned(before)["103"]
        assert (rule, reason.startswith("draft, although it was scheduled for Thu 19 Nov 16:05")) == (
            "C14",
            True,
        )

    def test_one_that_was_moved_to_later_is_on_the_watch_list(self, before: Evening) -> None:
        campaign = before.world.campaigns.all[103]
        campaign.due, campaign.modified = before.clock.at + HOUR, before.window().start + MINUTE
        assert self.planned(before)["103"][0] == "C5"

    def test_a_snapshot_from_within_the_outage_does_not_hide_what_was_there_before(
        self, before: Evening
    ) -> None:
        at = before.window().end - 5 * MINUTE
        before.ledger().add_snapshot("playhouse", {"campaigns": [], "occurrences": []}, at)
        del before.world.campaigns.all[103]
        assert self.planned(before)["103"][0] == "C14"

    def test_it_says_what_is_at_risk_while_the_outage_lasts(self, before: Evening) -> None:
        window, ledger = before.window(), before.ledger()
        lasting = outage(window, end=None, state=OutageState.OPEN)
        at = window.start + HOUR
        assert at_risk(ledger, before.site, lasting, at) == [
            "«Opening night invitation» (103), due Thu 19 Nov 16:05 CST"
        ]
        assert at_risk(ledger, before.site, outage(window), at) == [], "it is over: there the plan speaks"
        other = lasting.model_copy(update={"service": Service.TESSITURA})
        assert at_risk(ledger, before.site, other, at) == [], "Tessitura sends no campaign"
