"""Evidence becomes outages: nothing lost, nothing moved, ids that last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.windows import merge_evidence, touched_campaigns, touched_dues
from pro2_reconciliation.domain.words import Service

BASE = datetime(2026, 11, 20, tzinfo=UTC)
NOW = BASE + timedelta(days=1)


def at(minutes: float) -> datetime:
    return BASE + timedelta(minutes=minutes)


def claim(
    start: float,
    end: float | None,
    key: str = "a",
    *,
    source: str = "feed",
    service: Service = Service.SENDING,
    declared: bool = False,
    confirms: bool = True,
) -> Evidence:
    return Evidence(
        source=source,
        key=key,
        service=service,
        start=at(start),
        end=None if end is None else at(end),
        declared=declared,
        confirms=confirms,
    )


def merged(
    known: Sequence[Outage], *evidence: Evidence, now: datetime = NOW, padding: float = 0
) -> tuple[Outage, ...]:
    return merge_evidence("playhouse", known, evidence, now=now, padding=timedelta(minutes=padding))


def spans(outages: Sequence[Outage]) -> list[tuple[datetime, datetime | None]]:
    return [(outage.start, outage.end) for outage in outages]


def moved_on(outage: Outage, state: OutageState) -> Outage:
    return outage.model_copy(update={"state": state})


def test_one_claim_is_one_outage_with_its_exact_boundaries():
    (outage,) = merged([], claim(0, 185))
    assert spans([outage]) == [(at(0), at(185))]
    assert outage.state is OutageState.ENDED
    assert outage.covers(at(0))
    assert not outage.covers(at(185))


def test_flaps_closer_than_the_gap_are_one_outage_and_wider_ones_are_two():
    assert spans(merged([], claim(0, 10), claim(14.9, 20, "b"))) == [(at(0), at(20))]
    assert spans(merged([], claim(0, 10), claim(15, 20, "b"))) == [(at(0), at(10)), (at(15), at(20))]


def test_a_blink_is_no_outage_unless_somebody_declared_it_or_it_still_lasts():
    assert merged([], claim(0, 0.9)) == ()
    assert merged([], claim(0, 0.9), padding=10) == (), "padding must not turn a blink into an outage"
    assert spans(merged([], claim(0, 1))) == [(at(0), at(1))]
    assert spans(merged([], claim(0, 0.5, declared=True))) == [(at(0), at(0.5))]
    assert spans(merged([], claim(0, None), now=at(0.2))) == [(at(0), None)]


def test_blinks_that_join_are_long_enough_together():
    assert spans(merged([], claim(0, 0.5), claim(3, 3.5, "b"))) == [(at(0), at(3.5))]


def test_an_outage_stays_open_while_any_claim_is():
    (outage,) = merged([], claim(0, 60), claim(30, None, "b"))
    assert (outage.end, outage.state) == (None, OutageState.OPEN)


def test_an_outage_with_an_end_in_the_future_is_still_open():
    (outage,) = merged([], claim(0, 60, declared=True), now=at(59))
    assert (outage.end, outage.state) == (at(60), OutageState.OPEN)
    assert merged([outage], now=at(60))[0].state is OutageState.ENDED


def test_services_never_share_an_outage():
    outages = merged([], claim(0, 60), claim(0, 60, service=Service.TESSITURA))
    assert {outage.service for outage in outages} == {Service.SENDING, Service.TESSITURA}
    assert len({outage.id for outage in outages}) == 2


def test_padding_widens_what_a_page_says_and_not_what_a_person_declares():
    assert spans(merged([], claim(10, 20), padding=5)) == [(at(5), at(25))]
    assert spans(merged([], claim(10, 20, declared=True), padding=5)) == [(at(10), at(20))]


def test_the_id_is_eight_hex_digits_and_the_same_on_every_machine():
    assert merged([], claim(0, 60))[0].id == merged([], claim(0, 90, "other"))[0].id == "cd56524c"


def test_an_edit_of_a_claim_replaces_it_and_keeps_the_id():
    (before,) = merged([], claim(0, None))
    (after,) = merged([before], claim(-600, -500))
    assert after.id == before.id
    assert spans([after]) == [(at(-600), at(-500))]


def test_an_edit_that_moves_a_claim_to_another_service_takes_the_id_along_and_plans_anew():
    (before,) = merged([], claim(0, 60))
    (after,) = merged([moved_on(before, OutageState.PLANNED)], claim(0, 60, service=Service.DASHBOARD))
    assert (after.id, after.service) == (before.id, Service.DASHBOARD)
    assert (after.state, after.generation) == (OutageState.ENDED, 2)


def test_when_two_outages_become_one_the_older_id_stays_and_the_other_is_an_alias():
    older, younger = merged([], claim(0, 10), claim(60, 70, "b"))
    (one,) = merged([younger, older], claim(5, 65, "bridge"))
    assert (one.id, one.aliases) == (older.id, (younger.id,))


def test_when_an_edit_splits_an_outage_the_first_part_keeps_the_id_and_the_second_gets_a_free_one():
    older, younger = merged([], claim(0, 10), claim(60, 70, "b"))
    whole = merged([older, younger], claim(5, 65, "bridge"))
    first, second = merged(whole, claim(5, 6, "bridge"))
    assert first.id == older.id
    assert second.id not in {older.id, younger.id}


def test_evidence_that_a_source_no_longer_lists_still_counts():
    known = merged([], claim(0, 60))
    assert merged(known) == known


def test_an_outage_known_without_evidence_keeps_its_window():
    bare = Outage(id="3f2a0000", organization="playhouse", service=Service.SENDING, start=at(0), end=at(60))
    (kept,) = merged([bare], padding=5)
    assert (kept.id, *spans([kept])) == ("3f2a0000", (at(0), at(60)))
    assert merged([kept], padding=5) == (kept,)


def test_two_versions_of_a_claim_in_one_pass_count_as_the_widest_of_both():
    assert spans(merged([], claim(0, 30), claim(10, 60))) == [(at(0), at(60))]


@pytest.mark.parametrize("state", [OutageState.SETTLED, OutageState.PLANNED, OutageState.CLOSED])
def test_a_handled_outage_stays_handled_unless_it_grew(state):
    handled = moved_on(merged([], claim(0, 60))[0], state)
    (same,) = merged([handled], claim(0, 60))
    (shrunk,) = merged([handled], claim(10, 50))
    (grown,) = merged([handled], claim(0, 61))
    (again,) = merged([grown], claim(0, 61))
    assert (same.state, same.generation) == (state, 1)
    assert (shrunk.state, shrunk.generation) == (state, 1)
    assert (grown.state, grown.generation) == (OutageState.ENDED, 2)
    assert again == grown


def test_a_planned_outage_that_comes_back_is_open_again():
    (reopened,) = merged([moved_on(merged([], claim(0, 60))[0], OutageState.PLANNED)], claim(0, None))
    assert (reopened.state, reopened.generation) == (OutageState.OPEN, 2)


def test_padding_more_from_today_on_does_not_reopen_what_was_closed():
    (closed,) = (moved_on(outage, OutageState.CLOSED) for outage in merged([], claim(0, 60)))
    (wider,) = merged([closed], padding=10)
    assert (wider.state, wider.generation, wider.end) == (OutageState.CLOSED, 1, at(70))


@pytest.mark.parametrize("state", [OutageState.SETTLED, OutageState.PLANNED, OutageState.CLOSED])
def test_a_claim_that_grows_by_less_than_the_padding_is_planned_anew_each_time(state):
    handled = moved_on(merged([], claim(0, 60), padding=10)[0], state)
    (later,) = merged([handled], claim(0, 65), padding=10)
    assert (later.state, later.generation, later.end) == (OutageState.ENDED, 2, at(75))
    (earlier,) = merged([moved_on(later, state)], claim(-1, 65), padding=10)
    assert (earlier.state, earlier.generation, earlier.start) == (OutageState.ENDED, 3, at(-11))


def test_what_a_person_declares_within_the_padding_was_looked_at_already():
    planned = moved_on(merged([], claim(10, 20), padding=5)[0], OutageState.PLANNED)
    (same,) = merged([planned], claim(6, 24, "by hand", declared=True), padding=5)
    assert (same.state, same.generation) == (OutageState.PLANNED, 1)
    assert spans([same]) == spans([planned])


def test_two_planned_outages_that_become_one_are_planned_anew_for_the_time_between():
    known = [moved_on(one, OutageState.PLANNED) for one in merged([], claim(0, 10), claim(60, 70, "b"))]
    (one,) = merged(known, claim(5, 65, "bridge"))
    assert (one.state, one.generation) == (OutageState.ENDED, 2)


def test_other_organizations_are_left_out():
    foreign = merged([], claim(0, 60))[0].model_copy(update={"organization": "opera"})
    assert merged([foreign]) == ()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["the first one first", "the second one first"])
def test_two_overlapping_outages_are_one_in_both_orders_of_arrival(order):
    both = [claim(0, 60, "first"), claim(40, 120, "second")]
    (arrived,) = merged([], both[order[0]])
    (one,) = merged([moved_on(arrived, OutageState.PLANNED)], both[order[1]])
    assert (spans([one]), one.id, one.state) == ([(at(0), at(120))], arrived.id, OutageState.ENDED)
    assert one.generation == 2, "the first dag run looked at less"


def test_an_outage_of_which_nothing_is_left_is_closed_and_keeps_its_name():
    (before,) = merged([], claim(0, 60, declared=True))
    (empty,) = merged([moved_on(before, OutageState.SETTLED)], claim(0, 0), padding=5)
    assert (empty.id, empty.state, *spans([empty])) == (before.id, OutageState.CLOSED, (at(0), at(0)))
    (again,) = merged([empty], claim(0, 60))
    assert (again.id, again.state, again.generation) == (before.id, OutageState.ENDED, 2)


def test_a_claim_that_was_taken_back_leaves_what_others_say():
    (wide,) = merged([], claim(-600, 60, "wrong", declared=True), claim(0, 50, "page"))
    (left,) = merged([moved_on(wide, OutageState.PLANNED)], claim(-600, -600, "wrong"))
    assert (left.id, *spans([left])) == (wide.id, (at(0), at(50)))
    assert (left.state, left.generation) == (OutageState.PLANNED, 1)


def test_a_suspicion_that_was_planned_is_planned_anew_when_something_confirms_it():
    (suspected,) = merged([], claim(0, 60, confirms=False))
    assert suspected.suspected
    planned = moved_on(suspected, OutageState.PLANNED)
    assert merged([planned], claim(0, 60, confirms=False)) == (planned,)
    (confirmed,) = merged([planned], claim(50, 60, "probe"))
    assert (confirmed.suspected, confirmed.state, confirmed.generation) == (False, OutageState.ENDED, 2)
    assert merged([moved_on(confirmed, OutageState.PLANNED)], claim(50, 60, "probe"))[0].generation == 2


def test_a_suspicion_that_joins_a_confirmed_outage_is_planned_anew_too():
    known = merged([], claim(0, 30), claim(60, 90, "page", confirms=False))
    planned = [moved_on(outage, OutageState.PLANNED) for outage in known]
    (one,) = merged(planned, claim(20, 70, "bridge"))
    assert (one.state, one.generation) == (OutageState.ENDED, 2)


minutes = st.integers(0, 300)
claims = st.builds(
    lambda start, length, key, service, declared, confirms: claim(
        start,
        None if length is None else start + length,
        key,
        service=service,
        declared=declared,
        confirms=confirms,
    ),
    minutes,
    st.one_of(st.none(), st.integers(0, 90)),
    st.sampled_from("abcdefgh"),
    st.sampled_from(Service),
    st.booleans(),
    st.booleans(),
)
long_claims = st.builds(
    lambda start, length, service: claim(start, start + length, f"{start}-{length}", service=service),
    minutes,
    st.integers(1, 90),
    st.sampled_from(Service),
)
evidence_lists = st.lists(claims, max_size=10)
states = st.sampled_from(OutageState)


@settings(max_examples=80, deadline=None)
@given(evidence_lists, evidence_lists, st.data(), st.integers(0, 6))
def test_neither_the_order_of_the_evidence_nor_of_the_outages_matters(old, new, data, padding):
    known = [moved_on(outage, data.draw(states)) for outage in merged([], *old, padding=padding)]
    one = merged(known, *new, padding=padding)
    other = merged(data.draw(st.permutations(known)), *data.draw(st.permutations(new)), padding=padding)
    assert one == other


@settings(max_examples=80, deadline=None)
@given(evidence_lists, evidence_lists, st.data(), st.integers(0, 6))
def test_merging_twice_changes_nothing(old, new, data, padding):
    known = [moved_on(outage, data.draw(states)) for outage in merged([], *old, padding=padding)]
    once = merged(known, *new, padding=padding)
    assert merged(once, *new, padding=padding) == once
    assert merged(once, padding=padding) == once


@settings(max_examples=80, deadline=None)
@given(st.lists(long_claims, max_size=8, unique_by=lambda one: one.key), st.data(), st.integers(0, 6))
def test_one_after_the_other_in_any_order_they_add_up_to_the_same_windows(evidence, data, padding):
    one_by_one: tuple[Outage, ...] = ()
    for each in data.draw(st.permutations(evidence)):
        one_by_one = merged(one_by_one, each, padding=padding)
    at_once = merged([], *evidence, padding=padding)
    assert {(o.service, o.start, o.end) for o in one_by_one} == {(o.service, o.start, o.end) for o in at_once}


@settings(max_examples=80, deadline=None)
@given(evidence_lists)
def test_nothing_that_a_claim_covers_is_lost_and_no_boundary_moves(evidence):
    outages = merged([], *evidence)
    for one in evidence:
        length = None if one.end is None else one.end - one.start
        if length is None or length >= timedelta(minutes=1):
            holders = [o for o in outages if o.service == one.service and o.covers(one.start)]
            assert len(holders) == 1
            assert holders[0].end is None or (one.end is not None and one.end <= holders[0].end)
    for outage in outages:
        mine = [one for one in evidence if one.service == outage.service]
        assert outage.start in {one.start for one in mine}
        assert outage.end in {one.end for one in mine}


@settings(max_examples=80, deadline=None)
@given(evidence_lists, evidence_lists)
def test_every_known_id_can_still_be_found_after_any_merge(old, new):
    known = merged([], *old)
    after = merged(known, *new)
    names = [name for outage in after for name in (outage.id, *outage.aliases)]
    assert {outage.id for outage in known} <= set(names)
    assert len(names) == len(set(names))


nudges = st.tuples(st.integers(-9, 9), st.integers(-9, 9))


def nudged(one: Evidence, by: tuple[int, int]) -> Evidence:
    """A claim of which its source says a little later that it began and ended a little earlier or later."""
    start = one.start + timedelta(minutes=by[0])
    end = None if one.end is None else max(start, one.end + timedelta(minutes=by[1]))
    return one.model_copy(update={"start": start, "end": end})


@settings(max_examples=200, deadline=None)
@given(evidence_lists, evidence_lists, st.data(), st.integers(0, 12))
def test_a_handled_outage_whose_window_grows_is_handled_again(old, new, data, padding):
    handled = {OutageState.SETTLED, OutageState.PLANNED, OutageState.CLOSED}
    known = [moved_on(outage, data.draw(states)) for outage in merged([], *old, padding=padding)]
    later = [nudged(one, data.draw(nudges)) for one in old]
    for after in merged(known, *later, *new, padding=padding):
        before = [one for one in known if one.id in {after.id, *after.aliases} and one.state in handled]
        before = [one for one in before if one.service == after.service]
        if after.state in handled and after.start != after.end:
            ends = [one.end for one in before if one.end and after.covers(one.end)]
            assert all(any(one.covers(moment) for one in before) for moment in (after.start, *ends))


class TestTouched:
    window = Window(start=at(600), end=at(785), source="outage 1")

    def test_reaches_back_two_hours_for_campaigns_and_an_hour_ahead(self):
        span = touched_campaigns(self.window, Policy())
        assert (span.start, span.end, span.source) == (at(480), at(845), "outage 1")

    def test_reaches_back_as_long_as_a_campaign_is_not_overdue_yet(self):
        span = touched_campaigns(self.window, Policy(lead_hours=0, overdue_grace_seconds=600))
        assert span.start == at(590)

    def test_reaches_back_one_run_for_jobs_and_an_hour_ahead(self):
        span = touched_dues(self.window, Policy(), f.job(grace_minutes=10), usual_minutes=20)
        assert (span.start, span.end, span.source) == (at(580), at(845), "outage 1")

    def test_reaches_back_as_long_as_a_job_may_begin_in_time(self):
        span = touched_dues(self.window, Policy(), f.job(grace_minutes=60), usual_minutes=20)
        assert span.start == at(540)
