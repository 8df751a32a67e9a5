"""From what the sources say to an outage that is due for a dag run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pro2_reconciliation.domain.config import Declared, Site, Sources
from pro2_reconciliation.domain.outage import Evidence, OutageState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.sources import WindowRules
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.detection import DetectionResult, detection_pass
from pro2_reconciliation.repair.sources import DeclaredSource, ProbeResult

EIGHT = datetime(2026, 11, 19, 20, 0, tzinfo=UTC)
SITE = Site(organization="playhouse", zone="America/Chicago", jobs=(), policy=Policy(settle_seconds=600))


@pytest.fixture
def ledger(open_ledger: Any) -> Ledger:
    return open_ledger(lambda: EIGHT)


def claim(start: int, end: int | None) -> Evidence:
    """The status page's incident, in minutes from eight."""
    return Evidence(
        source="status_feed",
        key="incident-1",
        service=Service.SENDING,
        start=EIGHT + timedelta(minutes=start),
        end=None if end is None else EIGHT + timedelta(minutes=end),
    )


def look(
    ledger: Ledger, minute: int, *claims: Evidence, up: bool = True, backlog: int = 0, site: Site = SITE
) -> DetectionResult:
    now = EIGHT + timedelta(minutes=minute)
    probe = ProbeResult(service=Service.SENDING, up=up, at=now)
    return detection_pass(ledger, site, claims, [probe], now=now, backlog=lambda: backlog)


def test_an_outage_goes_from_open_to_ended_to_settled_and_is_due_once_settled(ledger: Ledger) -> None:
    first = look(ledger, 5, claim(0, None), up=False)
    ended = look(ledger, 70, claim(0, 65))
    settled = look(ledger, 80, claim(0, 65))

    assert [found.outages[0].state for found in (first, ended, settled)] == [
        OutageState.OPEN,
        OutageState.ENDED,
        OutageState.SETTLED,
    ]
    assert (first.due, ended.due) == ((), ())
    outage = settled.outages[0]
    assert [due.run_id for due in settled.due] == [f"outage__{outage.id}__g1"]
    assert {found.outages[0].id for found in (first, ended, settled)} == {outage.id}


def test_an_outage_does_not_settle_while_the_probe_is_down(ledger: Ledger) -> None:
    look(ledger, 5, claim(0, None), up=False)

    found = look(ledger, 80, claim(0, 65), up=False)

    assert found.due == ()


def test_an_outage_waits_for_the_import_backlog_an_hour_at_most(ledger: Ledger) -> None:
    look(ledger, 5, claim(0, None), up=False)
    look(ledger, 66, claim(0, 65))

    waiting = look(ledger, 100, claim(0, 65), backlog=500)
    given_up = look(ledger, 126, claim(0, 65), backlog=500)

    assert waiting.due == ()
    assert len(given_up.due) == 1


def test_our_own_probes_alone_make_an_outage(ledger: Ledger) -> None:
    for minute in (0, 5, 10):
        look(ledger, minute, up=False)

    found = look(ledger, 15)

    assert [(o.start, o.end) for o in found.outages] == [(EIGHT, EIGHT + timedelta(minutes=15))]


def test_a_gap_in_the_samples_is_not_time_that_the_service_was_down(ledger: Ledger) -> None:
    look(ledger, 0, up=False)
    look(ledger, 5, up=False)

    found = look(ledger, 120)

    assert [o.end for o in found.outages] == [EIGHT + timedelta(minutes=10)], (
        "each look speaks for five minutes"
    )


def test_a_window_that_a_person_declared_is_an_outage(ledger: Ledger) -> None:
    declared = Declared(
        service=Service.DASHBOARD, start=EIGHT, end=EIGHT + timedelta(minutes=20), reason="vendor called"
    )
    site = SITE.model_copy(update={"sources": Sources(declared=(declared,))})

    found = look(ledger, 60, *DeclaredSource(site, ledger).read(EIGHT).evidence, site=site)

    assert [(o.service, o.start) for o in found.outages] == [(Service.DASHBOARD, EIGHT)]


def test_without_evidence_there_is_no_outage(ledger: Ledger) -> None:
    assert look(ledger, 5).outages == ()


def test_a_pass_that_is_repeated_changes_nothing(ledger: Ledger) -> None:
    first = look(ledger, 80, claim(0, 65))

    assert look(ledger, 80, claim(0, 65)).outages == first.outages


def test_what_is_planned_while_a_pass_asks_for_the_backlog_stays_planned(ledger: Ledger) -> None:
    """The same pass learns that the outage was shorter, so it writes another window than it read."""
    look(ledger, 5, claim(0, None), up=False)
    (settled,) = look(ledger, 80, claim(0, 65)).outages
    assert settled.state is OutageState.SETTLED
    other = claim(66, 79).model_copy(update={"key": "incident-2", "service": Service.DASHBOARD})
    now = EIGHT + timedelta(minutes=85)

    def asks() -> int:
        ledger.set_outage_state(settled.id, OutageState.PLANNED, why="a plan was made meanwhile")
        return 0

    up = ProbeResult(service=Service.SENDING, up=True, at=now)
    detection_pass(ledger, SITE, [claim(0, 60), other], [up], now=now, backlog=asks)

    shorter = ledger.outage(settled.id)
    assert shorter is not None
    assert (shorter.state, shorter.end) == (OutageState.PLANNED, EIGHT + timedelta(minutes=60))


def test_an_outage_that_grows_within_the_padding_while_its_dag_run_watches_gets_another(
    ledger: Ledger,
) -> None:
    rules = WindowRules(padding_minutes=10)
    site = SITE.model_copy(update={"sources": Sources(windows=rules)})
    (first,) = look(ledger, 90, claim(0, 65), site=site).due

    (second,) = look(ledger, 95, claim(0, 70), site=site).due

    assert (first.run_id[-4:], second.run_id[-4:]) == ("__g1", "__g2")
