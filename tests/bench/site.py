"""A real Airflow for the benches, on SQLite as in the demo, with a sandbox without a rate limit and a relay between.

The relay counts the requests. The limit is lifted for the peer's sake: a stock sensor that is told "too many requests"
asks again at once.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from tests.bench import cpu
from tests.system.relay import Relay
from tests.system.vouching import vouched

from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import WallClock
from pro2_sandbox import Incident, build_incident
from pro2_sandbox.demo.site import SERVED, connections, variables, write_files
from pro2_sandbox.local.airflow import LocalAirflow
from pro2_sandbox.local.processes import clean_environment, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
UNLIMITED = """
import sys, uvicorn
from pro2_sandbox import World, create_app, load_incident
app = create_app(World(load_incident(sys.argv[1]), rate_limit=None))
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


class BenchSite:
    """``with bench_site(content, dags) as site``: everything runs, and nothing is unpaused."""

    def __init__(
        self, folder: Path, incident: Incident, airflow: LocalAirflow, relay: Relay, sandbox: str
    ) -> None:
        self.folder, self.incident, self.airflow, self.relay, self._sandbox = (
            folder,
            incident,
            airflow,
            relay,
            sandbox,
        )
        self.api = airflow.api()

    def ledger(self) -> Ledger:
        return Ledger.open(f"sqlite:///{self.folder}/ledger.db", clock=WallClock().now)

    def cpu(self) -> float:
        """CPU seconds of all of Airflow so far: its four processes and all that they started."""
        return cpu.seconds(child.pid for child in self.airflow._children.values())

    def people(self, deeds: list[dict[str, str]]) -> None:
        """So many colleagues do something in Pro2, in one go and not by way of the relay."""
        import requests

        with requests.Session() as session:
            session.trust_env = False
            for deed in deeds:
                session.post(f"{self._sandbox}/sandbox/people", json=deed, timeout=10).raise_for_status()

    def started(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a dag run for which a process was started."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return [row for row in self.api.all_rows(path, "task_instances") if row["pid"] is not None]

    def count(self, dag_id: str, run_id: str, state: str) -> int:
        """How many task instances are in a state, without reading them all."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        return int(self.api.get(path, {"state": state, "limit": 1})["total_entries"])

    def get(self, path: str) -> str:
        """What the sandbox says of itself, past the relay."""
        return _get(self._sandbox + path)


@contextmanager
def bench_site(
    content: dict[str, Any], dags: dict[str, str], env: Mapping[str, str] = MappingProxyType({})
) -> Iterator[BenchSite]:
    """An incident, and DAG files by name; a name of ours without text is the product's own file.

    ``env``: what is set for all of Airflow besides.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pro2-bench-")))
        relay = stack.enter_context(Relay())
        incident = build_incident(content)
        (folder / "incident.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
        (folder / "dags").mkdir()
        for name, text in dags.items():
            (folder / "dags" / name).write_text(text or (ROOT / "dags" / name).read_text())
        wired = connections(
            incident=incident, sandbox_url=relay.url, ledger=folder / "ledger.db", read_only=False
        )
        wired["pro2"]["extra"] = {"read_only": False, "pace_ms": 1}
        wired["bench_http"] = {
            "conn_type": "http",
            "host": relay.url,
            "extra": {"Api-Token": incident.tokens.api_token},
        }
        airflow = stack.enter_context(
            LocalAirflow(
                folder / "airflow",
                folder / "dags",
                expect=[name.removesuffix(".py") for name in dags],
                env={**variables(config=folder / "config", reports=folder / "reports", mode="ask"), **env},
                template_folder=ROOT / ".airflow",
                timeout=300,
            )
        )
        url = stack.enter_context(_sandbox(folder))
        relay.target = url
        served = {name: _get(f"{url}/sandbox/config/{name}") for name in SERVED}
        write_files(folder / "config", served)
        (folder / "reports").mkdir()
        site = BenchSite(folder, incident, airflow, relay, url)
        with contextlib.closing(site.ledger()) as ledger:
            vouched(ledger)
        for conn_id, connection in wired.items():
            site.api.put_connection(conn_id, connection)
        yield site


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", UNLIMITED, str(folder / "incident.yaml"), str(port)]
    with subprocess.Popen(command, env=clean_environment({}, os.environ)) as process:
        try:
            wait_until(
                lambda: _answers(url),
                timeout=60,
                what="an answer of the sandbox",
                complain=lambda: str(process.poll()),
            )
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(_get(f"{url}/sandbox/clock"))
    except OSError:
        return False


def _get(url: str) -> str:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=10)
        answer.raise_for_status()
        return answer.text
