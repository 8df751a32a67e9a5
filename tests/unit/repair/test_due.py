"""Which occurrences an inventory asks about."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import DUE, HOUR, MINUTE, NOW, SECOND, START, WINDOW, ZONE

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.schedule import occurrences
from pro2_reconciliation.domain.sources import Maintenance, Sources
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.repair.carried import Origin
from pro2_reconciliation.repair.inventory import HISTORY, _with_carried, due_occurrences, history_start

NIGHTLY = f.job()
SITE = Site(organization="playhouse", zone=ZONE, jobs=(NIGHTLY,))


NIGHT = WINDOW.model_copy(update={"outage_known": False, "source": "nightly"})


def test_a_run_is_asked_about_as_soon_as_its_grace_has_passed():
    assert due_occurrences(SITE, NIGHT, DUE + 10 * MINUTE - SECOND) == ()
    assert [o.due for o in due_occurrences(SITE, NIGHT, DUE + 10 * MINUTE)] == [DUE]


def test_after_an_outage_a_run_is_asked_about_as_soon_as_it_was_due():
    """No later dag run is about this outage: the night's only proposes."""
    assert due_occurrences(SITE, WINDOW, DUE - SECOND) == ()
    assert [o.due for o in due_occurrences(SITE, WINDOW, DUE)] == [DUE]


def test_what_was_too_young_for_one_night_is_asked_about_in_the_next():
    """Due at 04:20 with an hour's grace: at 05:00 it may still begin, and the next night begins at 05:00."""
    first, second = (datetime(2026, 11, day, 5, tzinfo=UTC) for day in (19, 20))
    job = f.job(cron="20 4 * * *", zone="UTC", grace_minutes=60, usual_minutes=20)
    site = SITE.model_copy(update={"jobs": (job,)})
    asked = due_occurrences(site, Window(start=first, end=second, source="nightly"), second)
    assert [one.due for one in asked] == [first - 40 * MINUTE]


JOBS = st.builds(
    f.job,
    cron=st.sampled_from(["20 4 * * *", "*/15 * * * *", "7 */3 * * *", "0 5 * * *", "59 4 * * 1"]),
    grace_minutes=st.sampled_from([0.5, 5, 10, 45, 60, 240, 1500]),
    usual_minutes=st.sampled_from([1, 20, 90]),
)


@settings(deadline=None, max_examples=60)
@given(
    jobs=st.lists(JOBS, min_size=1, max_size=3),
    gaps=st.lists(st.integers(1, 40 * 60), min_size=2, max_size=6),
    slow=st.lists(st.integers(0, 30), min_size=6, max_size=6),
)
def test_every_due_time_is_judged_in_some_night(jobs, gaps, slow):
    """However the nights lie: each reads from the end of the one before, and takes a while until it reads."""
    jobs = tuple(job.model_copy(update={"id": f"j-{place}"}) for place, job in enumerate(jobs))
    site = SITE.model_copy(update={"jobs": jobs})
    begin = mark = NOW
    judged: set[str] = set()
    for gap, minutes in zip(gaps, slow, strict=False):
        end = mark + gap * MINUTE
        now = end + minutes * MINUTE
        asked = due_occurrences(site, Window(start=mark, end=end, source="nightly"), now)
        assert all(one.due + site.jobs_by_id[one.job_id].grace <= now for one in asked)
        judged |= {one.key for one in asked}
        mark = end
    due = [one for job in jobs for one in occurrences(job, begin, mark - job.grace)]
    assert {one.key for one in due} <= judged


def test_a_run_due_in_known_maintenance_is_asked_about_too_and_says_until_when_it_is_excused():
    known = Maintenance(service=Service.TESSITURA, cron="0 18 * * *", duration_minutes=120)
    site = SITE.model_copy(update={"sources": Sources(maintenance=(known,))})
    (found,) = due_occurrences(site, WINDOW, NOW)
    assert (found.due, found.expected) == (DUE, DUE + 90 * MINUTE)
    unneeded = f.job(needs=(Service.SENDING,))
    (other,) = due_occurrences(site.model_copy(update={"jobs": (unneeded,)}), WINDOW, NOW)
    assert other.expected == DUE < DUE + HOUR


def test_an_open_run_is_asked_about_again_even_if_its_job_has_another_schedule_by_now():
    changed = SITE.model_copy(update={"jobs": (f.job(cron="0 3 * * *"),)})
    keys = (f"occurrence:{f.due().key}", "campaign:103", "occurrence:gone@x")
    carried = {key: Origin(WINDOW.start, "Nightly job", DUE) for key in keys}
    account = SimpleNamespace(site=changed)
    (found,) = _with_carried(account, (), carried)
    assert (found.key, found.due) == (f.due().key, DUE)
    assert _with_carried(account, (found,), carried) == (found,)


def test_the_log_is_read_back_to_an_occurrence_that_has_been_open_for_weeks():
    """Else the row that it left long ago would be missing, and it would be done again."""

    def start(*due, **origins):
        taken = Inventory(
            organization="playhouse",
            zone=ZONE,
            window=WINDOW,
            taken_at=NOW,
            readings={},
            observations={},
            watch=(),
            occurrences=due,
            origins={f"occurrence:{one.key}": at for one, at in zip(due, origins.values(), strict=False)},
        )
        return history_start(SimpleNamespace(site=SITE), taken)

    usual = start(f.due())
    old = f.due(DUE - 25 * 24 * HOUR)
    assert start(old, f.due()) == old.due - HOUR < usual
    ancient = f.due(DUE - 60 * 24 * HOUR)
    assert start(ancient, f.due()) == WINDOW.start - HISTORY
    before = START - 10 * 24 * HOUR
    assert start(f.due(DUE - 10 * 24 * HOUR), f.due(), first=before) == usual - 10 * 24 * HOUR, "its own past"
