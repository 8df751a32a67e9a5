"""The sources of a site: each says what it saw, and none can stop the others."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.domain.factories import job as make_job
from tests.unit.domain.factories import row as make_row

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.sources import Declared, Feed, Maintenance, Probe, Sources
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.detection import DetectionResult, detect, detection_pass
from pro2_reconciliation.repair.sources import (
    ActivitySource,
    DeclaredSource,
    FeedSource,
    ProbeResult,
    ProbeSource,
    Reading,
    Readings,
    in_time,
    open_sources,
    read_all,
)
from pro2_reconciliation.wire.exchange import Reply, Request

EIGHT = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
PAGE = (
    '{"incidents": [{"id": "i", "impact": "major", "status": "investigating",'
    ' "started_at": "2026-11-19T19:00:00Z"}], "scheduled_maintenances": []}'
)


class Answers:
    """A transport that answers each request in turn, the last one for ever."""

    def __init__(self, *answers: Reply | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    def carry(self, request: Request) -> Reply:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Fixed:
    def __init__(self, name: str, reading: Reading | Exception) -> None:
        self.name = name
        self.reading = reading

    def read(self, now: datetime) -> Reading:
        if isinstance(self.reading, Exception):
            raise self.reading
        return self.reading


class Hung:
    name = "hung"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def read(self, now: datetime) -> Reading:
        self.let_go.wait(30)
        return Reading()


def site(**sources: Any) -> Site:
    return Site(organization="playhouse", zone="America/Chicago", jobs=(), sources=Sources(**sources))


@pytest.fixture
def ledger(open_ledger: Any) -> Ledger:
    return open_ledger(lambda: EIGHT)


def sample(up: bool, at: datetime = EIGHT, probe: str = "pro2") -> ProbeResult:
    return ProbeResult(service=Service.SENDING, up=up, at=at, probe=probe)


def test_a_source_that_hangs_does_not_hold_up_the_others() -> None:
    hung = Hung()
    began = time.monotonic()
    found = read_all([hung, Fixed("pro2", Reading(samples=(sample(True),)))], EIGHT, budget=0.2)
    hung.let_go.set()
    assert time.monotonic() - began < 5
    assert found.samples == [sample(True)]
    assert found.unread == ["hung: no answer within 0.2 s"]


def test_a_source_that_fails_is_named_and_says_nothing() -> None:
    found = read_all([Fixed("page", Unreadable("no JSON"))], EIGHT)
    assert found == Readings(unread=["page: no JSON"])


def test_even_a_mistake_of_ours_in_one_source_leaves_the_others(ledger: Ledger) -> None:
    sources = [Fixed("odd", RuntimeError("boom")), Fixed("pro2", Reading(samples=(sample(False),)))]
    found = detect(ledger, site(), sources, now=EIGHT)
    assert found.unread == ("odd: boom",)
    assert [outage.state for outage in found.outages] == [OutageState.OPEN]


def test_a_probe_asks_again_before_it_says_down() -> None:
    probe = Probe(connection="pro2", service=Service.SENDING)
    once = Answers(Unreadable("dropped"), Reply(200, {}, "{}"))
    waits: list[float] = []
    (seen,) = ProbeSource(probe, "playhouse", once, waits.append).read(EIGHT).samples
    assert seen.up
    assert len(once.asked) == 2
    always = Answers(Unreadable("dropped"))
    (seen,) = ProbeSource(probe, "playhouse", always, waits.append).read(EIGHT).samples
    assert not seen.up


def test_a_probe_whose_own_key_is_refused_says_nothing() -> None:
    probe = Probe(connection="pro2", service=Service.SENDING)
    with pytest.raises(ConfigurationError, match="the probe says nothing"):
        ProbeSource(probe, "playhouse", Answers(Reply(403, {}, "{}")), lambda _: None).read(EIGHT)


def test_a_feed_alone_only_makes_an_outage_suspected(ledger: Ledger) -> None:
    feed = FeedSource(Feed(connection="page", service=Service.SENDING), Answers(Reply(200, {}, PAGE)))
    found = detect(ledger, site(), [feed], now=EIGHT)
    assert [outage.suspected for outage in found.outages] == [True]
    later = detect(ledger, site(), [feed, Fixed("pro2", Reading(samples=(sample(False),)))], now=EIGHT)
    assert [outage.suspected for outage in later.outages] == [False]


def test_each_probe_of_a_service_has_failures_of_its_own(ledger: Ledger) -> None:
    """One that is up must not end what another one sees."""
    both = site(probes=(Probe(connection="pro2", service=Service.SENDING),))
    for minute in (0, 5, 10):
        at = EIGHT + timedelta(minutes=minute)
        found = detection_pass(ledger, both, [], [sample(False, at, "one"), sample(True, at, "two")], now=at)
    assert [(outage.start, outage.end) for outage in found.outages] == [(EIGHT, None)]


def test_known_maintenance_is_no_outage(ledger: Ledger) -> None:
    known = Maintenance(service=Service.SENDING, cron="0 14 * * *", duration_minutes=30)  # 20:00 UTC
    quiet = site(maintenance=(known,))
    for minute in (0, 5, 10, 15, 20, 25):
        at = EIGHT + timedelta(minutes=minute)
        found = detection_pass(ledger, quiet, [], [sample(False, at)], now=at)
        assert found.outages == ()
    at = EIGHT + timedelta(minutes=35)
    found = detection_pass(ledger, quiet, [], [sample(False, at)], now=at)
    assert [outage.start for outage in found.outages] == [EIGHT + timedelta(minutes=30)]


def test_jobs_that_fail_in_a_row_are_evidence_that_confirms(ledger: Ledger) -> None:
    jobs = tuple(make_job(id=f"j-{n}", cron=f"{n} * * * *", zone="UTC") for n in range(5))
    quiet = [
        make_row(EIGHT - timedelta(hours=hours, minutes=-n), run_id=f"r{hours}-{n}").model_copy(
            update={"job_id": f"j-{n}"}
        )
        for hours in range(3, 13)
        for n in range(5)
    ]

    class Board:
        def activity(self, since: datetime, until: datetime) -> ActivityLog:
            return ActivityLog(as_of=EIGHT, rows=tuple(row for row in quiet if row.started >= since))

        def console(self) -> Any:
            raise AssertionError("nobody asks for it")

    here = Site(organization="playhouse", zone="UTC", jobs=jobs)
    (claim,) = ActivitySource(here, ledger, Board()).read(EIGHT).evidence
    assert claim.start == EIGHT - timedelta(hours=2)
    assert claim.confirms


def test_every_source_of_the_file_is_opened_and_one_that_cannot_be_is_named(ledger: Ledger) -> None:
    here = site(
        feeds=(Feed(connection="page", service=Service.SENDING),),
        probes=(
            Probe(connection="pro2", service=Service.SENDING),
            Probe(url="https://tickets.example.org", service=Service.TESSITURA),
        ),
    )

    def transport_of(name: str) -> Any:
        if name == "page":
            raise ConfigurationError("there is no connection page")
        return Answers(Reply(200, {}, "{}"))

    sources = open_sources(here, ledger, transport_of=transport_of, dashboard=None)
    assert [source.name for source in sources] == ["declared", "page", "pro2", "https://tickets.example.org"]
    found = read_all(sources, EIGHT)
    assert [one.service for one in found.samples] == [Service.SENDING, Service.TESSITURA]
    assert found.unread == ["page: there is no connection page"]


@pytest.mark.parametrize("url", ["https://me:secret@host.example", "https://host.example/x?token=1"])
def test_a_plain_address_carries_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="a plain address has no user, password or query"):
        Probe(url=url, service=Service.SENDING)


def test_a_probe_has_one_address() -> None:
    with pytest.raises(ValueError, match="give either connection or url"):
        Probe(service=Service.SENDING)
    with pytest.raises(ValueError, match="give either connection or url"):
        Probe(connection="pro2", url="https://x.example", service=Service.SENDING)


class TestConfirming:
    """From suspected to confirmed: the same outage, and a dag run that may act."""

    def feed(self) -> FeedSource:
        resolved = PAGE.replace("investigating", "resolved").replace(
            '"started_at"', '"resolved_at": "2026-11-19T19:40:00Z", "started_at"'
        )
        return FeedSource(Feed(connection="page", service=Service.SENDING), Answers(Reply(200, {}, resolved)))

    def test_a_planned_suspicion_gets_its_next_generation_once_somebody_confirms_it(
        self, ledger: Ledger
    ) -> None:
        up = Fixed("pro2", Reading(samples=(sample(True),)))
        (due,) = detect(ledger, site(), [self.feed(), up], now=EIGHT).due
        assert due.suspected
        ledger.set_outage_state(due.outage_id, OutageState.PLANNED)
        assert detect(ledger, site(), [self.feed(), up], now=EIGHT).due == ()
        outage = ledger.outage(due.outage_id)
        assert outage is not None
        ledger.declare("playhouse", outage.service, outage.start, outage.end, "Ada", "it was one")
        sources = open_sources(site(), ledger, transport_of=lambda _: None, dashboard=None)  # type: ignore[arg-type,return-value]
        (again,) = detect(ledger, site(), [*sources, self.feed(), up], now=EIGHT).due
        assert (again.outage_id, again.suspected, again.generation) == (due.outage_id, False, 2)

    def test_a_declaration_that_was_withdrawn_leaves_nothing_to_start(self, ledger: Ledger) -> None:
        said = ledger.declare("playhouse", Service.SENDING, EIGHT - timedelta(hours=2), EIGHT, "Ada", "guess")
        sources = open_sources(site(), ledger, transport_of=lambda _: None, dashboard=None)  # type: ignore[arg-type,return-value]
        later = EIGHT + timedelta(hours=1)
        (due,) = detect(ledger, site(), sources, now=later).due
        ledger.withdraw("playhouse", said.number, "Ada")
        found = detect(ledger, site(), sources, now=later)
        assert found.due == ()
        assert [(outage.id, outage.state) for outage in found.outages] == [
            (due.outage_id, OutageState.CLOSED)
        ]

    def test_a_claim_that_is_taken_out_of_the_file_closes_its_outage(self, ledger: Ledger) -> None:
        vouched = Declared(
            service=Service.SENDING, start=EIGHT - timedelta(hours=2), reason="the vendor phoned"
        )
        with_it, without = site(declared=(vouched,)), site()
        (open_,) = detect(ledger, with_it, [DeclaredSource(with_it, ledger)], now=EIGHT).outages
        (closed,) = detect(ledger, without, [DeclaredSource(without, ledger)], now=EIGHT).outages
        assert (open_.state, closed.state, closed.id) == (OutageState.OPEN, OutageState.CLOSED, open_.id)
        assert [trace.why for trace in ledger.outage_traces(open_.id)] == ["detection pass"] * 2


class TestWhatItsSourceNoLongerSays:
    """An outage must not stay open for ever because nobody says that it is over."""

    LATER = EIGHT + timedelta(minutes=5)

    def feed(self, page: str = PAGE, service: Service = Service.SENDING) -> FeedSource:
        return FeedSource(Feed(connection="page", service=service), Answers(Reply(200, {}, page)))

    def test_an_open_incident_that_the_page_drops_ends_now(self, ledger: Ledger) -> None:
        detect(ledger, site(), [self.feed()], now=EIGHT)
        empty = self.feed('{"incidents": [], "scheduled_maintenances": []}')
        (outage,) = detect(ledger, site(), [empty], now=self.LATER).outages
        assert (outage.end, outage.state) == (self.LATER, OutageState.ENDED)

    def test_it_stays_open_while_the_page_cannot_be_read(self, ledger: Ledger) -> None:
        detect(ledger, site(), [self.feed()], now=EIGHT)
        (outage,) = detect(ledger, site(), [Fixed("page", Unreadable("503"))], now=self.LATER).outages
        assert outage.state is OutageState.OPEN

    def test_a_feed_about_another_service_does_not_end_it(self, ledger: Ledger) -> None:
        detect(ledger, site(), [self.feed()], now=EIGHT)
        empty = self.feed('{"incidents": [], "scheduled_maintenances": []}', Service.TESSITURA)
        (outage,) = detect(ledger, site(), [empty], now=self.LATER).outages
        assert outage.state is OutageState.OPEN

    def test_an_incident_that_ended_long_ago_is_history(self, ledger: Ledger) -> None:
        old = PAGE.replace('"started_at"', '"resolved_at": "2026-11-19T19:30:00Z", "started_at"')
        old = old.replace("investigating", "resolved")
        late = EIGHT + timedelta(days=4)
        assert detect(ledger, site(), [self.feed(old)], now=late).outages == ()
        ledger.set_watermark("playhouse", EIGHT - timedelta(hours=12))
        assert len(detect(ledger, site(), [self.feed(old)], now=late).outages) == 1, (
            "nobody looked since then"
        )

    def test_known_maintenance_that_is_written_down_later_takes_the_claim_back(self, ledger: Ledger) -> None:
        (outage,) = detect(ledger, site(), [self.feed()], now=EIGHT).outages
        known = Maintenance(service=Service.SENDING, cron="0 13 * * *", duration_minutes=90)  # 19:00 UTC
        (excused,) = detect(ledger, site(maintenance=(known,)), [self.feed()], now=self.LATER).outages
        assert (excused.id, excused.state) == (outage.id, OutageState.CLOSED)

    def test_a_piece_after_maintenance_goes_when_the_incident_turns_out_shorter(self, ledger: Ledger) -> None:
        known = Maintenance(service=Service.SENDING, cron="20 13 * * *", duration_minutes=20)  # 19:20 UTC
        here = site(maintenance=(known,))
        both = detect(ledger, here, [self.feed()], now=EIGHT).outages
        assert [(one.start.minute, one.end is None) for one in both] == [(0, False), (40, True)]
        short = PAGE.replace('"started_at"', '"resolved_at": "2026-11-19T19:10:00Z", "started_at"')
        first, second = detect(ledger, here, [self.feed(short)], now=self.LATER).outages
        assert first.end == EIGHT - timedelta(minutes=50)
        assert second.state is OutageState.CLOSED


class TestProbesOverTime:
    def look(
        self, ledger: Ledger, at: datetime, *seen: ProbeResult, here: Site | None = None
    ) -> DetectionResult:
        return detection_pass(ledger, here or site(), [], list(seen), now=at)

    def test_one_failed_look_before_airflow_went_away_speaks_for_five_minutes(self, ledger: Ledger) -> None:
        self.look(ledger, EIGHT, sample(False))
        back = EIGHT + timedelta(hours=6)
        (outage,) = self.look(ledger, back, sample(True, back)).outages
        assert (outage.end, outage.state) == (EIGHT + timedelta(minutes=5), OutageState.SETTLED)

    def test_a_probe_that_is_not_asked_any_more_does_not_keep_an_outage_open(self, ledger: Ledger) -> None:
        self.look(ledger, EIGHT, sample(False, probe="old name"))
        later = EIGHT + timedelta(minutes=20)
        (outage,) = self.look(ledger, later, sample(True, later)).outages
        assert outage.end == EIGHT + timedelta(minutes=5)

    def test_an_outage_of_ten_days_is_one_with_one_claim(self, ledger: Ledger) -> None:
        """Samples are kept for eight days, and the claim must not begin anew each time that the oldest one goes."""
        passes = [EIGHT + n * timedelta(minutes=14) for n in range(1030)]
        for number, at in enumerate(passes):
            if number % 100 == 0 or number > 1020:
                self.look(ledger, at, sample(False, at))
            else:
                ledger.add_sample("playhouse", Service.SENDING, up=False, at=at, probe="pro2")
        for minutes in (5, 10):
            over = passes[-1] + timedelta(minutes=minutes)
            (outage,) = self.look(ledger, over, sample(True, over)).outages
        assert len(outage.evidence) == 1
        assert (outage.start, outage.end) == (EIGHT, passes[-1] + timedelta(minutes=5))

    def test_it_does_not_settle_while_a_probe_of_its_service_says_nothing(self, ledger: Ledger) -> None:
        here = site(probes=(Probe(connection="pro2", service=Service.SENDING),))
        self.look(ledger, EIGHT, sample(False), here=here)
        late = EIGHT + timedelta(hours=1)
        other = ProbeResult(service=Service.TESSITURA, up=True, at=late, probe="tessitura")
        (waiting,) = self.look(ledger, late, other, here=here).outages
        assert waiting.state is OutageState.ENDED
        (settled,) = self.look(ledger, late, sample(True, late), here=here).outages
        assert settled.state is OutageState.SETTLED


def test_what_takes_too_long_is_gone_on_without() -> None:
    hung = threading.Event()
    with pytest.raises(Unreadable, match=r"no answer within 0\.1 s"):
        in_time(lambda: hung.wait(30), 0.1)
    hung.set()
    assert in_time(lambda: 7, 1) == 7
    with pytest.raises(ConfigurationError, match="no such"):
        in_time(lambda: Fixed("x", ConfigurationError("no such")).read(EIGHT), 1)
