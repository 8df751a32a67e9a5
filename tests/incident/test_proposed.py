"""What was proposed and nobody did stays open, night after night, until the world or a person settles it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import Evening, approve_all, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, open_keys, row
from tests.incident.one_job import one_job
from tests.incident.test_digest import alive, entries
from tests.incident.test_digest import night as digest_of
from tests.incident.test_older import DAY, HOUR, later, night, with_campaign

from pro2_reconciliation.domain.notifications import NotificationKind, Notifications
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.ledger import OpenItem
from pro2_reconciliation.repair.report import End, Report
from pro2_reconciliation.repair.teller import Teller
from pro2_sandbox.incident import PersonModel

HANGS = "pending send since Thu 19 Nov 16:05 CST, nothing left in two reads"


def person(evening: Evening, does: Any, item: str) -> None:
    evening.world.people.act(PersonModel(at=timedelta(0), does=does, item=item), evening.world.advance())


def opened(evening: Evening, key: str = RESEND) -> OpenItem:
    return next(one for one in evening.ledger().open_items("playhouse") if one.item_key == key)


def closed(evening: Evening, key: str = RESEND) -> OpenItem:
    known = evening.ledger().open_items("playhouse", closed_since=evening.world.t0 - DAY)
    return next(one for one in known if one.item_key == key and one.closed_at)


def hours_later(evening: Evening, hours: float) -> tuple[Plan, Report]:
    """A dag run of mode plan whose window joins the one before."""
    start, evening.clock.at = evening.clock.at, evening.clock.at + hours * HOUR
    window = Window(start=start, end=evening.clock.at, source="nightly")
    return evening.reconcile(Mode.PLAN, window=window, dag_run=f"scheduled__{evening.clock.at:%d-%H}")


class TestACampaignThatOnlyANightlyFound:
    """No outage was detected: it hangs, and the nightly of its day proposes to resend it."""

    @pytest.fixture
    def evening(self, tmp_path: Path) -> OneCampaign:
        return with_campaign(tmp_path, send_by_hours=100)

    def test_is_named_by_the_next_nightly_and_closed_once_a_colleagues_copy_was_sent(
        self, evening: OneCampaign
    ) -> None:
        _, report = night(evening, 1)
        assert (row(report).rule, row(report).outcome) == ("C11", End.PROPOSED)

        _, report = night(evening, 2)
        assert (row(report).rule, row(report).outcome) == ("C11", End.PROPOSED)
        assert open_keys(evening) == {RESEND}

        evening.clock.at += HOUR
        person(evening, "duplicate_and_send", "103")
        _, report = night(evening, 3)
        assert (row(report).rule, row(report).outcome) == ("C6", End.NONE)
        assert open_keys(evening) == set()
        assert closed(evening).closed_why.startswith("C6: repaired by hand")

        _, report = night(evening, 4)
        assert report.rows == ()

    def test_is_open_as_a_proposal_and_since_the_night_that_found_it(self, evening: OneCampaign) -> None:
        night(evening, 1)
        first = opened(evening)
        night(evening, 2)
        assert opened(evening) == first
        assert first.reason == f"resend proposed, not done: {HANGS}"

    def test_says_what_is_proposed_now_when_it_is_too_late_to_send(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path, send_by_hours=24)
        night(evening, 1)
        first = opened(evening)
        _, report = night(evening, 2)
        assert row(report).rule == "C12"
        now = opened(evening)
        assert (now.rule, now.opened_at) == ("C12", first.opened_at)
        assert now.reason.startswith("hold back proposed, not done: pending send since")

    def test_is_judged_by_its_own_night_however_many_follow(self, evening: OneCampaign) -> None:
        """Stopped since, by whomever: from its own window on that is not "already before" (C2)."""
        night(evening, 1)
        campaign = evening.world.campaigns.all[103]
        evening.clock.at += HOUR
        campaign.status, campaign.modified = 4, evening.world.advance()
        for number in (2, 3, 4):
            _, report = night(evening, number)
            assert (row(report).rule, row(report).outcome) == ("C14", End.NEEDS_HUMAN), number
        assert opened(evening).rule == "C14"

    def test_is_sent_once_by_the_first_dag_run_that_may_and_closes(self, evening: OneCampaign) -> None:
        night(evening, 1)
        night(evening, 2)
        _, report = evening.reconcile(Mode.ASK, dag_run="ask-1")
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert open_keys(evening) == set()
        assert evening.truth()["mailed_twice"] == []

    def test_stays_away_once_a_person_closed_it(self, evening: OneCampaign) -> None:
        night(evening, 1)
        evening.ledger().close_item("playhouse", RESEND, "kim", "the show was moved")
        _, report = night(evening, 2)
        assert report.rows == ()
        assert open_keys(evening) == set()

    def test_is_closed_in_words_after_thirty_days(self, evening: OneCampaign) -> None:
        night(evening, 1)
        _, report = night(evening, 32)
        assert open_keys(evening) == set()
        assert [sentence for sentence in report.expired if "campaign:103" in sentence]

    def test_stands_in_the_digest_once_with_its_age_and_calls_nobody(self, evening: OneCampaign) -> None:
        night(evening, 1)
        _, report = night(evening, 3)
        alive(evening)
        made = digest_of(evening)
        assert entries(made, "Open items") == [
            f"«Opening night invitation» (campaign:103): C11, resend proposed, not done: {HANGS}"
        ]
        assert made.subject == "playhouse: 1 item is open"
        assert "Proposed since Fri 20 Nov" in made.text
        assert told(evening, report) == []

    def test_that_a_person_keeps_to_himself_is_told_as_that_only_and_is_open_again_when_given_back(
        self, evening: OneCampaign
    ) -> None:
        night(evening, 1)
        evening.ledger().hold("playhouse", RESEND, "kim", "the show was moved")
        night(evening, 2)
        alive(evening)
        made = digest_of(evening)
        assert made.nothing_to_do
        assert [one.title for one in made.sections if RESEND in str(one.entries)] == ["Kept by a person"]
        evening.ledger().end_hold("playhouse", RESEND, "kim")
        _, report = night(evening, 3)
        assert row(report).outcome is End.PROPOSED
        assert entries(digest_of(evening), "Open items")


class TestADagRunThatAsks:
    """Another outage, of the next days: its window does not hold the campaign, its question may."""

    @pytest.fixture
    def evening(self, tmp_path: Path) -> OneCampaign:
        made = with_campaign(tmp_path, send_by_hours=100)
        night(made, 1)
        return made

    def test_asks_about_an_open_proposal(self, evening: OneCampaign) -> None:
        _, report = later(evening, hours=36)
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert open_keys(evening) == set()

    def test_that_nobody_answered_leaves_it_open_as_that_and_not_as_a_proposal(
        self, evening: OneCampaign
    ) -> None:
        later(evening, hours=36, answer=approve_none)
        assert (opened(evening).rule, opened(evening).reason) == ("C11", HANGS)

    def test_does_not_ask_while_another_one_does(self, evening: OneCampaign) -> None:
        asked: list[set[str]] = []

        def meanwhile(plan: Plan) -> dict[str, Choice]:
            second, report = later(evening, hours=37, dag_run="outage__3__g1")
            asked.append({d.key for d in second.decisions if d.asks})
            assert report.rows == ()
            return approve_all(plan)

        _, report = later(evening, hours=36, answer=meanwhile)

        assert asked == [set()]
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert evening.truth()["mailed_twice"] == []

    def test_asks_once_the_other_one_has_ended_without_an_answer(self, evening: OneCampaign) -> None:
        later(evening, hours=36, answer=approve_none)
        second, _ = later(evening, hours=38, answer=approve_none, dag_run="outage__3__g1")
        assert {d.key for d in second.decisions if d.asks} == {RESEND}

    def test_does_not_ask_about_what_a_person_keeps(self, evening: OneCampaign) -> None:
        evening.ledger().hold("playhouse", RESEND, "kim", "the show was moved")
        plan, _ = later(evening, hours=36)
        assert plan.decisions == ()
        _, report = night(evening, 3)
        assert row(report).outcome is End.PROPOSED


class TestAJobThatOnlyANightlyMissed:
    @pytest.fixture
    def evening(self, tmp_path: Path) -> Evening:
        """An import was due two hours before the outage ended, and nothing began it."""
        return one_job(tmp_path, "-2h")

    def test_is_named_by_the_next_nightly_and_closed_once_a_colleague_repeated_it(
        self, evening: Evening
    ) -> None:
        _, report = night(evening, 1)
        (found,) = report.rows
        assert (found.rule, found.outcome) == ("R10", End.PROPOSED)

        _, report = hours_later(evening, 4)  # before its next run, which would cover it (R4)
        assert (row(report, found.key).rule, row(report, found.key).outcome) == ("R10", End.PROPOSED)
        assert open_keys(evening) == {found.key}

        evening.clock.at += HOUR
        person(evening, "repeat_import", "j-1")
        _, report = hours_later(evening, 3)
        assert (row(report, found.key).rule, row(report, found.key).outcome) == ("R3", End.NONE)
        assert open_keys(evening) == set()


def told(evening: Evening, report: Report) -> list[Any]:
    """What a site that is told of everything hears of a report by «needs a person»."""
    rules = Notifications(needs_person=("mail",))
    site = evening.site.model_copy(update={"notifications": rules})
    Teller(site, evening.ledger()).report(report, "scheduled__3", "")
    return evening.ledger().told_of("playhouse", NotificationKind.NEEDS_PERSON, evening.world.t0)
