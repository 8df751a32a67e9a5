"""The digest of played evenings: one line where there is nothing to do, else what waits, stops and was done."""

from __future__ import annotations

from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Evening, approve_all, approve_none

from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview.digest import MOST, Digest, digest
from pro2_reconciliation.repair import noting
from pro2_reconciliation.repair.detection import DETECTION
from pro2_reconciliation.repair.gates import GUARD

WORKED = INCIDENTS / "worked-example.yaml"
HOSTILE = "{{ conn.pro2.password }} <script>alert(1)</script>\u202e\n* forged line"


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path, WORKED)
    found.end_outage()
    return found


def alive(evening: Evening) -> None:
    """Guard and detection pass as they should."""
    evening.ledger().beat(GUARD)
    evening.ledger().beat(DETECTION)


def night(evening: Evening, since: datetime | None = None, **options: Any) -> Digest:
    now = evening.clock.now()
    return digest(
        evening.site,
        evening.ledger(),
        now,
        since=since or now - timedelta(hours=24),
        witness=options.pop("witness", evening.witness),
        link=options.pop("link", lambda key: f"https://airflow.example.org/plugin/outages?item={key}"),
        **options,
    )


def titles(made: Digest) -> list[str]:
    return [section.title for section in made.sections]


def entries(made: Digest, title: str) -> list[str]:
    return [entry.text for section in made.sections if section.title == title for entry in section.entries]


class TestNothingToDo:
    def test_is_one_line(self, evening: Evening) -> None:
        alive(evening)
        made = night(evening)
        assert made.nothing_to_do
        assert made.subject == "playhouse: nothing to do"
        assert made.text == (
            "playhouse, Thu 19 Nov 18:15 CST: nothing to do. "
            "Since Wed 18 Nov 18:15 CST there was no outage and nothing was repaired.\n"
        )
        assert "nothing to do" in made.html

    def test_is_said_also_where_there_is_news(self, evening: Evening) -> None:
        plan, report = evening.reconcile()
        alive(evening)
        noted(evening, plan, report)
        made = night(evening)
        assert made.nothing_to_do
        assert made.subject == "playhouse: nothing to do"
        assert titles(made) == ["Repaired and proven"]
        (line,) = entries(made, "Repaired and proven")
        assert line.startswith("«Opening night invitation» (campaign:103), resend: copy ")
        assert night(evening, since=evening.clock.now() + timedelta(seconds=1)).sections == ()


class TestWhatWaits:
    def test_items_for_a_person_come_with_their_age_their_end_and_the_first_thing_to_do(
        self, tmp_path: Path
    ) -> None:
        evening = Evening(tmp_path)
        evening.end_outage()
        plan, report = evening.reconcile(answer=approve_none)
        noted(evening, plan, report)
        waits = evening.ledger().open_items("playhouse")
        people = {row.key for row in report.rows if row.outcome.value == "needs_human"}
        assert people <= {item.item_key for item in waits}
        evening.clock.at += timedelta(days=3)
        alive(evening)
        made = night(evening)
        assert not made.nothing_to_do
        told = entries(made, "Open items")
        assert len(told) == min(len(waits), MOST)
        assert f"{len(waits)} items are open" in made.subject
        assert "«Backstage tour» (campaign:112): C14, partly sent: 900 of 2000" in told
        (section,) = (one for one in made.sections if one.title == "Open items")
        tour = next(entry for entry in section.entries if "112" in entry.text)
        assert tour.more == (
            "Open for 3 days, closes Sat 19 Dec 18:06 CST. "
            "First: Open the report of «Backstage tour» in Pro2 and compare 900 sent with 2000 recipients"
        )
        assert tour.url == "https://airflow.example.org/plugin/outages?item=campaign:112"
        assert tour.url in made.text
        assert "Open for 3 days, closes Sat 19 Dec" in made.text
        assert "compare 900 sent" in made.html

    def test_a_question_is_told_until_it_is_answered_or_has_ended(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        ledger, until = evening.ledger(), evening.clock.now() + timedelta(hours=12)
        ledger.begin_run("playhouse", "run-1", window=plan.window, mode=Mode.ASK)
        ledger.save_plan(plan, "run-1")
        noting.asked(ledger, "playhouse", "run-1", until)
        alive(evening)
        made = night(evening)
        assert made.subject == "playhouse: 1 question waits"
        (line,) = entries(made, "Waits for an answer")
        assert "1 item of the window Thu 19 Nov" in line
        assert "asked until Fri 20 Nov" in line
        assert "Open items" not in titles(made), "what is asked about is told once"
        ledger.save_answers(plan.hash, {d.key: Choice.LEAVE for d in plan.decisions if d.asks}, "Ada")
        assert titles(night(evening)) == ["Open items"]
        evening.clock.at = until
        alive(evening)
        assert "Waits for an answer" not in titles(night(evening))


class TestWhatStops:
    def test_a_guard_or_a_detection_that_does_not_pass(self, evening: Evening) -> None:
        made = night(evening)
        assert made.subject == "playhouse: guard_repairs does not run, detect_outages does not run"
        assert entries(made, "Stops repairs")[0].startswith("guard_repairs has never passed: nothing is sent")
        alive(evening)
        evening.clock.at += timedelta(minutes=16)
        told = entries(night(evening), "Stops repairs")
        assert told[0].startswith("guard_repairs last passed Thu 19 Nov 18:15 CST")
        assert told[1].startswith("detect_outages last passed Thu 19 Nov 18:15 CST: no outage is found")

    def test_the_kill_switch_with_who_and_why(self, evening: Evening) -> None:
        alive(evening)
        evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "Ada", "the vendor called")
        (line,) = entries(night(evening), "Stops repairs")
        assert line == (
            "The kill switch is at «everything» since Thu 19 Nov 18:15 CST (Ada: the vendor called): no step acts. "
            "Switch it off to go on."
        )
        assert night(evening).subject == "playhouse: the kill switch is on"
        evening.ledger().set_switch("playhouse", Stage.SCHEDULES, "Ada", "maintenance")
        assert "detection starts no dag run" in entries(night(evening), "Stops repairs")[0]

    def test_a_ledger_that_allows_plans_only(self, evening: Evening) -> None:
        alive(evening)
        evening.witness.away = True
        made = night(evening)
        assert made.subject == "playhouse: only plans are made"
        assert "cannot be read" in entries(made, "Stops repairs")[0]

    def test_a_night_that_was_not_read(self, evening: Evening) -> None:
        alive(evening)
        evening.ledger().set_watermark("playhouse", evening.clock.now() - timedelta(hours=37))
        assert night(evening).subject == "playhouse: a night was not read"
        evening.ledger().set_watermark("playhouse", evening.clock.now() - timedelta(hours=35))
        assert night(evening).nothing_to_do


class TestOutagesAndAlarms:
    def put(self, evening: Evening, **changes: Any) -> None:
        window = evening.window()
        made = Outage(
            **{
                "id": "3f2a",
                "organization": "playhouse",
                "service": Service.SENDING,
                "start": window.start,
                "end": window.end,
                "state": OutageState.SETTLED,
                **changes,
            }
        )
        evening.ledger().replace_outages("playhouse", [made], "put by the test")

    def test_one_that_was_found_is_news_and_one_that_lasts_needs_somebody(self, evening: Evening) -> None:
        alive(evening)
        self.put(evening)
        made = night(evening)
        assert made.nothing_to_do
        (line,) = entries(made, "Outages that were found")
        assert line.startswith("sending, Thu 19 Nov 15:00-18:05 CST")
        assert night(evening, since=evening.clock.now() + timedelta(seconds=1)).sections == ()
        self.put(evening, end=None, state=OutageState.OPEN)
        made = night(evening)
        assert made.subject.startswith("playhouse: 1 outage lasts")
        assert entries(made, "Down now")[0].startswith("sending, since Thu 19 Nov 15:00 CST")

    def test_alarms_since_the_last_digest_stand_above_what_waits(self, evening: Evening) -> None:
        alive(evening)
        evening.ledger().alarm("playhouse", "woke", {"text": "«Opening night» (103) woke up"})
        made = night(evening)
        assert made.subject == "playhouse: 1 alarm"
        assert entries(made, "Alarms") == [
            "Thu 19 Nov 18:15 CST: «Opening night» (103) woke up",
        ]
        assert night(evening, since=evening.clock.now() + timedelta(seconds=1)).nothing_to_do


class TestADigestThatIsMailed:
    def test_is_bounded_and_says_how_many_more(self, evening: Evening) -> None:
        alive(evening)
        for number in range(300):
            evening.ledger().open_item(
                "playhouse", f"campaign:{number}", name="x" * 900, rule="C14", reason="y" * 900, plan_hash="0"
            )
        made = night(evening)
        assert "300 items are open" in made.subject
        assert len(made.html.encode()) < 100_000
        assert "and 270 more" in made.text
        assert "and 270 more" in made.html
        assert max(map(len, made.text.splitlines())) < 120

    def test_shows_hostile_names_as_text(self, evening: Evening) -> None:
        alive(evening)
        ledger = evening.ledger()
        ledger.open_item("playhouse", "campaign:1", name=HOSTILE, rule="C14", reason=HOSTILE, plan_hash="0")
        ledger.alarm("playhouse", "woke", {"text": HOSTILE})
        ledger.hold("playhouse", "campaign:2", HOSTILE, HOSTILE)
        ledger.set_switch("playhouse", Stage.EVERYTHING, HOSTILE, HOSTILE)
        made = night(evening, link=lambda key: f"javascript:{key}")
        tags: set[str] = set()

        class Seen(HTMLParser):
            def handle_starttag(self, tag: str, attrs: Any) -> None:
                tags.add(tag)
                assert not [key for key, _ in attrs if key.startswith("on")]

        Seen().feed(made.html)
        assert tags & {"script", "img", "a", "iframe"} == set()
        assert "\n* forged" not in made.text
        assert "\u202e" not in made.text
        assert "javascript:" not in made.text
        assert made.subject.count("\n") == 0

    def test_of_a_whole_evening_agrees_with_its_report(self, tmp_path: Path) -> None:
        evening = Evening(tmp_path)
        evening.end_outage()
        plan, report = evening.reconcile(answer=approve_all)
        noted(evening, plan, report)
        alive(evening)
        made = night(evening)
        proven = [row for row in report.rows if row.outcome.value == "verified"]
        assert len(entries(made, "Repaired and proven")) == len(proven)
        assert {section.title for section in made.sections if section.pressing} == {"Open items"}


def noted(evening: Evening, plan: Any, report: Any) -> None:
    """What the report's task leaves in the ledger."""
    ledger = evening.ledger()
    noting.reported(ledger, "run-1", plan, report)
