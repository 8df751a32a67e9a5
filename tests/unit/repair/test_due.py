"""Which occurrences an inventory asks about."""

from __future__ import annotations

from types import SimpleNamespace

from tests.unit.domain import factories as f
from tests.unit.domain.factories import DUE, HOUR, MINUTE, NOW, SECOND, START, WINDOW, ZONE

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.sources import Maintenance, Sources
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.repair.carried import Origin
from pro2_reconciliation.repair.inventory import HISTORY, _with_carried, due_occurrences, history_start

NIGHTLY = f.job()
SITE = Site(organization="playhouse", zone=ZONE, jobs=(NIGHTLY,))


def test_a_run_is_asked_about_as_soon_as_its_grace_has_passed():
    assert due_occurrences(SITE, WINDOW, DUE + 10 * MINUTE - SECOND) == ()
    assert [o.due for o in due_occurrences(SITE, WINDOW, DUE + 10 * MINUTE)] == [DUE]


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
