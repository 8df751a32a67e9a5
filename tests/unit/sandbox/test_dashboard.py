"""The Integrated Dashboard: its contract, what ran, and what comes of its buttons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.sandbox.desk import DASHBOARD, Desk

CONTRACT = yaml.safe_load(Path("docs/dashboard-contract.openapi.yaml").read_text(encoding="utf-8"))
HANGING = {"runs": [{"due": "-2h", "status": "In progress", "progress": 37, "progressed": "-1h58m"}]}


def conform(name: str, body: Any) -> None:
    """Whether an answer is what the contract's schema of this name says."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    jsonschema.Draft202012Validator(schema).validate(body)


def test_the_sandbox_serves_exactly_the_paths_and_methods_of_the_contract():
    served = Desk().world and {
        (path.removeprefix("/dashboard/v1"), method)
        for path, methods in served_paths().items()
        if path.startswith("/dashboard/")
        for method in methods
    }
    promised = {
        (path, method)
        for path, methods in CONTRACT["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "delete", "patch")
    }
    assert served == promised


def served_paths() -> dict[str, Any]:
    from pro2_sandbox import create_app

    return create_app(Desk().world).openapi()["paths"]


def test_answers_conform_to_the_contract():
    desk = Desk(job=HANGING)
    desk.press("j-3", "run-now")
    conform("Console", desk.get(f"{DASHBOARD}/console"))
    conform("StopAnswer", desk.press("j-1", "stop").json())
    desk.pass_time(5)
    body = desk.get(f"{DASHBOARD}/activity")
    conform("Activity", body)
    assert {row["origin"] for row in body["rows"]} == {"schedule", "manual"}


def test_a_wrong_token_is_a_401_and_a_strange_organization_a_404():
    desk = Desk()
    assert desk.call("GET", f"{DASHBOARD}/console", headers={"Authorization": "Bearer x"}).status == 401
    assert desk.call("GET", "/dashboard/v1/organizations/opera/console").status == 404


def test_while_the_dashboard_is_down_it_answers_503():
    desk = Desk(outages=[{"services": ["dashboard"], "start": "-1h", "end": "+1m"}])
    assert desk.call("GET", f"{DASHBOARD}/console").status == 503
    assert desk.call("GET", "/api/3/users/me").status == 200


def test_before_the_outage_every_occurrence_succeeded_and_in_it_none_left_a_trace():
    desk = Desk()
    rows = desk.activity("j-1", since_hours=24 * 30)
    assert len(rows) == 25
    assert {row["status"] for row in rows} == {"Completed"}
    assert rows[-1]["started_at"] == "2031-03-03T16:00:20.000Z"


def test_the_activity_log_comes_in_pages_and_says_as_of_when_it_is_whole():
    desk = Desk()
    body = desk.get(f"{DASHBOARD}/activity", page="2", per_page="30")
    assert (body["page"], body["pages"], body["total"], len(body["rows"])) == (2, 3, 75, 30)
    assert body["as_of"] == "2031-03-04T18:00:25.000Z"


def test_the_span_of_the_log_includes_its_start_and_not_its_end():
    desk = Desk()
    first = "2031-03-03T16:00:20+00:00"
    assert len(desk.get(f"{DASHBOARD}/activity", since=first, until="2031-03-03T16:00:21+00:00")["rows"]) == 1
    assert desk.get(f"{DASHBOARD}/activity", since="2031-03-03T16:00:00+00:00", until=first)["rows"] == []


def test_a_hanging_run_stands_in_the_console_and_in_the_log_without_an_end():
    desk = Desk(job=HANGING)
    (row,) = desk.console()
    assert (row["status"], row["progress"], row["progressed_at"]) == (
        "running",
        37,
        "2031-03-04T16:02:25.000Z",
    )
    (logged,) = desk.activity("j-1")
    assert (logged["status"], logged["finished_at"], logged["counts"]) == ("In progress", None, None)


def test_a_run_that_progresses_finishes_and_has_its_effect():
    run = {"due": "-2h", "started": "-10m", "status": "In progress", "finished": "+60s", "per_minute": 2}
    desk = Desk(job={"runs": [run]})
    before = desk.console()[0]["progress"]
    desk.pass_time(31)
    assert desk.console()[0]["progress"] > before
    desk.pass_time(31)
    assert (desk.console(), desk.activity("j-1")[0]["status"]) == ([], "Completed")
    assert len(desk.holders("8")) == 40


def test_a_run_may_wait_in_the_console_before_it_starts():
    desk = Desk(job={"runs": [{"due": "-2h", "queued": "-2h", "started": "+30s", "finished": "+40s"}]})
    (row,) = desk.console()
    assert (row["status"], row["started_at"], row["scheduled_for"]) == (
        "queued",
        None,
        "2031-03-04T16:00:00.000Z",
    )
    assert desk.activity("j-1") == []
    desk.pass_time(35)
    assert desk.console()[0]["status"] == "running"


@pytest.mark.parametrize(
    ("behaviour", "answer", "left"),
    [("stopped", "stopped", 0), ("refused", "refused", 1), ("nothing", "nothing_to_stop", 1)],
)
def test_a_stop_is_answered_as_the_job_behaves(behaviour, answer, left):
    desk = Desk(job=HANGING | {"stop": behaviour})
    assert desk.press("j-1", "stop").json() == {"answer": answer}
    assert len(desk.console()) == left


def test_a_run_that_was_stopped_is_logged_as_stopped_and_has_no_effect():
    desk = Desk()
    desk.press("j-1", "repeat-import")
    assert desk.press("j-1", "stop").json() == {"answer": "stopped"}
    desk.pass_time(60)
    assert ([row["status"] for row in desk.activity("j-1")], desk.holders("8")) == (["Stopped"], set())


def test_a_stop_may_be_forgotten_and_the_run_ends_well_after_all():
    desk = Desk(
        job={"stop": "forgotten", "runs": [{"due": "-2h", "status": "In progress", "finished": "+60s"}]}
    )
    assert desk.press("j-1", "stop").json() == {"answer": "stopped"}
    assert desk.console() == []
    desk.pass_time(61)
    assert desk.activity("j-1")[0]["status"] == "Completed"


def test_there_is_nothing_to_stop_where_nothing_runs():
    assert Desk().press("j-1", "stop").json() == {"answer": "nothing_to_stop"}


def test_repeat_import_runs_in_the_console_then_is_logged_as_manual_and_tags_the_contacts():
    desk = Desk()
    answer = desk.press("j-1", "repeat-import")
    assert (answer.status, answer.json()) == (202, {"accepted": True})
    assert (len(desk.console()), desk.activity("j-1")) == (1, [])
    desk.pass_time(3)
    (row,) = desk.activity("j-1")
    assert (row["status"], row["origin"]) == ("Completed", "manual")
    assert row["counts"] == {"returned": 40, "updated": 40, "failed": 0}
    assert len(desk.holders("8")) == 40
    assert [(one["kind"], one["by"]) for one in desk.effects()] == [("repeat_import", "us")]


def test_an_import_under_a_unique_tag_counts_what_it_tags_and_regenerates_the_list():
    desk = Desk()
    body = {"list_id": "501", "tag": "audit 1", "name": "Audit"}
    assert desk.call("POST", f"{DASHBOARD}/imports", json=body).status == 202
    desk.pass_time(3)
    (row,) = desk.activity("import:audit 1")
    tag = desk.get("/api/3/tags", search="audit 1")["tags"][0]["id"]
    assert (row["process_type"], row["tag"], row["counts"]["updated"]) == ("integrated_import", "audit 1", 40)
    assert len(desk.holders(tag)) == 40
    generated = desk.get("/TessituraService/Reporting/Lists/501")["LastGeneratedDateTime"]
    assert generated == "2031-03-04T18:00:28.000Z"


def test_the_drift_of_a_sync_tag_is_what_the_incident_says():
    desk = Desk()
    desk.call("POST", f"{DASHBOARD}/imports", json={"list_id": "501", "tag": "audit", "name": "Audit"})
    desk.pass_time(3)
    audit = desk.holders(desk.get("/api/3/tags", search="audit")["tags"][0]["id"])
    assert (len(audit - desk.holders("7")), len(desk.holders("7") - audit)) == (3, 2)


@pytest.mark.parametrize("body", [{}, {"list_id": "501"}, {"list_id": 501, "tag": "x", "name": "y"}])
def test_an_import_without_list_tag_and_name_is_rejected(body):
    assert Desk().call("POST", f"{DASHBOARD}/imports", json=body).status == 422


def test_what_does_not_exist_is_a_404_and_the_wrong_button_a_422():
    desk = Desk()
    assert desk.press("j-9", "stop").status == 404
    assert desk.press("j-9", "run-now").status == 404
    assert desk.press("j-1", "run-now").status == 422
    assert desk.press("j-3", "repeat-import").status == 422
    body = {"list_id": "999", "tag": "x", "name": "y"}
    assert desk.call("POST", f"{DASHBOARD}/imports", json=body).status == 404
    assert desk.effects() == []


def test_run_now_lets_the_audience_into_the_automation_and_mails_it():
    desk = Desk()
    desk.press("j-3", "run-now")
    desk.pass_time(3)
    (row,) = desk.activity("j-3")
    total = desk.get("/api/3/contactAutomations", **{"filters[seriesid]": "301"})["meta"]["total"]
    assert (row["counts"]["updated"], total) == (60, "60")
    assert [one["kind"] for one in desk.effects()] == ["run_now", "automation_entered", "mail"]


def test_run_now_twice_mails_the_audience_twice_where_re_entry_is_allowed():
    desk = Desk()
    for _ in range(2):
        desk.press("j-3", "run-now")
        desk.pass_time(5)
    (found,) = desk.truth()["mailed_twice"]
    assert (found["patron_count"], found["campaigns"]) == (60, ["automation 301", "automation 301"])


def test_run_now_twice_mails_once_where_re_entry_is_not_allowed():
    desk = Desk(automations=[{"id": "301", "name": "Survey"}])
    for _ in range(2):
        desk.press("j-3", "run-now")
        desk.pass_time(5)
    assert desk.truth()["mailed_twice"] == []


def test_a_late_original_and_our_run_mail_the_audience_twice():
    late = {"due": "-80m", "started": "+60s", "finished": "+70s"}
    jobs = [
        {
            "id": "j-3",
            "name": "Survey",
            "process_type": "scheduled_trigger",
            "schedule": {"daily": "-80m"},
            "automation": "301",
            "runs": [late],
        }
    ]
    desk = Desk(jobs=jobs)
    desk.press("j-3", "run-now")
    desk.pass_time(120)
    assert desk.truth()["mailed_twice"][0]["patron_count"] == 60
    assert {one["by"] for one in desk.effects("mail")} == {"us", "vendor"}


def test_a_reprocessed_job_may_fail_again():
    desk = Desk(job={"manual_run": "fails"}, must_reach={"jobs": ["j-1@-2h"]})
    desk.press("j-1", "repeat-import")
    desk.pass_time(3)
    assert desk.activity("j-1")[0]["status"] == "Failed"
    assert [one["kind"] for one in desk.truth()["missing"]] == ["job"]


def test_a_job_runs_on_schedule_again_once_the_outage_is_over():
    desk = Desk()
    desk.pass_time(22 * 3600 + 30)
    (row,) = desk.activity("j-1")
    assert (row["origin"], row["started_at"]) == ("schedule", "2031-03-05T16:00:00.000Z")


def test_a_job_that_is_due_during_the_outage_is_missed():
    desk = Desk(
        job={"schedule": {"hourly": "-59m"}},
        outages=[{"services": ["sending"], "start": "-3h", "end": "+5m"}],
    )
    desk.pass_time(1800)
    assert desk.activity("j-1", since_hours=1) == []
    desk.pass_time(3600)
    assert len(desk.activity("j-1", since_hours=1)) == 1


def test_a_person_presses_repeat_import_at_the_scripted_time():
    desk = Desk(
        people=[{"at": "+30s", "does": "repeat_import", "item": "j-1"}], must_reach={"jobs": ["j-1@-2h"]}
    )
    assert desk.truth()["missing"][0]["item"] == "j-1@2031-03-04T16:00:00Z"
    desk.pass_time(40)
    assert desk.truth()["missing"] == []
    assert desk.effects()[0]["by"] == "person"
