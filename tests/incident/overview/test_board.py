"""The first picture: what is down, at risk, due, asked, being done and left, each in a sentence with its local time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.incident.overview.looking import OUTAGE, RUN, Looking, queries_of
from tests.incident.player import Player

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.policy import CampaignPolicy
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import RunStage, Stage
from pro2_reconciliation.overview.board import SHOWN_FOR, board
from pro2_reconciliation.overview.views import Board, Health
from pro2_reconciliation.repair.detection import DETECTION
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.snapshot import scheduled_snapshot

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class TestAnEveningIsToldFromItsFirstMinuteToItsLast:
    def test_what_happens_next_is_a_sentence_at_any_time(self, tmp_path: Path) -> None:
        """Detection, settling, watching, question, repair and end of a whole outage, as the page tells it."""
        player = Player(tmp_path, "worked-example")
        told: list[str] = []
        counted: dict[str, datetime | None] = {}

        def look(found: Board) -> None:
            told.extend(one.next for one in found.outages)
            counted.update({one.next: one.until for one in found.outages})

        look_whenever_time_passes(player, look)

        player.play()

        for sentence, until in counted.items():  # what the page counts down to is the time in the sentence
            assert (until is not None) == ("until" in sentence), sentence
            assert until is None or local(until, "America/Chicago") in sentence
        assert list(dict.fromkeys(told)) == [
            "nothing to do until Thu 19 Nov 18:14 CST: then it has settled",
            "it has settled: the next detection pass starts its dag run, if reconcile is not paused",
            "nothing to do until Thu 19 Nov 18:45 CST: then watching ends",
            "watching has ended: the plan is being made",
            "1 item is being repaired",
            "nothing is left to do",
        ]

    def test_the_headline_follows_it(self, tmp_path: Path) -> None:
        player = Player(tmp_path, "still-open")
        told: list[str] = []
        look_whenever_time_passes(player, lambda found: told.append(found.headline))
        player.play()
        assert any(line.startswith("Sending is down since ") and "at risk" in line for line in told)


def look_whenever_time_passes(player: Player, look: object) -> None:
    pass_time, house = player.clock.sleep, player.played[0].house

    def looked(seconds: float) -> None:
        pass_time(seconds)
        look(board(house.site, house.kept, player.clock.now(), witness=house.witness))  # type: ignore[operator]

    player.clock.sleep = looked  # type: ignore[method-assign]


class TestWhileAnOutageLasts:
    @pytest.fixture
    def down(self, looking: Looking) -> Board:
        """Detection kept what was scheduled, and then Pro2 went down."""
        looking.evening.clock.at = looking.evening.window().start - 5 * MINUTE
        looking.ledger.add_snapshot("playhouse", scheduled_snapshot(looking.account("detect")))
        looking.evening.clock.at = looking.evening.window().start + HOUR
        looking.put(looking.outage(end=None, state=OutageState.OPEN))
        return looking.board()

    def test_what_was_due_in_it_is_at_risk_and_says_since_when(self, down: Board) -> None:
        risks = {one.key: one for one in down.at_risk}
        assert risks["campaign:103"].name == "Opening night invitation"
        assert risks["campaign:103"].risk == "sending is down since Thu 19 Nov 15:00 CST"

    def test_the_service_is_down_by_the_word_of_its_evidence(self, down: Board) -> None:
        service = next(one for one in down.services if one.service is Service.SENDING)
        assert (service.health, service.why) == (Health.DOWN, f"probe pro2 (outage {OUTAGE})")
        assert service.since == down.outages[0].start

    def test_nothing_is_repaired_and_the_page_says_so(self, down: Board) -> None:
        assert down.outages[0].next.startswith("it lasts: nothing is repaired before it is over")
        assert down.headline.startswith("Sending is down since Thu 19 Nov 15:00 CST, ")

    def test_one_that_is_over_puts_nothing_at_risk(self, looking: Looking) -> None:
        looking.ledger.add_snapshot("playhouse", scheduled_snapshot(looking.account("detect")))
        assert looking.board().at_risk == ()


class TestServices:
    def test_are_up_by_their_probes_since_the_last_outage(self, looking: Looking) -> None:
        looking.evening.end_outage()
        looking.ledger.add_sample("playhouse", Service.SENDING, up=True, probe="pro2")
        service = looking.board().services[0]
        assert (service.health, service.why) == (Health.UP, "probe pro2 answered")
        assert service.since == looking.evening.window().end

    def test_are_down_by_a_probe_before_that_is_an_outage(self, looking: Looking) -> None:
        looking.evening.end_outage()
        looking.ledger.add_sample("playhouse", Service.DASHBOARD, up=True, probe="board")
        looking.ledger.add_sample("playhouse", Service.DASHBOARD, up=False, probe="web", detail="HTTP 502")
        service = looking.board().services[1]
        assert (service.health, service.why) == (Health.DOWN, "probe web failed: HTTP 502")

    def test_are_unknown_when_nobody_looked_lately(self, looking: Looking) -> None:
        looking.evening.end_outage()
        looking.ledger.add_sample("playhouse", Service.SENDING, up=True, probe="pro2")
        looking.wait(hours=1)
        assert {one.health for one in looking.board().services} == {Health.UNKNOWN}


class TestDueSoon:
    """Campaign 900 is due in five hours, and job j-220 makes its audience."""

    @pytest.fixture
    def evening(self, tmp_path: Path) -> Looking:
        looking = Looking(tmp_path, "evening-outage")
        looking.evening.end_outage()
        fed = (CampaignPolicy(match="900", feeds=("j-220",)),)
        policy = looking.site.policy.model_copy(update={"campaigns": fed})
        looking.site = looking.evening.site = looking.site.model_copy(update={"policy": policy})
        due = looking.evening.window().end + 5 * HOUR
        entry = {"id": "900", "name": "Late night offer", "due": due.isoformat(), "audience": 700}
        looking.ledger.add_snapshot("playhouse", {"campaigns": [entry], "occurrences": []})
        return looking

    def test_an_audience_may_be_stale_where_its_job_was_missed_and_is_not_repaired(
        self, evening: Looking
    ) -> None:
        evening.reconcile(Mode.PLAN)
        (found,) = evening.board().upcoming
        assert (found.key, found.audience) == ("campaign:900", 700)
        assert found.risk.startswith("its audience may be stale: «")
        assert "(j-220), due Thu 19 Nov 17:00 CST, is not repaired (needs human)" in found.risk

    def test_without_a_doubt_nothing_is_said(self, evening: Looking) -> None:
        (found,) = evening.board().upcoming
        assert found.risk == ""

    def test_a_job_that_was_due_while_its_service_is_down_is_a_doubt_already(self, evening: Looking) -> None:
        evening.put(evening.outage(end=None, state=OutageState.OPEN))
        found = next(one for one in evening.board().upcoming if one.key == "campaign:900")
        assert "sending is down since Thu 19 Nov 15:00 CST" in found.risk
        assert "(j-220) was due Thu 19 Nov 17:00 CST, while sending is down" in found.risk

    def test_what_is_due_later_than_tomorrow_is_left_out(self, evening: Looking) -> None:
        evening.evening.clock.at -= timedelta(hours=20)
        assert evening.board().upcoming == ()


class TestWhatHappensNext:
    def test_an_answer_is_waited_for_until_it_is_too_late(self, looking: Looking) -> None:
        told: list[str] = []

        def answer(plan: Plan) -> dict[str, Choice]:
            until = looking.now + timedelta(hours=12)
            looking.ledger.note_run("playhouse", RUN, stage=RunStage.ASKED, until=until)
            told.append(looking.shown().next)
            told.append(looking.board().headline)
            return {}

        looking.reconcile(answer=answer)
        assert told[0].startswith(
            "1 item waits for an answer until Fri 20 Nov 04:"
        )  # its send_by comes first
        assert told[1].startswith("1 item waits for an answer")

    def test_one_that_is_only_suspected_waits_for_a_word(self, looking: Looking) -> None:
        claim = looking.outage().evidence[0].model_copy(update={"confirms": False})
        looking.put(looking.outage(evidence=(claim,), state=OutageState.SETTLED))
        looking.evening.end_outage()
        assert looking.shown().next == (
            "it is only suspected: say whether it was one; until then nothing is repaired"
        )
        assert not looking.shown().confirmed

    def test_the_kill_switch_is_named_where_it_stops_the_start(self, tmp_path: Path) -> None:
        looking = Looking(tmp_path, state=OutageState.SETTLED)
        looking.evening.end_outage()
        looking.ledger.set_switch("playhouse", Stage.SCHEDULES, "Kim", "odd mails")
        assert looking.shown().next == "nothing is started: the kill switch is «schedules» (Kim: odd mails)"

    def test_one_that_was_taken_back_says_so(self, looking: Looking) -> None:
        looking.put(looking.outage(end=looking.evening.window().start))
        assert looking.shown().next == "it was taken back: nothing is left of it"

    def test_what_nobody_chose_is_left_to_be_said(self, looking: Looking) -> None:
        looking.reconcile(answer=lambda plan: {"campaign:103": Choice.LEAVE})
        assert looking.shown().next == "1 item was offered and not chosen"


class TestTheRest:
    def test_guard_and_detection_say_when_they_last_passed(self, looking: Looking) -> None:
        before = looking.board()
        assert (before.guard_at, before.guard_ok, before.detected_at) == (None, False, None)
        looking.ledger.beat(GUARD)
        looking.ledger.beat(DETECTION)
        after = looking.board()
        assert (after.guard_at, after.guard_ok, after.detected_at) == (looking.now, True, looking.now)
        looking.wait(minutes=11)
        assert not looking.board().guard_ok

    def test_a_ledger_that_allows_plans_only_says_why(self, looking: Looking) -> None:
        assert looking.board().ledger.plans_only == ""
        looking.evening.witness.away = True
        assert "witness of the test cannot be read" in looking.board().ledger.plans_only

    def test_open_items_close_by_themselves_after_thirty_days(self, reconciled: Looking) -> None:
        found = reconciled.board().open_items
        assert found
        assert {one.closes_at - one.opened_at for one in found} == {timedelta(days=30)}

    def test_alarms_are_told_newest_first_and_lead_the_headline(self, looking: Looking) -> None:
        for text in ("campaign 103 woke up", "campaign 104 woke up"):
            looking.ledger.alarm("playhouse", "woke", {"item": "campaign:103", "text": text})
            looking.wait(minutes=1)
        found = looking.board()
        assert [one.text for one in found.alarms] == ["campaign 104 woke up", "campaign 103 woke up"]
        assert found.headline.startswith("2 alarms since ")

    def test_a_closed_outage_is_shown_for_ninety_days(self, looking: Looking) -> None:
        looking.put(looking.outage(state=OutageState.CLOSED))
        assert [one.id for one in looking.board().outages] == [OUTAGE]
        looking.wait(days=SHOWN_FOR.days + 1)
        assert looking.board().outages == ()

    def test_a_declaration_stands_until_it_is_withdrawn(self, looking: Looking) -> None:
        window = looking.evening.window()
        said = looking.ledger.declare("playhouse", Service.TESSITURA, window.start, None, "Kim", "it hangs")
        assert [(one.number, one.who) for one in looking.board().declarations] == [(said.number, "Kim")]
        looking.ledger.withdraw("playhouse", said.number, "Kim")
        assert looking.board().declarations == ()

    def test_a_hold_stands_on_it_whether_or_not_its_item_does(self, looking: Looking) -> None:
        looking.ledger.hold("playhouse", "campaign:7", "Kim", "by phone")
        assert [(one.key, one.who) for one in looking.board().holds] == [("campaign:7", "Kim")]

    def test_a_dag_run_has_its_mode_its_stage_and_its_report(self, looking: Looking) -> None:
        plan, _ = looking.reconcile(Mode.PLAN)
        (run,) = looking.shown().runs
        assert (run.dag_run, run.mode, run.stage, run.plan_hash) == (RUN, "plan", "reported", plan.hash)


class TestWhatItCosts:
    """Counted, not timed: a page that asks once for each item is slow on every machine."""

    def test_a_picture_takes_as_many_queries_with_one_outage_as_with_six(self, looking: Looking) -> None:
        looking.reconcile()
        one = queries_of(looking.ledger, looking.board)
        outages = [looking.outage()]
        for number in range(5):
            name = f"old{number}"
            outages.append(looking.outage(id=name, start=looking.outage().start - (number + 1) * HOUR))
            looking.put(*outages)
            window = looking.window().model_copy(update={"outage_ids": (name,)})
            looking.reconcile(dag_run=f"outage__{name}__g1", window=window)
        assert len(looking.board().outages) == 6
        assert queries_of(looking.ledger, looking.board) == one <= 30

    def test_the_items_take_as_many_queries_for_two_as_for_fifty(
        self, looking: Looking, reconciled: Looking
    ) -> None:
        looking.reconcile()
        few = queries_of(looking.ledger, looking.items)
        assert (len(looking.items()), len(reconciled.items())) == (2, 58)
        assert queries_of(reconciled.ledger, reconciled.items) == few <= 20

    def test_a_picture_reads_no_plan(self, looking: Looking) -> None:
        looking.reconcile()
        with looking.ledger._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE plan SET body = '{}'")
        assert looking.shown().counts == {"none": 1, "verified": 1}
