"""``scripts/up``: a local Airflow and a sandbox to click around in, until Ctrl-C.

Nobody is played here: it switches the DAGs on, prints where to look and how to log in, and then one line for each thing
that happens. Until the outage is found it starts further passes of detection, since their schedule of five minutes is
long for somebody who watches. Exit code 0 after Ctrl-C, 1 for what does not come up, 2 for a mistake in the command.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import requests

from pro2_sandbox.demo.airflow_runs import DETECT, RECONCILE, Runs
from pro2_sandbox.demo.options import incident_file
from pro2_sandbox.demo.stage import Setting, Stage, open_stage, own_folder
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.incident import Incident
from pro2_sandbox.loader import IncidentError, load_incident
from pro2_sandbox.local.processes import LocalRunError, signals_exit
from pro2_sandbox.local.rest import END_STATES, AirflowApi
from pro2_sandbox.local.wire import AirflowApiError, quoted

DEFAULT_INCIDENT = "live-outage"
LOOK_EVERY = 2.0
DETECT_EVERY = 15.0
USERS = {
    "viewer": "may look",
    "user": "may also answer the question and trigger DAGs",
    "admin": "may do everything, connections included",
}
"""Airflow's own roles, in the order in which they are worth trying."""


@dataclass(frozen=True)
class Options:
    """``root`` holds ``dags/`` and gets ``.airflow/up/``; ``port`` is Airflow's, None: a free one."""

    root: Path
    incident: str = DEFAULT_INCIDENT
    port: int | None = None


def parse(arguments: Sequence[str]) -> Options:
    """Options, or the end of the program with words that say what was wrong."""
    parser = argparse.ArgumentParser(
        prog="scripts/up",
        description="A local Airflow and a stand-in for a Pro2 account with an outage, to click around in.",
    )
    parser.add_argument("--root", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    parser.add_argument(
        "--incident",
        metavar="FILE",
        default=DEFAULT_INCIDENT,
        help=f"a YAML file, or a shipped name ({DEFAULT_INCIDENT})",
    )
    parser.add_argument("--port", type=_port, help="of Airflow, on 127.0.0.1 (a free one)")
    given = parser.parse_args(arguments)
    return Options(given.root.resolve(), given.incident, given.port)


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give 1024 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    watch = Stopwatch(float("inf"))
    try:
        with signals_exit():
            stay(options, watch)
        return 0
    except (AirflowApiError, IncidentError, LocalRunError, requests.RequestException) as error:
        print(f"\nerror after {watch.elapsed:.0f} s: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; everything that was started has ended")
        return 0


def stay(options: Options, watch: Stopwatch) -> None:
    """Start everything and tell what happens, until something ends it."""
    path = incident_file(options.incident)
    incident = load_incident(path)
    with own_folder(options.root / ".airflow" / "up") as folder:
        setting = Setting(options.root, folder, incident, path, port=options.port)
        with open_stage(setting, watch) as stage:
            api = stage.airflow.api()
            begun = datetime.fromisoformat(stage.sandbox.get("/sandbox/clock").json()["t0"])
            Runs(api, watch, stage.alive).switch_on()
            print(welcome(stage, incident, begun), flush=True)
            teller = Teller(api, incident, begun, stage.airflow.url)
            while True:
                stage.alive()
                with contextlib.suppress(
                    requests.RequestException, AirflowApiError
                ):  # it may be busy for a moment
                    for line in teller.news():
                        watch.say(line)
                time.sleep(LOOK_EVERY)


def welcome(stage: Stage, incident: Incident, begun: datetime) -> str:
    """Where it is, who may log in, what to expect and what to try first."""
    width = max(map(len, USERS))
    logins = [f"  {user:{width}}  {stage.airflow.passwords[user]}  {what}" for user, what in USERS.items()]
    dag, page = f"{stage.airflow.url}/dags/{RECONCILE}", f"{stage.airflow.url}/plugin/outages"
    lines = [
        "",
        f"Airflow  {stage.airflow.url}",
        *logins,
        f"Pro2     {stage.sandbox.url} (a sandbox; what it did: /sandbox/effects)",
        "",
        f"«{incident.name}»: {incident.about or 'no description'}".rstrip("."),
        *(f"  {line}" for line in timetable(incident, begun)),
        "",
        "Try first:",
        f"  1. Log in as user and open Outages, {page}: what is at risk while Pro2 is down.",
        "  2. When Pro2 is back, a dag run appears by itself. When it asks, answer on the page, and watch it do it.",
        f"  3. Trigger {RECONCILE} as its form stands, {dag}: a plan of the latest outage, nothing is changed.",
        "  4. As viewer, see the same and press nothing. As admin, turn the kill switch on the page.",
        f"  5. As admin, open {stage.airflow.url}/connections and press Test, with a wrong password for once.",
        "",
        f"Reports: {stage.airflow.home.parent / 'reports'}",
        "Everything keeps running until Ctrl-C.",
        "",
    ]
    return "\n".join(lines)


def timetable(incident: Incident, begun: datetime) -> list[str]:
    """When each outage begins and ends, in the incident's own zone."""
    zone = ZoneInfo(incident.zone)
    lines = []
    for outage in incident.outages:
        services = " and ".join(str(service) for service in outage.services)
        start = begun + outage.start
        until = "and does not come back"
        if outage.end is not None:
            end = begun + outage.end
            until = f"until {end.astimezone(zone):%H:%M:%S %Z}"
        lines.append(f"{services} down from {start.astimezone(zone):%a %d %b %H:%M:%S} {until}")
    return lines


@dataclass
class Teller:
    """Says once what is new: Pro2 goes down and comes back, a dag run begins, asks, ends."""

    api: AirflowApi
    incident: Incident
    begun: datetime
    url: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _down: frozenset[str] = frozenset()
    _states: dict[str, str] = field(default_factory=dict)
    _asked: set[tuple[str, str, int]] = field(default_factory=set)
    _passes: int = 0
    _last_pass: datetime | None = None

    def news(self) -> list[str]:
        """What is to be said now; starts a pass of detection where one is due."""
        return [*self._services(), *self._dag_runs(), *self._detect()]

    def _services(self) -> list[str]:
        since = self.now() - self.begun
        down = frozenset(
            str(service)
            for outage in self.incident.outages
            if outage.start <= since and (outage.end is None or since < outage.end)
            for service in outage.services
        )
        gone, back = sorted(down - self._down), sorted(self._down - down)
        self._down = down
        said = [f"{' and '.join(gone)}: down"] if gone else []
        return said + ([f"{' and '.join(back)}: back"] if back else [])

    def _dag_runs(self) -> list[str]:
        said = []
        for run in self.api.dag_runs(RECONCILE):
            run_id, state = run["dag_run_id"], run["state"]
            if run_id not in self._states:
                said.append(f"{RECONCILE} began {run_id}: {self.url}/dags/{RECONCILE}/runs/{quoted(run_id)}")
            if state in END_STATES and self._states.get(run_id) not in END_STATES:
                said.append(f"{RECONCILE} ended {run_id}: {state}")
            self._states[run_id] = state
            if state not in END_STATES:
                said += self._questions(run_id)
        return said

    def _questions(self, run_id: str) -> list[str]:
        said = []
        for detail in self.api.hitl_details(RECONCILE, run_id):
            task = detail["task_instance"]
            key = (run_id, task["task_id"], task["map_index"])
            if key not in self._asked:
                self._asked.add(key)
                said.append(f"Waits for an answer: {detail['subject']} {self.url}/plugin/outages")
        return said

    def _detect(self) -> list[str]:
        """One more pass until an outage has its dag run; what is on its schedule counts as well."""
        if any(run_id.startswith("outage__") for run_id in self._states) or not self._due():
            return []
        if any(run["state"] not in END_STATES for run in self.api.dag_runs(DETECT)):
            return []
        self._passes, self._last_pass = self._passes + 1, self.now()
        self.api.trigger(DETECT, f"up__{self._passes}")
        return []

    def _due(self) -> bool:
        return self._last_pass is None or self.now() - self._last_pass >= timedelta(seconds=DETECT_EVERY)


if __name__ == "__main__":
    sys.exit(main())
