"""What the demo and ``scripts/up`` stand on: a folder of their own, a real Airflow, a sandbox, and a site that fits.

Airflow comes first, since an incident begins when its sandbox does. Everything that was started ends with the block,
however that ends itself. Fails with ``LocalRunError`` for what does not come up and for a folder that is in use.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pro2_sandbox.demo.airflow_runs import DAGS
from pro2_sandbox.demo.exporting import Exporter
from pro2_sandbox.demo.site import EXPORT, adopt_ledger, connections, served_files, variables, write_files
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.incident import Incident
from pro2_sandbox.local.airflow import LocalAirflow
from pro2_sandbox.local.processes import LocalRunError, RunFile
from pro2_sandbox.local.sandbox import SandboxProcess

START_LIMIT = 180.0


@dataclass(frozen=True)
class Setting:
    """``root`` holds ``dags/``, ``folder`` gets everything that is written. ``port``: Airflow's, None: a free one.

    ``mode`` is of the dag runs that detection starts.
    """

    root: Path
    folder: Path
    incident: Incident
    incident_path: Path
    mode: str = "ask"
    read_only: bool = False
    by_hand: bool = False
    port: int | None = None


@dataclass
class Stage:
    """Both are running; ``alive`` complains when one of them is not any more, and keeps exported files coming."""

    airflow: LocalAirflow
    sandbox: SandboxProcess
    exporter: Exporter | None

    def alive(self) -> None:
        self.airflow.must_run()
        self.sandbox.must_run()
        if self.exporter is not None:
            self.exporter.keep_up()


@contextlib.contextmanager
def open_stage(setting: Setting, watch: Stopwatch) -> Iterator[Stage]:
    """Start everything; the DAGs are there, and still paused. What an earlier run left in the folder is gone.

    The connections stand in Airflow's database, as a site's would, and so in its Connections page.
    """
    incident, folder = setting.incident, setting.folder
    with _cleared(folder) as own, contextlib.ExitStack() as stack:
        held = stack.enter_context(_held_port())
        port: int = held.getsockname()[1]
        watch.say("Starting Airflow")
        with watch.stage("Airflow"):
            airflow = stack.enter_context(_airflow(setting, watch))
            api = airflow.api()
            for name, connection in connections(
                incident=incident,
                sandbox_url=f"http://127.0.0.1:{port}",
                ledger=folder / "ledger.db",
                read_only=setting.read_only,
                by_hand=setting.by_hand,
            ).items():
                api.put_connection(name, connection)
        watch.say(f"Airflow is healthy at {airflow.url}")
        with watch.stage("sandbox"):
            held.close()
            sandbox = SandboxProcess(setting.incident_path, log=folder / "sandbox.log", port=port)
            own.write([sandbox.pid])
            stack.enter_context(sandbox)
            exports = folder / "exports"
            served = served_files(incident, exports)
            write_files(folder / "config", {name: sandbox.get(at).text for name, at in served.items()})
            adopt_ledger(folder / "ledger.db", folder / "config")
        watch.say(f"The sandbox plays «{incident.name}» at {sandbox.url}")
        yield Stage(airflow, sandbox, Exporter(exports, sandbox.get) if EXPORT in served else None)


def _airflow(setting: Setting, watch: Stopwatch) -> LocalAirflow:
    folder = setting.folder
    return LocalAirflow(
        folder / "airflow",
        setting.root / "dags",
        expect=DAGS,
        env=variables(config=folder / "config", reports=folder / "reports", mode=setting.mode),
        timeout=min(START_LIMIT, watch.left),
        template_folder=folder.parent,
        port=setting.port,
    )


@contextlib.contextmanager
def _cleared(folder: Path) -> Iterator[RunFile]:
    """The folder, without what an earlier run left there; refused while another run uses it."""
    own = RunFile(folder / "processes.json")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own.end_leftovers()
    own.write([])
    try:
        for name in ("config", "reports", "exports"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for path in (*folder.glob("ledger.db*"), *folder.glob("ledger_*.db*"), folder / "sandbox.log"):
            path.unlink(missing_ok=True)
        for name in ("reports", "exports"):
            (folder / name).mkdir()
        yield own
    finally:
        own.clear()


@contextlib.contextmanager
def _held_port() -> Iterator[socket.socket]:
    """A port of the loopback interface that nobody else can take until the socket is closed."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


@contextlib.contextmanager
def own_folder(base: Path) -> Iterator[Path]:
    """The first of ``base``, ``base-2``, ... that no other run holds, for as long as the block lasts.

    A lock of the kernel's on a file, which a run that was killed does not keep.
    """
    import fcntl

    base.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 10):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with folder.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield folder
            return
    raise LocalRunError(f"nine runs use {base.parent} already; stop one of them")
