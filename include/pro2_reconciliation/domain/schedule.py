"""When a job is due: its cron line on the wall clock of its zone, as instants in UTC.

The expected runs are ours (Pro2's own schedule cannot be read), so this file decides what counts as missing.

Cron is walked on the naive wall clock (cronsim) and every wall time is then placed in the zone:

- the hour field does not begin with ``*`` ("30 2 * * *", a fixed time of day): exactly ONE occurrence for
  each wall time. In the gap of a spring night it is due when the gap ends (02:30 becomes 03:00, as Debian's
  cron does); of an hour that the clocks show twice the first counts. Two times that land on one instant are
  one occurrence;
- it begins with ``*`` ("15 * * * *", "0 */2 * * *"): every real hour whose wall clock matches, so both passes
  of a repeated hour are due and an hour that does not exist is not.

A job whose schedule changed has earlier ones, each until a moment: what is due is the union of each schedule in its
own span [until of the one before, until), so the run of an outage is judged by the schedule of that time. One whose
cron is ``none`` is a pause: nothing is due in its span.

Fails with ConfigurationError for a cron line or zone that cannot be; a paused job expects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.jobs import Job, Occurrence
from pro2_reconciliation.domain.localtime import after_gap, find_zone, instants

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MARGIN = timedelta(days=2)  # wider than any offset and any gap (Samoa once skipped a whole day)
_SEARCH = timedelta(days=366 * 12)  # 29 February may be eight years away
_ANY = datetime(2026, 1, 1)
_KEPT = 4096  # every poll asks for the same spans and moments again
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # Pro2 is younger


def validate_cron(job_id: str, cron: str, zone: str, *, file: str = "config/jobs.yaml") -> None:
    """Raise ConfigurationError unless ``cron`` has five fields that can occur and ``zone`` is an IANA zone.

    The words name the job, the value and the file: ``job 'members-sync': cron '61 * * * *' has no minute
    61; fix config/jobs.yaml``.
    """
    trouble = cron_trouble(cron)
    if trouble:
        raise ConfigurationError(f"job {job_id!r}: cron {cron!r} {trouble}; fix {file}")
    try:
        find_zone(zone)
    except ConfigurationError as error:
        raise ConfigurationError(f"job {job_id!r}: {error}; fix {file}") from None


def occurrences(job: Job, start: datetime, end: datetime) -> list[Occurrence]:
    """The due times of a job in [start, end), oldest first, each with the due time after it. Paused: none."""
    return _as_occurrences(job, dues_of(job, start, end))


def previous(job: Job, before: datetime, n: int) -> list[Occurrence]:
    """The last ``n`` due times strictly before ``before``, oldest first; fewer if there are fewer."""
    if job.paused or n <= 0:
        return []
    span = timedelta(days=2)
    dues = dues_of(job, before - span, before)
    while len(dues) < n and span < _SEARCH:
        span *= 2
        dues = dues_of(job, before - span, before)
    return _as_occurrences(job, dues[-n:])


def next_due(job: Job, after: datetime) -> datetime | None:
    """The first due time strictly after ``after`` (UTC); None for a paused job."""
    if job.paused:
        return None
    for line in _lines(job):
        moment = max(after, line.start - timedelta.resolution)
        if line.end is None or moment < line.end:
            found = _next_of(line, moment)
            if found is not None and (line.end is None or found < line.end):
                return found
    return None


def occurrence_at(job: Job, due: datetime) -> Occurrence:
    """The occurrence of a due time that is known from elsewhere, even if the job's schedule has changed since."""
    return Occurrence(organization=job.organization, job_id=job.id, due=due, next_due=next_due(job, due))


def due_times(cron: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    """The due times of a cron line on the wall clock of an IANA zone in [start, end), oldest first."""
    return list(_due_times(cron, zone, start, end))


@lru_cache(maxsize=_KEPT)
def _due_times(cron: str, zone: str, start: datetime, end: datetime) -> tuple[datetime, ...]:
    place = find_zone(zone)
    walls = _walls(cron, _wall(start, place) - _MARGIN, _wall(end, place) + _MARGIN)
    return tuple(sorted({due for wall in walls for due in _placed(cron, wall, place) if start <= due < end}))


@dataclass(frozen=True)
class _Line:
    """One schedule of a job in the time in which it holds, [start, end)."""

    cron: str
    zone: str
    start: datetime
    end: datetime | None


def _lines(job: Job) -> list[_Line]:
    """The schedules of a job, oldest first; together they leave out only when it was paused."""
    found, start = [], _LONG_AGO
    for one in sorted(job.schedules, key=lambda one: one.until):
        if not one.paused:
            validate_cron(job.id, one.cron, one.zone or job.zone)
            found.append(_Line(one.cron, one.zone or job.zone, start, one.until))
        start = one.until
    validate_cron(job.id, job.cron, job.zone)  # says it in words
    return [*found, _Line(job.cron, job.zone, start, None)]


def _as_occurrences(job: Job, dues: Sequence[datetime]) -> list[Occurrence]:
    following = [*dues[1:], next_due(job, dues[-1])] if dues else []
    return [
        Occurrence(organization=job.organization, job_id=job.id, due=due, next_due=after)
        for due, after in zip(dues, following, strict=True)
    ]


def dues_of(job: Job, start: datetime, end: datetime) -> list[datetime]:
    """The due times of a job in [start, end) as bare moments, oldest first. Paused: none."""
    if job.paused:
        return []
    found: list[datetime] = []
    for line in _lines(job):
        first, last = max(start, line.start), end if line.end is None else min(end, line.end)
        if first < last:
            found += due_times(line.cron, line.zone, first, last)
    return found


@lru_cache(maxsize=_KEPT)
def _next_of(line: _Line, after: datetime) -> datetime | None:
    """The first due time of one schedule strictly after a moment, wherever the schedule ends."""
    zone = find_zone(line.zone)
    best: datetime | None = None
    for wall in _walls(line.cron, _wall(after, zone) - _MARGIN, _wall(after, zone) + _SEARCH):
        # wall times are walked in order, instants may change places by less than the margin
        if best is not None and wall > _wall(best, zone) + _MARGIN:
            break
        for due in _placed(line.cron, wall, zone):
            if due > after and (best is None or due < best):
                best = due
    return best


def _placed(cron: str, wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    found = instants(wall, zone)
    if cron.split()[1].startswith("*"):
        return found
    return found[:1] or (after_gap(wall, zone),)


def _walls(cron: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Naive wall times in (start, end]."""
    for wall in CronSim(cron, start):
        if wall > end:
            return
        yield wall


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=1024)
def cron_trouble(cron: str) -> str | None:
    """What is wrong with a cron line, to be read after its value; None when nothing is."""
    parts = cron.split()
    if len(parts) != 5:
        return f"has {len(parts)} fields, not 5 (minute hour day month weekday)"
    for part, (name, low, high) in zip(parts, _FIELDS, strict=True):
        for number in re.findall(r"(?<![/#\d])\d+", part):
            if not low <= int(number) <= high:
                return f"has no {name} {number}"
    try:
        next(CronSim(cron, _ANY))
    except CronSimError as error:
        field = (
            str(error).removeprefix("Bad ").replace("day-of-month", "day").replace("day-of-week", "weekday")
        )
        field = "weekday" if "week" in field else "day" if "day" in field else field
        bad = dict(zip((name for name, _, _ in _FIELDS), parts, strict=True)).get(field)
        return f"has no {field} {bad!r} that ever comes" if bad else f"cannot be read ({error})"
    except StopIteration:
        return "never comes"
    return None
