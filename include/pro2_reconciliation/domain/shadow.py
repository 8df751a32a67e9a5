"""What a proposal that nobody carried out would have led to, judged by what happened afterwards: the table as data.

A proposal is a decision that acts, made in mode ``plan``. We are taken to have acted at the moment of the plan, which
is the earliest that we could have. :data:`TABLE` says for each remedy and each thing that happened afterwards what
that makes of the proposal, and which setting would have made another one. ``docs/shadow.md`` is written from it.
Nothing here reads anything; what has no row is UNKNOWN.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum

from pro2_reconciliation.domain.words import Reach, Remedy


class Verdict(StrEnum):
    """What the proposal would have been."""

    RIGHT = "right"
    TWICE = "mailed twice"
    NOT_NEEDED = "not needed"
    UNKNOWN = "unknown"


class After(StrEnum):
    """What happened after the plan. ``NOTHING`` and ``CLOSED`` count only once the guard's hours are over."""

    BY_ITSELF = "it went out, or ran, by itself"
    BEGUN_BEFORE = "what a person had begun before the plan went out or ran"
    BY_HAND = "a person did the same by hand"
    ALIKE = "a similar campaign went out that is not visibly a copy"
    NOTHING = "it never went out or ran"
    CLOSED = "it never went out or ran, and a person had closed or held it"
    GONE = "it is gone"
    UNREAD = "it could not be read"


@dataclass(frozen=True)
class Judgement:
    """One row. ``reach`` None: whatever the decision's. ``setting``: the key that would change it, empty for none."""

    remedies: frozenset[Remedy]
    after: After
    verdict: Verdict
    because: str
    setting: str = ""
    reach: Reach | None = None


_RESEND, _HOLD, _RUN = (frozenset({one}) for one in (Remedy.RESEND, Remedy.HOLD_BACK, Remedy.RUN_NOW))
_DATA = frozenset({Remedy.REPEAT_IMPORT, Remedy.DATA_SYNC})
_JOBS = _RUN | _DATA
WATCH_CAMPAIGN = "watch_campaign_seconds"
WATCH_JOB = "watch_occurrence_min_seconds"
_SAY_FIRST = "`hold ITEM`: whoever repairs by hand says so first"

TABLE: tuple[Judgement, ...] = (
    Judgement(
        _RESEND,
        After.BY_ITSELF,
        Verdict.TWICE,
        "only the stop would have kept the original from going out after our copy",
        WATCH_CAMPAIGN,
    ),
    Judgement(
        _RESEND,
        After.BEGUN_BEFORE,
        Verdict.TWICE,
        "a colleague was at it already",
        _SAY_FIRST,
    ),
    Judgement(_RESEND, After.BY_HAND, Verdict.RIGHT, "it is what a person did"),
    Judgement(_RESEND, After.ALIKE, Verdict.UNKNOWN, "whether it stood in for this one, only a person knows"),
    Judgement(_RESEND, After.NOTHING, Verdict.RIGHT, "without it nobody got this mail"),
    Judgement(
        _RESEND,
        After.CLOSED,
        Verdict.NOT_NEEDED,
        "nobody wanted it any more",
        "`leave_alone` of its campaigns, or a shorter `send_by_hours`",
    ),
    Judgement(_HOLD, After.BY_ITSELF, Verdict.RIGHT, "it went out too late, and would have been kept back"),
    Judgement(
        _HOLD,
        After.BY_HAND,
        Verdict.NOT_NEEDED,
        "a person sent it although it was late",
        "a longer `send_by_hours`",
    ),
    Judgement(_HOLD, After.NOTHING, Verdict.NOT_NEEDED, "nothing went out that it could have kept back"),
    Judgement(_HOLD, After.CLOSED, Verdict.NOT_NEEDED, "it did not go out, and a person saw to it"),
    Judgement(_RUN, After.BY_ITSELF, Verdict.TWICE, "it would have run twice, and it mails", WATCH_JOB),
    Judgement(
        _DATA,
        After.BY_ITSELF,
        Verdict.TWICE,
        "it would have run twice, and what it does may mail",
        WATCH_JOB,
        Reach.INBOX,
    ),
    Judgement(
        _DATA,
        After.BY_ITSELF,
        Verdict.NOT_NEEDED,
        "it would have run twice, which mails nobody",
        WATCH_JOB,
        Reach.DATA,
    ),
    Judgement(
        _JOBS,
        After.BEGUN_BEFORE,
        Verdict.TWICE,
        "it would have run twice, and what it does may mail",
        _SAY_FIRST,
        Reach.INBOX,
    ),
    Judgement(
        _JOBS,
        After.BEGUN_BEFORE,
        Verdict.NOT_NEEDED,
        "it would have run twice, which mails nobody",
        _SAY_FIRST,
        Reach.DATA,
    ),
    Judgement(_JOBS, After.BY_HAND, Verdict.RIGHT, "it is what a person did"),
    Judgement(_JOBS, After.NOTHING, Verdict.RIGHT, "without it this run never was"),
    Judgement(_JOBS, After.CLOSED, Verdict.NOT_NEEDED, "nobody wanted it any more"),
)
_UNKNOWN = "nothing can be said"


def judge(remedy: Remedy, reach: Reach, after: After) -> Judgement:
    """The row that fits; UNKNOWN where none does."""
    for row in TABLE:
        if remedy in row.remedies and row.after is after and row.reach in (None, reach):
            return row
    return Judgement(frozenset({remedy}), after, Verdict.UNKNOWN, _UNKNOWN)


def longer(setting: str, seconds: float, late: float) -> str:
    """What a setting of so many seconds would have to be for something that was ``late`` seconds after the plan."""
    return f"{setting}: {seconds:g} now; {60 * -(-(seconds + late) // 60):g} would have waited for it"


def markdown() -> str:
    """The table for ``docs/shadow.md``."""
    lines = [
        "| proposed | and then | would have been | because | what would change it |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in TABLE:
        what = ", ".join(sorted(remedy.value.replace("_", " ") for remedy in row.remedies))
        reach = f" (reach {row.reach.value})" if row.reach else ""
        setting = f"`{row.setting}`" if row.setting in (WATCH_CAMPAIGN, WATCH_JOB) else row.setting
        lines.append(
            f"| {what}{reach} | {row.after.value} | **{row.verdict.value}** | {row.because} | {setting} |"
        )
    lines.append(f"| anything | anything else | **{Verdict.UNKNOWN.value}** | {_UNKNOWN} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{markdown()}\n")
