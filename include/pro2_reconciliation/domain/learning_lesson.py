"""What an Activity Log teaches of one job: its schedules, how sure they are, and which runs fit none of them.

In: the rows of one job and what is known of their log as a whole (:class:`Look`). Out: a :class:`Lesson`, either with a
schedule or with the reason why none is proposed. ``learning_fit`` finds the schedules on the wall clock of a zone; here
they become cron lines with moments, are compared with the due times that they really have, and are doubted: enough days
must show them, the newest runs must fit, and the job must still run. It cannot fail.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log

from pro2_reconciliation.domain.jobs import ActivityRow, EarlierSchedule, Job
from pro2_reconciliation.domain.learning_fit import HELD, SURE, Piece, Seen, pieces
from pro2_reconciliation.domain.learning_fold import HOUR, NO, Fold, Habit
from pro2_reconciliation.domain.learning_wall import instant, rests, wall
from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.matching import CLOCK_SKEW
from pro2_reconciliation.domain.schedule import dues_of, next_due
from pro2_reconciliation.domain.words import ProcessType

Span = tuple[datetime, datetime]
ENOUGH = 3
"""So many days with a run show a weekly schedule; two where the log says that its schedule started them, or it is
monthly. One of more days needs as many as a week of it has."""
MOST_RUNS = 10_000
"""Only so many of its newest runs are looked at: a year of an hourly job, five weeks of one of every five minutes."""
RECENT = timedelta(weeks=4)
"""A job that is due several times an hour is compared with its due times of this span only."""
GONE = 3
"""After so many due times in a row without a run, up to the end of the log, a job has stopped running."""
SURE_ZONE = 0.97
"""The same of the zone alone: a wrong one is hours off, and without a hint it is about 95 % sure."""
_ANOTHER_PIECE = 9.0
_BEGAN = 15.0
"""So many minutes before its first run a job was there: as late as a run may start."""


@dataclass(frozen=True)
class Lesson:
    """What the log teaches of one job. ``why_not`` is empty where its schedule is known; else it is the best guess.

    ``hits`` and ``missed`` are due times with and without a run, holes left out; ``strays`` are the rows that belong to
    none. ``others``: what else it may be, with its weight, 0 to 1. ``compared_from``: from when its due times were
    compared with its runs. ``latest_start`` is how long after its due time the latest run of ``hits`` began. ``notes``
    are sentences for the person who reads it. ``sure`` is the weight of minute, days and zone together, ``zone_sure``
    that of the zone, 1 only where nothing can tell it. ``still`` are times in which the job alone did not run at all.
    """

    job_id: str
    name: str
    process_type: ProcessType | None
    zone: str
    rows: tuple[ActivityRow, ...]
    cron: str = ""
    schedules: tuple[EarlierSchedule, ...] = ()
    sure: float = 0.0
    hits: tuple[datetime, ...] = ()
    missed: tuple[datetime, ...] = ()
    strays: tuple[ActivityRow, ...] = ()
    compared_from: datetime | None = None
    others: tuple[tuple[str, float], ...] = ()
    fold: Fold | None = None
    latest_start: timedelta = timedelta(0)
    why_not: str = ""
    explains: bool = False
    notes: tuple[str, ...] = ()
    zone_sure: float = 1.0
    still: tuple[Span, ...] = ()

    @property
    def known(self) -> bool:
        return not self.why_not

    @property
    def proposed(self) -> bool:
        """Not known, but ``cron`` explains its runs: a person who looks it up has to say yes or no."""
        return self.explains and not self.known

    def as_job(self, organization: str) -> Job:
        """The job with this schedule, for asking when it is due."""
        return Job(
            organization=organization,
            id=self.job_id,
            name=self.name or self.job_id,
            process_type=self.process_type or ProcessType.INTEGRATED_IMPORT,
            cron=self.cron,
            zone=self.zone,
            schedules=self.schedules,
        )


@dataclass(frozen=True)
class Look:
    """One look at every job of a log: what is known of the log as a whole."""

    organization: str
    whole: Span
    zone: str
    holes: tuple[Span, ...]
    clock_changes: bool
    habit: Habit = NO

    def lesson(self, job_id: str, rows: Sequence[ActivityRow]) -> Lesson:
        rows = sorted(rows, key=lambda row: (row.started, row.run_id))
        kinds = {row.process_type for row in rows if row.process_type is not None}
        base = Lesson(
            job_id=job_id,
            name=next((row.name for row in reversed(rows) if row.name), ""),
            process_type=kinds.pop() if len(kinds) == 1 else None,
            zone=self.zone,
            rows=tuple(rows),
            strays=tuple(rows),
        )
        own = [row for row in rows if row.manual is not True]
        if not own:
            return replace(base, why_not="every run was started by a person")
        if len(own) < 2:
            return replace(
                base, why_not="it ran once, and one run shows no schedule; export a longer history"
            )
        still = rests([row.started for row in own], self.whole[1])
        own = own[-MOST_RUNS:]
        zone, zone_sure, found = self._best_zone(own, still)
        base = replace(base, zone=zone, zone_sure=zone_sure, still=still)
        return _told(self, base, own, found)

    def _best_zone(
        self, rows: Sequence[ActivityRow], still: Sequence[Span]
    ) -> tuple[str, float, list[Piece]]:
        """The zone whose wall clock its runs keep to, how sure that is, and its schedules.

        Without a change of the clocks it is the organization's.
        """
        best = pieces(self._seen(rows, still, self.zone))
        if self.zone == "UTC" or not self.clock_changes or len(best[-1].hours) == 24:
            return self.zone, 1.0, best
        other = pieces(self._seen(rows, still, "UTC"))
        gain = _weight(other) + log(self.habit.elsewhere) - log(1 - self.habit.elsewhere) - _weight(best)
        if len(other) > len(best) and not best[-1].broken:
            gain = min(gain, -_ANOTHER_PIECE)  # a schedule that changes with the clocks goes by them
        sure = 1 / (1 + exp(-min(abs(gain), 30.0)))
        return ("UTC", sure, other) if gain > 0 else (self.zone, sure, best)

    def _seen(self, rows: Sequence[ActivityRow], still: Sequence[Span], zone: str) -> Seen:
        import numpy as np

        place = find_zone(zone)
        starts = np.sort(np.array([wall(row.started, place) for row in rows]))
        low, high = (wall(moment, place) for moment in self.whole)
        if still and still[-1][1] == self.whole[1]:
            high = wall(still[-1][0], place)
        low = max(low, float(starts[0]) - _BEGAN)  # before its first run it may not have been there
        holes = tuple((wall(one, place), wall(end, place)) for one, end in (*self.holes, *still))
        return Seen(starts, low, high, holes, self.habit)


def _weight(found: Sequence[Piece]) -> float:
    return sum(piece.weight for piece in found) - _ANOTHER_PIECE * (len(found) - 1)


def _told(look: Look, base: Lesson, rows: Sequence[ActivityRow], found: Sequence[Piece]) -> Lesson:
    """The lesson of the pieces, checked against the due times that their schedule really has."""
    whole, holes = look.whole, look.holes
    found, dropped = _believed(found)
    last = found[-1]
    job = replace(base, cron=last.cron).as_job(look.organization)
    job = job.model_copy(update={"schedules": _earlier(job, found)})
    spread = max(piece.fold.spread for piece in found)
    start = max(whole[0], instant(found[0].low, find_zone(base.zone)))
    if last.fold.period < HOUR:
        start = max(start, rows[-1].started - RECENT)
        rows = [row for row in rows if row.started >= start]
    dues = dues_of(job, start - timedelta(minutes=_BEGAN), whole[1])
    hits, missed, strays = compared(dues, rows, timedelta(minutes=spread + 1), holes)
    late = max((row.started - due for due, row in hits.items()), default=timedelta(0))
    lesson = replace(
        base,
        cron=last.cron,
        schedules=job.schedules,
        sure=last.sure * base.zone_sure,
        hits=tuple(hits),
        missed=tuple(one for one in missed if start <= one < whole[1] - timedelta(minutes=spread)),
        strays=tuple(
            sorted(
                [*strays, *(r for r in base.rows if r.manual is True)], key=lambda r: (r.started, r.run_id)
            )
        ),
        others=_others(last),
        fold=last.fold,
        compared_from=start,
        latest_start=late,
    )
    notes = [
        f"it stood still from {local(begin, base.zone)} to {local(end, base.zone)}; was it paused?"
        for begin, end in base.still
        if end != whole[1]
    ]
    if dropped:
        began = local(instant(found[0].low, find_zone(base.zone)), base.zone)
        notes.append(f"before {began} its runs follow no schedule")
    if outside := _outside(lesson):
        ran = local(outside[0].started, base.zone)
        notes.append(
            f"its run {ran} is outside of it, and a due time after the last one with a run has none: did it move?"
        )
    lesson = replace(lesson, notes=tuple(notes))
    broken = _broken(lesson, last)
    return replace(lesson, why_not=broken or _unclear(look, lesson, last, rows), explains=not broken)


def _believed(found: Sequence[Piece]) -> tuple[list[Piece], bool]:
    """The last pieces that are no trouble, those with one schedule as one; and whether earlier ones were left out."""
    kept = [found[-1]]
    for piece in reversed(found[:-1]):
        if piece.trouble:
            return kept, True
        if piece.cron == kept[0].cron:
            kept[0] = replace(kept[0], low=piece.low)
        else:
            kept.insert(0, piece)
    return kept, False


def _earlier(job: Job, found: Sequence[Piece]) -> tuple[EarlierSchedule, ...]:
    """Until when each schedule held: its first due time without a run, or the first run of the one after it."""
    zone = find_zone(job.zone)
    made = []
    for one, after in pairwise(found):
        alone = job.model_copy(update={"cron": one.cron, "schedules": ()})
        ended = next_due(alone, instant(one.hits[-1], zone))
        began = instant(after.hits[0], zone) if len(after.hits) else None
        until = min(moment for moment in (ended, began) if moment is not None)
        made.append(EarlierSchedule(cron=one.cron, until=until))
    return tuple(made)


def compared(
    dues: Sequence[datetime], rows: Sequence[ActivityRow], reach: timedelta, holes: Sequence[Span]
) -> tuple[dict[datetime, ActivityRow], list[datetime], list[ActivityRow]]:
    """Each due time with the first run that began after it, ``reach`` at most; then the due times without one, holes
    left out; then the runs without one. ``dues`` and ``rows`` are in order of time.
    """
    hits: dict[datetime, ActivityRow] = {}
    strays = []
    for row in rows:
        at = bisect_right(dues, row.started + CLOCK_SKEW) - 1
        while (
            at > 0
            and dues[at] > row.started
            and row.started - dues[at - 1] <= reach
            and dues[at - 1] not in hits
        ):
            at -= 1
        if at >= 0 and row.started - dues[at] <= reach and dues[at] not in hits:
            hits[dues[at]] = row
        else:
            strays.append(row)
    missed = [due for due in dues if due not in hits and not in_any(due, holes)]
    return dict(sorted(hits.items())), missed, strays


def in_any(moment: datetime, spans: Iterable[Span]) -> bool:
    return any(start <= moment < end for start, end in spans)


def _others(piece: Piece) -> tuple[tuple[str, float], ...]:
    """What else the last schedule may be, likeliest first."""
    minutes = [(f"minute {minute:02}", weight) for minute, weight in piece.fold.others]
    found = [*minutes, *piece.days.others]
    return tuple(sorted((one for one in found if one[1] >= 0.001), key=lambda one: -one[1])[:3])


def _broken(lesson: Lesson, last: Piece) -> str:
    """Why the best schedule does not explain the runs; empty where it does."""
    if last.broken:
        return last.broken
    due = len(lesson.hits) + sum(not in_any(one, lesson.still) for one in lesson.missed)
    if not lesson.hits or len(lesson.hits) < HELD * due:
        return f"only {len(lesson.hits)} of {due} due times of the best had a run"
    if len(lesson.hits) < 2:
        return f"its {len(lesson.rows)} runs show no schedule; export a longer history"
    since = _outside(lesson)
    if len(since) >= 2:
        return f"its last {len(since)} runs are outside of it; it may have moved {local(since[0].started, lesson.zone)}"
    return ""


def _outside(lesson: Lesson) -> list[ActivityRow]:
    """Its runs after the last due time that had one, where a later due time had none: it may have moved."""
    if not lesson.hits or not lesson.missed or lesson.missed[-1] < lesson.hits[-1]:
        return []
    return [row for row in lesson.strays if row.manual is not True and row.started > lesson.hits[-1]]


def _unclear(look: Look, lesson: Lesson, last: Piece, rows: Sequence[ActivityRow]) -> str:
    """Why a schedule that explains the runs is only proposed; empty where it is known."""
    if lesson.sure < SURE and last.sure < lesson.zone_sure:
        return last.what_else
    if lesson.zone_sure < SURE_ZONE or lesson.sure < SURE:
        return f"it may go by the clock of {look.zone} or of UTC ({lesson.zone_sure:.0%} for {lesson.zone})"
    enough = max(last.days.often, ENOUGH)
    if last.days.month != "*" or (last.days.often == 1 and all(row.manual is False for row in rows)):
        enough = 2
    if last.days_hit < enough:
        days = "1 day" if last.days_hit == 1 else f"{last.days_hit} days"
        return f"only {days} with a run show this schedule, {enough} are needed; export a longer history"
    trailing = [due for due in lesson.missed if due > lesson.hits[-1]]
    if len(trailing) >= GONE and trailing[-1] - trailing[0] >= timedelta(days=2):
        return f"it has not run since {local(lesson.hits[-1], lesson.zone)}; was it paused, or deleted?"
    return ""
