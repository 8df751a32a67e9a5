"""What is told of, and when: each thing once, however many passes look, and nothing where nobody is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.incident.harness import MovableClock
from tests.unit.domain import factories as f
from tests.unit.repair.reports import EVIL, report, row

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.notifications import NotificationKind as Kind
from pro2_reconciliation.domain.notifications import Notifications
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Reach, Remedy, Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.messages import Message
from pro2_reconciliation.repair.notices import Links
from pro2_reconciliation.repair.outcome import End
from pro2_reconciliation.repair.teller import BREATH, DETECTION, DETECTION_SILENT, Teller

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RUN = "outage__3f2a__g1"
SITE = Site(organization="playhouse", zone=f.ZONE, jobs=(), notifications=Notifications(everything=("chat",)))


@pytest.fixture
def clock() -> MovableClock:
    clock = MovableClock()
    clock.at = f.NOW
    return clock


@pytest.fixture
def ledger(open_ledger: Callable[[Callable[[], datetime]], Ledger], clock: MovableClock) -> Ledger:
    return open_ledger(clock.now)


@pytest.fixture
def teller(ledger: Ledger) -> Teller:
    return Teller(SITE, ledger, Links("https://airflow.example.org/airflow", "/plugin/outages"))


def told(ledger: Ledger, kind: Kind | None = None) -> list[Message]:
    """Every message that was written down, oldest first."""
    rows = [one for one in ledger.deliveries("playhouse") if kind in (None, Kind(one.kind))]
    return [Message.model_validate(one.body) for one in rows]


def outage(**changes: Any) -> Outage:
    given: dict[str, Any] = {
        "id": "3f2a",
        "organization": "playhouse",
        "service": Service.SENDING,
        "start": f.START,
        "end": f.END,
        "state": OutageState.ENDED,
        **changes,
    }
    claim = Evidence(source="probe pro2", key="1", service=given["service"], start=f.START, end=f.END)
    return Outage(**{"evidence": (claim,), **given})


def put(ledger: Ledger, *outages: Outage) -> None:
    ledger.replace_outages("playhouse", list(outages), "a test")


class TestAnOutage:
    def test_is_told_of_once_however_many_passes_see_it(self, teller: Teller, ledger: Ledger) -> None:
        put(ledger, outage())
        teller.detected()
        teller.detected()
        (message,) = told(ledger, Kind.OUTAGE_FOUND)
        assert message.title == (
            "An outage was found for playhouse: sending, Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)"
        )
        assert "It is known from probe pro2" in message.lines[0]

    def test_that_has_to_be_dealt_with_once_more_is_news(self, teller: Teller, ledger: Ledger) -> None:
        put(ledger, outage())
        teller.outages()
        put(ledger, outage(generation=2))
        teller.outages()
        assert "looked at before" in told(ledger, Kind.OUTAGE_FOUND)[1].lines[1]

    def test_of_which_a_dag_run_has_taken_care_is_none(self, teller: Teller, ledger: Ledger) -> None:
        put(ledger, outage(state=OutageState.PLANNED))
        teller.outages()
        assert told(ledger) == []

    def test_that_nobody_confirmed_is_told_with_the_doubt(self, teller: Teller, ledger: Ledger) -> None:
        page = Evidence(
            source="status page", key="1", service=Service.SENDING, start=f.START, end=f.END, confirms=False
        )
        put(ledger, outage(evidence=(page,)))
        teller.outages()
        (message,) = told(ledger)
        assert message.title.startswith("An outage may have been found")
        assert "python -m pro2_reconciliation confirm 3f2a" in message.lines[-1]

    def test_while_it_lasts_names_what_is_at_risk(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        clock.at = f.START - MINUTE
        entry = {"id": "103", "name": EVIL, "due": f.DUE.isoformat()}
        ledger.add_snapshot("playhouse", {"campaigns": [entry]})
        clock.at = f.START + HOUR
        put(ledger, outage(end=None, state=OutageState.OPEN))
        teller.outages()
        (message,) = told(ledger)
        assert message.items == (f"«{EVIL}» (103), due Thu 19 Nov 18:30 CST",)
        assert "since Thu 19 Nov 18:00 CST" in message.title
        assert EVIL not in message.title


@pytest.fixture
def asked(ledger: Ledger) -> Plan:
    """A plan that asks about two campaigns; the first must be sent by 22:45."""
    offer: dict[str, Any] = {
        "remedy": Remedy.RESEND,
        "reach": Reach.INBOX,
        "choices": (Choice.LEAVE, Choice.RESEND),
        "rule": "C11",
        "reason": "pending send",
    }
    plan = f.plan(
        f.decision(**offer, audience=1200, send_by=f.NOW + HOUR),
        f.decision(**offer, item_id="104", name=EVIL, audience=900, send_by=f.NOW + 9 * HOUR),
        ledger_uuid=ledger.identity.uuid,
        ledger_epoch=ledger.identity.epoch,
        run=RUN,
    )
    ledger.save_plan(plan, RUN)
    return plan


class TestAQuestion:
    def test_is_told_of_once_with_what_it_is_about(self, teller: Teller, ledger: Ledger, asked: Plan) -> None:
        for _ in range(2):  # the task was cleared
            teller.question(asked, RUN, f.NOW + 12 * HOUR)
        (message,) = told(ledger)
        assert message.title == "Answer needed: what may be done for 2 items of playhouse?"
        assert "2 of them can reach an inbox, of about 2,100 patrons in all" in message.lines[0]
        assert message.lines[1] == "The first must not be sent any more after Thu 19 Nov 22:45 CST."
        assert message.items[0].startswith("«Season opener» (103)")

    def test_is_told_of_once_more_before_the_first_campaign_is_too_late(
        self, teller: Teller, ledger: Ledger, asked: Plan, clock: MovableClock
    ) -> None:
        teller.question(asked, RUN, f.NOW + 12 * HOUR)
        clock.at += BREATH - MINUTE
        teller.reminders()
        assert len(told(ledger)) == 1
        clock.at += MINUTE
        teller.reminders()
        teller.reminders()
        assert [one.title.partition(":")[0] for one in told(ledger)] == ["Answer needed", "Still no answer"]

    def test_that_was_answered_is_not_told_of_again(
        self, teller: Teller, ledger: Ledger, asked: Plan, clock: MovableClock
    ) -> None:
        teller.question(asked, RUN, f.NOW + 12 * HOUR)
        ledger.save_answers(asked.hash, {"campaign:103": Choice.LEAVE}, "Ada")
        clock.at += HOUR
        teller.reminders()
        assert len(told(ledger)) == 1

    def test_that_waits_no_more_is_not_told_of_again(
        self, teller: Teller, ledger: Ledger, asked: Plan, clock: MovableClock
    ) -> None:
        teller.question(asked, RUN, f.NOW + 12 * HOUR)
        clock.at += HOUR
        Teller(SITE, ledger, teller.links, waits=lambda run_id: run_id != RUN).reminders()
        assert len(told(ledger)) == 1
        clock.at += 12 * HOUR
        teller.reminders()
        assert len(told(ledger)) == 1, "it has expired"


class TestTheEndOfADagRun:
    def test_is_told_of_once_and_each_item_for_a_person_once(self, teller: Teller, ledger: Ledger) -> None:
        ledger.open_item("playhouse", "campaign:1", name="x", rule="C14", reason="partly sent", plan_hash="p")
        needs = row(
            "1", End.NEEDS_HUMAN, rule="C14", reason="partly sent", steps=("Check in Pro2 who got it.",)
        )
        for run_id in (RUN, RUN, "manual__2"):
            teller.report(report(needs, row("2")), run_id, "file:///reports/x.html")
        assert len(told(ledger, Kind.FINISHED)) == 2
        (message,) = told(ledger, Kind.NEEDS_PERSON)
        assert message.title == "1 item of playhouse needs a person"
        assert message.lines == ("«Item 1» (1): partly sent.", "Check in Pro2 who got it.")

    def test_of_an_item_that_was_closed_and_opened_again_tells_again(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        needs = report(row("1", End.NEEDS_HUMAN))
        for number in range(2):
            ledger.open_item("playhouse", "campaign:1", name="x", rule="C14", reason="x", plan_hash="p")
            teller.report(needs, f"manual__{number}", "x")
            ledger.close_item("playhouse", "campaign:1", "Ada", "done")
            clock.at += HOUR
        assert len(told(ledger, Kind.NEEDS_PERSON)) == 2

    def test_of_the_nightly_is_in_its_digest(self, teller: Teller, ledger: Ledger) -> None:
        window = report().window.model_copy(update={"source": "nightly"})
        teller.report(report(row("1"), window=window), "scheduled__1", "x")
        teller.digest("scheduled__1", "nothing to do", "nothing to do.", "<p>nothing to do.</p>")
        teller.digest("scheduled__1", "nothing to do", "nothing to do.", "<p>nothing to do.</p>")
        assert [one.title for one in told(ledger)] == ["nothing to do"]


class TestAnAlarm:
    def test_of_the_guard_is_told_of_once_for_each_event(self, teller: Teller, ledger: Ledger) -> None:
        body = {"item": "campaign:103", "text": f"«{EVIL}» (103) woke"}
        ledger.alarm("playhouse", "original woke", {**body, "event": "woke 1"})
        teller.guarded()
        ledger.alarm("playhouse", "original woke", {**body, "event": "woke 2"})
        teller.guarded()
        teller.guarded()
        messages = told(ledger, Kind.ORIGINAL_WOKE)
        assert [one.title for one in messages] == ["ALARM for playhouse: original woke"] * 2
        assert messages[0].lines == (f"Thu 19 Nov 21:45 CST: «{EVIL}» (103) woke",)

    def test_of_yesterday_is_not_told_to_who_is_named_today(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        ledger.alarm("playhouse", "original woke", {"item": "campaign:103", "event": "woke 1"})
        clock.at += 25 * HOUR
        teller.guarded()
        assert told(ledger, Kind.ORIGINAL_WOKE) == []

    def test_that_the_guard_is_silent_is_repeated_while_it_lasts(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        ledger.beat(GUARD)
        for _ in range(8 * 12):  # eight hours of detection
            clock.at += 5 * MINUTE
            teller.detected()
        messages = told(ledger, Kind.NOT_RUNNING)
        assert [one.title for one in messages] == ["ALARM for playhouse: guard_repairs does not run"] * 2
        assert messages[0].lines[0].startswith("guard_repairs passed last Thu 19 Nov 21:45 CST.")

    def test_accuses_nobody_after_our_own_absence(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        """All of Airflow was off: the first pass of detection comes a moment before that of the guard."""
        ledger.beat(GUARD)
        teller.detected()
        clock.at += 5 * HOUR
        teller.detected()
        ledger.beat(GUARD)
        clock.at += 5 * MINUTE
        teller.detected()
        assert told(ledger, Kind.NOT_RUNNING) == []

    def test_that_detection_is_silent_comes_from_the_guard(
        self, teller: Teller, ledger: Ledger, clock: MovableClock
    ) -> None:
        teller.detected()
        for _ in range(round(DETECTION_SILENT / MINUTE) + 2):
            clock.at += MINUTE
            teller.guarded()
        (message,) = told(ledger, Kind.NOT_RUNNING)
        assert message.title == f"ALARM for playhouse: {DETECTION} does not run"

    def test_that_the_ledger_is_not_the_right_one_says_why(self, teller: Teller, ledger: Ledger) -> None:
        teller.guarded("it is older than the last known event")
        (message,) = told(ledger, Kind.NOT_RUNNING)
        assert message.title == "ALARM for playhouse: the ledger allows plans only"
        assert "it is older than the last known event" in message.lines

    def test_of_a_dag_run_that_failed_is_one_unless_it_has_told_how_it_ended(
        self, teller: Teller, ledger: Ledger
    ) -> None:
        teller.report(report(row("1")), RUN, "x")
        teller.failed("reconcile", RUN, "report", "an item has no end")
        assert told(ledger, Kind.FAILED) == []
        for task in ("take_inventory", "report"):
            teller.failed("reconcile", "manual__1", task, "503")
        (message,) = told(ledger, Kind.FAILED)
        assert message.lines == ("Task take_inventory of dag run manual__1 failed: 503",)


class TestWhoIsTold:
    def test_is_who_is_named_for_the_kind_or_for_everything_each_once(
        self, teller: Teller, ledger: Ledger
    ) -> None:
        rules = Notifications(everything=("chat",), finished=("chat", "mail"))
        site = SITE.model_copy(update={"notifications": rules})
        Teller(site, ledger).report(report(row("1")), RUN, "x")
        assert [one.connection for one in ledger.deliveries("playhouse")] == ["chat", "mail"]

    def test_is_nobody_where_nobody_is_named_and_nothing_is_written(self, ledger: Ledger) -> None:
        site = SITE.model_copy(update={"notifications": Notifications(digest=("mail",))})
        put(ledger, outage())
        teller = Teller(site, ledger)
        teller.detected()
        teller.report(report(row("1")), RUN, "x")
        assert ledger.deliveries("playhouse") == []


class TestALink:
    def test_leads_to_the_question_the_item_and_the_dag_run(
        self, teller: Teller, ledger: Ledger, asked: Plan
    ) -> None:
        ledger.open_item("playhouse", "campaign:1", name="x", rule="C14", reason="x", plan_hash="p")
        teller.question(asked, RUN, f.NOW + 12 * HOUR)
        teller.report(report(row("1", End.NEEDS_HUMAN)), RUN, "x")
        first = {one.title.split()[0]: urlsplit(one.links[0].url) for one in told(ledger)}
        base, page = "/airflow", "/airflow/plugin/outages"
        task = f"{base}/dags/reconcile/runs/{RUN}/tasks/ask/required_actions"
        assert {one.netloc for one in first.values()} == {"airflow.example.org"}
        assert first["Answer"].path == task
        assert (first["1"].path, parse_qs(first["1"].query)) == (page, {"item": ["campaign:1"]})
        assert (first["Reconcile"].path, parse_qs(first["Reconcile"].query)) == (page, {"run": [RUN]})

    def test_is_no_link_where_airflow_does_not_know_its_address(self, ledger: Ledger) -> None:
        Teller(SITE, ledger, Links("", "/plugin/outages")).report(report(row("1")), RUN, "x")
        (message,) = told(ledger)
        assert not any(link.leads for link in message.links)

    @pytest.mark.parametrize(
        "key", ["campaign:1&x=2", "occurrence:j-1@2026-11-24T17:25:00Z+add", "a/../b?c#d"]
    )
    def test_keeps_what_stands_in_a_key(self, key: str) -> None:
        found = urlsplit(Links("https://a.example.org", "/plugin/outages").item(key).url)
        assert (found.path, parse_qs(found.query), found.fragment) == ("/plugin/outages", {"item": [key]}, "")
