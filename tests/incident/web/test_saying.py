"""What is said on the page stands in the ledger, with the name that Airflow knows; what cannot be meant does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.incident.web.conftest import OUTAGE, Users
from tests.unit.pro2.conftest import HOSTILE

from pro2_reconciliation.ledger import Ledger, Stage

ITEM = "campaign:103"
ORGANIZATION = "playhouse"


def ledger_of(users: Users) -> Ledger:
    assert users.opened is not None
    return users.opened.ledger()


def test_i_do_this_one_myself_and_give_it_back(writable: Users) -> None:
    kept = writable.say("hold", {"item": ITEM, "why": "after the show"})
    assert kept.json()["said"].startswith(ITEM)
    held = ledger_of(writable).held(ORGANIZATION, ITEM)
    assert held is not None
    assert (held.who, held.why) == ("user", "after the show")
    writable.say("release", {"item": ITEM}, as_="op")
    assert ledger_of(writable).held(ORGANIZATION, ITEM) is None


def test_nobody_waits_for_it_any_more(writable: Users) -> None:
    assert writable.say("waive", {"item": ITEM, "why": "it will not come"}).status_code == 200
    assert ledger_of(writable).waivers(ORGANIZATION)[ITEM].who == "user"


def test_an_outage_is_declared_in_local_time_edited_and_withdrawn(writable: Users) -> None:
    body = {"service": "tessitura", "start": "2026-11-01T18:00", "end": "", "why": "told by phone"}
    assert "number 1" in writable.say("declare", body).json()["said"]
    [said] = ledger_of(writable).declarations(ORGANIZATION)
    assert (said.start.isoformat(), said.end, said.who) == ("2026-11-02T00:00:00+00:00", None, "user")
    assert writable.say("end_declaration", {"number": 1, "at": "2026-11-01T19:30"}).status_code == 200
    assert writable.say("withdraw", {"number": 1}, as_="admin").status_code == 200
    [said] = ledger_of(writable).declarations(ORGANIZATION)
    assert said.withdrawn_by == "admin"


def test_an_outage_is_confirmed(writable: Users) -> None:
    assert writable.say("confirm", {"outage_id": OUTAGE, "why": "we saw it"}).status_code == 200
    assert [one.who for one in ledger_of(writable).declarations(ORGANIZATION)] == ["user"]


def test_the_kill_switch_says_who_turned_it(writable: Users) -> None:
    body = {"stage": "everything", "why": "Pro2 behaves strangely"}
    assert writable.say("switch", body, as_="admin").status_code == 200
    turned = ledger_of(writable).switch(ORGANIZATION)
    assert (turned.stage, turned.who, turned.why) == (Stage.EVERYTHING, "admin", "Pro2 behaves strangely")


def test_a_ledger_is_adopted_once_however_often_it_is_said(writable: Users) -> None:
    before = ledger_of(writable).identity.epoch
    body = {"epoch": before, "why": "first start"}
    assert writable.say("adopt", body, as_="admin").status_code == 200
    assert writable.say("adopt", body, as_="admin").status_code == 200
    identity = ledger_of(writable).identity
    assert (identity.epoch, identity.adopted_by) == (before + 1, "admin")


@pytest.mark.parametrize(
    ("command", "body", "told"),
    [
        ("hold", {"item": ITEM}, "why: Field required"),
        ("hold", {"item": ITEM, "why": ""}, "why: "),
        ("hold", {"item": ITEM, "why": "   "}, "reason"),
        ("hold", {"item": ITEM, "why": "x", "who": "admin"}, "who: "),
        ("hold", {"item": ["campaign:103"], "why": "x"}, "item: "),
        ("hold", {"item": ITEM, "why": "x" * 1001}, "why: "),
        ("hold", [], "Input should be"),
        ("hold", "campaign:103", "Input should be"),
        ("withdraw", {"number": "1"}, "number: "),
        ("withdraw", {"number": True}, "number: "),
        (
            "declare",
            {"service": "sending", "start": "yesterday", "end": "", "why": "x"},
            "'yesterday' is not a time",
        ),
        (
            "declare",
            {"service": "fax", "start": "2026-11-01T18:00", "end": "", "why": "x"},
            "'fax' is no service",
        ),
        ("confirm", {"outage_id": "nothing", "why": "x"}, "'nothing' is not known"),
    ],
)
def test_what_cannot_be_meant_is_named_and_not_written(
    writable: Users, command: str, body: Any, told: str
) -> None:
    answer = writable.say(command, body)
    assert answer.status_code == 422, answer.text
    assert told in answer.json()["detail"]
    ledger = ledger_of(writable)
    assert (ledger.holds(ORGANIZATION), ledger.declarations(ORGANIZATION)) == ({}, [])


def test_a_time_that_the_clocks_show_twice_has_to_be_written_with_its_offset(writable: Users) -> None:
    """The page lets it be typed when it reads these words."""
    body = {"service": "sending", "start": "2026-11-01T01:30", "end": "", "why": "x"}
    detail = writable.say("declare", body).json()["detail"]
    assert " happens twice in " in detail
    assert writable.say("declare", {**body, "start": "2026-11-01T01:30-05:00"}).status_code == 200


def test_no_other_command_is_there(writable: Users) -> None:
    answer = writable.say("repeat", {"item": ITEM, "why": "x"}, as_="admin")
    assert answer.status_code == 404
    assert "'repeat'" in answer.json()["detail"]


def test_broken_json_is_said_to_be_broken(writable: Users) -> None:
    headers = {"sec-fetch-site": "same-origin", "content-type": "application/json"}
    answer = writable.request("POST", "/pro2/api/commands/hold", "user", content=b"{", headers=headers)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


def test_a_hostile_reason_stays_a_reason(writable: Users) -> None:
    said = writable.say("hold", {"item": ITEM, "why": f"{HOSTILE}\n2026-11-20 ERROR forged"})
    assert said.status_code == 200
    held = ledger_of(writable).held(ORGANIZATION, ITEM)
    assert held is not None
    assert held.why == f"{HOSTILE} 2026-11-20 ERROR forged"
