"""The catalog against six weeks of runs: what moved, what stopped, what nobody wrote down, and no false alarm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.domain.histories import row_of

from pro2_reconciliation.domain.catching_up import CatalogCheck, Finding, FindingKind, catch_up
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, EarlierSchedule, Job
from pro2_reconciliation.domain.schedule import due_times, dues_of
from pro2_reconciliation.domain.words import ProcessType

ZONE = "America/Chicago"
END = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
START = END - timedelta(weeks=5)
"""The clocks went back on 1 November."""
MOVED = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)
"""Two weeks before the end: a Wednesday, 06:00 in Chicago."""


def job(job_id: str = "j-1", cron: str = "0 6 * * *", **more: Any) -> Job:
    plain = {
        "organization": "playhouse",
        "id": job_id,
        "name": f"Job {job_id}",
        "process_type": ProcessType.INTEGRATED_IMPORT,
        "cron": cron,
        "zone": ZONE,
    }
    return Job.model_validate({**plain, **more})


def runs(job_id: str, dues: Iterable[datetime], **more: Any) -> list[ActivityRow]:
    return [row_of(job_id, due + timedelta(seconds=20), **more) for due in dues]


def ran(one: Job, start: datetime = START, end: datetime = END) -> list[ActivityRow]:
    """As its catalog says."""
    return runs(one.id, dues_of(one, start, end))


def by(
    cron: str, start: datetime, end: datetime = END, job_id: str = "j-1", zone: str = ZONE
) -> list[ActivityRow]:
    return runs(job_id, due_times(cron, zone, start, end))


CLOCKWORK = job("j-9", "*/30 * * * *")
"""A job that always runs, so that the log is alive."""


def checked(
    jobs: Iterable[Job], rows: Iterable[ActivityRow], silent: Any = (), end: datetime = END
) -> CatalogCheck:
    every = [*rows, *ran(CLOCKWORK, end=end)]
    kept = tuple(row for row in every if not any(a <= row.started < b for a, b in silent))
    log = ActivityLog(as_of=end, whole_from=START, rows=kept)
    return catch_up("playhouse", ZONE, [*jobs, CLOCKWORK], log, silent)


def only(found: CatalogCheck) -> Finding:
    (one,) = found.findings
    return one


class TestAJobThatMoved:
    def test_is_told_with_when_and_with_the_lines_that_put_it_right(self, tmp_path: Path) -> None:
        rows = [*ran(job(), end=MOVED), *by("0 4 * * *", MOVED)]
        found = only(checked([job()], rows))
        assert found.kind is FindingKind.MOVED
        assert found.text == (
            "«Job j-1» (j-1) moved Wed 11 Nov 06:00 CST, 13 days ago: its runs fit «0 4 * * *», "
            "and jobs.yaml says «0 6 * * *»"
        )
        assert found.lines == (
            'cron: "0 4 * * *"',
            "schedules:",
            '  - {cron: "0 6 * * *", until: 2026-11-11T06:00-06:00}',
        )
        pasted = with_lines(tmp_path, job(), found.lines)
        assert checked([pasted], rows).findings == ()

    def test_keeps_the_schedules_before_it(self, tmp_path: Path) -> None:
        first = START + timedelta(days=7)
        before = job(schedules=(EarlierSchedule(cron="30 9 * * *", until=first),))
        rows = [*ran(before, end=MOVED), *by("0 4 * * *", MOVED)]
        found = only(checked([before], rows))
        assert [line.partition(",")[0] for line in found.lines[2:]] == [
            '  - {cron: "30 9 * * *"',
            '  - {cron: "0 6 * * *"',
        ]
        assert checked([with_lines(tmp_path, before, found.lines)], rows).findings == ()

    def test_a_few_days_ago_on_the_same_days_has_lines_and_says_how_sure(self, tmp_path: Path) -> None:
        moved = END - timedelta(days=4)
        rows = [*ran(job(), end=moved), *by("0 4 * * *", moved)]
        found = only(checked([job()], rows))
        assert found.lines == (
            'cron: "0 4 * * *"',
            "schedules:",
            '  - {cron: "0 6 * * *", until: 2026-11-21T06:00-06:00}',
        )
        assert found.text == (
            "«Job j-1» (j-1) moved Sat 21 Nov 06:00 CST, 3 days ago: its 4 runs since then fit «0 4 * * *», and "
            "jobs.yaml says «0 6 * * *». The days are those of jobs.yaml: it ran at each of these due times and at no "
            "other. The time is 99.9% sure; by the runs alone only 4 days with a run show this schedule, 7 are needed. "
            "Look in Pro2 before you paste it"
        )
        assert checked([with_lines(tmp_path, job(), found.lines)], rows).findings == ()

    @pytest.mark.parametrize(
        ("before", "since", "why"),
        [
            ("0 6 * * *", "0 4 * * MON,TUE,WED,FRI,SUN", "a due time of the catalog's days has no run"),
            ("0 6 * * MON-FRI", "0 4 * * *", "it ran on a day that is not the catalog's"),
            ("0 6,18 * * *", "0 4 * * *", "the catalog's is no time of day"),
        ],
    )
    def test_on_days_that_contradict_the_catalog_has_no_lines(
        self, before: str, since: str, why: str
    ) -> None:
        moved = END - timedelta(days=6)
        one = job(cron=before)
        found = only(checked([one], [*ran(one, end=moved), *by(since, moved)]))
        assert (found.kind, found.lines) == (FindingKind.MOVED, ()), why
        assert "When it is due now is not clear yet" in found.text

    def test_whose_minute_is_not_clear_has_no_lines(self) -> None:
        moved = END - timedelta(days=5)
        late = (159, 65, 189, 91, 203)
        rows = [
            row.model_copy(update={"started": row.started + timedelta(seconds=seconds)})
            for row, seconds in zip(by("0 4 * * *", moved), late, strict=True)
        ]
        found = only(checked([job()], [*ran(job(), end=moved), *rows]))
        assert (found.kind, found.lines) == (FindingKind.MOVED, ())
        assert "its minute is not clear, it may be 00 or 01" in found.text

    def test_of_one_more_run_by_itself_has_no_lines(self) -> None:
        """Four runs at the new time, and one that nothing explains."""
        moved = END - timedelta(days=4)
        odd = runs("j-1", [END - timedelta(days=2, hours=5)])
        found = only(checked([job()], sorted(
            [*ran(job(), end=moved), *by("0 4 * * *", moved), *odd], key=lambda row: row.started)))  # fmt: skip
        assert (found.kind, found.lines) == (FindingKind.MOVED, ())

    def test_yesterday_is_not_told_yet(self) -> None:
        moved = END - timedelta(days=1)
        assert checked([job()], [*ran(job(), end=moved), *by("0 4 * * *", moved)]).findings == ()

    def test_to_the_clock_of_another_zone_is_told_when_the_clocks_change(self, tmp_path: Path) -> None:
        rows = by("0 11 * * *", START, zone="UTC")  # 06:00 in summer, 05:00 in winter
        found = only(checked([job()], rows))
        assert found.kind is FindingKind.MOVED
        assert 'cron: "0 5 * * *"' in found.lines
        assert checked([with_lines(tmp_path, job(), found.lines)], rows).findings == ()


class TestAJobThatRunsOtherwise:
    def test_on_fewer_days(self, tmp_path: Path) -> None:
        rows = by("0 6 * * MON-FRI", START)
        found = only(checked([job()], rows))
        assert found.kind is FindingKind.RUNS_OTHERWISE
        assert found.lines == ('cron: "0 6 * * MON-FRI"',)
        assert checked([with_lines(tmp_path, job(), found.lines)], rows).findings == ()

    def test_at_more_times(self) -> None:
        found = only(checked([job()], by("0 6,18 * * *", START)))
        assert found.kind is FindingKind.RUNS_OTHERWISE
        assert found.lines == ('cron: "0 6,18 * * *"',)


class TestAJobThatDoesNotRun:
    def test_is_told_with_the_days(self) -> None:
        found = only(checked([job()], ran(job(), end=END - timedelta(days=10))))
        assert found.kind is FindingKind.STOPPED
        assert found.text.startswith(
            "«Job j-1» (j-1) did not run for 10 days: it last ran Sat 14 Nov 06:00 CST, and 10 due times have no run."
        )
        assert found.lines == ("paused: true",)

    def test_is_not_told_after_one_missed_run(self) -> None:
        assert checked([job()], ran(job(), end=END - timedelta(days=1))).findings == ()

    def test_though_the_catalog_says_paused_and_the_reverse(self) -> None:
        paused = job(paused=True)
        assert checked([paused], []).findings == ()
        assert checked([paused], ran(job(), end=END - timedelta(days=3))).findings == ()
        found = only(checked([paused], by("0 6 * * *", START)))
        assert (found.kind, found.lines) == (FindingKind.RUNS_THOUGH_PAUSED, ("paused: false",))


class TestAJobThatIsNotInTheCatalog:
    def test_is_told_with_an_entry_that_loads(self, tmp_path: Path) -> None:
        rows = by("30 7 * * MON-FRI", START, job_id="j-7")
        found = only(checked([job()], [*rows, *ran(job())]))
        assert found.kind is FindingKind.NOT_IN_CATALOG
        assert found.lines[0] == '- id: "j-7"'
        head = f"organization: playhouse\nzone: {ZONE}\njobs:\n"
        (tmp_path / "jobs.yaml").write_text(head + "".join(f"  {line}\n" for line in found.lines))
        assert load_site(tmp_path).jobs_by_id["j-7"].cron == "30 7 * * MON-FRI"

    def test_is_not_told_where_people_pressed_it(self) -> None:
        rows = runs("j-7", due_times("30 7 * * *", ZONE, START, END), manual=True)
        assert checked([], rows).findings == ()

    def test_is_not_told_for_ever(self) -> None:
        assert checked([], by("30 7 * * *", START, END - timedelta(days=15), job_id="j-7")).findings == ()

    def test_whose_schedule_is_not_clear_has_no_lines(self) -> None:
        rows = runs("j-7", [END - timedelta(days=1, minutes=n * 77) for n in (3, 9, 11)])
        found = only(checked([], rows))
        assert found.lines == ()
        assert "its schedule is not clear" in found.text


class TestNoFalseAlarm:
    @pytest.mark.parametrize("end", [END, datetime(2026, 3, 20, 11, tzinfo=UTC)])
    @pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * *", "15 * * * *", "0 */2 * * *", "0 6 1 * *"])
    def test_when_the_clocks_change(self, cron: str, end: datetime) -> None:
        start = end - timedelta(weeks=5)
        one = job(cron=cron)
        rows = [*ran(one, start, end), *ran(CLOCKWORK, start, end)]
        log = ActivityLog(as_of=end, whole_from=start, rows=tuple(rows))
        assert catch_up("playhouse", ZONE, [one, CLOCKWORK], log, ()).findings == ()

    def test_for_an_outage_that_is_known(self) -> None:
        outage = (END - timedelta(days=5), END - timedelta(hours=1))
        assert checked([job()], ran(job()), [outage]).findings == ()

    def test_for_an_outage_that_nobody_knows(self) -> None:
        one, other = job(), job("j-2", "0 * * * *")
        down = (END - timedelta(days=8), END - timedelta(days=4))
        rows = [
            row for row in (*ran(one), *ran(other), *ran(CLOCKWORK)) if not down[0] <= row.started < down[1]
        ]
        log = ActivityLog(as_of=END, whole_from=START, rows=tuple(rows))
        assert catch_up("playhouse", ZONE, [one, other, CLOCKWORK], log, ()).findings == ()

    def test_for_a_log_that_ends_with_nobody_running(self) -> None:
        rows = [*ran(job(), end=END - timedelta(days=6)), *ran(CLOCKWORK, end=END - timedelta(days=6))]
        log = ActivityLog(as_of=END, whole_from=START, rows=tuple(rows))
        assert catch_up("playhouse", ZONE, [job(), CLOCKWORK], log, ()).findings == ()

    def test_for_a_pause_and_a_change_that_the_catalog_knows(self) -> None:
        one = job(
            schedules=(
                EarlierSchedule(cron="30 9 * * *", until=START + timedelta(days=10)),
                EarlierSchedule(cron="none", until=END - timedelta(days=3)),
            )
        )
        assert checked([one], ran(one)).findings == ()

    def test_for_late_runs_and_runs_by_hand(self) -> None:
        late = [
            row.model_copy(update={"started": row.started + timedelta(minutes=45)}) for row in ran(job())[-1:]
        ]
        pressed = runs("j-1", [END - timedelta(days=n, hours=3) for n in range(1, 9)], manual=True)
        assert checked([job()], [*ran(job())[:-1], *late, *pressed]).findings == ()

    def test_of_a_log_that_begins_later(self) -> None:
        log = ActivityLog(as_of=END, whole_from=END - timedelta(days=2), rows=tuple(ran(job())))
        assert catch_up("playhouse", ZONE, [job(), job("j-2", "0 9 * * MON")], log, ()).findings == ()


def with_lines(folder: Path, one: Job, lines: Iterable[str]) -> Job:
    """The job after somebody pasted the lines into its entry."""
    entry = [f'- id: "{one.id}"', f"  name: {one.name}", f"  process_type: {one.process_type.value}"]
    body = [f"  {line}" for line in (*entry, *(f"  {line}" for line in lines))]
    (folder / "jobs.yaml").write_text("\n".join([f"organization: playhouse\nzone: {ZONE}\njobs:", *body, ""]))
    return load_site(folder).jobs_by_id[one.id]
