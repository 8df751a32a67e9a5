"""The client waits in words, repeats what may be repeated, and answers a question the way 3.3.2 needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from pro2_sandbox.local.rest import ANSWER_AFTER_SECONDS, AirflowApi
from pro2_sandbox.local.wire import AirflowApiError

Answer = tuple[int, Any]


class FakeAirflow(BaseAdapter):
    """Answers by method and path; a list is used up one by one, its last entry staying."""

    def __init__(self) -> None:
        super().__init__()
        self.routes: dict[tuple[str, str], list[Answer | Exception] | Callable[[dict[str, str]], Answer]] = {
            ("POST", "/auth/token"): [(201, {"access_token": "t"})]
        }
        self.calls: list[tuple[str, str, Any]] = []

    def on(self, method: str, path: str, *answers: Answer | Exception) -> None:
        self.routes[method, f"/api/v2{path}"] = list(answers)

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        assert request.url is not None
        parts = urlsplit(request.url)
        body = json.loads(request.body) if request.body else None
        self.calls.append((str(request.method), parts.path, body))
        route = self.routes[str(request.method), parts.path]
        if callable(route):
            answer: Answer | Exception = route({k: v[0] for k, v in parse_qs(parts.query).items()})
        else:
            answer = route.pop(0) if len(route) > 1 else route[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code = answer[0]
        response._content = json.dumps(answer[1]).encode()
        response.url = request.url
        response.request = request
        return response

    def close(self) -> None: ...

    def times(self, method: str, ending: str) -> int:
        return sum(1 for verb, path, _ in self.calls if verb == method and path.endswith(ending))


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> FakeAirflow:
    return FakeAirflow()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def api(server: FakeAirflow, time: Time) -> AirflowApi:
    session = requests.Session()
    session.mount("http://", server)
    return AirflowApi("http://a/", "admin", "pw", session=session, clock=lambda: time.now, sleep=time.sleep)


def task(state: str | None, **more: Any) -> dict[str, Any]:
    row = {"task_id": "ask", "map_index": -1, "state": state, "try_number": 1}
    return {**row, "rendered_map_index": None, "start_date": None, "end_date": None, **more}


def test_a_token_that_ran_out_is_renewed(api: AirflowApi, server: FakeAirflow) -> None:
    server.on("GET", "/dags/d/dagRuns/r", (401, {}), (200, {"state": "queued"}))
    assert api.dag_run("d", "r") == {"state": "queued"}
    assert server.times("POST", "/auth/token") == 2


def test_a_refused_login_names_the_user(api: AirflowApi, server: FakeAirflow) -> None:
    server.routes["POST", "/auth/token"] = [(401, {"detail": "Invalid credentials"})]
    with pytest.raises(AirflowApiError, match=r"'admin': HTTP 401 .*Invalid") as error:
        api.login()
    assert error.value.status == 401


def test_a_read_is_repeated_after_a_server_error(api: AirflowApi, server: FakeAirflow) -> None:
    server.on("GET", "/dags/d/dagRuns/r", (500, {}), requests.ConnectionError(), (200, {"state": "running"}))
    assert api.dag_run("d", "r")["state"] == "running"


def test_a_read_that_keeps_failing_says_so(api: AirflowApi, server: FakeAirflow) -> None:
    server.on("GET", "/dags/d/dagRuns/r", (500, {"detail": "database is locked"}))
    with pytest.raises(AirflowApiError, match=r"HTTP 500 .*database is locked"):
        api.dag_run("d", "r")


def test_all_pages_are_read(api: AirflowApi, server: FakeAirflow) -> None:
    def page(query: dict[str, str]) -> Answer:
        begin = int(query["offset"])
        rows = [{"dag_id": f"d{i}"} for i in range(begin, min(begin + 100, 250))]
        return 200, {"dags": rows, "total_entries": 250}

    server.routes["GET", "/api/v2/dags"] = page
    assert len(api.dag_ids()) == 250


class TestTrigger:
    def test_the_form_travels_as_conf(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("POST", "/dags/d/dagRuns", (200, {"dag_run_id": "r"}))
        assert api.trigger("d", "r", {"mode": "ask"}) == "r"
        assert server.calls[-1][2] == {"dag_run_id": "r", "conf": {"mode": "ask"}, "logical_date": None}

    def test_one_that_exists_is_kept(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("POST", "/dags/d/dagRuns", (409, {}))
        assert api.trigger("d", "r") == "r"

    def test_a_form_that_is_refused_is_told(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("POST", "/dags/d/dagRuns", (400, {"detail": "'x' is not one of ['plan']"}))
        with pytest.raises(AirflowApiError, match="not one of"):
            api.trigger("d", "r", {"mode": "x"})

    def test_a_start_is_never_repeated(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("POST", "/dags/d/dagRuns", (500, {}))
        with pytest.raises(AirflowApiError):
            api.trigger("d")
        assert server.times("POST", "/dagRuns") == 1


class TestWaiting:
    def test_progress_sees_every_step(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("GET", "/dags/d/dagRuns/r", (200, {"state": "running"}), (200, {"state": "success"}))
        server.on("GET", "/dags/d/dagRuns/r/taskInstances", (200, {"task_instances": [], "total_entries": 0}))
        seen: list[str] = []
        assert (
            api.wait_dag_run("d", "r", progress=lambda run, rows: seen.append(run["state"]))["state"]
            == "success"
        )
        assert seen == ["running", "success"]

    def test_a_wait_in_vain_names_the_open_tasks(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("GET", "/dags/d/dagRuns/r", (200, {"state": "running"}))
        rows = [task("success"), task("deferred", task_id="watch", map_index=3), task(None, task_id="plan")]
        server.on(
            "GET", "/dags/d/dagRuns/r/taskInstances", (200, {"task_instances": rows, "total_entries": 3})
        )
        with pytest.raises(
            AirflowApiError, match=r"still running after 5 s\. Not ended: watch\[3\] \(deferred\)$"
        ):
            api.wait_dag_run("d", "r", timeout=5)

    def test_a_dag_run_of_a_paused_dag_says_what_to_look_at(
        self, api: AirflowApi, server: FakeAirflow
    ) -> None:
        server.on("GET", "/dags/d/dagRuns/r", (200, {"state": "queued"}))
        server.on("GET", "/dags/d/dagRuns/r/taskInstances", (200, {"task_instances": [], "total_entries": 0}))
        with pytest.raises(AirflowApiError, match="is the DAG paused"):
            api.wait_dag_run("d", "r", timeout=5)

    def test_run_ids_are_quoted(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("GET", "/dags/d/dagRuns/ask__a%2Fb%2B1", (200, {"state": "success"}))
        assert api.wait_dag_run("d", "ask__a/b+1")["state"] == "success"


class TestAnswer:
    TASK = "/dags/d/dagRuns/r/taskInstances/ask"
    PATCH = f"{TASK}/-1/hitlDetails"

    def ask(self, api: AirflowApi) -> str | None:
        return api.answer("d", "r", "ask", chosen_options=["Go"], params_input={"a": 1}, timeout=60).state

    def test_it_waits_for_the_question_and_then_some_seconds_more(
        self, api: AirflowApi, server: FakeAirflow, time: Time
    ) -> None:
        states = [None, "running", "awaiting_input", "scheduled", "success"]
        server.on("GET", self.TASK, *[(200, task(state)) for state in states])
        server.on("PATCH", self.PATCH, (200, {}))
        assert self.ask(api) == "success"
        assert max(time.naps) == ANSWER_AFTER_SECONDS
        assert [body for verb, _, body in server.calls if verb == "PATCH"] == [
            {"chosen_options": ["Go"], "params_input": {"a": 1}}
        ]

    def test_a_server_error_is_repeated_and_409_means_answered(
        self, api: AirflowApi, server: FakeAirflow
    ) -> None:
        server.on("GET", self.TASK, (200, task("awaiting_input")), (200, task("success")))
        server.on("PATCH", self.PATCH, (500, {}), requests.ReadTimeout(), (409, {}))
        assert self.ask(api) == "success"
        assert server.times("PATCH", "hitlDetails") == 3

    @pytest.mark.parametrize("status", [400, 403, 422])
    def test_a_refusal_is_not_repeated(self, api: AirflowApi, server: FakeAirflow, status: int) -> None:
        server.on("GET", self.TASK, (200, task("awaiting_input")))
        server.on("PATCH", self.PATCH, (status, {"detail": "no"}))
        with pytest.raises(AirflowApiError, match=f"HTTP {status}"):
            self.ask(api)
        assert server.times("PATCH", "hitlDetails") == 1

    def test_answered_and_yet_failed_is_told_with_the_log(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("GET", self.TASK, (200, task("awaiting_input")), (200, task("failed")))
        server.on("PATCH", self.PATCH, (200, {}))
        log = {"content": [{"event": "state mismatch", "timestamp": "T", "level": "error"}]}
        server.on("GET", f"{self.TASK}/logs/1", (200, log))
        with pytest.raises(AirflowApiError, match=r"answered but ended failed[^\n]*\nT error state mismatch"):
            self.ask(api)

    def test_a_question_that_was_left_out_is_told_at_once(
        self, api: AirflowApi, server: FakeAirflow, time: Time
    ) -> None:
        server.on("GET", self.TASK, (200, task("upstream_failed")))
        with pytest.raises(AirflowApiError, match="is upstream_failed after 0 s"):
            self.ask(api)

    def test_an_empty_question_ends_by_itself(self, api: AirflowApi, server: FakeAirflow) -> None:
        server.on("GET", self.TASK, (200, task("success")))
        assert self.ask(api) == "success"
        assert server.times("PATCH", "hitlDetails") == 0


def test_pending_questions_only(api: AirflowApi, server: FakeAirflow) -> None:
    rows = [{"response_received": True, "subject": "a"}, {"response_received": False, "subject": "b"}]
    server.on("GET", "/dags/d/dagRuns/r/hitlDetails", (200, {"hitl_details": rows, "total_entries": 2}))
    assert [row["subject"] for row in api.hitl_details("d", "r")] == ["b"]
    assert len(api.hitl_details("d", "r", pending_only=False)) == 2


def test_a_missing_xcom_is_none(api: AirflowApi, server: FakeAirflow) -> None:
    server.on("GET", "/dags/d/dagRuns/r/taskInstances/t/xcomEntries/return_value", (404, {}))
    assert api.xcom("d", "r", "t") is None


def test_task_rows_carry_label_and_times(api: AirflowApi, server: FakeAirflow) -> None:
    row = task("success", map_index=0, rendered_map_index="Gala", start_date="2026-11-24T08:00:00Z")
    server.on("GET", "/dags/d/dagRuns/r/taskInstances", (200, {"task_instances": [row], "total_entries": 1}))
    [seen] = api.task_instances("d", "r")
    assert (seen.label, seen.map_index) == ("Gala", 0)
    assert seen.start is not None
    assert seen.start.utcoffset() is not None
    assert seen.end is None
