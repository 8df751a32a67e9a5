"""Proposals of mode plan, compared with what became of the items: the verdict, its reason and the setting behind it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.incident.harness import INCIDENTS, Evening

from pro2_reconciliation.domain.shadow import After, Verdict
from pro2_reconciliation.domain.words import Mode, Remedy
from pro2_reconciliation.ledger import ShadowRecord
from pro2_reconciliation.overview.digest import digest
from pro2_reconciliation.overview.shadow import shadow
from pro2_reconciliation.repair.carried import BY_WORLD, EXPIRED_BY
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.shadowing import compare
from pro2_sandbox.incident import PersonModel

HOURS = 72
"""The guard's, after which what never happened counts as that."""


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """Campaign 103 hangs, and the plan proposes to resend it."""
    made = Evening(tmp_path, INCIDENTS / "worked-example.yaml")
    made.end_outage()
    plan, _ = made.reconcile(Mode.PLAN)
    assert plan.decision("campaign:103").remedy is Remedy.RESEND  # type: ignore[union-attr]
    made.clock.every_minute = None
    return made


def later(evening: Evening, **time: float) -> list[ShadowRecord]:
    evening.clock.at += timedelta(**time)
    return compare(evening.account("nightly"))


def person(evening: Evening, does: Any, item: str = "103") -> None:
    at = evening.world.advance()
    evening.world.people.act(PersonModel(at=timedelta(0), does=does, item=item), at)


def wake(evening: Evening) -> None:
    original = evening.world.campaigns.all[103]
    evening.world.campaigns._start(original, evening.world.advance(), "vendor")


def test_as_long_as_it_may_still_wake_there_is_no_verdict(evening: Evening) -> None:
    assert later(evening, hours=HOURS - 1) == []
    seen = shadow(evening.site, evening.ledger(), evening.clock.at)
    assert [(one.rule, one.waiting) for one in seen.rules] == [("C11", 1)]


def test_what_never_went_out_would_have_been_right(evening: Evening) -> None:
    (found,) = later(evening, hours=HOURS + 1)
    assert (found.rule, found.verdict, found.happened) == ("C11", Verdict.RIGHT, After.NOTHING)
    assert found.setting == ""


def test_an_original_that_goes_out_by_itself_would_have_mailed_twice_and_names_the_setting(
    evening: Evening,
) -> None:
    evening.clock.at += timedelta(minutes=47)
    wake(evening)

    (found,) = later(evening, minutes=10)

    assert (found.verdict, found.happened) == (Verdict.TWICE, After.BY_ITSELF)
    assert "«Opening night invitation» (103)" in found.why
    assert found.setting == "watch_campaign_seconds: 1800 now; 4680 would have waited for it"


def test_what_a_person_did_by_hand_would_have_been_right(evening: Evening) -> None:
    evening.clock.at += timedelta(minutes=20)
    person(evening, "duplicate_and_send")

    (found,) = later(evening, minutes=10)

    assert (found.verdict, found.happened) == (Verdict.RIGHT, After.BY_HAND)
    assert evening.effects() == []


def test_what_a_person_closed_was_not_needed(evening: Evening) -> None:
    ledger = evening.ledger()
    ledger.open_item("playhouse", "campaign:103", name="A", rule="C11", reason="proposed", plan_hash="x")
    evening.clock.at += timedelta(hours=1)
    ledger.close_item("playhouse", "campaign:103", "kim", "the show was moved")

    (found,) = later(evening, hours=HOURS)

    assert (found.verdict, found.happened) == (Verdict.NOT_NEEDED, After.CLOSED)
    assert "kim: the show was moved" in found.why
    assert "leave_alone" in found.setting


def test_what_the_world_closed_or_its_thirty_days_no_person_closed(evening: Evening) -> None:
    evening.ledger().close_item("playhouse", "campaign:103", BY_WORLD, "C5: due later")
    evening.ledger().open_item("playhouse", "campaign:103", name="A", rule="C11", reason="x", plan_hash="x")
    evening.ledger().close_item("playhouse", "campaign:103", EXPIRED_BY, "open for 30 days")
    (found,) = later(evening, hours=HOURS + 1)
    assert (found.verdict, found.happened) == (Verdict.RIGHT, After.NOTHING)


def test_what_a_person_keeps_to_himself_and_does_not_send_was_not_needed(evening: Evening) -> None:
    evening.ledger().hold("playhouse", "campaign:103", "kim", "not without the new date")
    (found,) = later(evening, hours=HOURS + 1)
    assert found.verdict is Verdict.NOT_NEEDED
    assert "kim: not without the new date" in found.why


def test_a_campaign_that_was_deleted_is_unknown(evening: Evening) -> None:
    evening.clock.at += timedelta(hours=1)
    del evening.world.campaigns.all[103]
    (found,) = later(evening, minutes=1)
    assert (found.verdict, found.happened) == (Verdict.UNKNOWN, After.GONE)


def test_a_verdict_is_made_once_and_stays(evening: Evening) -> None:
    (first,) = later(evening, hours=HOURS + 1)
    wake(evening)
    assert later(evening, hours=1) == []
    assert evening.ledger().verdicts("playhouse") == [first]


def test_the_first_of_many_nights_proposals_counts(evening: Evening) -> None:
    at = evening.ledger().plans("playhouse")[0].created_at
    for night in range(3):
        evening.clock.at += timedelta(hours=6)
        evening.reconcile(Mode.PLAN, dag_run=f"night-{night}")
        evening.clock.every_minute = None
    found = {one.remedy: one for one in later(evening, hours=HOURS)}
    assert found[Remedy.RESEND].proposed_at == at


def test_what_we_repaired_ourselves_is_no_shadow(evening: Evening) -> None:
    evening.reconcile(Mode.ASK, dag_run="ask-1")
    evening.clock.every_minute = None
    assert later(evening, hours=HOURS + 1) == []


def test_what_cannot_be_read_waits_and_is_given_up_after_a_week(evening: Evening) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError("away")

    evening.pro2.sandbox = type("Away", (), {"call": refuse})()  # type: ignore[assignment]
    assert later(evening, hours=HOURS + 24) == []
    (found,) = later(evening, days=7)
    assert (found.verdict, found.happened) == (Verdict.UNKNOWN, After.UNREAD)


def test_the_weekly_digest_says_it_by_rule_and_names_what_would_have_mailed_twice(evening: Evening) -> None:
    evening.clock.at += timedelta(minutes=47)
    wake(evening)
    later(evening, minutes=10)
    monday, week = evening.clock.at, _week(evening.clock.at)
    while _week(monday) == week:
        monday += timedelta(minutes=10)

    def told(since: Any) -> str:
        return digest(evening.site, evening.ledger(), monday, since=since).text

    weekly = told(monday - timedelta(hours=1))
    assert "Shadow of the last seven days" in weekly
    assert "Rule C11: 1 would have mailed twice" in weekly
    assert "watch_campaign_seconds: 1800 now; 4680 would have" in " ".join(weekly.split())
    assert "Shadow" not in told(monday)


def _week(moment: datetime) -> Any:
    return moment.astimezone(ZoneInfo("America/Chicago")).isocalendar()[:2]


JOBS: dict[str, tuple[Callable[[Evening, str], object], After]] = {
    "nothing happens": (lambda e, job: None, After.NOTHING),
    "a person presses": (lambda e, job: person(e, "repeat_import", job), After.BY_HAND),
}


@pytest.mark.parametrize("what", JOBS)
def test_the_same_for_a_job(tmp_path: Path, what: str) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    plan, report = evening.reconcile(Mode.PLAN)
    evening.clock.every_minute = None
    keep_open_items(evening.account(), plan, report)
    decision = next(d for d in plan.decisions if d.remedy is Remedy.REPEAT_IMPORT)
    act, after = JOBS[what]
    evening.clock.at += timedelta(minutes=5)
    act(evening, decision.item_id.partition("@")[0])

    found = {one.item_key: one for one in later(evening, hours=HOURS + 1)}

    assert found[decision.key].happened is after
    assert found[decision.key].verdict is Verdict.RIGHT
