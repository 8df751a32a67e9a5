"""The exchanges of the Integrated Dashboard, of Tessitura, of status feeds and of the probe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pro2_reconciliation.domain.errors import Ambiguous, NeverSent, Rejected, Unreadable
from pro2_reconciliation.domain.sources import Feed
from pro2_reconciliation.domain.words import Service, StopAnswer
from pro2_reconciliation.wire import dashboard, statuspage, tessitura
from pro2_reconciliation.wire.exchange import Reply, drive
from pro2_reconciliation.wire.probe import plain_probe, probe, request_for

SINCE = datetime(2031, 3, 4, tzinfo=UTC)
UNTIL = datetime(2031, 3, 5, 2, tzinfo=UTC)


def row(run_id: str, hour: int) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "process_id": "j",
        "started_at": f"2031-03-04T{hour:02}:00:00Z",
        "status": "Failed",
    }


def test_a_log_is_whole_as_of_its_oldest_page(scripted: Any) -> None:
    wire = scripted(
        {"as_of": "2031-03-05T01:00:00Z", "rows": [row("b", 5)], "total": 2},
        {"as_of": "2031-03-05T00:30:00Z", "rows": [row("a", 3)], "total": 2},
    )
    log = drive(dashboard.activity("north/west", SINCE, UNTIL), wire.carry)
    assert log.as_of == datetime(2031, 3, 5, 0, 30, tzinfo=UTC)
    assert [one.run_id for one in log.rows] == ["a", "b"]
    assert wire.asked[0].path == "dashboard/v1/organizations/north%2Fwest/activity"
    assert wire.asked[1].params["page"] == "2"


@pytest.mark.parametrize(
    "body", [{"rows": []}, {"rows": [], "as_of": None}, {"as_of": "2031-03-05T00:30:00Z"}]
)
def test_a_log_that_does_not_say_how_whole_it_is_is_unreadable(scripted: Any, body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        drive(dashboard.activity("o", SINCE, UNTIL), scripted(body).carry)


def test_the_console_is_read(scripted: Any) -> None:
    rows = [{"run_id": "r", "process_id": "j", "status": "running", "progress": 40}]
    console = drive(dashboard.console("o"), scripted({"as_of": "2031-03-05T00:30:00Z", "rows": rows}).carry)
    assert (console.rows[0].running, console.rows[0].progress) == (True, 40)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        ({"answer": "stopped"}, StopAnswer.STOPPED),
        ({"answer": "nothing_to_stop"}, StopAnswer.NOTHING_TO_STOP),
        ({"answer": "refused"}, StopAnswer.REFUSED),
        ({"answer": "perhaps"}, StopAnswer.REFUSED),
        ({}, StopAnswer.REFUSED),
        (Reply(409, {}, "{}"), StopAnswer.REFUSED),
    ],
)
def test_a_stop_that_is_not_clearly_answered_is_refused(
    scripted: Any, answer: Any, meaning: StopAnswer
) -> None:
    assert drive(dashboard.stop_run("o", "j"), scripted(answer).carry) is meaning


@pytest.mark.parametrize("answer", [Reply(504, {}, ""), "<html>", Ambiguous("lost")])
def test_a_stop_whose_answer_got_lost_is_ambiguous(scripted: Any, answer: Any) -> None:
    with pytest.raises(Ambiguous):
        drive(dashboard.stop_run("o", "j"), scripted(answer).carry)


def test_a_stop_without_permission_is_no_answer_about_the_job(scripted: Any) -> None:
    with pytest.raises(Rejected):
        drive(dashboard.stop_run("o", "j"), scripted(Reply(403, {}, "")).carry)


@pytest.mark.parametrize("press", ["run_now", "repeat_import", "import_list"])
def test_a_button_is_pressed_only_if_it_says_so(scripted: Any, press: str) -> None:
    def pressed(answer: Any) -> None:
        arguments = ("o", "1", "t", "n") if press == "import_list" else ("o", "j")
        wire = scripted(answer)
        drive(getattr(dashboard, press)(*arguments), wire.carry)
        assert wire.asked[0].mutating

    pressed(Reply(202, {}, '{"accepted": true}'))
    with pytest.raises(Rejected, match="already running"):
        pressed({"accepted": False, "message": "already running"})
    for unclear in ({}, {"accepted": "yes"}, "<html>", Reply(500, {}, "")):
        with pytest.raises(Ambiguous):
            pressed(unclear)


def test_a_list_tells_when_it_was_generated_and_its_size(scripted: Any) -> None:
    body = {"Id": 101, "ConstituentCount": 5120, "LastUsedDateTime": "2031-03-04T02:00:00Z"}
    used = drive(tessitura.generated_at("101"), scripted(body).carry)
    assert used == datetime(2031, 3, 4, 2, tzinfo=UTC)
    body["LastGeneratedDateTime"] = "2031-03-04T03:00:00.1234567-06:00"
    made = drive(tessitura.generated_at("101"), scripted(body).carry)
    assert made is not None
    assert made.hour == 9
    assert drive(tessitura.size("101"), scripted(body).carry) == 5120
    assert (
        drive(tessitura.generated_at("101"), scripted({"LastUsedDateTime": "2031-03-04T02:00:00"}).carry)
        is None
    )
    with pytest.raises(Unreadable):
        drive(tessitura.size("101"), scripted({}).carry)


INCIDENT = {
    "id": "abc",
    "name": "Sending is delayed",
    "status": "resolved",
    "impact": "major",
    "created_at": "2031-03-04T01:10:00Z",
    "started_at": "2031-03-04T01:00:00Z",
    "resolved_at": "2031-03-04T05:00:00Z",
    "updated_at": "2031-03-06T05:00:00Z",
    "components": [{"id": "c1", "name": "Campaign sending"}],
}


def feed(**options: Any) -> Feed:
    return Feed(connection="feed", service=Service.SENDING, **{"maintenance": False, **options})


def claims(scripted: Any, *incidents: dict[str, Any], **options: Any) -> list[Any]:
    wire = scripted({"page": {}, "incidents": list(incidents)})
    return drive(statuspage.published(feed(**options)), wire.carry)


def test_an_incident_is_evidence_from_its_start_to_its_resolution(scripted: Any) -> None:
    (claim,) = claims(scripted, INCIDENT)
    assert (claim.start.hour, claim.end.hour, claim.key) == (1, 5, "abc")
    assert not claim.declared
    assert not claim.confirms


def test_an_open_incident_has_no_end_and_its_creation_may_be_its_start(scripted: Any) -> None:
    changes = {"started_at": None, "resolved_at": None, "status": "monitoring"}
    (claim,) = claims(scripted, {**INCIDENT, **changes})
    assert (claim.start.minute, claim.end) == (10, None)


def test_an_incident_that_is_over_without_a_time_ends_with_its_last_update(scripted: Any) -> None:
    (claim,) = claims(scripted, {**INCIDENT, "resolved_at": None})
    assert claim.end.day == 6


def test_incidents_without_impact_or_of_other_components_are_left_out(scripted: Any) -> None:
    assert claims(scripted, {**INCIDENT, "impact": "none"}) == []
    assert len(claims(scripted, {**INCIDENT, "impact": "none"}, min_impact="none")) == 1
    assert claims(scripted, INCIDENT, components=["Forms"]) == []
    assert len(claims(scripted, INCIDENT, components=["campaign SENDING"])) == 1
    assert len(claims(scripted, {**INCIDENT, "components": []}, components=["Forms"])) == 1


def test_maintenance_counts_from_when_it_begins(scripted: Any) -> None:
    planned = {**INCIDENT, "status": "scheduled", "started_at": None, "scheduled_for": "2031-03-04T03:00:00Z"}
    told = [{"status": "scheduled", "display_at": "2031-03-01T00:00:00Z"}]
    running = {**planned, "status": "in_progress", "resolved_at": None, "incident_updates": told}

    def read(entry: dict[str, Any]) -> list[Any]:
        wire = scripted({"incidents": []}, {"scheduled_maintenances": [entry]})
        return drive(statuspage.published(feed(maintenance=True)), wire.carry)

    assert read(planned) == []
    (claim,) = read(running)
    assert (claim.start.day, claim.start.hour, claim.end) == (4, 3, None)


def test_an_update_that_is_dated_back_moves_the_start_back(scripted: Any) -> None:
    told = [{"status": "investigating", "display_at": "2031-03-04T00:30:00Z"}]
    (claim,) = claims(scripted, {**INCIDENT, "incident_updates": told})
    assert (claim.start.hour, claim.start.minute) == (0, 30)


def test_an_incident_that_ends_before_it_starts_has_no_length(scripted: Any) -> None:
    (claim,) = claims(scripted, {**INCIDENT, "resolved_at": "2031-03-03T05:00:00Z"})
    assert claim.end == claim.start


def test_an_offset_of_a_summer_night_is_read_as_it_stands(scripted: Any) -> None:
    times = {"started_at": "2031-03-09T01:30:00.000-06:00", "resolved_at": "2031-03-09T03:30:00.000-05:00"}
    (claim,) = claims(scripted, {**INCIDENT, **times})
    assert (claim.end - claim.start).total_seconds() == 3600


def test_an_incident_that_is_listed_twice_counts_as_it_was_updated_last(scripted: Any) -> None:
    older = {**INCIDENT, "resolved_at": None, "status": "monitoring", "updated_at": "2031-03-04T04:00:00Z"}
    for listed in ((INCIDENT, older), (older, INCIDENT)):
        (claim,) = claims(scripted, *listed)
        assert claim.end is not None


def test_a_feed_of_another_kind_is_unreadable_and_not_all_well(scripted: Any) -> None:
    claims_of = statuspage.published(feed())
    with pytest.raises(Unreadable, match="Statuspage"):
        drive(claims_of, scripted({"data": []}).carry)


def test_a_page_without_maintenances_names_the_key_that_leaves_them_out(scripted: Any) -> None:
    wire = scripted({"incidents": []}, Reply(404, {}, "{}"))
    with pytest.raises(Unreadable, match="set maintenance: false for feed"):
        drive(statuspage.published(feed(maintenance=True)), wire.carry)


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        ({"user": {}}, True),
        (Reply(429, {}, ""), True),
        (Reply(503, {}, ""), False),
        (Reply(500, {}, ""), False),
        ("<html>maintenance</html>", False),
        (NeverSent("refused"), False),
        (Unreadable("timed out"), False),
        (Reply(403, {}, ""), None),
    ],
)
def test_a_probe_tells_up_down_or_that_it_cannot_tell(scripted: Any, answer: Any, up: bool | None) -> None:
    result = drive(probe(), scripted(answer).carry)
    assert result.up is up
    assert result.reason


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        (Reply(204, {}, ""), True),
        (Reply(200, {}, ""), None),
        (Reply(404, {}, ""), None),
        (Reply(502, {}, ""), False),
        (NeverSent("refused"), False),
        (Unreadable("timed out"), False),
    ],
)
def test_a_plain_probe_wants_the_status_it_was_told(scripted: Any, answer: Any, up: bool | None) -> None:
    result = drive(plain_probe(204), scripted(answer).carry)
    assert result.up is up
    assert result.reason


def test_each_service_of_ours_has_one_harmless_question() -> None:
    paths = [request_for(service, "play house").path for service in Service]
    assert paths == [
        "api/3/users/me",
        "dashboard/v1/organizations/play%20house/console",
        "TessituraService/Diagnostics/Status",
    ]
    assert not any(request_for(service).mutating for service in Service)
