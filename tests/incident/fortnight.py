"""The first fortnight at a site, played in process with a clock of its own: ``python -m tests.incident.fortnight``.

In: ``fortnight.yaml``. Out: the log of two weeks as Markdown, which ``docs/fortnight.md`` holds. The code is that of
the tasks and of the desk; only transport and clock are the test's (``player.py``). Nothing in the log depends on the
day or the machine: the same two weeks give the same text.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from tests.incident.player import DagRun, Played, Player

from pro2 import reporting
from pro2.hooks.pro2 import a_moment
from pro2_reconciliation.desk.drill import drilled_at
from pro2_reconciliation.desk.learn import learned
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.proposal import summary
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.overview import commands
from pro2_reconciliation.overview.digest import digest
from pro2_reconciliation.overview.doctor import (
    Finding,
    clock_finding,
    dashboard_findings,
    ledger_findings,
    lists_findings,
    text_of,
    zone_finding,
)
from pro2_reconciliation.overview.shadow import shadow
from pro2_reconciliation.repair.catalog import check_catalog
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.wire.exchange import Request, read_json
from pro2_sandbox import load_incident
from pro2_sandbox.schedule import Schedule

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
CLOSELY = (timedelta(days=3, hours=6), timedelta(days=3, hours=11)), (
    timedelta(days=9, hours=5, minutes=30), timedelta(days=9, hours=10)), (
    timedelta(days=11, hours=6, minutes=30), timedelta(days=11, hours=10))  # fmt: skip
"""When detection looks every five minutes, as it always does in Airflow; else every four hours, to save time."""
NIGHT = timedelta(hours=20)
"""The nightly is due 20 hours after T0's time of day: 05:00."""
TOLD = {
    "campaign_copied": "duplicates campaign",
    "campaign_sent": "sends campaign",
    "campaign_stopped": "stops campaign",
    "repeat_import": "presses Repeat Import of",
    "job_stopped": "stops a run of",
}
HEAD = """\
# A fortnight, played

Two weeks of a site that is not yet trusted, from the doctor to mode `auto`. `scripts/fortnight` plays them against the
sandbox with a clock of its own, and this is what it printed; a test plays them again and compares. The steps are those
of [rollout](rollout.md). Times are Chicago's.

Three things differ from life. Airflow is not there: the code of its tasks is called in their order, and what the doctor
says of connections and DAGs is left out. Detection looks every five minutes around the outages only, else every four
hours. Nobody adopted the ledger by hand: the player did.
"""


@dataclass
class Log:
    """What happened, in the order in which it did; ``say`` is told the moment."""

    zone: str
    t0: datetime
    lines: list[str] = field(default_factory=list)
    _day: int = -1

    def say(self, at: datetime, text: str, block: str = "") -> None:
        day = (
            at.astimezone(ZoneInfo(self.zone)).date() - self.t0.astimezone(ZoneInfo(self.zone)).date()
        ).days
        if day != self._day:
            self._day = day
            date = " ".join(local(at, self.zone).split()[:3])
            self.lines += ["", f"## Day {day}, {date}", ""]
        self.lines.append(f"- **{at.astimezone(ZoneInfo(self.zone)):%H:%M}** {text}")
        if block:
            self.lines += ["", "  ```", *(f"  {line}".rstrip() for line in block.splitlines()), "  ```", ""]

    def text(self) -> str:
        return HEAD + "\n".join(self.lines).rstrip() + "\n"


class Fortnight(Player):
    """Plays it; ``log`` is what there is to tell."""

    def __init__(self, folder: Path) -> None:
        incident = load_incident(HERE / "fortnight.yaml")
        super().__init__(folder, incident)
        self.one: Played = self.played[0]
        self.house, self.zone = self.one.house, incident.zone
        self.house.only_proven = True
        self.log = Log(self.zone, self.t0)
        self._told_effects = self._told_runs = 0
        self._known: set[str] = set()
        self._moved: dict[str, Any] = {}
        self._weekly = self.t0
        self._nights = [day * DAY + NIGHT for day in range(14)]
        self._acts: list[tuple[timedelta, Callable[[], object]]] = [
            (MINUTE, self.doctor),
            (2 * MINUTE, self.first_passes),
            (5 * MINUTE, self.doctor),
            (DAY + MINUTE, self.learn),
            (timedelta(days=4, hours=1), self.keep_the_gala),
            (timedelta(days=5, minutes=5), self.move_job),
            (timedelta(days=7, hours=1), self.drill),
            (timedelta(days=8, minutes=1), lambda: self.mode(Mode.ASK, "one person is asked: kim")),
            (timedelta(days=9, hours=23), self.accept),
            (
                timedelta(days=10),
                lambda: self.mode(Mode.AUTO, "imports and syncs that start no mail run by themselves"),
            ),
            (timedelta(days=12, hours=1), self.correct_catalog),
            (timedelta(days=13, hours=23), self.end),
        ]

    # -------------------------------------------------------------------------------------- the days' steps

    def doctor(self) -> None:
        found = list(self._findings())
        wrong = sum(not one.ok for one in found)
        self.log.say(self.clock.at, f"`doctor`: {wrong or 'nothing'} of {len(found)} to do", text_of(found))

    def _findings(self) -> Any:
        account = self.house.account("doctor")
        now = self.clock.at
        yield from ledger_plain(ledger_findings(self.house.site, self._kept, now), self._kept)
        yield from dashboard_findings(self.house.site, account.dashboard, now)
        yield from lists_findings(self.house.site, account.lists, now)
        request = Request("GET", "api/3/campaigns", {"limit": "20"})
        reply = self.house.pro2.carry(request)
        date = next((v for k, v in reply.headers.items() if k.lower() == "date"), None)
        if date:
            yield clock_finding(date, now, self.zone)
        yield zone_finding(a_moment(read_json(request, reply)), self.zone)

    def first_passes(self) -> None:
        guard_pass(self.house.account("guard"))
        self._next_pass = self.clock.at
        self.log.say(
            self.clock.at, "guard_repairs is unpaused, then detect_outages, then reconcile; mode `plan`"
        )

    def learn(self) -> None:
        folder = self.house.folder / "learn"
        folder.mkdir()
        export = self.house.sandbox.call("GET", "/sandbox/activity.csv")
        file = folder / export.headers["x-file-name"]
        file.write_bytes(export.text.encode())
        path = {"path": folder.as_uri()}
        rules = self.house.sandbox.call("GET", "/sandbox/config/activity_export.yaml", params=path)
        (folder / "activity_export.yaml").write_text(rules.text)
        found = learned(
            [str(file)], config=str(folder), zone=self.zone, organization="playhouse", now=self.clock.at
        )
        self.log.say(self.clock.at, f"`learn --activity-log {file.name}`", "\n".join(summary(found)))

    def correct_catalog(self) -> None:
        """kim puts jobs.yaml right, by the nightly's lines."""
        new = yaml.safe_load("\n".join(self._moved["j-403"].lines))
        file = self.house.folder / "config" / "jobs.yaml"
        body = yaml.safe_load(file.read_text())
        next(job for job in body["jobs"] if job["id"] == "j-403").update(new)
        file.write_text(yaml.safe_dump(body, sort_keys=False))
        self.house.site = load_site(file.parent)
        self.log.say(self.clock.at, "kim looks in Pro2, and pastes these lines into jobs.yaml")

    def keep_the_gala(self) -> None:
        why = "the gala was moved to January"
        commands.hold(self._kept, "playhouse", self.zone, "campaign:305", who="kim", why=why)
        self.log.say(self.clock.at, f'kim: `hold campaign:305 --why "{why}"`')

    def drill(self) -> None:
        account = self.house.account("drill by kim")
        given = argparse.Namespace(campaign="390", yes=True, who="kim")
        begun = self.clock.at
        self._acting = True
        with redirect_stderr(StringIO()):
            text, code = drilled_at(account, given)
        self._acting = False
        minutes = (self.clock.at - begun).total_seconds() / 60
        self._tell()
        self.log.say(self.clock.at, f"`drill 390 --yes`, {minutes:.0f} min, exit code {code}", text)

    def accept(self) -> None:
        """kim had the dashboard's API repeat one import, and looked."""
        why = "asked the API once for «Ticket buyers import» on 11 Nov; the log shows one run, and the count is right"
        said = commands.accept_capabilities(
            self._kept, "playhouse", self.zone, ["repeat_import"], who="kim", why=why
        )
        self.log.say(self.clock.at, f'kim: `capabilities accept repeat_import --why "{why}"`', said)

    def _press(self, house: Any, step: Any) -> Any:
        name = f"{step.verb.value.replace('_', ' ')} of «{step.name}»"
        self.log.say(
            self.clock.at,
            f"kim is asked to press {name}, and does",
            "\n".join(textwrap.wrap(step.instruction, 110)),
        )
        return super()._press(house, step)

    def mode(self, mode: Mode, why: str) -> None:
        self.play_book = self.play_book.model_copy(update={"mode": mode.value})
        self.log.say(self.clock.at, f"PRO2_RECONCILIATION_DETECT_MODE is set to `{mode.value}`: {why}")

    def move_job(self) -> None:
        jobs = self.house.world.jobs
        jobs.schedules["j-403"] = Schedule(ZoneInfo(self.zone), (4,), 0)
        self.log.say(
            self.clock.at, "somebody moves «Members import» (j-403) to 04:00 in Pro2 and tells nobody"
        )

    def end(self) -> None:
        self._tell()
        truth = self.house.truth()
        counts: dict[str, int] = {}
        for run in self.one.runs:
            for row in run.report.rows:
                counts[row.outcome.value] = counts.get(row.outcome.value, 0) + 1
        self.log.say(
            self.clock.at,
            f"the end: {len(self.one.runs)} dag runs, {len(self.one.outages)} outages, mailed twice: "
            f"{len(truth['mailed_twice']) or 'nobody'}, alarms of the guard: {len(self.one.alarms) or 'none'}",
            _shadow_text(self),
        )

    # ------------------------------------------------------------------------------------------- the playing

    def _look(self) -> None:
        since = self.clock.at - self.t0
        news = self.clock.at >= self._next_pass
        while self._acts and self._acts[0][0] <= since and not self._acting:
            self._acts.pop(0)[1]()
            news = True
        close = any(first <= since < last for first, last in CLOSELY)
        wanted = 5 * MINUTE if close else 4 * HOUR
        if self.play_book.every != wanted:
            self.play_book = self.play_book.model_copy(update={"every": wanted})
            self._next_pass = min(self._next_pass, self.clock.at + wanted)
        if since >= 2 * MINUTE:
            super()._look()
        if news:  # reading the ledger each minute of two weeks takes longer than all the rest
            self._tell()

    def _reconcile(self, one: Played, run_id: str, conf: dict[str, Any]) -> None:
        super()._reconcile(one, run_id, conf)
        if not conf.get("scheduled"):
            return
        account = self.house.account("nightly")
        reporting._compare(account)
        self._catalog(account)
        now = self.clock.at
        night = digest(self.house.site, self._kept, now, since=self._weekly)
        self._weekly = now
        week = next((s for s in night.sections if s.title.startswith("Shadow")), None)
        self._tell()
        for verdict in self._kept.verdicts("playhouse", now - HOUR):
            if verdict.judged_at == now or verdict.judged_at >= self.one.runs[-1].at:
                self._verdict(verdict)
        if week is not None:
            block = "\n".join(line for entry in week.entries for line in (entry.text, entry.more) if line)
            self.log.say(now, "the weekly part of the digest", block)

    def _catalog(self, account: Any) -> None:
        for finding in check_catalog(account).findings:
            known = self._moved.get(finding.job_id)
            self._moved[finding.job_id] = finding
            if known is None or (known.kind, bool(known.lines)) != (finding.kind, bool(finding.lines)):
                self.log.say(self.clock.at, f"the nightly, rule R5: {finding.text}", "\n".join(finding.lines))

    def _verdict(self, one: Any) -> None:
        if f"verdict {one.item_key} {one.remedy}" in self._known:
            return
        self._known.add(f"verdict {one.item_key} {one.remedy}")
        change = f" ({one.setting})" if one.setting else ""
        self.log.say(
            self.clock.at,
            f"shadow: {one.rule} of «{one.name}» would have been **{one.verdict.value}**: {one.why}{change}",
        )

    # -------------------------------------------------------------------------------------------- the telling

    def _tell(self) -> None:
        effects = self.house.world.effects.log
        for effect in effects[self._told_effects :]:
            what = TOLD.get(effect.kind)
            if what and effect.by in ("person", "us"):
                who = "a colleague" if effect.by == "person" else "we"
                verb = what if effect.by == "person" else what.replace("duplicates", "duplicate").replace(
                    "sends", "send").replace("stops", "stop").replace("presses", "press")  # fmt: skip
                self.log.say(effect.at, f"{who} {verb} {effect.item}")
        self._told_effects = len(effects)
        for outage in self.one.outages:
            for state in ("found", outage.state.value if outage.end else ""):
                mark = f"{outage.id} {state}"
                if not state or mark in self._known:
                    continue
                self._known.add(mark)
                if state == "found":
                    self.log.say(
                        self.clock.at,
                        f"detection: {outage.service.value} is down since {local(outage.start, self.zone)}",
                    )
                elif state == "ended" and outage.end:
                    self.log.say(
                        self.clock.at,
                        f"detection: {outage.service.value} works again since {local(outage.end, self.zone)}",
                    )
        for run in self.one.runs[self._told_runs :]:
            self._run(run)
        self._told_runs = len(self.one.runs)

    def _run(self, run: DagRun) -> None:
        rows = [
            row for row in run.report.rows
            if row.outcome is not End.NONE and f"{row.key} {row.outcome} {row.rule}" not in self._known
        ]  # fmt: skip
        if run.run_id.startswith("scheduled__") and not rows:
            return
        kind = "the nightly reconcile" if run.run_id.startswith("scheduled__") else "reconcile"
        lines = [
            f"{row.rule:<5} {row.outcome.value:<12} «{row.name}» ({row.item_id.partition('@')[0]}), "
            f"{row.decision}: {row.detail or row.reason}"
            for row in rows
        ]
        self._known |= {f"{row.key} {row.outcome} {row.rule}" for row in rows if kind != "reconcile"}
        self.log.say(
            self.clock.at,
            f"{kind}, mode `{run.mode.value}`, has reported: {len(run.report.rows)} items, {len(rows)} to tell of",
            "\n".join(lines),
        )


def ledger_plain(findings: Any, ledger: Any) -> Any:
    """The findings without what differs from one ledger to the next: its uuid and its place."""
    for one in findings:
        said = one.said.replace(ledger.identity.uuid, "UUID").replace(ledger.address, "LEDGER")
        yield Finding(subject=one.subject, ok=one.ok, said=said, todo=one.todo)


def _shadow_text(fortnight: Fortnight) -> str:
    seen = shadow(fortnight.house.site, fortnight._kept, fortnight.clock.at)
    return "\n".join(
        f"{one.rule}: {one.right} right, {one.twice} mailed twice, {one.not_needed} not needed, {one.unknown} unknown, "
        f"{one.waiting} not known yet"
        for one in seen.rules
    )


def played(folder: Path) -> Fortnight:
    """The two weeks, played."""
    fortnight = Fortnight(folder)
    fortnight.play()
    return fortnight


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="scripts/fortnight", description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FILE", help="write the log there, else it is printed")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        text = played(Path(folder)).log.text()
    if given.out:
        Path(given.out).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
