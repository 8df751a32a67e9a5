"""The evening from beginning to end. Everything that it starts it ends, however it ends itself.

Airflow comes first, since the outage of the sandbox is over soon after the sandbox is up.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pro2_sandbox.demo.airflow_runs import DAGS, RECONCILE, Runs
from pro2_sandbox.demo.approval import unasked
from pro2_sandbox.demo.exporting import Exporter
from pro2_sandbox.demo.options import Options
from pro2_sandbox.demo.pressing import Person
from pro2_sandbox.demo.reports import Item, file_name, merged, read_report
from pro2_sandbox.demo.site import (
    EXPORT,
    adopt_ledger,
    confirm_suspected,
    environment,
    served_files,
    write_files,
)
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.demo.telling import as_json, conclusion, effects_table, items_table
from pro2_sandbox.demo.verdict import Evening, Expected, judge
from pro2_sandbox.incident import Incident
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.airflow import LocalAirflow
from pro2_sandbox.local.processes import RunFile
from pro2_sandbox.local.sandbox import SandboxProcess

MAX_FOLLOW_UPS = 2
START_LIMIT = 180.0


def play(options: Options, watch: Stopwatch) -> bool:
    """Run it all; whether the evening ended as the incident says.

    Raises ``IncidentError``, ``LocalRunError``, ``AirflowApiError``, ``TooLate`` or ``requests.RequestException``.
    """
    incident = load_incident(options.incident_path)
    with _folder(options.folder) as own, contextlib.ExitStack() as stack:
        held = stack.enter_context(_held_port())
        port: int = held.getsockname()[1]
        watch.say("Starting Airflow")
        with watch.stage("Airflow"):
            airflow = stack.enter_context(_airflow(options, incident, f"http://127.0.0.1:{port}", watch))
        watch.say(f"Airflow is healthy at {airflow.url}")
        with watch.stage("sandbox"):
            held.close()
            log = options.folder / "sandbox.log"
            sandbox = SandboxProcess(options.incident_path, log=log, port=port)
            own.write([sandbox.pid])
            stack.enter_context(sandbox)
            exports = options.folder / "exports"
            served = served_files(incident, exports)
            write_files(
                options.folder / "config", {name: sandbox.get(at).text for name, at in served.items()}
            )
            adopt_ledger(options.folder / "ledger.db", options.folder / "config")
        watch.say(f"The sandbox plays «{incident.name}» at {sandbox.url}")

        exporter = Exporter(exports, sandbox.get) if EXPORT in served else None

        def alive() -> None:
            airflow.must_run()
            sandbox.must_run()
            if exporter is not None:
                exporter.keep_up()

        person = None
        if _by_hand(options, incident):
            lists = {job.id: job.tessitura_list for job in incident.jobs if job.tessitura_list}
            person = Person(airflow.api(), sandbox.do, lambda: _effects(sandbox), lists)
        runs = Runs(airflow.api(), watch, alive, person=person)
        good = _reconcile(options, incident, runs, sandbox, watch)
        if options.keep:
            _keep(airflow, sandbox, watch)
        return good


def _reconcile(
    options: Options, incident: Incident, runs: Runs, sandbox: SandboxProcess, watch: Stopwatch
) -> bool:
    with watch.stage("detection"):
        runs.switch_on()
        current: str | None = runs.await_outage()
        certain = any(not outage.suspected for outage in incident.expected_outages or ())
        if certain and confirm_suspected(options.folder / "ledger.db", options.folder / "config"):
            watch.say(
                "Only the status page saw this outage, so it is suspected; the demo confirms it, as a colleague would"
            )
            current = runs.await_outage(beside=current)
    reports: list[list[Item]] = []
    wrong: list[str] = []
    followed: list[str] = []
    while current is not None:
        followed.append(current)
        watch.say(f"Dag run {current} of {RECONCILE}")
        with watch.stage(f"dag run {current}"):
            state = runs.follow(current, options.approval)
        if state == "failed":
            watch.say(f"Dag run {current} failed\n{runs.failures(RECONCILE, current)}")
            wrong.append(f"dag run {current} failed")
        path = options.folder / "reports" / f"{file_name(current)}.json"
        try:
            reports.append(read_report(path))
        except (OSError, ValueError, KeyError) as error:
            wrong.append(f"dag run {current} left no report that can be read ({error})")
        more = [run for run in runs.reconciliations("ask__") if run not in followed]
        current = more[0] if more and len(followed) <= MAX_FOLLOW_UPS else None
    for name in unasked(options.approval, runs.asked) if options.mode != "plan" else ():
        watch.say(f"Nothing was asked about {name}, so approving it did nothing")
    evening = _evening(sandbox, merged(reports), wrong)
    return _tell(options, incident, evening, watch, followed)


def _effects(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    return list(sandbox.get("/sandbox/effects").json()["effects"])


def _evening(sandbox: SandboxProcess, items: list[Item], wrong: list[str]) -> Evening:
    def served(name: str) -> Any:
        return sandbox.get(f"/sandbox/{name}").json()

    truth = served("truth")
    return Evening(
        items=items,
        expected=[Expected.of(row) for row in served("expected")["items"]],
        effects=served("effects")["effects"],
        mailed_twice=truth["mailed_twice"],
        missing=truth["missing"],
        failed_runs=wrong,
    )


def _tell(
    options: Options, incident: Incident, evening: Evening, watch: Stopwatch, followed: list[str]
) -> bool:
    verdict = judge(evening, options.approval, options.mode, read_only=options.read_only)
    print(f"\n{items_table(evening, verdict)}")
    print(f"\nEffects in order\n{effects_table(evening.effects, incident.zone)}\n")
    for run_id in followed:
        page = options.folder / "reports" / f"{file_name(run_id)}.html"
        print(f"Report: {page}" if page.exists() else f"Report: none of {run_id}")
    print(conclusion(verdict, evening))
    print(watch.summary(), flush=True)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(as_json(evening, verdict), encoding="utf-8")
    return verdict.good


def _by_hand(options: Options, incident: Incident) -> bool:
    return options.by_hand or incident.play.actions == "manual"


def _airflow(options: Options, incident: Incident, sandbox_url: str, watch: Stopwatch) -> LocalAirflow:
    folder = options.folder
    return LocalAirflow(
        folder / "airflow",
        options.root / "dags",
        expect=DAGS,
        env=environment(
            incident=incident,
            sandbox_url=sandbox_url,
            config=folder / "config",
            reports=folder / "reports",
            ledger=folder / "ledger.db",
            mode=options.mode,
            read_only=options.read_only,
            by_hand=_by_hand(options, incident),
        ),
        timeout=min(START_LIMIT, watch.left),
    )


def _keep(airflow: LocalAirflow, sandbox: SandboxProcess, watch: Stopwatch) -> None:
    """Leave everything running until Ctrl-C or a SIGTERM; the verdict stands."""
    print(f"\nAirflow: {airflow.url}   sandbox: {sandbox.url}/sandbox/effects")
    for user, password in airflow.passwords.items():
        print(f"  user {user}, password {password}")
    print("Everything keeps running until Ctrl-C", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            airflow.must_run()
            sandbox.must_run()
            time.sleep(1.0)


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[RunFile]:
    """The demo's own folder, without what an earlier run left there; refused while another demo uses it."""
    own = RunFile(folder / "processes.json")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    own.end_leftovers()
    own.write([])
    try:
        for name in ("config", "reports", "exports"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for path in (*folder.glob("ledger.db*"), folder / "sandbox.log"):
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
