"""The drill on a canary: to named colleagues only, by the steps and gates of every repair, and what it proves."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, shipped

from pro2_reconciliation.desk import capabilities
from pro2_reconciliation.desk.drill import drilled_at
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.errors import ConfigurationError, Rejected
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview.capabilities import rests_on_unproven
from pro2_reconciliation.repair.canary import find_canary
from pro2_reconciliation.repair.drill import drill
from pro2_reconciliation.repair.gates import GUARD

STAFF = tuple(f"patron{number}@example.org" for number in range(1, 13))
"""The sandbox's addresses; its list «Staff» holds the first twelve contacts of the account."""
CANARY = {
    "id": "900", "name": "Canary", "list": "9", "recipients": 12, "due": "+3h", "status": 1, "subject": "A canary",
}  # fmt: skip


def evening_with(folder: Path, *, staff: int = 12, named: tuple[str, ...] = STAFF, **canary: Any) -> Evening:
    """An account in peace with a canary. ``staff``: so many are on its list; ``named``: those of the policy."""
    known = shipped(INCIDENTS / "worked-example.yaml")
    body = known.model_dump(mode="json", by_alias=True, exclude={"t0"}, exclude_unset=True)
    body["lists"] = [
        {"id": "1", "name": "Newsletter", "members": 900},
        {"id": "9", "name": "Staff", "members": staff},
    ]
    body["campaigns"] = [{**CANARY, **canary}]
    body |= {"expected": [], "must_reach": {}, "policy": {"drill_addresses": list(named), "poll_seconds": 30}}
    evening = Evening(folder, type(known).model_validate(body))
    evening.clock.at = evening.world.t0 + timedelta(minutes=1)
    evening.ledger().beat(GUARD)
    evening.clock.every_minute = evening.guard
    return evening


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return evening_with(tmp_path)


def given(*more: str) -> argparse.Namespace:
    return argparse.Namespace(campaign="900", yes="--yes" in more, who="kim", json=False, deed=None)


def test_a_drill_stops_duplicates_and_sends_once_and_notes_each_proof(evening: Evening) -> None:
    account = evening.account("drill by kim")
    told: list[str] = []

    found = drill(account, find_canary(account, "900"), "kim", say=told.append)

    assert found.why == ""
    kinds = [effect["kind"] for effect in evening.effects() if effect["kind"].startswith("campaign_")]
    assert kinds[:3] == ["campaign_stopped", "campaign_copied", "campaign_sent"]
    assert evening.truth()["mailed_twice"] == []
    assert {one.capability for one in found.seen if one.proven} == {
        Capability.STOP_SCHEDULED,
        Capability.COPY_IS_A_DRAFT,
        Capability.COPY_KEEPS_LISTS,
        Capability.COPY_KEEPS_MESSAGE,
        Capability.SEND_COPY,
        Capability.STAYS_STOPPED,
    }
    kept = account.ledger.capabilities("playhouse")
    assert kept[Capability.SEND_COPY].evidence.startswith(f"copy {found.copy_id}: ")
    assert kept[Capability.SEND_COPY].evidence.count("copy") == 1
    assert kept[Capability.SEND_COPY].who == "kim"
    assert any(line.startswith("send campaign: confirmed") for line in told)


def test_what_it_could_not_prove_is_said_with_the_reason_and_what_stays_with_a_person(
    evening: Evening,
) -> None:
    account = evening.account("drill by kim")

    text, code = drilled_at(account, given("--yes"))

    assert code == 0
    assert "v1 stops a campaign that is in sending (status 2): a campaign to 20 addresses is not" in text
    assert "a copy keeps the segment: this canary has no segment" in text
    assert "a drill runs no job" in text
    assert (
        "A person presses, until it is proven: stop campaign (only what needs stop_sending), copy campaign (only what "
        "needs copy_keeps_segment), stop run, run now, repeat import, import list, and no tag is written."
    ) in text
    assert "each must have got exactly one mail" in text
    left = rests_on_unproven(account.ledger, "playhouse")
    assert Verb.SEND_CAMPAIGN not in left
    assert left[Verb.STOP_CAMPAIGN] == {Capability.STOP_SENDING}
    assert Verb.RUN_NOW in left


def test_a_canary_with_a_segment_proves_that_a_copy_keeps_it(tmp_path: Path) -> None:
    evening = evening_with(tmp_path, segment="7")
    account = evening.account("drill by kim")
    drill(account, find_canary(account, "900"), "kim")
    assert Capability.COPY_KEEPS_SEGMENT in account.ledger.proven("playhouse")


def test_without_yes_nothing_is_done(evening: Evening) -> None:
    text, code = drilled_at(evening.account("drill by kim"), given())
    assert code == 0
    assert "12 addresses, all of them named" in text
    assert text.endswith("To do it: add --yes")
    assert evening.effects() == []
    assert evening.ledger().plans("playhouse") == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "more than 20": (
        {"staff": 21, "named": tuple(f"patron{n}@example.org" for n in range(1, 21))},
        "holds 21 contacts",
    ),
    "a stranger": ({"named": STAFF[:11]}, "hold 1 addresses that drill_addresses does not name"),
    "a real list": ({"list": "1"}, "holds 900 contacts"),
    "a draft": ({"status": 0}, "is draft, not scheduled"),
    "too soon": ({"due": "+20m"}, "so that it cannot go out in the middle of the drill"),
    "too late": ({"due": "+2d"}, "and within 12 h"),
    "a split test": ({"type": "split"}, "is no plain broadcast"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_canary_is_refused_before_anything_is_done(tmp_path: Path, why: str) -> None:
    how, sentence = REFUSED[why]
    evening = evening_with(tmp_path, **how)
    with pytest.raises(Rejected, match=sentence):
        drilled_at(evening.account("drill by kim"), given("--yes"))
    assert evening.effects() == []
    assert every_action(evening.ledger()) == []


def test_without_named_addresses_there_is_no_drill(tmp_path: Path) -> None:
    evening = evening_with(tmp_path, named=())
    with pytest.raises(ConfigurationError, match="names no drill_addresses"):
        find_canary(evening.account(), "900")


def test_a_list_that_grew_after_the_look_gets_no_mail(evening: Evening) -> None:
    """Somebody adds the newsletter's patrons while the stop is being proven."""
    account = evening.account("drill by kim")
    canary = find_canary(account, "900")
    evening.clock.every_minute = _grow(evening)

    found = drill(account, canary, "kim")

    assert "holds 900 contacts" in found.why
    assert [e for e in evening.effects() if e["kind"] == "campaign_sent"] == []
    assert Capability.SEND_COPY not in account.ledger.capabilities("playhouse")


def _grow(evening: Evening) -> Callable[[], object]:
    def minute() -> object:
        evening.guard()
        lists = evening.world.contacts.lists
        lists["9"] = replace(lists["9"], members=lists["1"].members)
        return None

    return minute


def _switch_on(evening: Evening) -> None:
    evening.ledger().set_switch("playhouse", Stage.EVERYTHING, "ada", "odd mails")


def _switch_on_in_a_minute(evening: Evening) -> None:
    def minute() -> None:
        evening.guard()
        _switch_on(evening)

    evening.clock.every_minute = minute


CLOSED: dict[str, tuple[Callable[[Evening], object], str]] = {
    "kill switch": (_switch_on_in_a_minute, "the kill switch is on"),
    "hold": (lambda e: e.ledger().hold("playhouse", "campaign:900", "ada", "mine"), "does this one by hand"),
    "no guard": (lambda e: setattr(e.clock, "every_minute", None), "guard_repairs"),
}


@pytest.mark.parametrize("gate", CLOSED)
def test_a_drill_passes_the_same_gates_as_everything(evening: Evening, gate: str) -> None:
    close, why = CLOSED[gate]
    close(evening)
    account = evening.account("drill by kim")

    found = drill(account, find_canary(account, "900"), "kim")

    assert why in found.why
    assert [e for e in evening.effects() if e["kind"] == "campaign_sent"] == []
    assert Capability.SEND_COPY not in account.ledger.proven("playhouse")


@pytest.mark.parametrize("closed", ["read-only", "kill switch"])
def test_where_no_step_could_leave_no_drill_begins_and_the_canary_is_not_used_up(
    evening: Evening, closed: str
) -> None:
    account = evening.account("drill by kim")
    if closed == "read-only":
        account = replace(account, read_only=dict.fromkeys(Verb, "connection pro2 is read-only"))
    else:
        _switch_on(evening)

    assert (
        f"Not now: {'the ' if closed == 'kill switch' else 'connection pro2 is '}{closed}"
        in drilled_at(account, given())[0]
    )
    with pytest.raises(Rejected, match=f"{closed}.*Nothing was begun"):
        drilled_at(account, given("--yes"))

    assert evening.effects() == []
    evening.ledger().set_switch("playhouse", Stage.OFF, "ada", "it was nothing")
    again = replace(evening.account("drill by kim"), read_only={})
    assert drill(again, find_canary(again, "900"), "kim").why == ""


def test_without_a_copy_nothing_is_said_of_its_segment(tmp_path: Path) -> None:
    evening = evening_with(tmp_path, stop="ignored")
    account = evening.account("drill by kim")
    found = drill(account, find_canary(account, "900"), "kim")
    assert "has no segment" not in found.unproven[Capability.COPY_KEEPS_SEGMENT]


def test_a_canary_is_drilled_on_once(evening: Evening) -> None:
    account = evening.account("drill by kim")
    drill(account, find_canary(account, "900"), "kim")
    with pytest.raises(Rejected, match="not scheduled"):
        find_canary(account, "900")


def test_what_fails_is_noted_as_failed(tmp_path: Path) -> None:
    evening = evening_with(tmp_path, stop="ignored")
    account = evening.account("drill by kim")

    text, code = drilled_at(account, given("--yes"))

    assert code == 1
    assert "The drill did not go to its end: " in text
    assert not account.ledger.capabilities("playhouse")[Capability.STOP_SCHEDULED].proven
    assert [e for e in evening.effects() if e["kind"] == "campaign_sent"] == []
    told = capabilities.told(given(), account.ledger, account.site)
    assert "stop_scheduled      failed Thu 19 Nov" in told
    assert "run_now             not proven: Run Now runs" in told
