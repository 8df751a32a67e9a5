"""A whole Airflow on loopback, from nothing, for as long as a ``with`` block lasts.

API server, scheduler, DAG processor and triggerer as four processes on SQLite with the LocalExecutor; or on
PostgreSQL, with as many schedulers as are wanted. Not ``airflow standalone``, whose log servers listen on every
interface and have no option against it. What a real Airflow of this machine or its environment has (connections,
settings) is not inherited. Each process can be killed and launched again, as on a bad day.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]
import requests

from pro2_sandbox.local.processes import (
    Child,
    LocalRunError,
    RunFile,
    clean_environment,
    free_port,
    require_free,
    signals_exit,
    stop_all,
    tail,
)
from pro2_sandbox.local.rest import AirflowApi
from pro2_sandbox.local.settings import Secrets, airflow_settings
from pro2_sandbox.local.wire import AirflowApiError

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
HEALTH = ("metadatabase", "scheduler", "triggerer", "dag_processor")
MARK = ".pro2-local-airflow"
STOP_GRACE_SECONDS = 5.0
"""The triggerer of 3.3.2 now and then never ends on SIGTERM; nothing here is worth more patience."""


class LocalAirflow(contextlib.AbstractContextManager["LocalAirflow"]):
    """``with LocalAirflow(home, dags_folder, expect=["reconcile"]) as airflow: airflow.api().trigger(...)``

    ``home`` is emptied at the start unless ``keep`` is set; a folder that is not ours is refused.
    ``template_folder`` (the folder above ``home`` by default) holds a migrated empty database for next time.
    ``database``: SQLAlchemy URL of an existing PostgreSQL database, instead of a SQLite file in ``home``;
    only there may ``schedulers`` be more than one (the second is the component ``scheduler-2``). ``port``: of the API
    server, a free one unless given.
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path,
        *,
        expect: Collection[str] = (),
        env: Mapping[str, str] | None = None,
        parallelism: int = 4,
        keep: bool = False,
        timeout: float = 180.0,
        template_folder: Path | None = None,
        database: str | None = None,
        schedulers: int = 1,
        port: int | None = None,
    ) -> None:
        if schedulers > 1 and database is None:
            raise LocalRunError("SQLite takes one scheduler; give a database of PostgreSQL for more")
        self.home = home.resolve()
        self.dags_folder = dags_folder.resolve()
        self.expect = frozenset(expect)
        self.port = free_port() if port is None else require_free(port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.timings: dict[str, float] = {}
        self._extra = dict(env or {})
        self._parallelism = parallelism
        self._keep = keep
        self._timeout = timeout
        self._templates = (template_folder or self.home.parent).resolve()
        self._database = database
        self._commands = {name: (name, *options) for name, options in COMPONENTS.items()}
        for number in range(2, schedulers + 1):
            self._commands[f"scheduler-{number}"] = self._commands["scheduler"]
        self._children: dict[str, Child] = {}
        self._run_file = RunFile(self.home / "processes.json")
        self._stack = contextlib.ExitStack()
        self._secrets: Secrets | None = None

    # --- start and stop

    def __enter__(self) -> Self:
        self._stack.enter_context(signals_exit())
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._stack.close()

    def start(self) -> None:
        """Start everything and wait until it works: healthy, and every expected DAG parsed."""
        atexit.register(self.stop)
        begin = time.monotonic()
        try:
            self._prepare_home()
            self.environment = self._environment()
            self._provide_database()
            self.timings["database"] = time.monotonic() - begin
            for name in self._commands:
                self.launch(name)
            self._wait_ready(begin)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the four processes and their tasks; safe to call twice."""
        atexit.unregister(self.stop)
        children, self._children = list(self._children.values()), {}
        if children:
            stop_all(children, STOP_GRACE_SECONDS)
            self._run_file.clear()

    # --- one component

    def launch(self, component: str) -> None:
        """Start one component (a key of ``COMPONENTS``, or ``scheduler-2``), and wait for nothing."""
        command = [sys.executable, "-m", "airflow", *self._commands[component]]
        name = f"Airflow's {component}"
        self._children[component] = Child(name, command, self.log(component), self.environment)
        self._run_file.write([child.pid for child in self._children.values()])

    def kill(self, component: str) -> None:
        """SIGKILL to one component and everything that it started, its tasks included, as if its host was lost."""
        self._children.pop(component).kill()
        self._run_file.write([left.pid for left in self._children.values()])

    def component_of(self, pid: int) -> str:
        """The component that a process belongs to: of a task, the scheduler that started it.

        Raises ``LocalRunError`` for a process that is none of ours.
        """
        above = {pid, *(parent.pid for parent in psutil.Process(pid).parents())}
        for name, child in self._children.items():
            if child.pid in above:
                return name
        raise LocalRunError(f"Process {pid} is none of this Airflow")

    # --- what the caller needs

    @property
    def passwords(self) -> dict[str, str]:
        """Password by user name: admin, op, user and viewer, each with the role of that name."""
        if self._secrets is None:
            raise LocalRunError("This Airflow has not been started yet")
        return dict(self._secrets.passwords)

    def api(self, user: str = "admin") -> AirflowApi:
        return AirflowApi(self.url, user, self.passwords[user])

    def log(self, component: str) -> Path:
        return self.home / "logs" / f"{component}.log"

    def must_run(self) -> None:
        """Complain when one of the four processes has ended."""
        for child in self._children.values():
            child.must_run()

    # --- the steps of the start

    def _prepare_home(self) -> None:
        self._run_file.end_leftovers()
        if self.home.exists() and any(self.home.iterdir()):
            if not (self.home / MARK).exists():
                raise LocalRunError(f"{self.home} is not empty and not ours: it is left alone")
            if not self._keep:
                shutil.rmtree(self.home)
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.home / MARK).touch()
        self._templates.mkdir(parents=True, exist_ok=True)
        (self.home / ".gitignore").write_text("*\n", encoding="utf-8")
        self._secrets = Secrets.kept_in(self.home)

    def _environment(self) -> dict[str, str]:
        assert self._secrets is not None  # noqa: S101 - set a line before
        settings = airflow_settings(
            home=self.home,
            dags_folder=self.dags_folder,
            port=self.port,
            secrets=self._secrets,
            parallelism=self._parallelism,
            database=self._database,
        )
        return clean_environment({**settings, **self._extra})

    def _provide_database(self) -> None:
        """A migrated, empty database: a copy of the one made before for this Airflow version, or made now.

        Migrating takes 3 to 5 s on two cores, and 8 to 13 s beside other heavy work; a copy takes no time.
        """
        if self._database is not None:
            self._migrate()
            return
        database = self.home / "airflow.db"
        if database.exists():
            return
        template = self._templates / f"template-{version('apache-airflow-core')}.db"
        if template.exists():
            _copy_sqlite(template, database)
            return
        self._migrate()
        part = template.with_name(f"{template.name}.{os.getpid()}.part")
        _copy_sqlite(database, part)
        part.replace(template)  # at once whole, also when two runs make it at the same time

    def _migrate(self) -> None:
        log = self.home / "logs" / "db-migrate.log"
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        with Child("airflow db migrate", command, log, self.environment) as migration:
            migration.wait(self._timeout)

    def _wait_ready(self, begin: float) -> None:
        api = self.api()
        healthy = False
        missing: Collection[str] = sorted(self.expect)
        state: Mapping[str, str | None] = {}
        while time.monotonic() - begin < self._timeout:
            self.must_run()
            with contextlib.suppress(requests.RequestException, AirflowApiError):
                state = api.health()
                if not healthy and all(state.get(name) == "healthy" for name in HEALTH):
                    healthy = True
                    self.timings["healthy"] = time.monotonic() - begin
                if healthy:
                    self._refuse_import_errors(api)
                    missing = sorted(self.expect - api.dag_ids()) if self.expect else []
                    if not missing:
                        self.timings["ready"] = time.monotonic() - begin
                        return
            time.sleep(0.25)
        ill = [name for name in HEALTH if state.get(name) != "healthy"]
        logs = "\n".join(f"--- {name}:\n{tail(self.log(name), 10)}" for name in self._commands)
        raise LocalRunError(
            f"Airflow was not ready after {self._timeout:.0f} s. Not healthy: {', '.join(ill) or 'none'}. "
            f"DAGs not parsed: {', '.join(missing) or 'none'}.\n{logs}"
        )

    def _refuse_import_errors(self, api: AirflowApi) -> None:
        if errors := api.import_errors():
            told = "\n".join(f"--- {name}:\n{trace}" for name, trace in errors.items())
            raise LocalRunError(f"{len(errors)} DAG file(s) cannot be imported:\n{told}")


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database through SQLite itself, so that what still stands in its journal comes along."""
    with (
        contextlib.closing(sqlite3.connect(source)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
