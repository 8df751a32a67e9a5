"""A small client of Airflow's public REST API: what a person does in the UI, for a program that waits.

Every wait ends in words. A question is answered with the patience that 3.3.2 needs: an answer that follows
``awaiting_input`` at once makes the task fail although it was answered, so the client waits first, repeats
an answer that met a server error (409 means that it had arrived), and then checks that the task succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import requests

Json = dict[str, Any]
END_STATES = frozenset({"success", "failed"})
ANSWER_AFTER_SECONDS = 5.0
PAGE = 100


class AirflowApiError(RuntimeError):
    """Airflow refused, or did not get there in time; the message says what was asked of it."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class TaskRow:
    """One task instance as the API shows it."""

    task_id: str
    map_index: int
    state: str | None
    label: str | None
    """``rendered_map_index``: the words of ``map_index_template``."""
    try_number: int
    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls(
            task_id=row["task_id"],
            map_index=row["map_index"],
            state=row["state"],
            label=row.get("rendered_map_index"),
            try_number=row.get("try_number") or 0,
            start=_time(row.get("start_date")),
            end=_time(row.get("end_date")),
        )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


class AirflowApi:
    """One user's view of one Airflow. ``clock`` and ``sleep`` are for tests that move time."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._user = {"username": username, "password": password}
        self._session = session or requests.Session()
        self._session.trust_env = False
        self._clock = clock
        self._sleep = sleep
        self._token: str | None = None

    # --- the wire

    def login(self) -> None:
        """Fetch a token; every later call does so by itself, and again when the token has run out."""
        answer = self._session.post(f"{self.url}/auth/token", json=self._user, timeout=30)
        if answer.status_code != 201:
            raise AirflowApiError(
                f"Airflow refused the login of {self._user['username']!r}: HTTP {answer.status_code} "
                f"{answer.text[:300]}",
                answer.status_code,
            )
        self._token = answer.json()["access_token"]

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: object = None
    ) -> requests.Response:
        """One call under /api/v2 with this user's token; the answer is not judged here."""
        if self._token is None:
            self.login()
        answer = self._send(method, path, params, body)
        if answer.status_code == 401:
            self.login()
            answer = self._send(method, path, params, body)
        return answer

    def _send(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: object
    ) -> requests.Response:
        return self._session.request(
            method,
            f"{self.url}/api/v2{path}",
            params=dict(params or {}),
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            timeout=30,
        )

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        return _json(self.request("GET", path, params=params))

    def _all(self, path: str, key: str, params: Mapping[str, Any] | None = None) -> list[Json]:
        rows: list[Json] = []
        while True:
            page = self.get(path, {**(params or {}), "limit": PAGE, "offset": len(rows)})
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    # --- the instance

    def health(self) -> dict[str, str | None]:
        """State of each component by name; asks without a token."""
        answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
        return {name: (part or {}).get("status") for name, part in _json(answer).items()}

    def dag_ids(self) -> set[str]:
        return {row["dag_id"] for row in self._all("/dags", "dags", {"exclude_stale": True})}

    def import_errors(self) -> dict[str, str]:
        """Stack trace by file name."""
        rows = self._all("/importErrors", "import_errors")
        return {row["filename"]: row["stack_trace"] for row in rows}

    # --- dag runs

    def unpause(self, dag_id: str) -> None:
        _json(self.request("PATCH", f"/dags/{_q(dag_id)}", body={"is_paused": False}))

    def trigger(
        self,
        dag_id: str,
        run_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        logical_date: str | None = None,
    ) -> str:
        """Start a dag run, ``conf`` being the form's params; its run id. One that exists already is kept."""
        body = {"dag_run_id": run_id, "conf": dict(conf or {}), "logical_date": logical_date}
        answer = self.request("POST", f"/dags/{_q(dag_id)}/dagRuns", body=body)
        if answer.status_code == 409 and run_id is not None:
            return run_id
        created: str = _json(answer)["dag_run_id"]
        return created

    def dag_run(self, dag_id: str, run_id: str) -> Json:
        return self.get(f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}")

    def dag_runs(self, dag_id: str) -> list[Json]:
        """Oldest first."""
        return self._all(f"/dags/{_q(dag_id)}/dagRuns", "dag_runs", {"order_by": "run_after"})

    def wait_dag_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float = 300.0,
        until: Callable[[Json], bool] | None = None,
        progress: Callable[[Json, list[TaskRow]], None] | None = None,
        pause: float = 1.0,
    ) -> Json:
        """Wait for the end of a dag run, or for ``until``; ``progress`` sees the run and its tasks each time."""
        begin = self._clock()
        while True:
            run = self.dag_run(dag_id, run_id)
            if progress is not None:
                progress(run, self.task_instances(dag_id, run_id))
            if run["state"] in END_STATES or (until is not None and until(run)):
                return run
            if self._clock() - begin > timeout:
                open_tasks = _summary(self.task_instances(dag_id, run_id))
                raise AirflowApiError(
                    f"Dag run {run_id} of {dag_id} is still {run['state']} after {timeout:.0f} s. "
                    f"Not ended: {open_tasks or 'no task (nothing was scheduled: is the DAG paused?)'}"
                )
            self._sleep(pause)

    # --- task instances

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """All task instances, mapped ones included, by task id and map index."""
        path = _tasks(dag_id, run_id)
        rows = [TaskRow.of(row) for row in self._all(path, "task_instances", {"order_by": "id"})]
        return sorted(rows, key=lambda row: (row.task_id, row.map_index))

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> TaskRow:
        path = f"{_tasks(dag_id, run_id)}/{_q(task_id)}"
        return TaskRow.of(self.get(path if map_index < 0 else f"{path}/{map_index}"))

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, key: str = "return_value"
    ) -> Any:
        """The value of an XCom as Airflow would hand it to a task; None when there is none."""
        path = f"{_tasks(dag_id, run_id)}/{_q(task_id)}/xcomEntries/{_q(key)}"
        answer = self.request("GET", path, params={"map_index": map_index, "deserialize": "true"})
        return None if answer.status_code == 404 else _json(answer)["value"]

    def logs(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, try_number: int = 1) -> str:
        """The log of one try as plain text, one event a line."""
        path = f"{_tasks(dag_id, run_id)}/{_q(task_id)}/logs/{try_number}"
        content = self.get(path, {"map_index": map_index, "full_content": "true"})["content"]
        return content if isinstance(content, str) else "\n".join(_line(event) for event in content)

    # --- questions to a person

    def hitl_details(self, dag_id: str, run_id: str, *, pending_only: bool = True) -> list[Json]:
        """The questions of a dag run with options, params and their task instance."""
        path = f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/hitlDetails"
        rows = self._all(path, "hitl_details")
        return [row for row in rows if not (pending_only and row["response_received"])]

    def answer(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        *,
        chosen_options: Sequence[str],
        params_input: Mapping[str, Any] | None = None,
        map_index: int = -1,
        timeout: float = 120.0,
    ) -> TaskRow:
        """Answer a question and see that its task succeeded; waits for the question to be asked first."""
        begin = self._clock()
        row = self._wait_task(
            dag_id, run_id, task_id, map_index, {"awaiting_input", "deferred", *END_STATES}, begin, timeout
        )
        if row.state not in END_STATES:
            self._sleep(ANSWER_AFTER_SECONDS)
            path = f"{_tasks(dag_id, run_id)}/{_q(task_id)}/{map_index}/hitlDetails"
            body = {"chosen_options": list(chosen_options), "params_input": dict(params_input or {})}
            while (reply := self.request("PATCH", path, body=body)).status_code >= 500:
                if self._clock() - begin > timeout:
                    _json(reply)
                self._sleep(2.0)
            if reply.status_code != 409:
                _json(reply)
            row = self._wait_task(dag_id, run_id, task_id, map_index, END_STATES, begin, timeout)
        if row.state != "success":
            log = self.logs(dag_id, run_id, task_id, map_index, max(row.try_number, 1))[-2000:]
            raise AirflowApiError(
                f"{task_id} of {run_id} was answered but ended {row.state}. Its log:\n{log}"
            )
        return row

    def _wait_task(
        self, dag_id: str, run_id: str, task_id: str, map_index: int,
        states: frozenset[str] | set[str], begin: float, timeout: float,
    ) -> TaskRow:  # fmt: skip
        ended_otherwise = {"skipped", "upstream_failed", "removed"}
        while True:
            row = self.task_instance(dag_id, run_id, task_id, map_index)
            if row.state in states:
                return row
            if row.state in ended_otherwise or self._clock() - begin > timeout:
                raise AirflowApiError(
                    f"{task_id} of {run_id} is {row.state} after {self._clock() - begin:.0f} s; "
                    f"waited for {', '.join(sorted(states))}"
                )
            self._sleep(0.5)


def _q(part: str) -> str:
    return quote(part, safe="")


def _tasks(dag_id: str, run_id: str) -> str:
    return f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/taskInstances"


def _json(answer: requests.Response) -> Json:
    if not answer.ok:
        raise AirflowApiError(
            f"HTTP {answer.status_code} from {answer.url}: {answer.text[:500]}", answer.status_code
        )
    body: Json = answer.json()
    return body


def _line(event: Mapping[str, Any]) -> str:
    words = f"{event.get('timestamp') or ''} {event.get('level') or ''} {event.get('event') or ''}".strip()
    detail = event.get("error_detail")
    return f"{words} {detail}" if detail else words


def _summary(rows: Sequence[TaskRow]) -> str:
    ended = {"success", "failed", "skipped", "upstream_failed", "removed"}
    return ", ".join(
        f"{row.task_id}{'' if row.map_index < 0 else f'[{row.map_index}]'} ({row.state or 'none'})"
        for row in rows
        if row.state not in ended and row.state is not None
    )
