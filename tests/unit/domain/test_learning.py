"""Schedules out of runs: exact where the runs show it, and a reason where they do not.

The rates over many made-up organizations stand in docs/learn.md; ``tests/chaos/test_learning_rates.py`` measures them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.histories import DAYS, row_of

from pro2_reconciliation.domain.errors import ConfigurationError, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow
from pro2_reconciliation.domain.learning import Learning, learn
from pro2_reconciliation.domain.learning_lesson import Lesson
from pro2_reconciliation.domain.schedule import due_times, dues_of

ZONE = "America/Chicago"
END = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
"""A Wednesday in a quarter without a change of the clocks."""
AUTUMN, SPRING = datetime(2026, 11, 29, 12, tzinfo=UTC), datetime(2026, 4, 5, 12, tzinfo=UTC)
"""Four weeks after the clocks changed in Chicago."""


def taught(
    rows: Iterable[ActivityRow], *, weeks: float = 8, end: datetime = END, zone: str = ZONE
) -> Learning:
    start = end - timedelta(weeks=weeks)
    kept = tuple(row for row in rows if start <= row.started < end)
    return learn("playhouse", ActivityLog(as_of=end, whole_from=start, rows=kept), zone)


def runs(
    cron: str, weeks: float = 8, *, late: float = 0.5, end: datetime = END, zone: str = ZONE
) -> list[ActivityRow]:
    """A run for each due time, up to ``late`` minutes after it."""
    rng = Random(cron)
    dues = due_times(cron, zone, end - timedelta(weeks=weeks), end)
    return [row_of("j-1", due + timedelta(minutes=rng.uniform(0, late))) for due in dues]


def only(found: Learning) -> Lesson:
    (lesson,) = found.lessons
    return lesson


def is_exact(lesson: Lesson, cron: str, zone: str = ZONE, since: datetime = END) -> bool:
    until = since + timedelta(days=366)
    return due_times(lesson.cron, lesson.zone, since, until) == due_times(cron, zone, since, until)


class TestASchedule:
    @pytest.mark.parametrize(
        "cron",
        [
            "*/5 * * * *",
            "*/15 * * * *",
            "7,22,37,52 * * * *",
            "*/30 8-18 * * MON-FRI",
            "15 * * * *",
            "45 1,3,5,7,9,11,13,15,17,19,21,23 * * *",
            "30 18 * * *",
            "58 23 * * *",
            "10 6,11,17 * * *",
            "0 7 * * MON-FRI",
            "0 7 * * TUE-SAT",
            "0 7 * * FRI,SAT,SUN",
            "20 5 * * MON,THU",
            "0 9 * * SUN",
        ],
    )
    def test_is_learned_as_it_is(self, cron: str) -> None:
        weeks = 2 if cron[:2] in ("*/", "7,") else 6
        lesson = only(taught(runs(cron, weeks, late=2), weeks=weeks))
        assert (lesson.cron, lesson.why_not) == (cron, "")
        assert not lesson.missed
        assert not lesson.strays

    @pytest.mark.parametrize("cron", ["0 6 1 * *", "30 6 15 * *", "0 6 L * *", "0 6 * * TUE#2"])
    def test_of_the_month_is_learned_from_four_months(self, cron: str) -> None:
        lesson = only(taught(runs(cron, 17), weeks=17))
        assert (lesson.cron, lesson.why_not) == (cron, "")

    def test_is_told_with_what_supports_it_and_what_else_it_may_be(self) -> None:
        rows = runs("30 18 * * *", late=4)
        del rows[20], rows[11]
        lesson = only(taught([*rows, row_of("j-1", END - timedelta(days=9, hours=5))]))
        assert (len(lesson.hits), len(lesson.missed), len(lesson.strays)) == (54, 2, 1)
        assert lesson.sure > 0.95
        assert all(weight < 0.05 for _, weight in lesson.others)

    def test_of_which_most_runs_are_missing_is_none(self) -> None:
        lesson = only(taught(Random(1).sample(runs("30 18 * * *"), 25)))
        assert "follow no schedule: the best one explains 25 of " in lesson.why_not


class TestTheClocks:
    @pytest.mark.parametrize("end", [AUTUMN, SPRING])
    @pytest.mark.parametrize("cron", ["30 6 * * *", "30 1 * * *", "30 2 * * *", "15 * * * *"])
    def test_change_and_the_job_keeps_to_them(self, cron: str, end: datetime) -> None:
        lesson = only(taught(runs(cron, end=end), end=end))
        assert (lesson.zone, lesson.why_not, lesson.schedules) == (ZONE, "", ())
        assert is_exact(lesson, cron, since=end)

    @pytest.mark.parametrize("end", [AUTUMN, SPRING])
    def test_change_and_the_job_goes_by_utc(self, end: datetime) -> None:
        lesson = only(taught(runs("30 11 * * *", end=end, zone="UTC"), end=end))
        assert (lesson.cron, lesson.zone) == ("30 11 * * *", "UTC")

    def test_do_not_change_and_nobody_can_tell_so_it_is_said(self) -> None:
        found = taught(runs("30 11 * * *", zone="UTC"))
        assert not found.clock_changes
        assert only(found).zone == ZONE


class TestAChange:
    def test_is_found_with_the_moment_and_what_was_before(self) -> None:
        changed = END - timedelta(weeks=3, hours=5)
        rows = [row for row in runs("0 6 * * *") if row.started < changed]
        lesson = only(taught([*rows, *(r for r in runs("30 14 * * MON-FRI") if r.started >= changed)]))
        assert (lesson.cron, lesson.why_not) == ("30 14 * * MON-FRI", "")
        (before,) = lesson.schedules
        assert before.cron == "0 6 * * *"
        assert abs(before.until - changed) < timedelta(days=1)
        assert (lesson.missed, lesson.strays) == ((), ())
        assert len(dues_of(lesson.as_job("playhouse"), END - timedelta(weeks=8), END)) == len(lesson.hits)

    def test_that_is_too_young_is_not_guessed(self) -> None:
        changed = END - timedelta(days=3)
        rows = [row for row in runs("0 6 * * *") if row.started < changed]
        lesson = only(taught([*rows, *(r for r in runs("0 14 * * *") if r.started >= changed)]))
        assert not lesson.known

    def test_of_a_job_that_began_in_the_middle_is_none(self) -> None:
        rows = [row for row in runs("0 6 * * *") if row.started >= END - timedelta(weeks=3)]
        lesson = only(taught(rows))
        assert (lesson.cron, lesson.schedules, lesson.missed) == ("0 6 * * *", (), ())


class TestAJobThatStoodStill:
    """As if somebody had paused it: that is no other schedule."""

    def test_until_three_days_ago_keeps_its_schedule(self) -> None:
        rest, rng = (END - timedelta(days=25), END - timedelta(days=3)), Random(3)
        every = runs("55 * * * *", 26, late=4)
        rows = [row for row in every if not rest[0] <= row.started < rest[1] and rng.random() > 0.01]
        lesson = only(taught(rows, weeks=26))
        assert (lesson.cron, lesson.schedules, lesson.why_not) == ("55 * * * *", (), "")
        assert len(lesson.missed) == len(every) - len(rows) > 22 * 24

    def test_until_the_end_of_the_log_is_proposed_with_its_schedule(self) -> None:
        lesson = only(
            taught(
                [row for row in runs("55 * * * *", 16) if row.started < END - timedelta(days=14)], weeks=16
            )
        )
        assert (lesson.cron, lesson.known, lesson.proposed) == ("55 * * * *", False, True)
        assert "it has not run since Wed 16 Sep 06:55 CDT" in lesson.why_not

    def test_in_a_year_of_every_quarter_of_an_hour_goes_by_the_same_zone(self) -> None:
        """By UTC it would have changed with the clocks, twice, and that explained the rest a little better."""
        zone, end = "Europe/Berlin", datetime(2026, 4, 20, 12, tzinfo=UTC)
        rest, rng = (end - timedelta(days=60), end - timedelta(days=15)), Random(60)
        every = runs("*/15 7-20 * * MON-FRI", 52, late=4, end=end, zone=zone)
        rows = [row for row in every if not rest[0] <= row.started < rest[1] and rng.random() > 0.01]
        lesson = only(taught(rows, weeks=52, end=end, zone=zone))
        assert (lesson.cron, lesson.zone, lesson.why_not) == ("*/15 7-20 * * MON-FRI", zone, "")
        (note,) = lesson.notes
        assert note.startswith("it stood still from Thu 19 Feb ")

    def test_for_the_last_five_weeks_is_proposed_though_it_ran_every_half_hour(self) -> None:
        rows = [row for row in runs("*/30 8-18 * * *", 26) if row.started < END - timedelta(days=35)]
        lesson = only(taught(rows, weeks=26))
        assert (lesson.cron, lesson.proposed) == ("*/30 8-18 * * *", True)
        assert "it has not run since" in lesson.why_not

    def test_does_not_hide_one_that_runs_on_some_days_of_the_month_only(self) -> None:
        lesson = only(taught(runs("0 6 1,2,3 * *", 26), weeks=26))
        assert (lesson.cron, lesson.missed) == ("0 6 1,2,3 * *", ())


class TestWhatIsOnlyProposed:
    def test_explains_the_runs_and_says_what_else_may(self) -> None:
        dues = due_times("0 6 * * MON", ZONE, END - timedelta(weeks=4), END)
        rows = [
            row_of("j-1", due + timedelta(minutes=late))
            for due, late in zip(dues, (3.2, 6.9, 4.5, 7.8), strict=True)
        ]
        lesson = only(taught(rows, weeks=4))
        assert (lesson.known, lesson.proposed, len(lesson.hits)) == (False, True, 4)
        assert lesson.sure < 0.95
        assert len(lesson.others) == 3

    def test_is_a_zone_that_the_runs_do_not_show(self) -> None:
        """Other jobs ran on both sides of the change of the clocks, this one only after it."""
        end = AUTUMN
        other = [
            row.model_copy(update={"job_id": "j-2", "run_id": f"2-{row.run_id}"})
            for row in runs("0 3 * * *", end=end)
        ]
        late = [row for row in runs("0 6 * * *", end=end) if row.started >= end - timedelta(weeks=3)]
        one, both = taught([*late, *other], end=end).lessons
        assert (one.cron, one.known, one.proposed) == ("0 6 * * *", False, True)
        assert one.why_not.startswith("it may go by the clock of America/Chicago or of UTC (9")
        assert both.known

    def test_is_not_what_a_single_due_time_shows(self) -> None:
        lesson = only(taught([row_of("j-1", END - timedelta(days=n, hours=n)) for n in (2, 9)]))
        assert (lesson.known, lesson.proposed) == (False, False)
        assert lesson.why_not


class TestNothingIsInvented:
    @pytest.mark.parametrize(
        ("rows", "why"),
        [
            (runs("0 6 * * *")[:1], "it ran once"),
            (runs("0 6 * * *")[-3:], "only 3 days with a run|days are not clear"),
            (
                [row_of("j-1", END - timedelta(days=n), manual=True) for n in range(1, 9)],
                "started by a person",
            ),
            (runs("0 6 * * *")[:-9], "it has not run since Mon 21 Sep 06:00 CDT; was it paused, or deleted"),
        ],
    )
    def test_where_the_log_shows_too_little(self, rows: list[ActivityRow], why: str) -> None:
        lesson = only(taught(rows))
        assert not lesson.known
        assert any(part in lesson.why_not for part in why.split("|")), lesson.why_not

    def test_where_two_minutes_are_as_likely(self) -> None:
        dues = due_times("0 6 * * MON", ZONE, END - timedelta(weeks=4), END)
        delays = (3.2, 6.9, 4.5, 7.8)
        rows = [row_of("j-1", due + timedelta(minutes=late)) for due, late in zip(dues, delays, strict=True)]
        assert "its minute is not clear" in only(taught(rows, weeks=4)).why_not

    def test_where_two_times_of_day_need_two_crons(self) -> None:
        rows = sorted([*runs("0 6 * * *"), *runs("30 14 * * *")], key=lambda row: row.started)
        assert not only(taught(rows)).known

    @given(st.integers(0, 10_000), st.integers(2, 40))
    @settings(max_examples=6, deadline=None)
    def test_out_of_runs_at_any_time(self, seed: int, amount: int) -> None:
        rng = Random(seed)
        rows = [row_of("j-1", END - timedelta(minutes=rng.uniform(1, 8 * 7 * 1440))) for _ in range(amount)]
        assert not only(taught({row.run_id: row for row in rows}.values())).known

    @given(
        minute=st.integers(0, 59),
        hour=st.integers(0, 23),
        days=st.sets(st.sampled_from(DAYS), min_size=1),
        late=st.floats(0, 8),
        weeks=st.integers(2, 12),
    )
    @settings(max_examples=20, deadline=None)
    def test_but_a_minute_or_two(
        self, minute: int, hour: int, days: set[str], late: float, weeks: int
    ) -> None:
        """Days and hours are exact or not learned; of the minute the delay may hide a little."""
        cron = f"{minute} {hour} * * {','.join(days)}"
        rows = runs(cron, weeks, late=late)
        lesson = only(taught(rows, weeks=weeks))
        if lesson.known:
            due = due_times(cron, ZONE, END, END + timedelta(days=60))
            found = due_times(lesson.cron, lesson.zone, END, END + timedelta(days=60))
            off = {(other - one) for one, other in zip(due, found, strict=True)}
            assert len(off) == 1
            assert abs(off.pop()) <= timedelta(minutes=min(late, 3))


class TestTheLog:
    def test_with_a_hole_teaches_the_same_and_names_the_hole(self) -> None:
        down = (END - timedelta(days=20), END - timedelta(days=17))
        other = [row.model_copy(update={"job_id": "j-2"}) for row in runs("0 * * * *")]
        rows = [row for row in (*runs("0 6 * * *"), *other) if not down[0] <= row.started < down[1]]
        found = taught(rows)
        assert [lesson.cron for lesson in found.lessons] == ["0 6 * * *", "0 * * * *"]
        assert [lesson.missed for lesson in found.lessons] == [(), ()]
        ((start, end),) = found.holes
        assert down[0] <= start < end <= down[1]

    def test_without_a_run_teaches_nothing(self) -> None:
        with pytest.raises(Unreadable, match="shows no run between Wed 5 Aug 07:00 CDT and"):
            taught([])

    def test_of_a_zone_that_nobody_knows(self) -> None:
        with pytest.raises(ConfigurationError, match="did you mean 'America/Chicago'"):
            taught(runs("0 6 * * *"), zone="America/Chicgo")

    def test_tells_how_late_its_jobs_are_and_so_of_the_rare_ones(self) -> None:
        """Four late runs alone could be due at any of some minutes; all others are late, so they are too."""
        other = [
            row.model_copy(update={"job_id": f"j-{n + 2}", "run_id": f"{n}-{row.run_id}"})
            for n in range(12)
            for row in runs(f"0 {n} * * *", 4, late=8)
        ]
        dues = due_times("0 6 * * MON", ZONE, END - timedelta(weeks=4), END)
        rows = [
            row_of("j-1", due + timedelta(minutes=late))
            for due, late in zip(dues, (2.1, 6.9, 3.5, 4.8), strict=True)
        ]
        alone, among = only(taught(rows, weeks=4)), taught([*rows, *other], weeks=4).lessons
        assert alone.sure < next(lesson for lesson in among if lesson.job_id == "j-1").sure
