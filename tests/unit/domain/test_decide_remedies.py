"""How an occurrence is done again, if at all: Run Now, imports, data syncs, and several missed at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.domain import factories as f
from tests.unit.domain.factories import (
    ADDRESSES,
    DUE,
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
    TRANSFER,
    TRIGGER,
    judged,
    missed,
    outcome,
)

from pro2_reconciliation.domain.jobs import Audience
from pro2_reconciliation.domain.occurrence_facts import awaited_run
from pro2_reconciliation.domain.words import Outcome, ProcessType, Reach, Remedy


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

    @pytest.mark.parametrize("reentry", ["many", "unknown"])
    @pytest.mark.parametrize("starts_mail", ["yes", "no"])
    def test_r12_an_import_whose_tag_starts_an_automation_that_lets_in_again_is_a_persons(
        self, reentry, starts_mail
    ):
        job = f.job(ProcessType.INTEGRATED_IMPORT, automation="12", reentry=reentry, starts_mail=starts_mail)
        found = judged(job, FAILED)
        assert outcome(found) == ("R12", Remedy.NEEDS_HUMAN)
        assert (
            f"its tag starts automation 12, which may let the same contacts in again (re-entry: {reentry})"
            in (found.reason)
        )
        assert found.steps[0].startswith("Check in Pro2 who")

    def test_r12_one_that_lets_everybody_in_once_is_repeated(self):
        job = f.job(ProcessType.INTEGRATED_IMPORT, automation="12", reentry="once")
        assert judged(job, FAILED).remedy is Remedy.REPEAT_IMPORT

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
