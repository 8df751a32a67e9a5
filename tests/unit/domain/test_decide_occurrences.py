"""Occurrences of jobs through facts and table: whether anything is to be done, rule by rule and in their order."""

from __future__ import annotations

import pytest
from tests.unit.domain import factories as f
from tests.unit.domain.factories import (
    ADDRESSES,
    DUE,
    END,
    EVERY_JOB,
    FAILED,
    GOING,
    GRACE,
    HOUR,
    IMPORT,
    LATER,
    MINUTE,
    NOW,
    SECOND,
    STOPPED,
    SYNC,
    TRIGGER,
    judged,
    outcome,
    partial,
)

from pro2_reconciliation.domain.decide import NOT_OBSERVED
from pro2_reconciliation.domain.facts import OwnAction
from pro2_reconciliation.domain.jobs import ActivityLog, Audience, Counts
from pro2_reconciliation.domain.occurrence_facts import awaited_run
from pro2_reconciliation.domain.words import Choice, Outcome, ProcessType, Remedy


class TestOurOwnActions:
    """R0."""

    def test_what_we_reprocessed_is_done(self):
        assert outcome(judged(own=OwnAction("done", "run now, confirmed"))) == ("R0", Remedy.NONE)

    def test_what_is_half_done_is_resumed_as_what_it_is(self):
        found = judged(SYNC, own=OwnAction("open", "data sync, running", Remedy.DATA_SYNC))
        assert outcome(found) == ("R0", Remedy.DATA_SYNC)
        assert found.choices == (Choice.LEAVE, Choice.REPROCESS)

    def test_what_waits_for_a_person_goes_on_waiting(self):
        assert outcome(judged(own=OwnAction("needs_human", "?"))) == ("R0", Remedy.NEEDS_HUMAN)


class TestWhatCannotBeKnown:
    """R1."""

    @pytest.mark.parametrize("job", EVERY_JOB)
    def test_an_unknown_label_is_a_persons(self, job):
        found = judged(job, f.row(outcome=Outcome.UNKNOWN, raw_status="Verwirrt"))
        assert outcome(found) == ("R1", Remedy.NEEDS_HUMAN)
        assert "«Verwirrt»" in found.reason

    @pytest.mark.parametrize(
        ("sources", "said"),
        [
            ({"log": None}, "the Activity Log could not be read"),
            ({"log": ActivityLog(as_of=NOW, rows=())}, "the Activity Log is empty for the whole window"),
            ({"log": f.log(as_of=DUE + GRACE - SECOND)}, "the Activity Log ends before it was due"),
            ({"log": f.log().model_copy(update={"whole_from": DUE + SECOND})}, "begins after it was due"),
            ({"log": ActivityLog(as_of=DUE, rows=())}, "the Activity Log ends before it was due"),
            ({"console": None}, "the Console could not be read"),
            ({"console": f.console(as_of=DUE + GRACE - SECOND)}, "the Console was read before it was due"),
        ],
    )
    @pytest.mark.parametrize("job", EVERY_JOB)
    def test_the_absence_of_a_row_proves_nothing_where_the_source_is_not_whole(self, job, sources, said):
        found = judged(job, **sources)
        assert outcome(found) == ("R1", Remedy.NEEDS_HUMAN)
        assert said in found.reason
        assert found.steps[0].startswith("Look in the Console of the Integrated Dashboard whether")

    def test_sources_that_reach_just_past_the_grace_are_whole(self):
        whole = {"log": f.log(as_of=DUE + GRACE), "console": f.console(as_of=DUE + GRACE)}
        assert judged(**whole).rule == "R10"

    def test_a_run_in_progress_is_not_called_hanging_while_the_console_cannot_be_read(self):
        assert outcome(judged(IMPORT, GOING, console=None)) == ("R6", Remedy.WATCH)


class TestWhatHappened:
    """R2 to R5."""

    @pytest.mark.parametrize("job", EVERY_JOB)
    def test_r2_a_success_is_a_success(self, job):
        assert outcome(judged(job, f.row())) == ("R2", Remedy.NONE)

    def test_r2_a_late_success_says_so(self):
        assert judged(IMPORT, f.row(DUE + HOUR), late=True).reason == "success at Thu 19 Nov 19:30 CST, late"

    @pytest.mark.parametrize(
        ("count", "note"),
        [
            (0, ", unusually few: 0 contacts, usually 300 (more than 3 times off)"),
            (99, ", unusually few: 99 contacts, usually 300 (more than 3 times off)"),
            (100, ""),
            (900, ""),
            (901, ", unusually many: 901 contacts, usually 300 (more than 3 times off)"),
        ],
    )
    def test_r2_an_unusual_count_is_noted(self, count, note):
        found = judged(IMPORT, f.row(counts=Counts(returned=count)), usual_count=300.0)
        assert outcome(found) == ("R2", Remedy.NONE)
        assert found.reason == f"success at Thu 19 Nov 18:30 CST{note}"

    def test_r2_without_counts_or_history_nothing_is_unusual(self):
        assert "unusual" not in judged(IMPORT, f.row(counts=Counts(returned=0))).reason
        assert "unusual" not in judged(IMPORT, f.row(), usual_count=300.0).reason

    @pytest.mark.parametrize(("hours", "remedy"), [(2, Remedy.NONE), (3, Remedy.NEEDS_HUMAN)])
    def test_r2_a_trigger_that_ran_late_must_have_met_its_audience(self, hours, remedy):
        job = f.job(ProcessType.SCHEDULED_TRIGGER, audience=Audience(kind="exact", window_hours=3))
        found = judged(job, f.row(DUE + hours * HOUR), late=True)
        assert outcome(found) == ("R2", remedy)

    def test_r3_what_a_person_reprocessed_is_repaired(self):
        found = judged(SYNC, FAILED, by_hand=f.row(END + MINUTE, manual=True))
        assert outcome(found) == ("R3", Remedy.NONE)
        assert "Thu 19 Nov 21:06 CST" in found.reason

    def test_r3_what_a_person_is_reprocessing_is_watched(self):
        by_hand = f.row(END, Outcome.IN_PROGRESS, manual=True)
        assert outcome(judged(by_hand=by_hand)) == ("R3", Remedy.WATCH)

    @pytest.mark.parametrize("job", [IMPORT, ADDRESSES, SYNC])
    def test_r4_a_later_success_covers_what_was_missed(self, job):
        assert outcome(judged(job, later=(LATER,))) == ("R4", Remedy.NONE)

    @pytest.mark.parametrize("row", [FAILED, STOPPED])
    def test_r4_a_later_success_does_not_cover_a_failed_sync(self, row):
        assert outcome(judged(SYNC, row, later=(LATER,))) == ("R14", Remedy.DATA_SYNC)
        assert judged(IMPORT, row, later=(LATER,)).rule == "R4"

    def test_r4_a_later_success_covers_a_trigger_only_in_the_same_audience_window(self):
        assert outcome(judged(TRIGGER, later=(LATER,))) == ("R4", Remedy.NONE)
        found = judged(TRIGGER, later=(f.row(DUE + 14 * HOUR),), now=DUE + 15 * HOUR)
        assert outcome(found) == ("R4", Remedy.NEEDS_HUMAN)

    def test_r4_an_audience_that_nobody_described_is_not_the_same(self):
        job = f.job(ProcessType.SCHEDULED_TRIGGER, audience=Audience())
        assert outcome(judged(job, later=(LATER,))) == ("R4", Remedy.NEEDS_HUMAN)

    def test_r4_a_later_run_that_failed_covers_nothing(self):
        assert judged(IMPORT, later=(f.row(DUE + HOUR, Outcome.FULL_ERROR),)).rule == "R10"

    def test_r5_a_job_that_never_leaves_a_trace_may_have_moved(self):
        found = judged(matched_before=0)
        assert outcome(found) == ("R5", Remedy.NEEDS_HUMAN)
        assert found.steps[0] == "Compare the schedule of «Nightly job» in Pro2 with jobs.yaml"
        assert found.steps[1].startswith("Look at «The catalog» in the newest nightly report")

    def test_r5_one_trace_before_is_enough_and_a_young_job_is_not_suspected(self):
        assert judged(matched_before=1).rule == "R10"
        assert judged(matched_before=0, asked_before=0).rule == "R10"


class TestWhatIsNotOverYet:
    """R6 and R7."""

    def test_r6_a_run_younger_than_twice_its_usual_length_is_watched(self):
        assert outcome(judged(IMPORT, GOING, now=DUE + 20 * MINUTE - SECOND)) == ("R6", Remedy.WATCH)
        assert judged(IMPORT, GOING, now=DUE + 20 * MINUTE).rule == "R10"

    def test_r6_a_run_that_progresses_is_watched_however_old(self):
        moving = f.console(f.running(progressed=NOW - MINUTE, progress=40))
        found = judged(IMPORT, GOING, console=moving)
        assert outcome(found) == ("R6", Remedy.WATCH)
        assert found.reason == "in progress, 40 contacts so far"

    @pytest.mark.parametrize("job", EVERY_JOB)
    @pytest.mark.parametrize("row", [None, FAILED, STOPPED])
    def test_r7_another_run_of_the_job_goes_first(self, job, row):
        busy = f.console(f.running(NOW - MINUTE))
        assert outcome(judged(job, row, console=busy)) == ("R7", Remedy.WATCH)

    @pytest.mark.parametrize(
        ("minutes", "rule"), [(0, "R7"), (15, "R7"), (16, "R10"), (-10, "R7"), (-11, "R10")]
    )
    def test_r7_so_does_the_next_occurrence_within_15_minutes(self, minutes, rule):
        job = f.job(cron=f"{(45 + minutes) % 60} {21 + (45 + minutes) // 60} * * *")  # it is 21:45
        awaited = awaited_run(job, f.due(), (), NOW)
        assert judged(job, awaited=awaited).rule == rule

    def test_r7_asks_for_the_next_run_after_now_and_not_the_one_after_the_missed_one(self):
        hourly = f.job(cron="50 * * * *")
        occurrence = f.due(following=DUE + 20 * MINUTE)  # 18:50, long past at 21:45
        found = judged(hourly, occurrence=occurrence, awaited=awaited_run(hourly, occurrence, (), NOW))
        assert outcome(found) == ("R7", Remedy.WATCH)
        assert "Thu 19 Nov 21:50 CST" in found.reason

    def test_a_run_that_has_begun_or_is_past_its_grace_is_awaited_no_more(self):
        hourly = f.job(cron="40 * * * *")
        assert awaited_run(hourly, f.due(), (), NOW) == NOW - 5 * MINUTE
        assert awaited_run(hourly, f.due(), (f.row(NOW - 4 * MINUTE),), NOW) == NOW + 55 * MINUTE
        assert awaited_run(hourly, f.due(), (), NOW + 6 * MINUTE) == NOW + 55 * MINUTE
        by_hand = f.row(NOW - 4 * MINUTE, manual=True)
        assert awaited_run(hourly, f.due(), (by_hand,), NOW) == NOW - 5 * MINUTE
        assert awaited_run(f.job(paused=True), f.due(), (), NOW) is None

    @pytest.mark.parametrize("kind", ["range", "static"])
    def test_an_audience_that_waits_for_its_next_run_is_told_one_that_is_still_to_come(self, kind):
        job = f.job(
            ProcessType.SCHEDULED_TRIGGER, audience=Audience(kind=kind, window_hours=14), cron="30 * * * *"
        )
        occurrence = f.due(following=DUE + HOUR)
        found = judged(job, occurrence=occurrence, awaited=awaited_run(job, occurrence, (), NOW))
        assert "its next run Thu 19 Nov 22:30 CST reaches it" in found.reason

    def test_r6_what_was_due_in_known_maintenance_is_expected_by_its_end_and_the_grace(self):
        excused = f.due().model_copy(update={"excused_until": NOW - 5 * MINUTE})
        found = judged(SYNC, occurrence=excused, log=f.log(as_of=NOW), console=f.console(as_of=NOW))
        assert outcome(found) == ("R6", Remedy.WATCH)
        assert "until Thu 19 Nov 21:40 CST: expected by Thu 19 Nov 21:50 CST" in found.reason
        later = NOW + 6 * MINUTE
        assert judged(IMPORT, occurrence=excused, now=later).rule == "R1"  # the log ends before 21:50
        whole = {"log": f.log(as_of=later), "console": f.console(as_of=later)}
        for missing in whole:  # each of them has to reach past 21:50
            rest = {key: value for key, value in whole.items() if key != missing}
            assert judged(IMPORT, occurrence=excused, now=later, **rest).rule == "R1"
        assert judged(IMPORT, occurrence=excused, now=later, **whole).rule == "R10"
        assert judged(IMPORT, FAILED, occurrence=excused).rule == "R9"

    def test_a_console_row_after_the_maintenance_is_its_run(self):
        excused = f.due().model_copy(update={"excused_until": DUE + HOUR})
        started = f.console(f.running(DUE + HOUR + 5 * MINUTE, progressed=NOW))
        assert judged(IMPORT, occurrence=excused, console=started).rule == "R6"
        assert judged(IMPORT, console=started).rule == "R7"


class TestErrors:
    """R8 and R9."""

    @pytest.mark.parametrize(("failed", "remedy"), [(5, Remedy.NONE), (6, Remedy.NEEDS_HUMAN)])
    def test_r8_a_partial_error_up_to_the_usual_share_is_usual(self, failed, remedy):
        assert outcome(judged(IMPORT, partial(failed), usual_share=0.05)) == ("R8", remedy)

    def test_r8_the_usual_share_may_be_configured(self):
        tolerant = f.job(usual_partial_share=0.06)
        assert judged(tolerant, partial(6)).remedy is Remedy.NONE

    @pytest.mark.parametrize("counts", [None, Counts(), Counts(returned=0, failed=0)])
    def test_r8_a_share_that_is_not_known_is_not_usual(self, counts):
        row = f.row(outcome=Outcome.PARTIAL_ERROR, counts=counts)
        assert outcome(judged(IMPORT, row, usual_share=1.0)) == ("R8", Remedy.NEEDS_HUMAN)

    @pytest.mark.parametrize("later", [(), (LATER,)])
    def test_r8_of_a_data_sync_it_is_audited_even_if_a_later_run_succeeded(self, later):
        assert outcome(judged(SYNC, partial(6), later=later)) == ("R14", Remedy.DATA_SYNC)
        assert judged(SYNC, partial(6), usual_share=0.06).rule == "R8"

    def test_r9_a_first_full_error_is_reprocessed(self):
        found = judged(IMPORT, FAILED)
        assert outcome(found) == ("R9", Remedy.REPEAT_IMPORT)
        assert found.via == ("R12",)
        assert not found.stop_first

    @pytest.mark.parametrize("job", [SYNC, IMPORT, TRIGGER])
    def test_r9_a_second_full_error_is_a_persons(self, job):
        again = f.row(NOW - MINUTE, Outcome.FULL_ERROR, manual=True)
        assert outcome(judged(job, FAILED, later=(again,))) == ("R9", Remedy.NEEDS_HUMAN)

    def test_r9_the_next_occurrences_own_error_is_no_second_one(self):
        other = f.row(NOW - MINUTE, Outcome.FULL_ERROR)
        assert judged(IMPORT, FAILED, later=(other,)).remedy is Remedy.REPEAT_IMPORT

    @pytest.mark.parametrize("job", [SYNC, IMPORT, TRIGGER])
    def test_r9_nothing_is_reprocessed_while_a_service_it_needs_is_down(self, job):
        assert outcome(judged(job, FAILED, services_healthy=False)) == ("R9", Remedy.WATCH)


class TestStoppingFirst:
    """R10."""

    @pytest.mark.parametrize("job", [IMPORT, TRIGGER])
    def test_what_left_no_trace_is_stopped_before_it_is_reprocessed(self, job):
        found = judged(job)
        assert found.rule == "R10"
        assert found.stop_first
        assert found.choices == (Choice.LEAVE, Choice.REPROCESS)

    def test_what_hangs_may_be_reprocessed_even_if_it_cannot_be_stopped_but_only_by_choice(self):
        found = judged(IMPORT, GOING)
        assert outcome(found) == ("R10", Remedy.REPEAT_IMPORT)
        assert found.stop_first
        assert found.choices == (Choice.LEAVE, Choice.REPROCESS, Choice.REPROCESS_EVEN_IF_NOT_STOPPED)

    def test_what_only_the_console_shows_hangs_too(self):
        found = judged(IMPORT, console=f.console(f.running()))
        assert "in progress since Thu 19 Nov 18:30 CST without progress" in found.reason

    def test_what_was_stopped_needs_no_stop(self):
        found = judged(IMPORT, STOPPED)
        assert outcome(found) == ("R10", Remedy.REPEAT_IMPORT)
        assert not found.stop_first


@pytest.mark.parametrize("unseen", [None, f.watched("unknown")], ids=["no sensor", "nobody looked"])
@pytest.mark.parametrize(("job", "row"), [(SYNC, FAILED), (IMPORT, None), (TRIGGER, None)])
def test_what_was_not_observed_to_the_end_is_a_persons(job, row, unseen):
    found = judged(job, row, observation=unseen)
    assert found.remedy is Remedy.NEEDS_HUMAN
    assert found.reason.endswith(NOT_OBSERVED)
    assert (found.choices, found.tag, found.stop_first) == ((), None, False)


def test_what_happened_is_told_even_without_an_observation():
    assert outcome(judged(IMPORT, f.row(), observation=None)) == ("R2", Remedy.NONE)


def test_the_key_of_an_occurrence_is_the_root_of_its_actions():
    found = judged()
    assert found.root == "occurrence:j-1@2026-11-20T00:30:00Z"
    assert found.key == found.root
