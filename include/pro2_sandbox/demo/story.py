"""The evening from beginning to end, and how it is judged; ``stage.py`` starts and ends everything."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from pro2_sandbox.demo.airflow_runs import RECONCILE, Runs
from pro2_sandbox.demo.approval import unasked
from pro2_sandbox.demo.options import Options
from pro2_sandbox.demo.pressing import Person
from pro2_sandbox.demo.reports import Item, file_name, merged, read_report
from pro2_sandbox.demo.site import confirm_suspected
from pro2_sandbox.demo.stage import Setting, Stage, open_stage
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.demo.telling import as_json, conclusion, effects_table, items_table
from pro2_sandbox.demo.verdict import Evening, Expected, judge
from pro2_sandbox.incident import Incident
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.sandbox import SandboxProcess

MAX_FOLLOW_UPS = 2


def play(options: Options, watch: Stopwatch) -> bool:
    """Run it all; whether the evening ended as the incident says.

    Raises ``IncidentError``, ``LocalRunError``, ``AirflowApiError``, ``TooLate`` or ``requests.RequestException``.
    """
    incident = load_incident(options.incident_path)
    by_hand = options.by_hand or incident.play.actions == "manual"
    setting = Setting(
        root=options.root,
        folder=options.folder,
        incident=incident,
        incident_path=options.incident_path,
        mode=options.mode,
        read_only=options.read_only,
        by_hand=by_hand,
    )
    with open_stage(setting, watch) as stage:
        sandbox, api = stage.sandbox, stage.airflow.api()
        person = None
        if by_hand:
            lists = {job.id: job.tessitura_list for job in incident.jobs if job.tessitura_list}
            person = Person(api, sandbox.do, lambda: _effects(sandbox), lists)
        runs = Runs(api, watch, stage.alive, person=person)
        good = _reconcile(options, incident, runs, sandbox, watch)
        if options.keep:
            _keep(stage)
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


def _keep(stage: Stage) -> None:
    """Leave everything running until Ctrl-C or a SIGTERM; the verdict stands."""
    print(f"\nAirflow: {stage.airflow.url}   sandbox: {stage.sandbox.url}/sandbox/effects")
    for user, password in stage.airflow.passwords.items():
        print(f"  user {user}, password {password}")
    print("Everything keeps running until Ctrl-C", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            stage.alive()
            time.sleep(1.0)
