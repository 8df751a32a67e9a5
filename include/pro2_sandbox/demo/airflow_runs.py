"""What a person does in Airflow on such an evening: switch on, wait, watch, answer, look at what failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import requests

from pro2_sandbox.demo.approval import Approval, answer_to
from pro2_sandbox.demo.pressing import Person
from pro2_sandbox.demo.progress import Progress
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.local.rest import END_STATES, AirflowApi, TaskRow
from pro2_sandbox.local.wire import AirflowApiError

DETECT, RECONCILE, GUARD = "detect_outages", "reconcile", "guard_repairs"
DAGS = (GUARD, DETECT, RECONCILE)
QUESTION = "ask"
DETECT_EVERY = 3.0
POLL = 1.5
PATIENCE = 5
LOG_LINES = 25
T = TypeVar("T")


class Runs:
    """``alive`` complains when one of the processes behind it has ended; it is called at every poll."""

    def __init__(
        self,
        api: AirflowApi,
        watch: Stopwatch,
        alive: Callable[[], None],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        person: Person | None = None,
    ) -> None:
        self._api = api
        self._watch = watch
        self._alive = alive
        self._sleep = sleep
        self._clock = clock
        self._person = person
        self.asked: set[str] = set()
        """Keys of all items that were asked about."""

    def switch_on(self) -> None:
        """Unpause the DAGs. Detection and guard then have a pass at once: a time on their schedules is always past."""
        for dag_id in DAGS:
            self._patiently(partial(self._api.unpause, dag_id))

    def await_outage(self, beside: str | None = None) -> str:
        """Let detection look every few seconds until it starts a reconciliation, ``beside`` the one known already;
        the run id of that.

        A pass on schedule counts: one at a time runs, and another would only wait for it.
        """
        begun, number = self._clock(), 0
        while not (found := [run for run in self.reconciliations("outage__") if run != beside]):
            self._pause("Finding the outage")
            passes = self._api.dag_runs(DETECT)
            failed = [run["dag_run_id"] for run in passes if run["state"] == "failed"]
            if len(failed) > 1:
                raise AirflowApiError(f"Detection failed twice.\n{self.failures(DETECT, failed[-1])}")
            if self._clock() - begun < DETECT_EVERY or any(run["state"] not in END_STATES for run in passes):
                continue
            begun, number = self._clock(), number + 1
            name = f"demo__{number}" if beside is None else f"demo__again_{number}"
            self._patiently(partial(self._api.trigger, DETECT, name))
            self._watch.say(f"Detection looks for outages (pass {number})")
        return found[0]

    def reconciliations(self, *prefixes: str) -> list[str]:
        """Run ids of ``reconcile`` with these beginnings, oldest first."""
        runs = self._api.dag_runs(RECONCILE)
        return [run["dag_run_id"] for run in runs if run["dag_run_id"].startswith(prefixes)]

    def follow(self, run_id: str, approval: Approval) -> str:
        """Show a reconciliation until it ends, and answer its question; the state in which it ended."""
        progress, answered = Progress(), False
        while True:
            state: str = self._api.dag_run(RECONCILE, run_id)["state"]
            rows = self._api.task_instances(RECONCILE, run_id)
            if news := progress.news(rows):
                self._watch.say(news)
            if state in END_STATES:
                return state
            if not answered and _waits_for_answer(rows):
                answered = self._answer(run_id, approval)
            elif answered and self._person is not None and _waits_for_press(rows):
                self._press(run_id, self._person)
            self._pause(f"Dag run {run_id}")

    def _answer(self, run_id: str, approval: Approval) -> bool:
        details = self._api.hitl_details(RECONCILE, run_id)
        mine = [row for row in details if row["task_instance"]["task_id"] == QUESTION]
        if not mine:
            return False
        answer = answer_to(mine[0], approval)
        self.asked |= set(answer.choices)
        self._watch.say(f"Question: {mine[0]['subject']}")
        for key, choice in answer.choices.items():
            title = mine[0]["params"][key]["schema"].get("title") or key
            self._watch.say(f"  {title}: {choice}")
        self._watch.say(f"  Pressing «{answer.option}»")
        self._api.answer(
            RECONCILE,
            run_id,
            QUESTION,
            chosen_options=[answer.option],
            params_input=answer.choices,
            timeout=max(self._watch.left, 1.0),
        )
        return True

    def _press(self, run_id: str, person: Person) -> None:
        """Do what the waiting tasks of a lane ask for, and answer them all at once: each answer takes a while."""
        details = self._api.hitl_details(RECONCILE, run_id)
        with ThreadPoolExecutor(max_workers=max(len(details), 1)) as answering:
            given = []
            for detail in details:
                option = person.press(RECONCILE, run_id, detail)
                self._watch.say(f"{detail['subject']}: «{option}»")
                task = detail["task_instance"]
                given.append(
                    answering.submit(
                        self._api.answer,
                        RECONCILE,
                        run_id,
                        task["task_id"],
                        chosen_options=[option],
                        map_index=task["map_index"],
                        timeout=max(self._watch.left, 1.0),
                    )
                )
        for answer in given:
            answer.result()

    def failures(self, dag_id: str, run_id: str) -> str:
        """The failed tasks of a dag run with the ends of their logs."""
        told = []
        for row in self._api.task_instances(dag_id, run_id):
            if row.state == "failed":
                name = (
                    row.task_id
                    if row.map_index < 0
                    else f"{row.task_id}[{row.map_index}] ({row.label or '-'})"
                )
                told.append(
                    f"--- {name} of {run_id}, try {row.try_number}:\n{self._log(dag_id, run_id, row)}"
                )
        return "\n".join(told) or f"No task of {run_id} failed by itself."

    def _log(self, dag_id: str, run_id: str, row: TaskRow) -> str:
        try:
            text = self._api.logs(dag_id, run_id, row.task_id, row.map_index, max(row.try_number, 1))
        except (AirflowApiError, requests.RequestException) as error:
            return f"(its log cannot be read: {error})"
        return "\n".join(text.splitlines()[-LOG_LINES:])

    def _pause(self, doing: str) -> None:
        self._alive()
        self._watch.check(doing)
        self._sleep(POLL)

    def _patiently(self, call: Callable[[], T]) -> T:
        """A busy local Airflow may answer a change with a server error or nothing; these may be made again."""
        for _ in range(PATIENCE):
            try:
                return call()
            except requests.RequestException:
                pass
            except AirflowApiError as error:
                if error.status is None or error.status < 500:
                    raise
            self._alive()
            self._sleep(POLL)
        return call()


def _waits_for_press(rows: list[TaskRow]) -> bool:
    return any(row.task_id != QUESTION and row.state == "awaiting_input" for row in rows)


def _waits_for_answer(rows: list[TaskRow]) -> bool:
    return any(row.task_id == QUESTION and row.state in ("awaiting_input", "deferred") for row in rows)
