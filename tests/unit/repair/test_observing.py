"""Watching: what one poll after the other makes of an item, and what ends its watch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import DUE, END, HOUR, MINUTE, NOW, SECOND, START, WINDOW, ZONE

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import Refused, Unreadable
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.matching import Match
from pro2_reconciliation.domain.observation import CampaignState, Observation, OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, Outcome, ProcessType
from pro2_reconciliation.repair.observing import (
    Observer,
    Snapshot,
    needs_watching,
    observe_campaign,
    observe_occurrence,
    poll,
    verdict,
    watch_span,
)

CAMPAIGN, RUN = "campaign:103", "occurrence:j-1@2026-11-20T00:30:00Z"
FLAT = timedelta(seconds=Policy().partly_sent_flat_seconds)
SENDING = CampaignStatus.SENDING
ITEM = WatchItem(
    kind=ItemKind.CAMPAIGN,
    item_id="103",
    name="Season opener",
    deadline=NOW + 30 * MINUTE,
    not_before=NOW + 5 * MINUTE,
)


@pytest.fixture
def observer():
    """It starts with the inventory of one pending campaign and one missed run, read at 21:45."""
    site = Site(organization="playhouse", zone=ZONE, jobs=(f.job(ProcessType.DATA_SYNC),))
    first = f.reading()
    seen = [
        observe_campaign("103", "Season opener", first, NOW, Policy(), "inventory"),
        observe_occurrence(Match(f.due()), site.jobs[0], f.console(), NOW, "inventory"),
    ]
    inventory = Inventory(
        organization="playhouse",
        zone=ZONE,
        window=WINDOW,
        taken_at=NOW,
        readings={"103": first},
        occurrences=(f.due(),),
        observations={one.key: one for one in seen},
        watch=(ITEM,),
    )
    return Observer.of(site, inventory)


def looked(*campaigns, minutes: float = 1, **more) -> Snapshot:
    return Snapshot(read_at=NOW + minutes * MINUTE, campaigns=campaigns or None, **more)


class TestPolls:
    def test_a_poll_that_failed_leaves_everything_as_it_was_last_seen(self, observer):
        before = observer.observe(Snapshot(read_at=NOW))
        assert observer.observe(Snapshot(read_at=NOW + HOUR, errors=("503", "503", "503"))) == before
        assert before[CAMPAIGN].state is CampaignState.PENDING

    def test_a_part_that_failed_leaves_only_its_own_items_as_they_were(self, observer):
        seen = observer.observe(looked(f.campaign(status=SENDING, send_amt=5), errors=("log: 503",)))
        assert seen[CAMPAIGN].state is CampaignState.IN_FLIGHT
        assert (seen[RUN].state, seen[RUN].seen_at) == (OccurrenceState.NO_TRACE, NOW)

    def test_a_campaign_that_the_list_does_not_show_is_not_gone(self, observer):
        assert observer.observe(looked(f.campaign(id="7")))[CAMPAIGN].state is CampaignState.PENDING

    def test_reads_that_agree_are_counted_from_the_first_of_them(self, observer):
        observer.observe(looked(f.campaign(), minutes=1))
        seen = observer.observe(looked(f.campaign(), minutes=2))[CAMPAIGN]
        assert (seen.reads, seen.first_agreed, seen.seen_at) == (3, NOW, NOW + 2 * MINUTE)

    def test_a_change_starts_the_count_anew(self, observer):
        seen = observer.observe(looked(f.campaign(status=SENDING, send_amt=5)))[CAMPAIGN]
        assert (seen.reads, seen.first_agreed) == (1, NOW + MINUTE)

    def test_after_a_gap_in_our_own_watching_the_count_starts_anew(self, observer):
        """Airflow was away for six hours: what was read before does not prove that it is still so."""
        back = observer.observe(looked(f.campaign(), minutes=360))[CAMPAIGN]
        again = observer.observe(looked(f.campaign(), minutes=361))[CAMPAIGN]
        assert (back.reads, back.after_gap) == (1, NOW + 360 * MINUTE)
        assert (again.reads, again.first_agreed, again.after_gap) == (
            2,
            NOW + 360 * MINUTE,
            NOW + 360 * MINUTE,
        )
        assert verdict(ITEM, back, NOW + 360 * MINUTE, waived=False) is None

    def test_a_run_without_a_row_is_not_judged_while_the_console_cannot_be_read(self, observer):
        seen = observer.observe(looked(log=f.log(), console=None))[RUN]
        assert (seen.reads, seen.source) == (1, "inventory")
        assert observer.observe(looked(log=f.log(), console=f.console()))[RUN].reads == 2

    def test_a_run_that_the_console_shows_is_in_progress(self, observer):
        seen = observer.observe(looked(log=f.log(), console=f.console(f.running())))[RUN]
        assert seen.state is OccurrenceState.IN_PROGRESS
        assert seen.console == f.running()

    def test_a_row_needs_no_console(self, observer):
        seen = observer.observe(looked(log=f.log(f.row())))[RUN]
        assert seen.state is OccurrenceState.SUCCEEDED

    def test_a_run_that_a_person_repeated_succeeded(self, observer):
        by_hand = f.row(END + MINUTE, manual=True)
        seen = observer.observe(looked(log=f.log(f.row(outcome=Outcome.FULL_ERROR), by_hand)))[RUN]
        assert seen.state is OccurrenceState.SUCCEEDED


class TestFlatCounters:
    def send(self, observer, amount, minutes):
        one = f.campaign(status=SENDING, send_amt=amount)
        return observer.observe(looked(one, minutes=minutes))[CAMPAIGN].state

    def test_a_counter_that_stands_still_for_the_policys_time_makes_it_partly_sent(self, observer):
        flat = FLAT / MINUTE
        assert self.send(observer, 400, 1) is CampaignState.IN_FLIGHT
        assert self.send(observer, 400, 1 + flat - 0.01) is CampaignState.IN_FLIGHT
        assert self.send(observer, 400, 1 + flat) is CampaignState.PARTLY_SENT
        assert self.send(observer, 400, 2 + flat) is CampaignState.PARTLY_SENT

    def test_a_counter_that_moves_starts_the_time_anew(self, observer):
        self.send(observer, 400, 1)
        assert self.send(observer, 401, 30) is CampaignState.IN_FLIGHT
        assert self.send(observer, 401, 59) is CampaignState.IN_FLIGHT
        assert self.send(observer, 401, 60) is CampaignState.PARTLY_SENT
        assert self.send(observer, 402, 61) is CampaignState.IN_FLIGHT

    def test_the_inventory_was_the_first_look(self, observer):
        """A watch that is shorter than two polls would never see a counter stand still."""
        flat, first = FLAT / MINUTE, f.reading(f.campaign(status=SENDING, send_amt=400))
        seen = observe_campaign("103", "Season opener", first, first.read_at, Policy(), "inventory")
        inventory = Inventory(
            organization="playhouse",
            zone=ZONE,
            window=WINDOW,
            taken_at=NOW,
            readings={"103": first},
            occurrences=(),
            observations={CAMPAIGN: seen},
            watch=(ITEM,),
        )
        again = Observer.of(observer.site, inventory)
        assert self.send(again, 400, flat - 0.01) is CampaignState.IN_FLIGHT
        assert again.judged_at(CAMPAIGN) == first.read_at + FLAT
        assert self.send(again, 400, flat) is CampaignState.PARTLY_SENT

    def test_polls_that_failed_prove_no_standstill_by_themselves(self, observer):
        self.send(observer, 400, 1)
        observer.observe(Snapshot(read_at=NOW + 2 * HOUR, errors=("503",)))
        assert observer.observe(Snapshot(read_at=NOW + 3 * HOUR))[CAMPAIGN].state is CampaignState.IN_FLIGHT


class TestARepairByHand:
    def copy(self, **more):
        return f.campaign(**{"id": "104", "name": "Copy of Season opener", "created": END, **more})

    def test_a_live_copy_is_noted_and_ends_the_watch(self, observer):
        seen = observer.observe(looked(f.campaign(), self.copy()))[CAMPAIGN]
        assert seen.note == "«Copy of Season opener» (104)"
        assert verdict(ITEM, seen, NOW + MINUTE, waived=False) is seen

    def test_a_draft_copy_or_an_older_one_is_not(self, observer):
        for other in (self.copy(status=CampaignStatus.DRAFT), self.copy(created=START - SECOND)):
            seen = observer.observe(looked(f.campaign(), other))[CAMPAIGN]
            assert seen.note == ""
            assert verdict(ITEM, seen, NOW + MINUTE, waived=False) is None

    def test_a_copy_that_was_withdrawn_is_forgotten(self, observer):
        observer.observe(looked(f.campaign(), self.copy()))
        assert observer.observe(looked(f.campaign()))[CAMPAIGN].note == ""


class TestVerdict:
    def end(self, seen, minutes, *, waived=False, read=None):
        """The verdict of this minute on an item that was read just now, or in minute ``read``."""
        now = NOW + minutes * MINUTE
        at = now if read is None else NOW + read * MINUTE
        return verdict(ITEM, seen and seen.model_copy(update={"seen_at": at}), now, waived=waived)

    @pytest.mark.parametrize("state", [CampaignState.SENT, CampaignState.PARTLY_SENT, CampaignState.UNKNOWN])
    def test_what_settled_ends_the_watch_at_once(self, state):
        seen = f.watched(state, still_pending=False)
        assert self.end(seen, 0).state is state

    @pytest.mark.parametrize(
        "state", [CampaignState.PENDING, CampaignState.IN_FLIGHT, CampaignState.COMPLETE_EMPTY]
    )
    def test_what_time_may_change_is_watched_until_the_deadline(self, state):
        seen = f.watched(state, still_pending=False)
        assert self.end(seen, 29.99) is None
        ended = self.end(seen, 30)
        assert (ended.state, ended.still_pending, ended.waived) == (state, True, False)

    def test_a_waived_wait_ends_only_after_the_read_gap(self):
        seen = f.watched(still_pending=False)
        assert self.end(seen, 4.99, waived=True) is None
        ended = self.end(seen, 5, waived=True)
        assert (ended.still_pending, ended.waived) == (True, True)

    def test_at_the_deadline_nothing_was_waived_any_more(self):
        assert self.end(f.watched(still_pending=False), 30, waived=True).waived is False

    def test_a_deadline_that_passed_while_nobody_looked_is_no_observation(self):
        ended = self.end(f.watched(still_pending=False), 30, read=14)
        assert (ended.state, ended.still_pending) == (CampaignState.UNKNOWN, False)
        assert ended.note == "nobody looked when its time was up"
        assert self.end(f.watched(still_pending=False), 30, read=15).still_pending

    def test_who_looks_again_after_a_gap_waits_for_a_second_read_although_its_time_is_up(self):
        """A triggerer that was started anew knows only the inventory: one minute away looks like half an hour."""
        back = f.watched(still_pending=False).model_copy(update={"after_gap": NOW + 26 * MINUTE})
        assert self.end(back, 30) is None
        assert self.end(back, 31).still_pending
        late = f.watched(still_pending=False).model_copy(update={"after_gap": NOW + 6 * HOUR})
        assert self.end(late, 364.99) is None
        assert self.end(late, 365).still_pending

    def test_but_not_when_reading_fails_again(self):
        back = f.watched(still_pending=False).model_copy(update={"after_gap": NOW + 26 * MINUTE})
        assert self.end(back, 43, read=28) is None
        assert self.end(back, 43.01, read=28).state == CampaignState.UNKNOWN

    def test_a_waiver_after_a_gap_waits_until_two_reads_can_agree(self):
        back = f.watched(still_pending=False).model_copy(update={"after_gap": NOW + 20 * MINUTE})
        assert self.end(back, 21, waived=True) is None
        assert self.end(back, 25, waived=True).waived

    def test_what_was_never_read_is_unknown_and_not_before_the_deadline(self):
        assert self.end(None, 29.99) is None
        ended = self.end(None, 30)
        assert (ended.state, ended.still_pending) == (CampaignState.UNKNOWN, False)
        assert ended.key == ITEM.key

    def test_what_is_waived_and_was_never_read_is_never_pending(self):
        assert self.end(None, 5, waived=True).state == CampaignState.UNKNOWN

    def test_an_observation_that_came_back_as_json_ends_as_before(self):
        seen = Observation.model_validate(f.watched(still_pending=False).model_dump(mode="json"))
        assert self.end(seen, 1) is None
        assert f.decided(observation=self.end(seen, 30)).rule == "C11"

    @settings(max_examples=60, deadline=None)
    @given(
        st.one_of(st.none(), st.sampled_from([*CampaignState, *OccurrenceState]).map(f.watched)),
        st.integers(-10, 90),
        st.booleans(),
    )
    def test_the_deadline_always_ends_it_and_nothing_earlier_calls_it_still_pending(
        self, seen, minutes, waived
    ):
        seen = seen and seen.model_copy(update={"still_pending": False})
        ended = self.end(seen, minutes, waived=waived)
        if minutes >= 30:
            assert ended is not None
        elif ended is not None and ended.still_pending:
            assert waived
            assert minutes >= 5


class TestWhatIsWatched:
    @pytest.mark.parametrize(
        ("more", "wanted"),
        [({}, True), ({"type": "split"}, False), ({"recurring": True}, False), ({"series_id": "12"}, False)],
    )
    def test_only_what_could_be_repaired(self, more, wanted):
        assert needs_watching(CampaignState.PENDING, f.campaign(**more)) is wanted

    def test_of_runs_those_that_are_missing_or_in_progress(self):
        states = {state for state in OccurrenceState if needs_watching(state, None)}
        assert states == {OccurrenceState.IN_PROGRESS, OccurrenceState.NO_TRACE}

    def test_the_poll_reaches_back_to_the_oldest_item_that_is_watched(self, observer):
        early = f.reading(f.campaign(due=START - 5 * HOUR))
        inventory = Inventory(
            organization="playhouse",
            zone=ZONE,
            window=WINDOW,
            taken_at=NOW,
            readings={"103": early},
            occurrences=(f.due(START - 3 * HOUR), f.due(DUE)),
            observations={},
            watch=(),
        )
        first, last = (f"occurrence:{one.key}" for one in inventory.occurrences)
        assert watch_span(inventory, observer.site, [CAMPAIGN, first]) == (START - 5 * HOUR, START - 4 * HOUR)
        assert watch_span(inventory, observer.site, [last]) == (START - 2 * HOUR, DUE - HOUR)
        unknown = watch_span(inventory, observer.site, ["campaign:104"])
        assert unknown == (START - 2 * HOUR, START - HOUR)


class TestPoll:
    def test_all_parts_are_read(self):
        found = poll(lambda: [f.campaign()], f.log, f.console, lambda: NOW)
        assert found == Snapshot(read_at=NOW, campaigns=(f.campaign(),), log=f.log(), console=f.console())

    def test_an_empty_list_of_campaigns_was_read(self):
        assert poll(list, f.log, f.console, lambda: NOW).campaigns == ()

    def test_a_part_that_fails_is_named_and_the_others_are_kept(self, mocker):
        log = mocker.Mock(side_effect=Refused("the log says not now"))
        console = mocker.Mock(side_effect=Unreadable("the Console is HTML"))
        found = poll(lambda: [f.campaign()], log, console, lambda: NOW)
        assert found.errors == ("the log says not now", "the Console is HTML")
        assert (found.campaigns, found.log, found.console) == ((f.campaign(),), None, None)

    def test_a_mistake_of_ours_is_no_failed_poll(self, mocker):
        with pytest.raises(ZeroDivisionError):
            poll(mocker.Mock(side_effect=ZeroDivisionError), f.log, f.console, lambda: NOW)
