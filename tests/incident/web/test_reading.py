"""What the page reads: whole, once, and as data whatever stands in a name."""

from __future__ import annotations

import csv
import io
import json
import threading
from urllib.parse import quote

import pytest
from tests.incident.web.conftest import OUTAGE, RUN, Users
from tests.unit.pro2.conftest import HOSTILE

from pro2.web import reading
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.shadow import After, Verdict
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.ledger import Seen, ShadowRecord
from pro2_reconciliation.overview.views import Board, ItemView, Story


def test_the_board_is_the_board_of_the_contract(airflow: Users) -> None:
    body = airflow.get("/pro2/api/board").json()
    board = Board.model_validate({**body["board"], "made_at": body["made_at"]})
    assert [outage.id for outage in board.outages] == [OUTAGE]
    assert board.zone == "America/Chicago"
    assert body["clock"][-1]["name"] in ("CST", "CDT")


def test_items_and_story_are_those_of_the_contract(airflow: Users) -> None:
    for path in (f"/pro2/api/outages/{OUTAGE}", f"/pro2/api/runs/{quote(RUN)}"):
        items = [ItemView.model_validate(one) for one in airflow.get(path).json()["items"]]
        assert {item.key for item in items} >= {"campaign:103", "campaign:104"}
    story = Story.model_validate(airflow.get("/pro2/api/items/campaign:104").json())
    assert story.item.name == HOSTILE
    assert story.events


@pytest.mark.parametrize(
    "path", ["/pro2/api/board", f"/pro2/api/outages/{OUTAGE}", "/pro2/api/items/campaign:103"]
)
def test_what_is_known_is_not_sent_again(airflow: Users, path: str) -> None:
    first = airflow.get(path)
    again = airflow.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = airflow.get(path, headers={"if-none-match": '"something else"'})
    assert other.status_code == 200


def test_news_has_another_etag_and_time_alone_is_no_news(writable: Users) -> None:
    assert writable.opened is not None
    first = writable.get("/pro2/api/board")
    later = writable.get("/pro2/api/board")
    assert first.headers["etag"] == later.headers["etag"]
    writable.say("hold", {"item": "campaign:103", "why": "I send it by hand"})
    news = writable.get("/pro2/api/board", headers={"if-none-match": first.headers["etag"]})
    assert news.status_code == 200
    assert [hold["who"] for hold in news.json()["board"]["holds"]] == ["user"]


def test_two_readers_may_do_different_things_so_their_answers_differ(airflow: Users) -> None:
    viewer, admin = (airflow.get("/pro2/api/board", as_=role).headers["etag"] for role in ("viewer", "admin"))
    assert viewer != admin


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/pro2/api/outages/nothing", "nothing"),
        ("/pro2/api/outages/nothing/items.csv", "nothing"),
        ("/pro2/api/runs/manual__2026-11-20T03:45:00+00:00", "manual__2026-11-20T03:45:00+00:00"),
        ("/pro2/api/items/campaign:9999", "campaign:9999"),
        ("/pro2/api/items/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "<script>alert(1)</script>"),
    ],
)
def test_what_is_not_known_is_named(airflow: Users, path: str, named: str) -> None:
    answer = airflow.get(path)
    assert answer.status_code == 404
    assert named in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/json"


def test_the_csv_is_taken_away_under_a_plain_name(airflow: Users) -> None:
    answer = airflow.get(f"/pro2/api/outages/{OUTAGE}/items.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="outage-{OUTAGE}.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert any(HOSTILE in cell for row in rows for cell in row)


def test_a_report_is_taken_away_and_never_shown_as_a_page_of_airflow(airflow: Users) -> None:
    answer = airflow.get(f"/pro2/api/reports/{quote(RUN)}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{RUN}.html"'
    assert "<!doctype html>" in answer.text.lower()
    assert "<script>alert(1)" not in answer.text
    missing = airflow.get("/pro2/api/reports/manual__1")
    assert (missing.status_code, "manual__1" in missing.json()["detail"]) == (404, True)


def test_the_newest_outage_is_known_without_its_id(airflow: Users) -> None:
    newest = airflow.get("/pro2/api/outages/latest").json()
    assert newest == airflow.get(f"/pro2/api/outages/{OUTAGE}").json()
    assert newest["outage"] == OUTAGE


def test_the_json_is_a_list_of_items(airflow: Users) -> None:
    answer = airflow.get(f"/pro2/api/outages/{OUTAGE}/items.json")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert {item["key"] for item in json.loads(answer.text)} >= {"campaign:103", "campaign:104"}


def test_the_ledger_is_read_in_a_thread_so_that_nobody_waits(
    airflow: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    loops: list[bool] = []

    def read(*_: object, **__: object) -> Board:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loops.append(False)
        else:
            loops.append(True)
        assert threading.current_thread() is not threading.main_thread()
        return board(*_, **__)

    board = reading.board
    monkeypatch.setattr(reading, "board", read)
    assert airflow.get("/pro2/api/board").status_code == 200
    assert loops == [False]


def test_what_makes_us_trusted_is_read_apart(writable: Users) -> None:
    assert writable.opened is not None
    ledger = writable.opened.ledger()
    now = ledger.now()
    ledger.save_verdicts(
        "playhouse",
        [
            ShadowRecord(
                "campaign:9",
                Remedy.RESEND,
                HOSTILE,
                "C11",
                "hash",
                now,
                Verdict.TWICE,
                After.BY_ITSELF,
                "why",
                "x",
                now,
            )
        ],
    )
    ledger.note_capabilities("playhouse", [Seen(Capability.SEND_COPY, True, "copy 2", "kim", "hash", now)])

    body = writable.get("/pro2/api/trust").json()

    (rule,) = [one for one in body["shadow"]["rules"] if one["twice"]]
    assert (rule["rule"], rule["twice"]) == ("C11", 1)
    assert (body["shadow"]["items"][0]["name"], body["shadow"]["items"][0]["setting"]) == (HOSTILE, "x")
    states = {one["capability"]: one["state"] for one in body["capabilities"]}
    assert (states["send_copy"], states["run_now"]) == ("proven", "not proven")
    carries = {one["capability"]: one["carries"] for one in body["capabilities"]}
    assert carries["write_tags"] == ["add_tag", "remove_tag"]
    assert body["pressed"].endswith("stop run, run now, repeat import, import list, and no tag is written")
