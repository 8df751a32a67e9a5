"""What a watch reads, for whom, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.domain import factories as f
from tests.unit.domain.factories import DUE, HOUR, MINUTE, NOW, SECOND, WINDOW, ZONE

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.inventory import Inventory, WatchItem
from pro2_reconciliation.domain.matching import Match
from pro2_reconciliation.domain.observation import CampaignState, OccurrenceState
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, ItemKind, ProcessType
from pro2_reconciliation.repair.observing import (
    LOG_LEAD,
    Snapshot,
    observe_campaign,
    observe_occurrence,
)
from pro2_reconciliation.repair.watching import AT_ONCE, SLOWEST, Span, Watch

EARLY, RUN = DUE - 2 * HOUR, f"j-1@{DUE:%Y-%m-%dT%H:%M:%SZ}"
POLL = Policy().poll_seconds


@pytest.fixture
def watch() -> Watch:
    """Two pending campaigns, an hour apart and more, and a run that is missing."""
    site = Site(organization="playhouse", zone=ZONE, jobs=(f.job(ProcessType.DATA_SYNC),))
    readings = {one: f.reading(f.campaign(id=one, due=due)) for one, due in (("103", DUE), ("90", EARLY))}
    seen = [observe_campaign(one, "x", read, NOW, Policy(), "inventory") for one, read in readings.items()]
    seen.append(observe_occurrence(Match(f.due()), site.jobs[0], f.console(), NOW, "inventory"))
    inventory = Inventory(
        organization="playhouse",
        zone=ZONE,
        window=WINDOW,
        taken_at=NOW,
        readings=readings,
        occurrences=(f.due(),),
        observations={one.key: one for one in seen},
        watch=tuple(item(one.kind, one.item_id) for one in seen),
    )
    return Watch(site, inventory)


def item(kind: ItemKind, item_id: str, **more: Any) -> WatchItem:
    times = {"deadline": NOW + 30 * MINUTE, "not_before": NOW + 5 * MINUTE, **more}
    return WatchItem(kind=kind, item_id=item_id, name="x", **times)


def listed(minutes: float, **of_the_early_one: Any) -> Snapshot:
    early = f.campaign(**{"id": "90", "due": EARLY, **of_the_early_one})
    return Snapshot(read_at=NOW + minutes * MINUTE, campaigns=(f.campaign(), early))


def after(watch: Watch, minutes: float, *waived: str, **of_the_early_one: Any) -> float:
    """The pause after a poll at that minute."""
    now = NOW + minutes * MINUTE
    watch.take(listed(minutes, **of_the_early_one), waived, now)
    return watch.pause(now)


class TestWhatIsRead:
    def test_reaches_back_to_the_oldest_that_is_watched(self, watch: Watch) -> None:
        assert watch.span() == Span(EARLY, DUE - LOG_LEAD)

    def test_is_less_once_the_oldest_has_settled(self, watch: Watch) -> None:
        after(watch, 1, status=CampaignStatus.COMPLETE, send_amt=1200)
        assert watch.ended["campaign:90"].state is CampaignState.SENT
        assert watch.span().campaigns == DUE

    def test_is_nothing_for_a_kind_that_nobody_waits_for(self, watch: Watch) -> None:
        now = NOW + MINUTE
        watch.take(Snapshot(read_at=now, log=f.log(f.row()), console=f.console()), (), now)
        assert watch.ended[f"occurrence:{RUN}"].state is OccurrenceState.SUCCEEDED
        assert watch.span() == Span(EARLY, None)

    def test_says_nothing_of_a_due_time_before_it(self, watch: Watch) -> None:
        """Another dag run's poll may have asked for less: the absence of what was not read is no absence."""
        now = NOW + MINUTE
        seen = watch.take(
            Snapshot(read_at=now, log=f.log(), console=f.console(), log_from=DUE - LOG_LEAD + SECOND), (), now
        )
        assert (seen[f"occurrence:{RUN}"].reads, seen[f"occurrence:{RUN}"].source) == (1, "inventory")


class TestHowOften:
    def test_at_first_as_the_policy_says(self, watch: Watch) -> None:
        assert watch.pause(NOW) == POLL
        assert after(watch, 0.5) == POLL

    def test_less_often_while_nothing_changes_but_never_less_than_every_two_minutes(
        self, watch: Watch
    ) -> None:
        pauses = [after(watch, minutes) for minutes in (0.5, 2, 4.5, 8, 20)]
        assert pauses == [POLL, POLL, 60, 112.5, SLOWEST.total_seconds()]

    def test_as_the_policy_says_again_once_something_changed(self, watch: Watch) -> None:
        after(watch, 0.5)
        assert after(watch, 8) > POLL
        assert after(watch, 9, status=CampaignStatus.SENDING, send_amt=5) == POLL
        assert after(watch, 14, status=CampaignStatus.SENDING, send_amt=900) == POLL

    def test_as_the_policy_says_after_a_poll_that_failed(self, watch: Watch) -> None:
        after(watch, 0.5)
        now = NOW + 10 * MINUTE
        watch.take(Snapshot(read_at=now, errors=("no answer",)), (), now)
        assert watch.pause(now) == POLL

    def test_a_deadline_is_never_slept_through(self, watch: Watch) -> None:
        after(watch, 0.5)
        assert after(watch, 29.5) == 30
        assert after(watch, 30 - 1 / 600) == AT_ONCE

    def test_looks_when_a_counter_has_stood_still_for_long_enough(self, watch: Watch) -> None:
        flat = Policy().partly_sent_flat_seconds / 60
        after(watch, 1, status=CampaignStatus.SENDING, send_amt=400)
        assert after(watch, flat + 0.5, status=CampaignStatus.SENDING, send_amt=400) == 30

    def test_a_wait_that_was_waived_ends_as_soon_as_two_reads_can_agree(self, watch: Watch) -> None:
        after(watch, 0.5)
        assert after(watch, 4.75, "campaign:103") == 15
        after(watch, 5, "campaign:103")
        assert watch.ended["campaign:103"].waived

    def test_a_policy_that_looks_less_often_is_obeyed(self, watch: Watch) -> None:
        watch = Watch(watch._site.model_copy(update={"policy": Policy(poll_seconds=300)}), watch.inventory)
        assert [after(watch, minutes) for minutes in (1, 20)] == [300, 300]
