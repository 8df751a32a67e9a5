"""What was learned as a file that loads, with everything else in comments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.domain.histories import row_of

from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.jobs import ActivityLog, ActivityRow, Counts, Job
from pro2_reconciliation.domain.learning import learn
from pro2_reconciliation.domain.proposal import proposal, summary
from pro2_reconciliation.domain.schedule import due_times
from pro2_reconciliation.domain.words import Outcome, ProcessType

ZONE = "America/Chicago"
END = datetime(2026, 11, 25, 12, tzinfo=UTC)
START = END - timedelta(weeks=6)
HOSTILE = 'Members": {{ x }}\n- id: "evil" # \u202e'


def rows(
    cron: str, job_id: str = "j-1", since: datetime = START, until: datetime = END, **more: Any
) -> list[ActivityRow]:
    dues = due_times(cron, ZONE, since, until)
    return [row_of(job_id, due + timedelta(seconds=30), **more) for due in dues]


def proposed(every: Iterable[ActivityRow]) -> str:
    log = ActivityLog(as_of=END, whole_from=START, rows=tuple(every))
    return proposal(learn("playhouse", log, ZONE), "activity.csv")


def loaded(folder: Path, every: Iterable[ActivityRow]) -> dict[str, Job]:
    (folder / "jobs.yaml").write_text(proposed(every), encoding="utf-8")
    return load_site(folder).jobs_by_id


class TestTheProposal:
    def test_loads_with_what_the_log_tells(self, tmp_path: Path) -> None:
        usual = {
            "process_type": ProcessType.DATA_SYNC,
            "outcome": Outcome.PARTIAL_ERROR,
            "counts": Counts(returned=200, updated=197, failed=3),
            "tag": "Members",
        }
        job = loaded(tmp_path, rows("30 18 * * *", **usual))["j-1"]
        assert (job.cron, job.zone, job.process_type) == ("30 18 * * *", ZONE, ProcessType.DATA_SYNC)
        assert (job.usual_minutes, job.usual_partial_share, job.sync_tag) == (5, 0.015, "Members")
        assert (job.starts_mail, job.adds_to_list) == ("unknown", None)

    def test_says_how_usual_and_how_sure(self) -> None:
        every = rows("30 18 * * *", counts=Counts(returned=240, updated=240))
        del every[30]
        text = proposed(every)
        assert "  # «Job j-1» (j-1): 41 of 42 due times since" in text
        assert "  # without a run: Fri 13 Nov 18:30 CST" in text
        assert "  # usually 240 contacts" in text

    def test_keeps_the_schedule_that_a_job_had_before(self, tmp_path: Path) -> None:
        changed = END - timedelta(weeks=3)
        every = [*rows("0 6 * * *", until=changed), *rows("30 14 * * MON-FRI", since=changed)]
        job = loaded(tmp_path, every)["j-1"]
        assert job.cron == "30 14 * * MON-FRI"
        assert [one.cron for one in job.schedules] == ["0 6 * * *"]
        assert "changed Wed 4 Nov " in proposed(every)

    def test_of_a_kind_that_the_log_does_not_tell_is_refused_in_words(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigurationError, match=r"job 'j-1': process_type 'TODO' is not known; write one of data_"
        ):
            loaded(tmp_path, rows("30 18 * * *", process_type=None))

    def test_has_what_was_not_learned_as_a_comment_with_the_reason(self, tmp_path: Path) -> None:
        every = [*rows("30 18 * * *"), *rows("0 6 * * *", "j-2")[:2]]
        assert loaded(tmp_path, every).keys() == {"j-1"}
        text = proposed(every)
        assert "  # «Job j-2» (j-2): " in text
        assert '  # - id: "j-2"' in text

    def test_has_what_is_not_sure_as_a_comment_that_names_what_else_it_may_be(self, tmp_path: Path) -> None:
        late = [row_of("j-2", END - timedelta(weeks=n, minutes=54 - m)) for n, m in ((3, 4), (2, 7), (1, 6))]
        every = [*rows("30 18 * * *"), *late]
        assert loaded(tmp_path, every).keys() == {"j-1"}
        text = proposed(every)
        assert "  # «Job j-2» (j-2), not sure: its minute is not clear, it may be 10 or " in text
        assert "  # 3 of 4 due times since Wed 4 Nov 04:55 CST had a run; sure 7" in text
        assert '  #   cron: "10 5 * * WED"' in text
        assert ": 1 job learned; 1 proposed, to be looked at; 0 not learned." in text
        uncommented = text.replace("  # - id", "  - id").replace("  #   ", "    ")
        (tmp_path / "jobs.yaml").write_text(uncommented, encoding="utf-8")
        assert load_site(tmp_path).jobs_by_id.keys() == {"j-1", "j-2"}

    def test_of_a_short_log_says_what_it_cannot_show(self) -> None:
        every = rows("30 18 * * *")
        assert (
            "This export holds 6 weeks, and 52 are needed: jobs that run once a week or less often"
            in proposed(every)
        )
        log = ActivityLog(as_of=END, whole_from=END - timedelta(weeks=52), rows=tuple(every))
        assert "This export holds" not in proposal(learn("playhouse", log, ZONE), "activity.csv")

    def test_of_nothing_loads_too(self, tmp_path: Path) -> None:
        assert loaded(tmp_path, rows("0 6 * * *")[:1]) == {}

    def test_lists_the_runs_that_fit_no_schedule(self) -> None:
        pressed = row_of("j-1", END - timedelta(hours=2), manual=True)
        text = proposed([*rows("30 18 * * *"), pressed])
        assert f"# «Job j-1» (j-1): Wed 25 Nov 04:00 CST, Completed, by hand (run {pressed.run_id})" in text

    def test_takes_names_as_data(self, tmp_path: Path) -> None:
        every = rows("30 18 * * *", "j-1 \" '#", name=HOSTILE, raw_status=HOSTILE, tag=HOSTILE)
        (job,) = loaded(tmp_path, every).values()
        assert job.id == "j-1 \" '#"
        assert job.name.startswith('Members": {{ x }} - id: "evil" #')
        pressed = [row.model_copy(update={"started": row.started + timedelta(hours=3)}) for row in every[:2]]
        assert loaded(tmp_path, [*every[2:], *pressed]).keys() == {job.id}


def test_the_summary_has_a_line_for_each_job_those_learned_first() -> None:
    log = ActivityLog(
        as_of=END, whole_from=START, rows=(*rows("0 6 * * *", "j-1")[:2], *rows("30 18 * * *", "j-2"))
    )
    lines = summary(learn("playhouse", log, ZONE))
    assert "1 job learned; 0 proposed, to be looked at; 1 not learned" in lines
    assert lines[1].split()[:4] == ["j-2", "Job", "j-2", "30"]
    assert "not learned" in lines[2]
    assert lines[-1] == "Runs that fit no schedule: 0"
