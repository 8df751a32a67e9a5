"""Learn when jobs are due from the runs that an Activity Log shows: what ``jobs.yaml`` is proposed from.

In: the log of one organization and its zone. Out: a :class:`Lesson` for each job, either with a schedule and how sure
that is, or with a reason why none is proposed; and the rows that fit no schedule. What is not sure is never said to be:
a schedule must explain most of its due times and of the runs, minute and days must be clear, and enough runs must
show it. Raises ``ConfigurationError`` for a zone nobody knows, ``Unreadable`` for a log without a run.

Holes of the log, and outages, are found by themselves: when due times of several jobs in a row have no run, nothing is
concluded from that time. The clock changes of the history tell whether a job goes by the organization's zone or by UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.errors import Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow
from pro2_reconciliation.domain.learning_fold import Habit, habit_of
from pro2_reconciliation.domain.learning_lesson import Lesson, Look, Span, in_any
from pro2_reconciliation.domain.learning_wall import clocks_change
from pro2_reconciliation.domain.localtime import find_zone, local

CLEAR = 20
"""So many runs make any minute clear, so such a job tells of the others."""


@dataclass(frozen=True)
class Learning:
    """All lessons of a log, by job id. ``whole``: the span in which the absence of a run means something; ``holes`` are
    times in it from which nothing was concluded. ``clock_changes``: whether the clocks of the zone changed in it.
    """

    organization: str
    zone: str
    whole: Span
    lessons: tuple[Lesson, ...]
    holes: tuple[Span, ...] = ()
    clock_changes: bool = False


def learn(organization: str, log: ActivityLog, zone: str, *, holes: Iterable[Span] = ()) -> Learning:
    """Learn every job of a log. ``zone`` is the organization's; ``holes`` are known beforehand, such as outages."""
    find_zone(zone)
    start = log.whole_from or min((row.started for row in log.rows), default=log.as_of)
    whole = (start, log.as_of)
    rows: dict[str, list[ActivityRow]] = defaultdict(list)
    for row in log.rows:
        if start <= row.started < log.as_of:
            rows[row.job_id].append(row)
    if not rows:
        raise Unreadable(
            f"the log shows no run between {local(start, zone)} and {local(log.as_of, zone)}; give one that holds some "
            "weeks of runs"
        )
    known = tuple(sorted(holes))
    began = min(row.started for own in rows.values() for row in own)  # nothing before tells of the clocks
    changes = clocks_change(began, log.as_of, find_zone(zone))
    first = Look(organization, whole, zone, known, changes)
    lessons = {job_id: first.lesson(job_id, own) for job_id, own in rows.items()}
    # what is clear now tells of the rest: where the log has holes, and how late the jobs start
    found = joined([*known, *_holes(lessons.values())])
    second = replace(first, holes=found, habit=_habit(lessons.values()))
    for job_id, lesson in lessons.items():
        few = not lesson.known or len(lesson.hits) < CLEAR
        if few or any(in_any(due, found) for due in lesson.missed):
            lessons[job_id] = second.lesson(job_id, rows[job_id])
    ordered = tuple(lessons[job_id] for job_id in sorted(lessons, key=lambda one: (lessons[one].name, one)))
    found = tuple(one for one in found if one[0] < whole[1] and one[1] > whole[0])
    return Learning(organization, zone, whole, ordered, found, changes)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans that touch as one, oldest first."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _habit(lessons: Iterable[Lesson]) -> Habit:
    """Of jobs that many runs make clear, however their minutes lie: few runs make only round ones clear."""
    clear = [one for one in lessons if one.known and len(one.hits) >= CLEAR]
    zones = [one.zone == "UTC" for one in clear if one.zone_sure < 1]
    return habit_of([one.fold for one in clear if one.fold is not None], sum(zones), len(zones))


def _holes(lessons: Iterable[Lesson]) -> list[Span]:
    """Times in which due times of at least two jobs, three in a row, had no run."""
    marks = sorted(
        (due, hit, lesson.job_id)
        for lesson in lessons
        if lesson.known
        for hit, dues in ((True, lesson.hits), (False, lesson.missed))
        for due in dues
    )
    found, row = [], list[tuple[datetime, bool, str]]()
    for mark in [*marks, (datetime.max.replace(tzinfo=UTC), True, "")]:
        if not mark[1]:
            row.append(mark)
            continue
        if len(row) >= 3 and len({job_id for _, _, job_id in row}) >= 2:
            found.append((row[0][0], row[-1][0] + timedelta(minutes=1)))
        row = []
    return found
