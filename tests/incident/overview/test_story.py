"""An item's whole story: what was seen, decided, said, done and proven, oldest first, with whose log tells more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.incident.overview.looking import OUTAGE, RUN, Looking, wakes_after

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.overview import commands
from pro2_reconciliation.overview.views import Event

ITEM = "campaign:103"


def of(looking: Looking, what: str, key: str = ITEM) -> list[Event]:
    return [event for event in looking.story(key).events if event.what == what]


def test_a_resend_is_told_from_the_first_look_to_its_report(looking: Looking) -> None:
    looking.reconcile(account=looking.account("send_campaign[0]"))

    assert looking.told() == [
        *("seen", "seen", "decided", "asked", "answered", "cleared"),
        *("begun", "done", "proven") * 3,  # stop, copy, send
        "reported",
    ]
    story = looking.story()
    assert story.item == looking.items()[ITEM]
    assert [event.at for event in story.events] == sorted(event.at for event in story.events)


def test_it_says_why_and_by_whom(looking: Looking) -> None:
    looking.reconcile(answer=lambda plan: {ITEM: Choice.LEAVE})
    (decided,), (asked,), (answered,) = (of(looking, what) for what in ("decided", "asked", "answered"))
    assert decided.text.startswith("C11, resend: pending send since Thu 19 Nov")
    assert asked.text == "offered: leave to me, resend, resend now, keep watching, hold back"
    assert (answered.text, answered.who, answered.log) == ("leave to me", "in process", None)
    assert "still so when watching ended" in of(looking, "seen")[-1].text


def test_each_thing_leads_to_the_log_of_its_task(looking: Looking) -> None:
    looking.reconcile(account=looking.account("stop_campaign[3]"))
    tasks = {
        event.what: (event.log.task_id, event.log.map_index) for event in looking.story().events if event.log
    }
    assert tasks["seen"] == ("build_plan", -1)
    assert tasks["decided"] == ("build_plan", -1)
    assert tasks["asked"] == ("ask", -1)
    assert tasks["proven"] == ("stop_campaign", 3)
    assert tasks["reported"] == ("report", -1)
    assert {event.log.run_id for event in looking.story().events if event.log} == {RUN}


def test_it_goes_on_in_the_next_dag_run(looking: Looking) -> None:
    looking.reconcile(answer=lambda plan: {ITEM: Choice.LEAVE})
    looking.wait(minutes=10)
    looking.reconcile(Mode.PLAN, dag_run="manual__1")
    assert [event.who for event in of(looking, "decided")] == [RUN, "manual__1"]
    assert [event.text for event in of(looking, "reported")] == ["not chosen", "proposed"]
    assert len(of(looking, "asked")) == 1  # a plan asks nobody


def test_what_people_said_meanwhile_is_in_its_place(looking: Looking) -> None:
    zone, ledger = looking.site.zone, looking.ledger

    def answer(plan: Plan) -> dict[str, Choice]:
        commands.hold(ledger, "playhouse", zone, ITEM, who="Kim", why="by phone")
        looking.wait(minutes=1)
        commands.release(ledger, "playhouse", zone, ITEM, who="Ada")
        commands.waive(ledger, "playhouse", zone, ITEM, who="Ada", why="we know")
        return {ITEM: Choice.HOLD_BACK}

    looking.reconcile(answer=answer)
    told = looking.told()
    assert told.index("asked") < told.index("held") < told.index("released") < told.index("cleared")
    assert [(one.who, one.text) for one in of(looking, "held")] == [("Kim", "by phone")]
    assert [one.who for one in of(looking, "released")] == ["Ada"]
    assert [one.text for one in of(looking, "waived")] == ["not waited for: we know"]


def test_an_open_item_is_opened_and_closed(tmp_path: Path) -> None:
    looking, key = Looking(tmp_path, "evening-outage"), "campaign:112"
    looking.reconcile(Mode.PLAN)
    looking.wait(minutes=5)
    commands.close(looking.ledger, "playhouse", looking.site.zone, key, who="Kim", why="sent by hand")
    (opened,), (closed,) = of(looking, "opened", key), of(looking, "closed", key)
    assert opened.text == "C14: partly sent: 900 of 2000"
    assert (closed.who, closed.text) == ("Kim", "sent by hand")


def test_an_original_that_woke_is_an_alarm_and_was_stopped_again(tmp_path: Path) -> None:
    looking = Looking(tmp_path, wakes_after(timedelta(hours=3)))
    looking.reconcile()
    assert looking.items()[ITEM].alarm == ""
    looking.evening.clock.at = looking.evening.world.t0 + timedelta(hours=3, seconds=1)
    looking.evening.guard()

    (alarm,) = of(looking, "alarm")
    assert "425 patrons had it twice" in alarm.text
    assert looking.items()[ITEM].alarm == alarm.text
    assert [one.item for one in looking.board().alarms] == [ITEM]
    assert looking.told()[-5:] == ["cleared", "begun", "stopped again", "proven", "alarm"]


def test_a_drift_is_told_with_the_occurrence_it_is_of(tmp_path: Path) -> None:
    looking = Looking(tmp_path, "evening-outage")
    looking.reconcile()
    keys = tuple(f"occurrence:{job}" for job in drifting(looking))
    first = looking.ledger.run("playhouse", RUN)
    assert first is not None
    looking.reconcile(dag_run="ask__1", only=keys, parent=first.plan_hash)

    told = [event.text for event in looking.story(keys[0]).events]
    assert any(text.startswith("import list") for text in told)
    assert any(text.startswith(("add tag of «", "remove tag of «")) for text in told)


def drifting(looking: Looking) -> list[str]:
    jobs = ("j-204@", "j-217@")
    return sorted(item.item_id for item in looking.items().values() if item.item_id.startswith(jobs))


def test_an_item_that_is_only_watched_has_a_story_already(looking: Looking) -> None:
    seen: list[list[str]] = []
    pass_time = looking.evening.clock.sleep

    def looked(seconds: float) -> None:
        if not seen:
            seen.append(looking.told())
        pass_time(seconds)

    looking.evening.clock.sleep = looked  # type: ignore[method-assign]
    looking.reconcile(Mode.PLAN)
    assert seen == [["seen"]]


@pytest.mark.parametrize("key", ["campaign:7", 'campaign:"7"', "campaign:{7}", ""])
def test_an_item_that_no_dag_run_knows_is_named(looking: Looking, key: str) -> None:
    looking.reconcile(Mode.PLAN)
    with pytest.raises(LedgerError, match="no dag run of this ledger knows the item"):
        looking.story(key)


def test_a_story_reads_only_its_own_decisions(looking: Looking) -> None:
    """A plan of a thousand items is long."""
    looking.reconcile(Mode.PLAN)
    (found,) = looking.ledger.decisions_on("playhouse", ITEM)
    plan = looking.ledger.plan(found[0])
    assert plan is not None
    assert found[3] == plan.decision(ITEM)
    assert OUTAGE in plan.window.outage_ids
