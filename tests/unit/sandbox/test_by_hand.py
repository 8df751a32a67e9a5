"""What people do in the stand-in at once, and the Activity Log that they export."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pytest
import yaml
from tests.unit.sandbox.desk import Desk

from pro2_reconciliation.domain.export import ActivityExport
from pro2_sandbox.export import FILE_NAME


def act(desk: Desk, **deed: str) -> tuple[int, str]:
    answer = desk.call("POST", "/sandbox/people", json=deed)
    return answer.status, answer.json().get("message", "")


def test_what_a_person_does_is_on_the_books_as_a_persons():
    desk = Desk()
    assert act(desk, does="stop", item="103")[0] == 201
    assert act(desk, does="import", item="501", tag="reconcile x")[0] == 201
    assert {(one["kind"], one["by"]) for one in desk.effects() if one["by"] != "vendor"} == {
        ("campaign_stopped", "person"),
        ("import", "person"),
    }


@pytest.mark.parametrize(
    ("deed", "status"),
    [
        ({"does": "send", "item": "999"}, 404),
        ({"does": "run_now", "item": "j-9"}, 404),
        ({"does": "run_now", "item": "j-1"}, 422),
        ({"does": "dance", "item": "103"}, 422),
        ({"does": "stop"}, 422),
    ],
)
def test_what_cannot_be_done_is_said(deed: dict[str, str], status: int):
    found, message = act(Desk(), **deed)
    assert found == status
    assert message


def test_what_the_account_refuses_is_a_conflict():
    desk = Desk(campaign={"status": 5})
    assert act(desk, does="stop", item="103")[0] == 409


def test_the_export_has_every_row_local_times_and_a_line_of_totals():
    desk = Desk(job={"runs": [{"due": "-2h", "status": "Failed"}]})
    answer = desk.call("GET", "/sandbox/activity.csv")
    lines = list(csv.reader(io.StringIO(answer.text), delimiter=";"))
    header, *rows, total = lines
    failed = next(dict(zip(header, row, strict=True)) for row in rows if row[6] == "Failed")
    assert total == ["Total", str(len(rows))]
    assert (failed["Organization"], failed["Process"], failed["Job ID"]) == (
        "playhouse",
        "Integrated Import",
        "j-1",
    )
    assert failed["Started"] == "04/03/2031 10:00:20"
    assert failed["Started by"] == "Schedule"


def test_an_export_has_a_name_that_says_when_it_was_made_and_is_not_to_be_had_while_the_dashboard_is_down():
    desk = Desk(outages=[{"services": ["dashboard"], "start": "-1h", "end": "+10s"}])
    assert desk.call("GET", "/sandbox/activity.csv").status == 503
    desk.pass_time(10)
    answer = desk.call("GET", "/sandbox/activity.csv")
    made = datetime.strptime(answer.headers["x-file-name"], FILE_NAME).replace(tzinfo=desk.world.zone)
    assert (answer.status, made) == (200, desk.now)


def test_the_configuration_of_the_export_is_one_that_a_site_may_have():
    text = Desk().call("GET", "/sandbox/config/activity_export.yaml", params={"path": "file:///exports"}).text
    read = ActivityExport.model_validate(yaml.safe_load(text))
    assert (read.path, read.as_of, read.day_first) == ("file:///exports", "name", True)
