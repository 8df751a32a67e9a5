"""A small client of Airflow's public REST API: what a person does in the UI, for a program that waits.

Every wait ends in words. A question is answered with the patience that 3.3.2 needs: an answer that follows
``awaiting_input`` at once makes the task fail although it was answered, so the client waits first, repeats
an answer that met a server error (409 means that it had arrived), and then checks that the task succeeded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import requests

from pro2_sandbox.local.wire import AirflowApiError, ApiSession, Json, checked, quoted

END_STATES = frozenset({"success", "failed"})
"""Of a dag run, and of a task that was not left out."""
LEFT_OUT = frozenset({"skipped", "upstream_failed", "removed"})
WAITING_FOR_PERSON = frozenset({"awaiting_input", "deferred"})
ANSWER_AFTER_SECONDS = 4.0


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


class AirflowApi(ApiSession):
    """One user's view of one Airflow."""

    # --- the instance

    def health(self) -> dict[str, str | None]:
        """State of each component by name; asks without a token."""
        answer = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
        return {name: (part or {}).get("status") for name, part in checked(answer).items()}

    def dag_ids(self) -> set[str]:
        return {row["dag_id"] for row in self.all_rows("/dags", "dags", {"exclude_stale": True})}

    def import_errors(self) -> dict[str, str]:
        """Stack trace by file name."""
        rows = self.all_rows("/importErrors", "import_errors")
        return {row["filename"]: row["stack_trace"] for row in rows}

    def put_connection(self, conn_id: str, connection: Mapping[str, Any]) -> None:
        """Create a connection or change one; ``extra`` may be a mapping."""
        body = {"connection_id": conn_id, **connection}
        if isinstance(body.get("extra"), Mapping):
            body["extra"] = json.dumps(body["extra"])
        answer = self.request("POST", "/connections", body=body)
        if answer.status_code == 409:
            answer = self.request("PATCH", f"/connections/{quoted(conn_id)}", body=body)
        checked(answer)

    # --- dag runs

    def unpause(self, dag_id: str) -> None:
        self._pause(dag_id, False)

    def pause(self, dag_id: str) -> None:
        """No new dag run starts; those that run go on."""
        self._pause(dag_id, True)

    def _pause(self, dag_id: str, paused: bool) -> None:
        checked(self.request("PATCH", f"/dags/{quoted(dag_id)}", body={"is_paused": paused}))

    def trigger(
        self,
        dag_id: str,
        run_id: str | None = None,
        conf: Mapping[str, Any] | None = None,
        logical_date: str | None = None,
    ) -> str:
        """Start a dag run, ``conf`` being the form's params; its run id. One that exists already is kept."""
        body = {"dag_run_id": run_id, "conf": dict(conf or {}), "logical_date": logical_date}
        answer = self.request("POST", f"/dags/{quoted(dag_id)}/dagRuns", body=body)
        if answer.status_code == 409 and run_id is not None:
            return run_id
        created: str = checked(answer)["dag_run_id"]
        return created

    def dag_run(self, dag_id: str, run_id: str) -> Json:
        return self.get(f"/dags/{quoted(dag_id)}/dagRuns/{quoted(run_id)}")

    def dag_runs(self, dag_id: str) -> list[Json]:
        """Oldest first."""
        return self.all_rows(f"/dags/{quoted(dag_id)}/dagRuns", "dag_runs", {"order_by": "run_after"})

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

    def fail_dag_run(self, dag_id: str, run_id: str) -> None:
        """Mark a dag run as failed, as the button of the UI does: what runs of it is ended, nothing more begins."""
        path = f"/dags/{quoted(dag_id)}/dagRuns/{quoted(run_id)}"
        checked(self.request("PATCH", path, body={"state": "failed"}))

    # --- task instances

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskRow]:
        """All task instances, mapped ones included, by task id and map index."""
        path = _tasks(dag_id, run_id)
        rows = [TaskRow.of(row) for row in self.all_rows(path, "task_instances", {"order_by": "id"})]
        return sorted(rows, key=lambda row: (row.task_id, row.map_index))

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> TaskRow:
        path = f"{_tasks(dag_id, run_id)}/{quoted(task_id)}"
        return TaskRow.of(self.get(path if map_index < 0 else f"{path}/{map_index}"))

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, key: str = "return_value"
    ) -> Any:
        """The value of an XCom as Airflow would hand it to a task; None when there is none."""
        path = f"{_tasks(dag_id, run_id)}/{quoted(task_id)}/xcomEntries/{quoted(key)}"
        answer = self.read(path, {"map_index": map_index, "deserialize": "true"})
        return None if answer.status_code == 404 else checked(answer)["value"]

    def logs(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, try_number: int = 1) -> str:
        """The log of one try as plain text, one event a line."""
        path = f"{_tasks(dag_id, run_id)}/{quoted(task_id)}/logs/{try_number}"
        content = self.get(path, {"map_index": map_index, "full_content": "true"})["content"]
        return content if isinstance(content, str) else "\n".join(_line(event) for event in content)

    def clear(
        self,
        dag_id: str,
        run_id: str,
        tasks: Sequence[str | tuple[str, int]],
        *,
        downstream: bool = True,
    ) -> set[str]:
        """Clear tasks as the button of the UI does, mapped ones by (task id, map index); ids of what was cleared."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task if isinstance(task, str) else list(task) for task in tasks],
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        answer = checked(self.request("POST", f"/dags/{quoted(dag_id)}/clearTaskInstances", body=body))
        return {row["task_id"] for row in answer["task_instances"]}

    # --- questions to a person

    def hitl_details(self, dag_id: str, run_id: str, *, pending_only: bool = True) -> list[Json]:
        """The questions of a dag run with options, params and their task instance."""
        path = f"/dags/{quoted(dag_id)}/dagRuns/{quoted(run_id)}/hitlDetails"
        rows = self.all_rows(path, "hitl_details")
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

        def wait(states: Collection[str]) -> TaskRow:
            return self.wait_task(
                dag_id, run_id, task_id, map_index, states=states, timeout=timeout - (self._clock() - begin)
            )

        row = wait(WAITING_FOR_PERSON | END_STATES)
        if row.state not in END_STATES:
            self._sleep(ANSWER_AFTER_SECONDS)
            path = f"{_tasks(dag_id, run_id)}/{quoted(task_id)}/{map_index}/hitlDetails"
            body = {"chosen_options": list(chosen_options), "params_input": dict(params_input or {})}
            self._patch_until_arrived(path, body, begin + timeout)
            row = wait(END_STATES)
        if row.state != "success":
            log = self.logs(dag_id, run_id, task_id, map_index, max(row.try_number, 1))[-2000:]
            raise AirflowApiError(
                f"{task_id} of {run_id} was answered but ended {row.state}. Its log:\n{log}"
            )
        return row

    def _patch_until_arrived(self, path: str, body: Json, deadline: float) -> None:
        while True:
            try:
                reply = self.request("PATCH", path, body=body)
            except requests.RequestException:
                if self._clock() > deadline:
                    raise
            else:
                if reply.status_code == 409:
                    return
                if reply.status_code < 500 or self._clock() > deadline:
                    checked(reply)
                    return
            self._sleep(2.0)

    def wait_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        map_index: int = -1,
        *,
        states: Collection[str] = END_STATES,
        timeout: float = 120.0,
    ) -> TaskRow:
        """Wait until a task is in one of these states; one that was left out instead is told at once."""
        begin = self._clock()
        while True:
            row = self.task_instance(dag_id, run_id, task_id, map_index)
            if row.state in states:
                return row
            waited = self._clock() - begin
            if row.state in LEFT_OUT or waited > timeout:
                raise AirflowApiError(
                    f"{task_id} of {run_id} is {row.state or 'not scheduled'} after {waited:.0f} s; "
                    f"waited for {', '.join(sorted(states))}"
                )
            self._sleep(0.5)


def _tasks(dag_id: str, run_id: str) -> str:
    return f"/dags/{quoted(dag_id)}/dagRuns/{quoted(run_id)}/taskInstances"


def _line(event: Mapping[str, Any]) -> str:
    words = f"{event.get('timestamp') or ''} {event.get('level') or ''} {event.get('event') or ''}".strip()
    detail = event.get("error_detail")
    return f"{words} {detail}" if detail else words


def _summary(rows: Sequence[TaskRow]) -> str:
    return ", ".join(
        f"{row.task_id}{'' if row.map_index < 0 else f'[{row.map_index}]'} ({row.state or 'none'})"
        for row in rows
        if row.state is not None and row.state not in END_STATES | LEFT_OUT
    )
