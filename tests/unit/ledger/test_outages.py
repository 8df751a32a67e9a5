"""Outages are replaced as a whole picture, and every change leaves a trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.words import Service

START = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


def outage(name="a", **changes):
    evidence = Evidence(source="feed", key="i1", service=Service.SENDING, start=START, detail="Élan")
    known = {"id": name, "organization": "playhouse", "service": Service.SENDING, "start": START}
    return Outage(**(known | {"evidence": (evidence,)} | changes))


def test_outages_come_back_as_they_were(ledger):
    both = [outage("a"), outage("b", start=START + timedelta(hours=5), end=START + timedelta(hours=6))]
    assert ledger.replace_outages("playhouse", both, "first pass") == both
    assert ledger.outages("playhouse") == both
    assert ledger.outages("playhouse", states=[OutageState.ENDED]) == []
    assert ledger.outages("opera") == []
    assert ledger.outage("a") == both[0]
    assert ledger.outage("nothing") is None


def test_only_changes_leave_a_trace(ledger, clock):
    ledger.replace_outages("playhouse", [outage()], "first pass")
    ledger.replace_outages("playhouse", [outage()], "nothing new")
    ended = outage(end=START + timedelta(hours=3), state=OutageState.ENDED)
    ledger.replace_outages("playhouse", [ended], "feed: resolved")
    traces = ledger.outage_traces("a")
    assert [trace.why for trace in traces] == ["first pass", "feed: resolved"]
    assert traces[0].was is None
    assert Outage.model_validate(traces[1].was) == outage()
    assert Outage.model_validate(traces[1].became) == ended
    assert traces[1].at == clock.time


def test_a_merged_outage_is_found_under_its_alias(ledger):
    ledger.replace_outages("playhouse", [outage("a"), outage("b")], "two")
    ledger.set_outage_state("b", OutageState.PLANNED)
    ledger.replace_outages("playhouse", [outage("a", aliases=("b",))], "merged")
    assert ledger.outage("b").id == "a"
    assert ledger.outage_traces("b")[-1].became == {"merged_into": "a"}
    assert ledger.set_outage_state("b", OutageState.CLOSED).id == "a"


def test_a_withdrawn_outage_goes_and_history_stays(ledger):
    ledger.replace_outages("playhouse", [outage("a"), outage("b")], "two")
    ledger.set_outage_state("b", OutageState.CLOSED, why="all settled")
    assert [kept.id for kept in ledger.replace_outages("playhouse", [], "withdrawn")] == ["b"]
    assert ledger.outage_traces("a")[-1].became is None
    assert ledger.outage_traces("b")[-1].why == "all settled"


def test_a_merge_goes_by_what_stands_when_it_is_written(ledger):
    settled = outage(end=START + timedelta(hours=3), state=OutageState.SETTLED)
    ledger.replace_outages("playhouse", [settled], "first pass")
    ledger.set_outage_state("a", OutageState.PLANNED, generation=2)

    def shorter(known):
        (one,) = known
        return [one.model_copy(update={"end": START + timedelta(hours=2)})]

    [kept] = ledger.merge_outages("playhouse", shorter, "a pass that began before")
    assert (kept.state, kept.generation) == (OutageState.PLANNED, 2)
    assert kept.end == START + timedelta(hours=2)


def test_a_state_is_set_only_of_the_outage_that_is_meant(ledger):
    ledger.replace_outages("playhouse", [outage(state=OutageState.OPEN)], "it came back")
    left = ledger.set_outage_state("a", OutageState.PLANNED, provided=lambda one: one.end is not None)
    assert left == ledger.outage("a")
    assert left.state is OutageState.OPEN
    assert len(ledger.outage_traces("a")) == 1


def test_a_foreign_outage_fails_the_whole_pass(ledger):
    with pytest.raises(LedgerError, match="x are not of playhouse"):
        ledger.replace_outages("playhouse", [outage("a"), outage("x", organization="opera")], "mixed")
    assert ledger.outages("playhouse") == []


def test_an_unknown_outage_has_no_state(ledger):
    with pytest.raises(LedgerError, match="no outage nothing"):
        ledger.set_outage_state("nothing", OutageState.CLOSED)
