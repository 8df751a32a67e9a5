"""Does the catalog still say what happens? Each job of ``jobs.yaml`` against the runs of the last weeks (rule R5).

In: the catalog, the Activity Log, and times of which nothing may be concluded (outages, maintenance). Out: a
:class:`Finding` for each job that moved, runs when nothing is due, does not run any more, or is not in the catalog,
with the lines that would put ``jobs.yaml`` right; nobody changes it but a person. What a job does now is learned as
``learn`` does it, so a finding has lines only where the schedule is clear; or where the catalog's own days at another
time of day explain every run and every due time since it moved, which is said with how sure it is.

No finding comes of one missing run: ``GONE`` due times in a row over two days, or runs on as many, must say the same.
Times in which no job at all ran say nothing, whatever the reason. It cannot fail, but for a zone nobody knows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, EarlierSchedule, Job
from pro2_reconciliation.domain.learning import joined, learn
from pro2_reconciliation.domain.learning_fold import Fold
from pro2_reconciliation.domain.learning_lesson import GONE, Lesson, Span, compared, in_any
from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.proposal import entry, schedule_lines
from pro2_reconciliation.domain.schedule import due_times, dues_of

RULE = "R5"
LATELY = timedelta(days=14)
"""A job that is not in the catalog is told for so long after its last run."""
TIME_SURE = 0.95
"""So sure must the minute be where the days are taken from the catalog."""
_TWO_DAYS = timedelta(days=2)
_LOOK_AHEAD = timedelta(days=35)


class FindingKind(StrEnum):
    MOVED = "moved"
    RUNS_OTHERWISE = "runs otherwise"
    STOPPED = "does not run"
    RUNS_THOUGH_PAUSED = "runs though paused"
    NOT_IN_CATALOG = "not in the catalog"


class Finding(Value):
    """One job whose entry in ``jobs.yaml`` may be out of date. ``lines`` are for that entry; none: look yourself."""

    job_id: str
    name: str
    kind: FindingKind
    since: UtcTime
    text: str
    lines: tuple[str, ...] = ()


class CatalogCheck(Value):
    """What a check of the catalog found. ``unread``: why there was none; empty where there was."""

    findings: tuple[Finding, ...] = ()
    as_of: UtcTime | None = None
    unread: str = ""


def catch_up(
    organization: str,
    zone: str,
    jobs: Sequence[Job],
    log: ActivityLog,
    silent: Iterable[Span],
) -> CatalogCheck:
    """Compare catalog and log. ``silent`` are times of which nothing is concluded."""
    start = log.whole_from or min((row.started for row in log.rows), default=log.as_of)
    rows: dict[str, list[ActivityRow]] = defaultdict(list)
    for row in sorted(log.rows, key=lambda row: (row.started, row.run_id)):
        if start <= row.started < log.as_of and row.manual is not True:
            rows[row.job_id].append(row)
    checker = _Checker(organization, zone, log, start, joined([*silent, *_after_the_last(log)]))
    seen = {job.id: checker.compared(job, rows.get(job.id, [])) for job in jobs if not job.paused}
    checker.quiet = joined([*checker.silent, *_nobody_ran(log, seen)])
    findings = [found for job in jobs for found in checker.of(job, rows.get(job.id, []), seen.get(job.id))]
    mine = {job.id for job in jobs}
    findings += [
        found for job_id in sorted(rows.keys() - mine) for found in checker.unknown(job_id, rows[job_id])
    ]
    return CatalogCheck(findings=tuple(findings), as_of=log.as_of)


@dataclass(frozen=True)
class _Seen:
    """A job of the catalog against its runs: due times with and without one, and the runs of no due time."""

    hits: tuple[datetime, ...]
    missed: tuple[datetime, ...]
    strays: tuple[ActivityRow, ...]

    @property
    def last(self) -> datetime | None:
        return self.hits[-1] if self.hits else None

    def since(self) -> tuple[list[datetime], list[ActivityRow]]:
        """What was missed, and what ran, after the last due time with a run."""
        last = self.last
        return (
            [due for due in self.missed if last is None or due > last],
            [row for row in self.strays if last is None or row.started > last],
        )


def _after_the_last(log: ActivityLog) -> list[Span]:
    """From the last run of any job on: who is to say that it is the job, and not the log or an outage?"""
    last = max((row.started for row in log.rows), default=log.as_of)
    return [(last + timedelta.resolution, log.as_of)] if last < log.as_of else []


def _nobody_ran(log: ActivityLog, seen: Mapping[str, _Seen]) -> list[Span]:
    """Times between two runs of any jobs in which at least two jobs were due: an outage, or a hole in the log."""
    starts = sorted({row.started for row in log.rows})
    waiting: dict[int, set[str]] = defaultdict(set)
    for job_id, one in seen.items():
        for due in one.missed:
            waiting[bisect_right(starts, due)].add(job_id)
    return [
        (starts[at - 1] + timedelta.resolution, starts[at])
        for at, jobs in waiting.items()
        if len(jobs) > 1 and 0 < at < len(starts)
    ]


class _Checker:
    """One log, with what is known of it as a whole: ``silent`` are times of which nothing is concluded, ``quiet`` those
    and the ones in which nobody ran. A job that did not run again afterwards has no excuse in the latter.
    """

    def __init__(
        self, organization: str, zone: str, log: ActivityLog, start: datetime, silent: tuple[Span, ...]
    ) -> None:
        self.organization, self.zone, self.log, self.start = organization, zone, log, start
        self.silent = self.quiet = silent

    def compared(self, job: Job, rows: Sequence[ActivityRow]) -> _Seen:
        dues = dues_of(job, self.start, self.log.as_of - job.grace)
        hits, missed, strays = compared(dues, rows, job.grace, self.silent)
        return _Seen(tuple(hits), tuple(missed), tuple(strays))

    def of(self, job: Job, rows: Sequence[ActivityRow], seen: _Seen | None) -> list[Finding]:
        """At most one finding on a job of the catalog."""
        if seen is None:
            days = {row.started.date() for row in rows}
            goes_on = len(days) >= GONE and rows[-1].started >= self.log.as_of - _TWO_DAYS
            return [self._runs_though_paused(job, rows)] if goes_on else []
        since, after = seen.since()
        if len(since) >= GONE and since[-1] - since[0] >= _TWO_DAYS:
            lesson = self._lesson(job.id, after) if after else None
            return [
                self._moved(job, lesson, since, after, seen.last)
                if after
                else self._stopped(job, since, seen.last)
            ]
        # it runs as the catalog says, and more often; or at only some of its due times
        recent = self.log.as_of - LATELY
        often = [row for row in seen.strays if row.started >= recent]
        seldom = [due for due in seen.missed if due >= recent and not in_any(due, self.quiet)]
        if len({row.started.date() for row in often}) >= GONE or len({due.date() for due in seldom}) >= GONE:
            lesson = self._lesson(job.id, rows)
            if lesson is not None and lesson.known and self._differs(job, lesson):
                return [self._otherwise(job, lesson, lesson.hits[0] if lesson.hits else self.start)]
        return []

    def unknown(self, job_id: str, rows: Sequence[ActivityRow]) -> list[Finding]:
        """At most one finding on runs of a job that the catalog lacks."""
        if len(rows) < 2 or rows[-1].started < self.log.as_of - LATELY:
            return []
        lesson = self._lesson(job_id, rows)
        name = next((row.name for row in reversed(rows) if row.name), job_id)
        said = f"{_named(name, job_id)} ran {len(rows)} times since {local(rows[0].started, self.zone)}"
        why = f"; its schedule is not clear: {lesson.why_not}" if lesson and not lesson.known else ""
        lines = entry(lesson, self.zone) if lesson and lesson.known else []
        return [
            self._finding(
                job_id,
                name,
                FindingKind.NOT_IN_CATALOG,
                rows[0].started,
                f"{said}, and jobs.yaml lacks it{why}",
                lines,
            )
        ]

    def _lesson(self, job_id: str, rows: Sequence[ActivityRow]) -> Lesson | None:
        log = self.log.model_copy(update={"rows": tuple(rows), "whole_from": self.start})
        found = learn(self.organization, log, self.zone, holes=self.quiet).lessons if rows else ()
        return next((one for one in found if one.job_id == job_id), None)

    def _differs(self, job: Job, lesson: Lesson) -> bool:
        end = self.log.as_of + _LOOK_AHEAD
        return due_times(lesson.cron, lesson.zone, self.log.as_of, end) != due_times(
            job.cron, job.zone, self.log.as_of, end
        )

    def _moved(
        self,
        job: Job,
        lesson: Lesson | None,
        since: Sequence[datetime],
        after: Sequence[ActivityRow],
        last: datetime | None,
    ) -> Finding:
        until = min(since[0], after[0].started)
        shifted = self._same_days(job, lesson, after) if lesson and not lesson.known and last else None
        if lesson is not None and shifted is not None:
            alone = lesson.why_not.partition(";")[0]
            text = (
                f"{_named(job.name, job.id)} moved {local(until, job.zone)}, {self._ago(until)}: its {len(after)} runs "
                f"since then fit «{shifted}», and jobs.yaml says «{job.cron}». The days are those of jobs.yaml: it ran "
                f"at each of these due times and at no other. The time is {_percent(lesson.fold)} sure; by the runs "
                f"alone {alone}. Look in Pro2 before you paste it"
            )
            known = replace(lesson, cron=shifted)
            return self._finding(
                job.id, job.name, FindingKind.MOVED, until, text, self._changed(job, known, until, last)
            )
        if lesson is None or not lesson.known:
            ran = ", ".join(local(row.started, job.zone) for row in after[-GONE:])
            why = f" ({lesson.why_not})" if lesson else ""
            text = (
                f"{_named(job.name, job.id)} ran at none of its last {len(since)} due times, but at others: {ran}. "
                f"When it is due now is not clear yet{why}"
            )
            return self._finding(job.id, job.name, FindingKind.MOVED, until, text, ())
        if last is None:
            text = (
                f"{_named(job.name, job.id)} never ran when it was due by jobs.yaml («{job.cron}»): its runs since "
                f"{local(after[0].started, job.zone)} fit «{lesson.cron}»{_elsewhere(job, lesson)}"
            )
        else:
            text = (
                f"{_named(job.name, job.id)} moved {local(until, job.zone)}, {self._ago(until)}: its runs fit "
                f"«{lesson.cron}»{_elsewhere(job, lesson)}, and jobs.yaml says «{job.cron}»"
            )
        return self._finding(
            job.id, job.name, FindingKind.MOVED, until, text, self._changed(job, lesson, until, last)
        )

    def _same_days(self, job: Job, lesson: Lesson, after: Sequence[ActivityRow]) -> str | None:
        """The catalog's own days at another time of day, where that alone explains each run and each due time since.

        The simplest thing that somebody may have done. None where anything contradicts it, or the time is not clear.
        """
        old, new = job.cron.split(), lesson.cron.split()
        once_a_day = all(part.isdigit() for part in (*old[:2], *new[:2]))
        if not once_a_day or lesson.zone != job.zone or lesson.fold is None or lesson.fold.sure < TIME_SURE:
            return None
        cron = " ".join([*new[:2], *old[2:]])
        dues = due_times(cron, job.zone, after[0].started - job.grace, self.log.as_of - job.grace)
        reach = timedelta(minutes=lesson.fold.spread + 1)
        hits, missed, strays = compared(dues, after, reach, self.silent)
        days = max(hits) - min(hits) if hits else timedelta(0)
        return cron if len(hits) >= GONE and days >= _TWO_DAYS and not missed and not strays else None

    def _changed(self, job: Job, lesson: Lesson, until: datetime, last: datetime | None) -> list[str]:
        """The new schedule and, where the old one was ever true, until when it held."""
        earlier = job.schedules
        if last is not None:
            earlier += (
                EarlierSchedule(
                    cron=job.cron, zone=None if lesson.zone == job.zone else job.zone, until=until
                ),
            )
        lines = schedule_lines(lesson.cron, earlier, job.zone)
        return [*lines, *([] if lesson.zone == job.zone else [f"zone: {lesson.zone}"])]

    def _otherwise(self, job: Job, lesson: Lesson, since: datetime) -> Finding:
        changed = [one.until for one in lesson.schedules]
        until = changed[-1] if changed else since
        text = (
            f"{_named(job.name, job.id)} runs otherwise than jobs.yaml says: its runs since {local(until, job.zone)} "
            f"fit «{lesson.cron}»{_elsewhere(job, lesson)}, and jobs.yaml says «{job.cron}»"
        )
        lines = self._changed(job, lesson, until, until if changed else None)
        return self._finding(job.id, job.name, FindingKind.RUNS_OTHERWISE, until, text, lines)

    def _stopped(self, job: Job, since: Sequence[datetime], last: datetime | None) -> Finding:
        days = (self.log.as_of - (last or since[0])).days
        began = (
            f"it last ran {local(last, job.zone)}" if last else f"not once since {local(since[0], job.zone)}"
        )
        text = (
            f"{_named(job.name, job.id)} did not run for {days} days: {began}, and {len(since)} due times have no run. "
            "If it was paused or deleted in Pro2, say so here; else look there why it does not run"
        )
        return self._finding(job.id, job.name, FindingKind.STOPPED, since[0], text, ["paused: true"])

    def _runs_though_paused(self, job: Job, rows: Sequence[ActivityRow]) -> Finding:
        lately = [row for row in rows if row.started >= self.log.as_of - LATELY]
        last = local(rows[-1].started, job.zone)
        text = (
            f"{_named(job.name, job.id)} is paused in jobs.yaml, and ran {len(lately)} times since "
            f"{local(lately[0].started, job.zone)}, the last time {last}. Was it only paused now, this ends in two days"
        )
        return self._finding(
            job.id, job.name, FindingKind.RUNS_THOUGH_PAUSED, lately[0].started, text, ["paused: false"]
        )

    def _ago(self, moment: datetime) -> str:
        days = (self.log.as_of - moment).days
        return "today" if not days else "yesterday" if days == 1 else f"{days} days ago"

    def _finding(
        self, job_id: str, name: str, kind: FindingKind, since: datetime, text: str, lines: Iterable[str]
    ) -> Finding:
        return Finding(
            job_id=one_line(job_id),
            name=one_line(name),
            kind=kind,
            since=since.astimezone(find_zone("UTC")),
            text=text,
            lines=tuple(lines),
        )


def _percent(fold: Fold | None) -> str:
    return f"{min(fold.sure, 0.999):.1%}" if fold else "not"


def _elsewhere(job: Job, lesson: Lesson) -> str:
    return "" if lesson.zone == job.zone else f" in {lesson.zone}"


def _named(name: str, job_id: str) -> str:
    return f"«{one_line(name)}» ({one_line(job_id)})"
