"""Occurrences of jobs through facts and table: rule by rule, their order, and whatever the log may say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import DUE, END, HOUR, MINUTE, NOW, SECOND, START, judged, mostly

from pro2_reconciliation.domain.decide import NOT_OBSERVED
from pro2_reconciliation.domain.facts import OwnAction
from pro2_reconciliation.domain.jobs import ActivityLog, Audience, Counts
from pro2_reconciliation.domain.matching import Match, match, same_audience
from pro2_reconciliation.domain.occurrence_facts import awaited_run
from pro2_reconciliation.domain.words import Choice, Outcome, ProcessType, Reach, Remedy

SYNC = f.job(ProcessType.DATA_SYNC)
IMPORT = f.job(ProcessType.INTEGRATED_IMPORT)
TRIGGER = f.job(ProcessType.SCHEDULED_TRIGGER)
TRANSFER = f.job(ProcessType.SEGMENT_TRANSFER)
ADDRESSES = f.job(ProcessType.EADDRESS_CHANGES)
EVERY_JOB = [SYNC, IMPORT, TRIGGER, TRANSFER, ADDRESSES]
FAILED = f.row(outcome=Outcome.FULL_ERROR)
STOPPED = f.row(outcome=Outcome.STOPPED)
GOING = f.row(outcome=Outcome.IN_PROGRESS)
LATER = f.row(DUE + 2 * HOUR)
GRACE = timedelta(minutes=10)


def outcome(decision):
    return decision.rule, decision.remedy


def partial(failed: int, returned: int = 100):
    return f.row(outcome=Outcome.PARTIAL_ERROR, counts=Counts(returned=returned, failed=failed))


def missed(at, **more):
    return Match(f.due(at), **more)


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
        assert found.steps == ("Compare the schedule of «Nightly job» in Pro2 with jobs.yaml",)

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


class TestRunNow:
    """R11: every branch of a scheduled trigger."""

    def test_inside_its_audience_window_it_may_be_run(self):
        found = judged(TRIGGER)
        assert outcome(found) == ("R10", Remedy.RUN_NOW)
        assert found.via == ("R11",)
        assert found.reach is Reach.INBOX

    @pytest.mark.parametrize(
        ("hours", "said"), [(9, "has expired"), (14, "has expired"), (8.99, "same audience window")]
    )
    def test_it_expires_with_its_point(self, hours, said):
        assert said in judged(TRIGGER, now=DUE + timedelta(hours=hours)).reason

    def test_it_never_picks_another_evenings_audience(self):
        job = f.job(ProcessType.SCHEDULED_TRIGGER, audience=Audience(kind="exact", window_hours=3))
        found = judged(job, now=DUE + 3 * HOUR)
        assert outcome(found) == ("R11", Remedy.NEEDS_HUMAN)
        assert "has moved on" in found.reason
        assert found.via == ("R10",)

    @pytest.mark.parametrize("kind", ["range", "static"])
    def test_an_audience_that_heals_itself_waits_for_its_next_run(self, kind):
        job = f.job(ProcessType.SCHEDULED_TRIGGER, audience=Audience(kind=kind, window_hours=14))
        found = judged(job)
        assert outcome(found) == ("R11", Remedy.NEEDS_HUMAN)
        assert found.steps == ("Wait for the next run of «Nightly job»",)

    def test_contacts_in_its_slot_block_it_unless_they_enter_once(self):
        many = f.job(ProcessType.SCHEDULED_TRIGGER, reentry="many")
        assert outcome(judged(many, entries=3)) == ("R11", Remedy.NEEDS_HUMAN)
        assert judged(TRIGGER, entries=3).remedy is Remedy.RUN_NOW
        assert judged(many, entries=0).remedy is Remedy.RUN_NOW

    @pytest.mark.parametrize(
        ("more", "entries"),
        [
            ({"audience": Audience()}, 0),
            ({"audience": Audience(kind="exact")}, 0),
            ({"audience": Audience(kind="exact", window_hours=14)}, 0),
            ({"audience": Audience(kind="unknown", window_hours=14)}, 0),
            ({"reentry": "unknown"}, None),
            ({"reentry": "many"}, None),
        ],
    )
    def test_anything_unknown_is_a_persons(self, more, entries):
        found = judged(f.job(ProcessType.SCHEDULED_TRIGGER, **more), entries=entries)
        assert outcome(found) == ("R11", Remedy.NEEDS_HUMAN)


class TestImportsAndSyncs:
    """R12 to R14."""

    @pytest.mark.parametrize(
        ("more", "reach"),
        [
            ({}, Reach.DATA),
            ({"starts_mail": "yes"}, Reach.INBOX),
            ({"starts_mail": "unknown"}, Reach.INBOX),
            ({"adds_to_list": True}, Reach.INBOX),
            ({"adds_to_list": None}, Reach.INBOX),
        ],
    )
    @pytest.mark.parametrize("kind", [ProcessType.INTEGRATED_IMPORT, ProcessType.DATA_SYNC])
    def test_an_import_changes_data_only_if_it_surely_starts_no_mail(self, kind, more, reach):
        assert judged(f.job(kind, **more), FAILED).reach is reach

    @pytest.mark.parametrize(("hours", "rule"), [(6, "R13"), (6.01, "R14")])
    def test_r13_a_missed_sync_waits_up_to_six_hours_for_its_next_run_before_any_stop(self, hours, rule):
        found = judged(SYNC, occurrence=f.due(following=NOW + timedelta(hours=hours)))
        assert found.rule == rule

    def test_r13_a_failed_sync_does_not_wait(self):
        assert judged(SYNC, FAILED, occurrence=f.due(following=NOW + HOUR)).rule == "R14"

    def test_r13_a_next_run_that_did_not_come_is_not_waited_for_any_longer(self):
        def at(now):
            job = f.job(ProcessType.DATA_SYNC, cron="30 18-21/3 * * *")  # the next one is due at 21:30
            occurrence = f.due(following=DUE + 3 * HOUR)
            sources = {"log": f.log(as_of=now), "console": f.console(as_of=now)}
            awaited = awaited_run(job, occurrence, (), now)
            return judged(job, occurrence=occurrence, awaited=awaited, now=now, **sources)

        assert outcome(at(DUE + 2 * HOUR)) == ("R13", Remedy.WATCH)
        assert outcome(at(DUE + 3 * HOUR + GRACE)) == ("R7", Remedy.WATCH)
        assert outcome(at(DUE + 3 * HOUR + GRACE + SECOND)) == ("R14", Remedy.DATA_SYNC)

    @pytest.mark.parametrize("how", [Outcome.FULL_ERROR, Outcome.STOPPED, Outcome.PARTIAL_ERROR])
    def test_r13_a_next_run_that_failed_itself_is_no_comfort(self, how):
        """It began early in its grace; what comes after it is not waited for."""
        next_one = f.row(NOW - MINUTE, how)
        occurrence = f.due(following=NOW - MINUTE)
        found = judged(SYNC, occurrence=occurrence, later=(next_one,), awaited=NOW + HOUR)
        assert outcome(found) == ("R14", Remedy.DATA_SYNC)

    def test_r13_a_next_run_that_runs_is_waited_for(self):
        going = f.row(NOW - 15 * MINUTE, Outcome.IN_PROGRESS)
        occurrence = f.due(following=NOW - 15 * MINUTE)
        found = judged(SYNC, occurrence=occurrence, later=(going,), awaited=NOW + 24 * HOUR)
        assert outcome(found) == ("R13", Remedy.WATCH)
        assert "its next run Thu 19 Nov 21:30 CST" in found.reason

    def test_r13_a_run_after_a_next_one_that_failed_is_not_waited_for(self):
        after = (f.row(NOW - 8 * MINUTE, Outcome.FULL_ERROR), f.row(NOW - MINUTE, Outcome.IN_PROGRESS))
        occurrence = f.due(following=NOW - 8 * MINUTE)
        assert judged(SYNC, occurrence=occurrence, later=after, awaited=NOW + 24 * HOUR).rule == "R14"

    def test_r13_a_run_that_a_person_tried_is_not_the_next_one(self):
        tried = f.row(NOW - MINUTE, Outcome.FULL_ERROR, manual=True)
        occurrence = f.due(following=NOW + HOUR)
        assert judged(SYNC, occurrence=occurrence, later=(tried,)).rule == "R13"

    def test_r14_a_missed_sync_is_stopped_and_then_audited_under_its_unique_tag(self):
        found = judged(SYNC)
        assert outcome(found) == ("R14", Remedy.DATA_SYNC)
        assert found.via == ("R10", "R10a")
        assert found.stop_first
        assert found.tag == "reconcile j-1"

    @pytest.mark.parametrize("missing", ["tessitura_list", "sync_tag", "mode"])
    def test_r14_a_sync_that_is_not_described_is_a_persons(self, missing):
        found = judged(f.job(ProcessType.DATA_SYNC, **{missing: None}), FAILED)
        assert outcome(found) == ("R14", Remedy.NEEDS_HUMAN)
        assert found.tag is None

    def test_only_a_data_sync_carries_a_tag(self):
        assert judged(IMPORT, FAILED).tag is None


class TestSeveral:
    """R15 and R16."""

    @pytest.mark.parametrize("job", [IMPORT, SYNC, ADDRESSES])
    def test_r15_the_newest_is_repaired_and_covers_the_others(self, job):
        found = judged(job, newer=(missed(DUE + HOUR),))
        assert outcome(found) == ("R15", Remedy.NONE)
        assert "Thu 19 Nov 19:30 CST" in found.reason
        assert judged(job, older=(missed(DUE - HOUR),)).rule != "R15"

    def test_r15_a_newer_one_that_succeeded_or_was_repaired_repairs_nothing_else(self):
        fine = missed(DUE + HOUR, row=f.row(DUE + HOUR))
        by_hand = missed(DUE + HOUR, repaired_by_hand=f.row(NOW, manual=True))
        assert judged(IMPORT, newer=(fine,)).rule == "R10"
        assert judged(IMPORT, newer=(by_hand,)).rule == "R10"

    def test_r15_a_missed_sync_after_it_does_not_cover_a_failed_one(self):
        """The missed one may be made good by its next run, which brings nothing of what the failed one lost."""
        found = judged(SYNC, FAILED, newer=(missed(DUE + HOUR),), later=(LATER,))
        assert outcome(found) == ("R14", Remedy.DATA_SYNC)

    def test_r15_a_failed_sync_is_covered_by_the_audit_of_a_newer_failed_one(self):
        newer = missed(DUE + HOUR, row=f.row(DUE + HOUR, Outcome.FULL_ERROR))
        assert outcome(judged(SYNC, FAILED, newer=(newer,))) == ("R15", Remedy.NONE)

    def test_r15_each_missed_trigger_with_an_audience_of_its_own_is_a_persons(self):
        job = f.job(ProcessType.SCHEDULED_TRIGGER, audience=Audience(kind="exact", window_hours=3))
        found = judged(job, newer=(missed(DUE + HOUR),), now=DUE + 3 * HOUR)
        assert outcome(found) == ("R15", Remedy.NEEDS_HUMAN)

    def test_r15_two_triggers_with_one_audience_are_never_both_run(self):
        older = judged(TRIGGER, newer=(missed(DUE + HOUR),))
        newest = judged(
            TRIGGER, occurrence=f.due(DUE + HOUR), older=(missed(DUE),), console=f.console(), log=f.log()
        )
        assert outcome(older) == ("R15", Remedy.NONE)
        assert newest.remedy is Remedy.RUN_NOW

    @pytest.mark.parametrize("row", [None, FAILED, STOPPED, GOING])
    @pytest.mark.parametrize("job", [TRANSFER, ADDRESSES])
    def test_r16_transfers_and_address_changes_are_never_reprocessed(self, job, row):
        found = judged(job, row)
        assert outcome(found) == ("R16", Remedy.NEEDS_HUMAN)
        assert found.steps[0].startswith("Check in Pro2 and Tessitura whether «Nightly job»")

    def test_r16_several_transfers_stay_each_on_its_own(self):
        assert judged(TRANSFER, newer=(missed(DUE + HOUR),)).rule == "R16"


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


jobs = st.builds(
    lambda kind, more, audience: f.job(
        kind, **more, **({"audience": audience} if kind is ProcessType.SCHEDULED_TRIGGER else {})
    ),
    st.sampled_from(ProcessType),
    st.fixed_dictionaries(
        {},
        optional={
            "starts_mail": st.sampled_from(["yes", "unknown"]),
            "reentry": st.sampled_from(["many", "unknown"]),
            "tessitura_list": mostly("501", None),
            "usual_partial_share": st.just(0.05),
        },
    ),
    st.builds(
        Audience,
        kind=mostly("exact", "range", "static", "unknown"),
        window_hours=mostly(14, None, 1),
        valid_hours=mostly(9, None, 2),
    ),
)
minutes = st.integers(-60, 240).map(lambda n: START + n * MINUTE)
rows = st.lists(
    st.builds(
        lambda at, how, manual, failed: f.row(
            at, how, manual=manual, counts=failed and Counts(returned=100, failed=failed), raw_status="?"
        ),
        mostly(DUE, minutes),
        st.sampled_from(Outcome),
        mostly(False, True, None),
        st.sampled_from([None, 5, 6]),
    ),
    max_size=2,
    unique_by=lambda row: row.run_id,
)
console_rows = st.lists(
    st.builds(
        lambda at, is_running, quiet: f.running(
            at, running=is_running, progressed=quiet and NOW - quiet * MINUTE
        ),
        mostly(DUE, minutes),
        st.booleans(),
        st.sampled_from([None, 1, 30]),
    ),
    max_size=1,
)
read_at = mostly(NOW, START)
consoles = st.builds(lambda as_of, found: f.console(*found, as_of=as_of), read_at, console_rows)
logs = st.builds(lambda as_of, found: f.log(*found, as_of=as_of), read_at, rows)
worlds = st.fixed_dictionaries(
    {
        "job": jobs,
        "log": mostly(logs, None, ActivityLog(as_of=NOW, rows=())),
        "console": mostly(consoles, None),
        "dues": mostly([DUE], [DUE - HOUR, DUE], [DUE, DUE + HOUR]),
        "following": mostly(DUE + 24 * HOUR, None, NOW + 5 * MINUTE, NOW + HOUR),
        "now": mostly(NOW, DUE + 10 * HOUR),
        "more": st.fixed_dictionaries(
            {
                "entries": st.sampled_from([None, 0, 3]),
                "matched_before": mostly(3, None, 0),
                "usual_share": st.sampled_from([None, 0.05]),
                "services_healthy": mostly(True, False),
                "observation": mostly(f.DEFAULT, None),
            }
        ),
    }
)


def matched(world):
    """The match of the occurrence due at 18:30, with its siblings, as a plan would find it."""
    dues = [f.due(at, following=world["following"]) for at in world["dues"]]
    found = match(
        dues, world["log"].rows if world["log"] else (), {"j-1": world["job"], "j-9": f.job(id="j-9")}
    )
    return found.of(next(one for one in dues if one.due == DUE)), tuple(found.by_key.values())


def decide(world):
    own, siblings = matched(world)
    later = tuple(r for r in world["log"].of("j-1") if r.started > DUE) if world["log"] else ()
    return judged(
        world["job"],
        own.row,
        now=world["now"],
        occurrence=own.occurrence,
        late=own.late,
        by_hand=own.repaired_by_hand,
        siblings=siblings,
        log=world["log"],
        console=world["console"],
        later=later,
        **world["more"],
    )


@settings(max_examples=100, deadline=None)
@given(worlds)
def test_an_action_appears_only_where_nothing_speaks_against_it(world):
    found = decide(world)
    assert found.reason
    assert bool(found.steps) is (found.remedy is Remedy.NEEDS_HUMAN)
    if not found.remedy.acts:
        assert (found.choices, found.stop_first, found.tag) == ((), False, None)
        return
    own, _ = matched(world)
    job, now = world["job"], world["now"]
    assert found.choices[0] is Choice.LEAVE
    assert len(found.choices) > 1
    assert world["more"]["observation"] is not None
    assert own.repaired_by_hand is None
    assert own.row is None or own.row.outcome not in (Outcome.SUCCESS, Outcome.UNKNOWN)
    assert job.process_type not in (ProcessType.SEGMENT_TRANSFER, ProcessType.EADDRESS_CHANGES)
    if own.row is None:
        assert world["log"].as_of == NOW
        assert world["console"].as_of == NOW
        assert found.stop_first
    if found.remedy is Remedy.RUN_NOW:
        assert found.reach is Reach.INBOX
        assert job.audience.kind == "exact"
        assert same_audience(job, DUE, now) is True
        assert job.audience.valid_hours is not None
        assert now < DUE + timedelta(hours=job.audience.valid_hours)
        assert job.reentry == "once" or world["more"]["entries"] == 0
    else:
        assert found.reach is (Reach.DATA if job.starts_mail == "no" else Reach.INBOX)


@settings(max_examples=100, deadline=None)
@given(worlds, st.sampled_from(["row", "hand"]))
def test_a_label_that_nobody_knows_is_a_persons_whatever_else_is_known(world, where):
    strange = f.row(outcome=Outcome.UNKNOWN, manual=where == "hand", raw_status="?")
    found = judged(
        world["job"],
        strange if where == "row" else None,
        by_hand=strange if where == "hand" else None,
        now=world["now"],
        log=world["log"],
        console=world["console"],
        **world["more"],
    )
    assert outcome(found) == ("R1", Remedy.NEEDS_HUMAN)
