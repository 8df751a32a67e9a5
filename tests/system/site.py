"""One real Airflow for several evenings: PostgreSQL below it and below the ledger, two schedulers, and everything
that can be taken away from it while it works.

Each evening has a sandbox and a ledger of its own; Airflow stays. Its connections stand in Airflow's own database, as
a site's do, and lead to the relay, which leads to the sandbox of the evening.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from tests.system import postgres
from tests.system.added import QUICK
from tests.system.evening import SMALL, Evening
from tests.system.relay import Relay
from tests.system.vouching import vouched

from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import WallClock
from pro2_sandbox.demo.airflow_runs import DAGS
from pro2_sandbox.demo.site import SERVED, connections, variables, write_files
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.airflow import HEALTH, LocalAirflow
from pro2_sandbox.local.processes import wait_until
from pro2_sandbox.local.sandbox import SandboxProcess
from pro2_sandbox.local.wire import AirflowApiError

ROOT = Path(__file__).resolve().parents[2]


class AirflowSite:
    """``with AirflowSite(folder) as site:`` then ``site.evening(...)``, one after the other.

    ``organizations``: those of a consortium, each with a relay of its own; their evenings may be at once.
    """

    def __init__(self, folder: Path, *, schedulers: int = 2, organizations: Sequence[str] = ()) -> None:
        self.folder = folder
        self.schedulers = schedulers
        self.organizations = organizations
        self.relays: dict[str, Relay] = {}
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
        for name in ("config", "reports"):
            (self.folder / name).mkdir(parents=True)
        shutil.copytree(ROOT / "dags", self.folder / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        self.server = postgres.start(self.folder / "pg")
        self._stack.callback(self.server.cleanup)
        self.server.psql("CREATE DATABASE airflow;")
        for name in self.organizations or ("",):
            self.relays[name] = self._stack.enter_context(Relay())
        self.variables = {
            "PRO2_RECONCILIATION_ORGANIZATIONS": ",".join(self.organizations),
            "PRO2_RATE_STORE": str(self.folder / "permits.sqlite"),
            **variables(config=self.folder / "config", reports=self.folder / "reports", mode="ask"),
        }
        self._stack.callback(self.stop)

    def start(self) -> None:
        """Start Airflow, again with everything that it knew if it ran before."""
        self.airflow = LocalAirflow(
            self.folder / "airflow",
            self.folder / "dags",
            expect=[f"{dag}{suffix}" for dag in DAGS for suffix in map(_suffix, self.relays)],
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

    def kill(self, *components: str) -> None:
        """SIGKILL to components with all that they started, and start them again; nothing is waited for."""
        assert self.airflow is not None
        for component in components:
            self.airflow.kill(component)
        for component in components:
            self.airflow.launch(component)

    def await_health(self) -> None:
        """Wait until the API server answers, and finds every component alive."""

        def well() -> bool:
            try:
                return all(self.api.health().get(name) == "healthy" for name in HEALTH)
            except (requests.RequestException, AirflowApiError):
                return False

        wait_until(well, timeout=180, what="A healthy Airflow", complain=lambda: str(self.airflow.url))

    @property
    def relay(self) -> Relay:
        """The one of the organization without a name."""
        return self.relays[""]

    @contextmanager
    def evening(self, incident: Path = SMALL, organization: str = "") -> Iterator[Evening]:
        """An incident, the small evening unless said, in a new sandbox, with a new ledger."""
        self._evenings += 1
        suffix, told = _suffix(organization), load_incident(incident)
        name = f"ledger_{self._evenings}"
        self.server.psql(f"CREATE DATABASE {name};")
        log = self.folder / f"sandbox-{self._evenings}.log"
        with SandboxProcess(incident, log=log) as sandbox:
            self.relays[organization].target = sandbox.url
            served = {part: sandbox.get(f"/sandbox/config/{part}").text for part in SERVED}
            # what sources.yaml names is looked up as written there
            named = re.compile(r"(connection: *[\"']?\w+)")
            served["sources.yaml"] = named.sub(rf"\g<1>{suffix}", served["sources.yaml"])
            write_files(self.folder / "config" / organization, served)
            host = self.server.get_uri(name).partition("?host=")[2]
            given: dict[str, Any] = connections(
                incident=told,
                sandbox_url=self.relays[organization].url,
                ledger=self.folder / "unused.db",
                read_only=False,
            )
            ledger = {"conn_type": "postgres", "host": host, "login": "postgres", "schema": name}
            for conn_id, connection in {**given, "reconciliation_ledger": ledger}.items():
                self.api.put_connection(f"{conn_id}{suffix}", connection)
            adopted = Ledger.open(self.server.get_uri(name), clock=WallClock().now)
            vouched(adopted, told.organization)
            adopted.close()
            evening = Evening(
                self,
                sandbox,
                self.server.get_uri(name),
                self._evenings,
                organization=told.organization,
                suffix=suffix,
            )
            yield evening
            self._all_quiet(evening)

    def _all_quiet(self, evening: Evening) -> None:
        """Before another account takes the place of this one: a guard of the last evening would stop what it finds."""
        for dag_id in (evening.guard, evening.detect):
            self.api.pause(dag_id)
            for run in self.api.dag_runs(dag_id):
                if run["state"] == "running":
                    self.api.wait_dag_run(dag_id, run["dag_run_id"], timeout=120)


def _suffix(organization: str) -> str:
    return f"__{organization}" if organization else ""
