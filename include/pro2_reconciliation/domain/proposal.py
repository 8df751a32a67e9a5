"""Write what was learned as ``jobs.yaml``: entries that load, in comments how sure each is and what was not learned.

In: a :class:`Learning`. Out: text. A job whose schedule is not known, or only proposed, stands there commented out,
with the reason, so it is never taken over by accident; a kind of process that the log does not tell is ``TODO``, which
the loader refuses in words. Names and ids are data: each is one quoted line. It cannot fail.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.jobs import ActivityRow, EarlierSchedule
from pro2_reconciliation.domain.learning import Learning
from pro2_reconciliation.domain.learning_lesson import Lesson
from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.usual import USUAL_RUNS, usual_count, usual_failed_share
from pro2_reconciliation.domain.words import ProcessType

MOST = 50
"""Rows without a schedule that are named of one job; of more their number is said."""
_NAMED = 5
_KINDS = ", ".join(kind.value for kind in ProcessType)
_NEEDED = ((3, "less often than each day"), (26, "once a week or less often"), (52, "once a month"))
"""Below so many weeks these jobs are mostly not learned: docs/learn.md has the measured rates."""
_PROPOSED = (
    "Proposed, not sure. Nothing is expected of these until somebody looks in Pro2 and takes away the #:"
)
_NOT_LEARNED = "Not learned. Nothing is expected of these until somebody writes them:"
_UNTOLD = (
    "The log does not tell starts_mail, adds_to_list, tessitura_list, mode, automation, reentry, audience, feeds",
    "and needs. What is not said counts as unknown, and unknown is left to a person: docs/configuration.md",
)


def proposal(learning: Learning, source: str) -> str:
    """The whole file. ``source`` names what was read."""
    known, proposed, unknown = _kinds(learning)
    lines = [*_comment(_head(learning, source))]
    lines += [f"organization: {_quoted(learning.organization)}", f"zone: {learning.zone}", ""]
    lines += ["jobs:" if known else "jobs: []"]
    for lesson in known:
        lines += [*_comment(_how_sure(lesson), "  "), *_indented(entry(lesson, learning.zone)), ""]
    if proposed:
        lines += ["", *_comment([_PROPOSED], "  ")]
    for lesson in proposed:
        lines += ["", *_comment([f"{named(lesson)}, not sure: {lesson.why_not}", *_how_sure(lesson)], "  ")]
        lines += _comment(entry(lesson, learning.zone), "  ")
    if unknown:
        lines += ["", *_comment([_NOT_LEARNED], "  ")]
    for lesson in unknown:
        lines += ["", *_comment([f"{named(lesson)}: {lesson.why_not}", *_counted(lesson)], "  ")]
        if lesson.cron:
            lines += _comment(entry(lesson, learning.zone), "  ")
    strays = [*_strays([*known, *proposed], learning.zone)]
    if strays:
        lines += ["", *_comment(["Runs that fit no schedule above:", *strays])]
    return "\n".join(lines).rstrip() + "\n"


def summary(learning: Learning) -> list[str]:
    """The same for a screen: one line for each job, what is missing, and how many runs fit none."""
    rows = [("job", "name", "schedule", "had a run", "sure", "")]
    found = _kinds(learning)
    for kind, said in zip(found, ("", "proposed: ", ""), strict=True):
        for one in kind:
            due = len(one.hits) + len(one.missed)
            shown = one.known or one.proposed
            rows.append(
                (
                    one_line(one.job_id),
                    one_line(one.name)[:32],
                    one.cron if shown else "not learned",
                    f"{len(one.hits):,} of {due:,}" if due else "-",
                    _share(one.sure) if shown else "-",
                    said + "; ".join(filter(None, [one.why_not, *_changes(one), *one.notes])),
                )
            )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    strays = sum(len(lesson.strays) for kind in found[:2] for lesson in kind)
    lines += ["", _counts(learning), *_short(learning), f"Runs that fit no schedule: {strays:,}"]
    untold = [one_line(lesson.job_id) for lesson in found[0] if lesson.process_type is None]
    if untold:
        lines.append(
            f"Write their process_type in place of TODO, the log does not tell it: {', '.join(untold)}"
        )
    return lines


def _kinds(learning: Learning) -> tuple[list[Lesson], list[Lesson], list[Lesson]]:
    """The lessons that are known, those that are only proposed, and the rest."""
    return (
        [lesson for lesson in learning.lessons if lesson.known],
        [lesson for lesson in learning.lessons if lesson.proposed],
        [lesson for lesson in learning.lessons if not lesson.known and not lesson.proposed],
    )


def _counts(learning: Learning) -> str:
    known, proposed, unknown = map(len, _kinds(learning))
    return (
        f"{known} {'job' if known == 1 else 'jobs'} learned; {proposed} proposed, to be looked at; "
        f"{unknown} not learned"
    )


def _short(learning: Learning) -> Iterator[str]:
    """What cannot be learned because the log is short; nothing where it is long enough."""
    weeks = (learning.whole[1] - learning.whole[0]) / timedelta(weeks=1)
    rare = next((what for needed, what in _NEEDED if round(weeks) < needed), None)
    if rare:
        yield (
            f"This export holds {_weeks(weeks)}, and {_NEEDED[-1][0]} are needed: jobs that run {rare} are mostly only "
            "proposed, or not in it at all. Export a year"
        )


def _weeks(weeks: float) -> str:
    whole = round(weeks)
    return "less than a week" if weeks < 1 else "1 week" if whole == 1 else f"{whole} weeks"


def entry(lesson: Lesson, zone: str) -> list[str]:
    """The lines of one job in ``jobs.yaml``; ``zone`` is that of the file."""
    lines = [f"- id: {_quoted(lesson.job_id)}", f"  name: {_quoted(lesson.name or lesson.job_id)}"]
    if lesson.process_type is None:
        lines.append(f"  process_type: TODO # write one of {_KINDS}")
    else:
        lines.append(f"  process_type: {lesson.process_type.value}")
    lines += [f"  {line}" for line in schedule_lines(lesson.cron, lesson.schedules, lesson.zone)]
    if lesson.zone != zone:
        lines.append(f"  zone: {lesson.zone}")
    grace = math.ceil(lesson.latest_start.total_seconds() / 60) + 2
    if grace > 10:
        lines.append(f"  grace_minutes: {grace}")
    minutes = usual_minutes(lesson.rows)
    if minutes is not None:
        lines.append(f"  usual_minutes: {minutes:g}")
    share = usual_failed_share(lesson.rows)
    if share:
        lines.append(f"  usual_partial_share: {math.ceil(share * 1000) / 1000:g}")
    tags = {row.tag for row in lesson.rows}
    if lesson.process_type is ProcessType.DATA_SYNC and len(tags) == 1 and (tag := tags.pop()):
        lines.append(f"  sync_tag: {_quoted(tag)}")
    return lines


def schedule_lines(cron: str, schedules: Sequence[EarlierSchedule], zone: str) -> list[str]:
    """``cron``, and the schedules before it with the moment until which each held."""
    lines = [f'cron: "{cron}"']
    if schedules:
        lines.append("schedules:")
        lines += [f'  - {{cron: "{one.cron}", until: {_moment(one.until, zone)}}}' for one in schedules]
    return lines


def usual_minutes(rows: Iterable[ActivityRow]) -> float | None:
    """So many minutes nine of ten of the last runs did not exceed, whole ones; None where none has an end."""
    ended = sorted((row for row in rows if row.finished is not None), key=lambda row: row.started)[
        -USUAL_RUNS:
    ]
    lasted = sorted((row.finished - row.started).total_seconds() for row in ended if row.finished is not None)
    return max(1, math.ceil(lasted[math.ceil(len(lasted) * 0.9) - 1] / 60)) if lasted else None


def named(lesson: Lesson) -> str:
    return f"«{one_line(lesson.name or lesson.job_id)}» ({one_line(lesson.job_id)})"


def _head(learning: Learning, source: str) -> Iterator[str]:
    start, end = learning.whole
    yield f"Proposed by `python -m pro2_reconciliation learn` from {one_line(source)}. Read it before you use it."
    yield (
        f"The log is whole from {local(start, learning.zone)} {start.year} to {local(end, learning.zone)} {end.year}: "
        f"{_counts(learning)}."
    )
    for line in _short(learning):
        yield f"{line}."
    for begin, until in learning.holes:
        yield (
            f"Nothing was concluded from {local(begin, learning.zone)} to {local(until, learning.zone)}: no job ran, "
            "or the clocks showed that hour twice."
        )
    if not learning.clock_changes and learning.zone != "UTC":
        yield f"The clocks of {learning.zone} did not change in it, so a job that goes by another zone cannot be told."
    yield from _UNTOLD


def _how_sure(lesson: Lesson) -> Iterator[str]:
    due = len(lesson.hits) + len(lesson.missed)
    since = f" since {local(lesson.compared_from, lesson.zone)}" if lesson.compared_from else ""
    said = f"{named(lesson)}: " if lesson.known else ""
    said += f"{len(lesson.hits):,} of {due:,} due times{since} had a run; sure {_share(lesson.sure)}"
    if lesson.others:
        said += "; else " + ", ".join(f"{what} ({_share(weight)})" for what, weight in lesson.others)
    yield said
    if lesson.missed:
        shown = ", ".join(local(one, lesson.zone) for one in lesson.missed[-_NAMED:])
        more = f" and {len(lesson.missed) - _NAMED:,} before" if len(lesson.missed) > _NAMED else ""
        yield f"without a run: {shown}{more}"
    yield from _changes(lesson)
    yield from lesson.notes
    yield from _counted(lesson)


def _changes(lesson: Lesson) -> Iterator[str]:
    for one in lesson.schedules:
        yield f"changed {local(one.until, lesson.zone)}; before, it was {one.cron}"


def _counted(lesson: Lesson) -> Iterator[str]:
    contacts = usual_count(lesson.rows)
    if contacts is not None:
        yield f"usually {contacts:,.0f} contacts"


def _strays(lessons: Iterable[Lesson], zone: str) -> Iterator[str]:
    for lesson in lessons:
        for row in lesson.strays[:MOST]:
            by = ", by hand" if row.manual else ""
            run = f"{one_line(row.raw_status)}{by} (run {one_line(row.run_id)})"
            yield f"{named(lesson)}: {local(row.started, zone)}, {run}"
        if len(lesson.strays) > MOST:
            yield f"{named(lesson)}: and {len(lesson.strays) - MOST:,} more"


def _comment(lines: Iterable[str], indent: str = "") -> list[str]:
    return [f"{indent}# {line}" for line in lines]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _quoted(text: str) -> str:
    """As YAML and JSON both write it."""
    return json.dumps(one_line(text), ensure_ascii=False)


def _moment(at: datetime, zone: str) -> str:
    return at.astimezone(find_zone(zone)).isoformat(timespec="minutes")


def _share(weight: float) -> str:
    return f"{math.floor(weight * 1000) / 10:g} %"
