"""Activity Logs of made-up organizations whose schedules are known: what learning is measured with.

Each :class:`House` has one log of some weeks: runs that start up to eight minutes late, runs that are missing, outages
of all jobs with a late run after them, weeks in which one job stood still, runs that a person pressed, and jobs whose
schedule changed. The end of the log moves through the year, so many a history holds a change of the clocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Counts
from pro2_reconciliation.domain.schedule import due_times
from pro2_reconciliation.domain.words import Outcome, ProcessType

ZONES = ("America/Chicago", "Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC")
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Made:
    """One made-up job: what is to be learned, and what it was before (``until`` None: always the same).

    ``dues`` are the due times that the history holds, ``lately`` those of them since the schedule last changed.
    """

    id: str
    shape: str
    zone: str
    cron: str
    before: str = ""
    until: datetime | None = None
    dues: int = 0
    lately: int = 0


@dataclass(frozen=True)
class House:
    zone: str
    log: ActivityLog
    jobs: tuple[Made, ...]

    @property
    def clocks_change(self) -> bool:
        return clocks_change(self.zone, self.log.whole_from or self.log.as_of, self.log.as_of)


class Taste(Random):
    """Where the minutes of an organization lie: at quarters of an hour, at multiples of five, or anywhere."""

    odd = 0.2

    def minute(self) -> int:
        kind = self.random()
        if kind < self.odd:
            return self.randrange(60)
        return self.choice((0, 0, 0, 15, 30, 30, 45)) if kind < 0.7 else self.randrange(0, 60, 5)


def hour(rng: Taste) -> int:
    return rng.randrange(24)


def _times(rng: Taste) -> str:
    hours = sorted(rng.sample(range(24), rng.randint(2, 4)))
    return f"{rng.minute()} {','.join(map(str, hours))} * * *"


def _even(rng: Taste) -> str:
    step = rng.choice((2, 3, 4, 6, 8, 12))
    return f"{rng.minute()} {','.join(map(str, range(rng.randrange(step), 24, step)))} * * *"


def _two_days(rng: Taste) -> str:
    one, other = sorted(rng.sample(range(7), 2))
    return f"{rng.minute()} {hour(rng)} * * {DAYS[one]},{DAYS[other]}"


SHAPES: dict[str, Callable[[Taste], str]] = {
    "every 5 minutes": lambda rng: "*/5 * * * *",
    "every 10 minutes": lambda rng: "*/10 * * * *",
    "every 15 minutes": lambda rng: rng.choice(("*/15 * * * *", "7,22,37,52 * * * *")),
    "every 30 minutes": lambda rng: f"{(m := rng.choice((0, 0, 5, 10, 15)))},{m + 30} * * * *",
    "in working hours": lambda rng: (
        f"{rng.choice(('*/15', '0,30', '0'))} {rng.choice(('8-18', '7-20'))} * * MON-FRI"
    ),
    "hourly": lambda rng: f"{rng.minute()} * * * *",
    "every n hours": _even,
    "several times a day": _times,
    "daily": lambda rng: f"{rng.minute()} {hour(rng)} * * *",
    "weekdays": lambda rng: f"{rng.minute()} {hour(rng)} * * MON-FRI",
    "two days a week": _two_days,
    "weekly": lambda rng: f"{rng.minute()} {hour(rng)} * * {rng.choice(DAYS)}",
    "monthly": lambda rng: f"{rng.minute()} {hour(rng)} {rng.randint(2, 28)} * *",
    "first of the month": lambda rng: f"{rng.minute()} {hour(rng)} 1 * *",
}
"""A cron line of each shape."""
_STEP = {"every 5 minutes": 5, "every 10 minutes": 10, "every 15 minutes": 15, "in working hours": 15}


def house(
    seed: int,
    amount: int = 25,
    *,
    shapes: tuple[str, ...] = (*SHAPES,),
    told: bool = True,
    weeks: int | None = None,
) -> House:
    """One organization. ``told``: whether the log says who started a run; ``weeks`` of history, else two to twelve."""
    rng = Taste(f"house {seed}")
    rng.odd = rng.choice((0.0, 0.0, 0.3))
    zone = rng.choice(ZONES)
    end = datetime(2026, 1, 15, tzinfo=UTC) + timedelta(minutes=rng.randrange(365 * 1440))
    span = WEEK * (weeks or rng.randint(2, 12))
    start = end - span
    outages = []
    for _ in range(rng.randrange(3)):
        begin = start + span * rng.random()
        outages.append((begin, begin + timedelta(hours=rng.choice((2, 3, 8, 26)))))
    jobs, rows = [], []
    for number in range(amount):
        shape = shapes[(number + seed) % len(shapes)]
        made, own = _job(rng, f"j-{number:03}", shape, zone, start, end, outages, told)
        jobs.append(made)
        rows += own
    rows.sort(key=lambda row: (row.started, row.run_id))
    return House(zone, ActivityLog(as_of=end, whole_from=start, rows=tuple(rows)), tuple(jobs))


def _job(
    rng: Taste,
    job_id: str,
    shape: str,
    zone: str,
    start: datetime,
    end: datetime,
    outages: list[tuple[datetime, datetime]],
    told: bool,
) -> tuple[Made, list[ActivityRow]]:
    elsewhere = rng.random() < 0.1 and clocks_change(zone, start + WEEK / 2, end - WEEK / 2)
    own_zone = "UTC" if elsewhere else zone  # without a change of the clocks nobody could tell
    cron, before, until = SHAPES[shape](rng), "", None
    dues = quick_dues(cron, own_zone, start, end)
    if rng.random() < 0.15 and shape not in ("monthly", "first of the month"):
        before, until = SHAPES[shape](rng), start + (end - start) * rng.uniform(0.3, 0.7)
        if before == cron:
            before, until = "", None
        else:
            dues = quick_dues(before, own_zone, start, until) + quick_dues(cron, own_zone, until, end)
    amount, all_dues = len(dues), dues
    jitter = rng.uniform(0, min(8, 0.5 * _STEP.get(shape, 16)))
    lasts = rng.uniform(0.5, 20) if shape not in _STEP else rng.uniform(0.2, 3)
    if rng.random() < 0.1 and amount > 20:  # it stood still for a while
        first = rng.randrange(amount)
        dues = dues[:first] + dues[first + amount // rng.choice((8, 12, 20)) :]
    rows = []
    late: dict[datetime, datetime] = {}
    for due in dues:
        down = next((end for begin, end in outages if begin <= due < end), None)
        if down is not None:
            late[down] = due  # the newest one runs when it is over
        elif rng.random() >= 0.01:
            began = due + timedelta(minutes=rng.uniform(0, jitter))
            rows.append(_row(rng, job_id, shape, began, lasts, False if told else None))
    for down in late:
        if down < end and rng.random() < 0.5:
            began = down + timedelta(minutes=rng.uniform(1, 60))
            rows.append(_row(rng, job_id, shape, began, lasts, False if told else None))
    for _ in range(sum(rng.random() < 0.3 for _ in range(2))):
        began = start + (end - start) * rng.random()
        rows.append(_row(rng, job_id, shape, began, lasts, True if told else None))
    lately = sum(due >= (until or start) for due in all_dues)
    made = Made(job_id, shape, own_zone, cron, before, until, amount, lately)
    return made, [row for row in rows if start <= row.started < end]


def _row(
    rng: Taste, job_id: str, shape: str, began: datetime, lasts: float, manual: bool | None
) -> ActivityRow:
    returned = rng.randint(180, 320)
    failed = 2 if rng.random() < 0.2 else 0
    return ActivityRow.model_construct(  # a year holds half a million of them
        organization="playhouse",
        run_id=f"{job_id}-{began:%Y%m%d%H%M%S%f}",
        process_type=ProcessType.INTEGRATED_IMPORT,
        job_id=job_id,
        name=f"{shape} {job_id}",
        started=began.replace(microsecond=0),
        finished=began.replace(microsecond=0) + timedelta(minutes=lasts * rng.uniform(0.7, 1.2)),
        outcome=Outcome.PARTIAL_ERROR if failed else Outcome.SUCCESS,
        raw_status="Completed",
        manual=manual,
        counts=Counts.model_construct(returned=returned, updated=returned - failed, failed=failed),
    )


def quick_dues(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """``due_times``, by counting where a job is due in each hour of each day: a year of every five minutes is long."""
    minutes, hours = cron.split(" ", 1)
    if hours != "* * * *":
        return [*due_times(cron, zone, start, end)]
    step = minutes.partition("/")[2]
    due = range(0, 60, int(step)) if step else [int(one) for one in minutes.split(",")]
    first = start.replace(minute=0, second=0, microsecond=0)
    every = (
        first + timedelta(hours=hour, minutes=minute)
        for hour in range(int((end - first) / timedelta(hours=1)) + 1)
        for minute in due
    )
    return [one for one in every if start <= one < end]


def row_of(job_id: str, started: datetime, **more: object) -> ActivityRow:
    """One good run of five minutes that its schedule started."""
    plain = {
        "organization": "playhouse",
        "run_id": f"{job_id}-{started:%Y%m%d%H%M%S}",
        "process_type": ProcessType.INTEGRATED_IMPORT,
        "job_id": job_id,
        "name": f"Job {job_id}",
        "started": started,
        "finished": started + timedelta(minutes=5),
        "outcome": Outcome.SUCCESS,
        "raw_status": "Completed",
        "manual": False,
    }
    return ActivityRow.model_validate({**plain, **more})


def clocks_change(zone: str, start: datetime, end: datetime) -> bool:
    """Whether the clocks of a zone differ between two moments."""
    return start.astimezone(ZoneInfo(zone)).utcoffset() != end.astimezone(ZoneInfo(zone)).utcoffset()


def same_next_year(made: Made, cron: str, zone: str, since: datetime) -> bool:
    """Whether a learned schedule is due at exactly the same times over the year after the log."""
    if (made.cron, made.zone) == (cron, zone):
        return True  # a year of every five minutes is long
    until = since + timedelta(days=365)
    return due_times(made.cron, made.zone, since, until) == due_times(cron, zone, since, until)
