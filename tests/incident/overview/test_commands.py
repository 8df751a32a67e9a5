"""What a person says with a button or at a desk: one sentence back, a reason where it is needed, twice is once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.incident.overview.looking import OUTAGE, Looking

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.words import Mode, Service
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview import commands
from pro2_reconciliation.repair.outcome import SETTLED, End
from pro2_reconciliation.repair.report import make_report

ZONE, ITEM = "America/Chicago", "campaign:103"
NEXT_WEEK = {"id": "777", "name": "Next week", "due": "2026-11-26T18:00:00+00:00", "audience": None}


@pytest.fixture
def say(looking: Looking) -> Callable[..., str]:
    def said(command: Callable[..., str], *subject: Any, **more: Any) -> str:
        return command(looking.ledger, "playhouse", ZONE, *subject, **{"who": "Kim", **more})

    return said


@pytest.fixture
def reasoned(say: Callable[..., str]) -> Callable[..., str]:
    return lambda *given, **more: say(*given, **{"why": "the vendor phoned", **more})


NEEDS_A_REASON = [
    (commands.declare, ("sending", "2026-11-19T18:00", "")),
    (commands.confirm, (OUTAGE,)),
    (commands.waive, (ITEM,)),
    (commands.hold, (ITEM,)),
    (commands.close, (ITEM,)),
    (commands.switch, ("everything",)),
    (commands.adopt, ()),
    (commands.repeat, (ITEM,)),
]


@pytest.mark.parametrize(("command", "subject"), NEEDS_A_REASON, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("why", ["", "  \n"])
def test_what_changes_what_may_happen_needs_a_reason(
    say: Callable[..., str], looking: Looking, command: Any, subject: Any, why: str
) -> None:
    epoch = looking.ledger.identity.epoch
    with pytest.raises(ReconciliationError, match="needs a reason that others can read later"):
        say(command, *subject, why=why)
    assert looking.ledger.declarations("playhouse") == []
    assert looking.ledger.switch("playhouse").at is None
    assert looking.ledger.holds("playhouse") == looking.ledger.waivers("playhouse") == {}
    assert looking.ledger.identity.epoch == epoch


class TestOutages:
    def test_one_is_declared_in_local_time_and_twice_is_one(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        window = ("dashboard", "2026-11-19T18:00", "2026-11-19T21:05")
        first = reasoned(commands.declare, *window)
        assert first == reasoned(commands.declare, *window)
        assert first == "Declared as number 1; the next detection pass takes it up"
        (said,) = looking.ledger.declarations("playhouse")
        assert (said.service, said.who, said.why) == (Service.DASHBOARD, "Kim", "the vendor phoned")
        assert said.start.isoformat() == "2026-11-20T00:00:00+00:00"

    def test_an_end_before_its_start_is_refused_in_local_time(self, reasoned: Callable[..., str]) -> None:
        with pytest.raises(
            ReconciliationError, match=r"the end, Thu 19 Nov 17:00 CST, is not after .* Thu 19 Nov 18:00 CST"
        ):
            reasoned(commands.declare, "sending", "2026-11-19T18:00", "2026-11-19T17:00")

    def test_what_is_no_service_is_refused(self, reasoned: Callable[..., str]) -> None:
        with pytest.raises(
            ReconciliationError, match="'fax' is no service; choose one of sending, dashboard"
        ):
            reasoned(commands.declare, "fax", "2026-11-19T18:00")

    def test_its_end_may_be_corrected_and_who_did_it_is_kept(
        self, say: Callable[..., str], reasoned: Callable[..., str], looking: Looking
    ) -> None:
        reasoned(commands.declare, "sending", "2026-11-19T18:00")
        assert say(commands.end_declaration, 1, "2026-11-19T21:05") == (
            "Declaration 1 ended Thu 19 Nov 21:05 CST"
        )
        say(commands.end_declaration, 1, "2026-11-19T21:30", who="Ada")
        (said,) = looking.ledger.declarations("playhouse")
        assert said.end is not None
        assert (said.end.isoformat(), said.ended_by) == ("2026-11-20T03:30:00+00:00", "Ada")

    def test_it_is_taken_back_once(
        self, say: Callable[..., str], reasoned: Callable[..., str], looking: Looking
    ) -> None:
        reasoned(commands.declare, "sending", "2026-11-19T18:00")
        say(commands.withdraw, 1)
        with pytest.raises(ReconciliationError, match="there is no declaration 1 that stands"):
            say(commands.withdraw, 1, who="Ada")
        assert looking.ledger.declarations("playhouse")[0].withdrawn_by == "Kim"

    def test_a_suspected_one_is_confirmed_as_it_is_known(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        assert reasoned(commands.confirm, OUTAGE) == reasoned(commands.confirm, OUTAGE)
        (said,) = looking.ledger.declarations("playhouse")
        assert (said.start, said.end) == (looking.outage().start, looking.outage().end)

    def test_one_that_is_not_known_is_named_with_those_that_are(self, reasoned: Callable[..., str]) -> None:
        with pytest.raises(ReconciliationError, match=f"'typo' is not known; known are: {OUTAGE}"):
            reasoned(commands.confirm, "typo")


class TestItems:
    def test_a_double_click_waives_once_and_a_second_person_is_heard(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        assert reasoned(commands.waive, ITEM) == reasoned(commands.waive, ITEM)
        reasoned(commands.waive, ITEM, who="Ada")
        assert [one.who for one in looking.ledger.waivers_of("playhouse", ITEM)] == ["Kim", "Ada"]

    def test_a_waiver_of_another_day_is_a_new_one(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        reasoned(commands.waive, ITEM)
        looking.wait(days=1)
        reasoned(commands.waive, ITEM)
        assert len(looking.ledger.waivers_of("playhouse", ITEM)) == 2

    def test_who_takes_an_item_over_hears_from_whom(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        reasoned(commands.hold, ITEM)
        reasoned(commands.hold, ITEM)
        told = reasoned(commands.hold, ITEM, who="Ada")
        assert told.startswith(f"{ITEM} is left to Ada instead of Kim; nothing of ours touches it")
        assert [one.who for one in looking.ledger.hold_traces("playhouse", ITEM)] == ["Kim", "Ada"]

    def test_who_holds_one_hears_its_name_and_who_mistypes_it_that_it_was_never_met(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        looking.ledger.add_snapshot("playhouse", {"campaigns": [NEXT_WEEK], "occurrences": []})
        assert reasoned(commands.hold, "campaign:777").startswith(
            "campaign:777 («Next week») is left to Kim;"
        )
        told = reasoned(commands.hold, "campaign:7777")
        assert told.startswith("campaign:7777 is left to Kim; nothing of ours touches it")
        assert told.endswith(commands.UNSEEN)
        assert set(looking.ledger.holds("playhouse")) == {"campaign:777", "campaign:7777"}

    def test_one_that_is_watched_or_decided_on_is_called_by_its_name(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        told, pass_time = [], looking.evening.clock.sleep

        def looked(seconds: float) -> None:
            told.append(reasoned(commands.hold, "campaign:101"))
            pass_time(seconds)

        looking.evening.clock.sleep = looked  # type: ignore[method-assign]
        looking.reconcile(Mode.PLAN)
        told.append(reasoned(commands.hold, ITEM))
        assert told[0].startswith("campaign:101 («Afternoon note») is left to Kim;")
        assert told[-1].startswith(f"{ITEM} («Opening night invitation») is left to Kim;")

    def test_it_is_released_once(
        self, say: Callable[..., str], reasoned: Callable[..., str], looking: Looking
    ) -> None:
        reasoned(commands.hold, ITEM)
        assert say(commands.release, ITEM) == f"{ITEM} is released"
        assert say(commands.release, ITEM) == f"{ITEM} was not held"
        assert [one.held for one in looking.ledger.hold_traces("playhouse", ITEM)] == [True, False]

    def test_an_open_one_is_closed_once(self, reasoned: Callable[..., str], looking: Looking) -> None:
        looking.ledger.open_item("playhouse", ITEM, name="A", rule="C14", reason="partly sent", plan_hash="x")
        assert reasoned(commands.close, ITEM) == f"{ITEM} is closed"
        assert reasoned(commands.close, ITEM) == f"{ITEM} was not open"

    @pytest.mark.parametrize("command", [commands.waive, commands.hold])
    @pytest.mark.parametrize("key", ["103", "campaign:", "letter:103", ""])
    def test_what_is_no_item_is_refused(self, reasoned: Callable[..., str], command: Any, key: str) -> None:
        with pytest.raises(ReconciliationError, match=r"is no item; give a key such as campaign:103"):
            reasoned(command, key)


class TestTheSwitch:
    @pytest.mark.parametrize("stage", [stage.value for stage in Stage])
    def test_is_turned_once_by_a_double_click(
        self, reasoned: Callable[..., str], looking: Looking, stage: str
    ) -> None:
        told = reasoned(commands.switch, stage)
        looking.wait(seconds=1)
        before = looking.ledger.switch("playhouse")
        assert reasoned(commands.switch, stage) == told
        guard_too = f". {commands.GUARD_TOO}" if stage == "everything" else ""
        assert told == f"The switch of playhouse is «{stage}», by Kim: the vendor phoned{guard_too}"
        assert looking.ledger.switch("playhouse") == before

    def test_has_no_other_stage(self, reasoned: Callable[..., str]) -> None:
        with pytest.raises(
            ReconciliationError, match="no stage 'half'; choose one of off, schedules, everything"
        ):
            reasoned(commands.switch, "half")


class TestTheLedger:
    def test_is_adopted_once_by_whoever_saw_it_as_it_was(
        self, reasoned: Callable[..., str], looking: Looking
    ) -> None:
        shown = looking.board().ledger.epoch
        told = reasoned(commands.adopt, epoch=shown)
        assert f"is adopted by Kim, epoch {shown + 1}" in told
        again = reasoned(commands.adopt, epoch=shown, who="Ada")
        assert "was adopted already by Kim at Thu 19 Nov" in again
        assert looking.ledger.identity.epoch == shown + 1

    def test_nothing_is_repeated_that_was_never_done(self, reasoned: Callable[..., str]) -> None:
        with pytest.raises(ReconciliationError, match=f"Nothing was ever done to {ITEM}"):
            reasoned(commands.repeat, ITEM)


def test_a_reason_stands_on_one_line_in_the_ledger(say: Callable[..., str], looking: Looking) -> None:
    say(commands.hold, ITEM, why="by phone\x1b[31m\nALARM: nothing happened")
    assert looking.ledger.holds("playhouse")[ITEM].why == "by phone [31m ALARM: nothing happened"


def test_what_a_person_closed_is_neither_failed_nor_open(tmp_path: Path) -> None:
    """The stop of 121 was never proven; somebody looked in Pro2 and said so."""
    looking, key = Looking(tmp_path, "evening-outage"), "campaign:121"
    plan, report = looking.reconcile()
    assert {row.key: row.outcome for row in report.rows}[key] is End.NEEDS_HUMAN

    commands.close(looking.ledger, "playhouse", looking.site.zone, key, who="Kim", why="it is stopped now")

    row = next(
        row
        for row in make_report(looking.account("report"), plan, Mode.ASK, not_now={}).rows
        if row.key == key
    )
    assert (row.outcome, row.detail) == (End.CLOSED, "closed by Kim: it is stopped now")
    assert row.outcome in SETTLED
    assert looking.items()[key].outcome == "closed"
