"""Campaigns through facts and table: rule by rule, at the edges, and whatever the world may look like."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.domain import factories as f
from tests.unit.domain.factories import COUNTERS, DUE, HOUR, MINUTE, NOW, SECOND, START, decided

from pro2_reconciliation.domain.campaigns import Automation, CampaignReading
from pro2_reconciliation.domain.decide import LEFT_ALONE, decide_automation
from pro2_reconciliation.domain.facts import OwnAction
from pro2_reconciliation.domain.lineage import suspects
from pro2_reconciliation.domain.observation import CampaignState
from pro2_reconciliation.domain.policy import CampaignPolicy, Policy
from pro2_reconciliation.domain.words import CampaignStatus, Choice, Reach, Remedy

SEND_BY = DUE + 12 * HOUR
ALONE = Policy(campaigns=(CampaignPolicy(match="Season*", leave_alone=True),))


def with_status(status: CampaignStatus, *, report=None, **more) -> CampaignReading:
    return f.reading(f.campaign(status=status, **more), **report or {})


def outcome(decision):
    return decision.rule, decision.remedy


class TestOurOwnActions:
    """C0 and C3."""

    def test_what_we_repaired_is_not_repaired_again(self):
        assert outcome(decided(own=OwnAction("done", "resend, confirmed"))) == ("C0", Remedy.NONE)

    def test_a_half_done_resend_may_be_resumed_if_somebody_wants_it(self):
        found = decided(own=OwnAction("open", "resend, running", Remedy.RESEND))
        assert outcome(found) == ("C0", Remedy.RESEND)
        assert found.choices == (Choice.LEAVE, Choice.RESEND)
        assert found.reach is Reach.INBOX

    def test_a_half_done_resend_is_a_persons_once_it_is_too_late(self):
        found = decided(own=OwnAction("open", "resend, running", Remedy.RESEND), now=SEND_BY)
        assert outcome(found) == ("C0", Remedy.NEEDS_HUMAN)

    def test_a_half_done_resend_of_a_campaign_that_is_gone_is_a_persons(self):
        found = decided(f.reading(None), own=OwnAction("open", "resend, running", Remedy.RESEND))
        assert outcome(found) == ("C0", Remedy.NEEDS_HUMAN)

    def test_a_half_done_resend_without_a_due_time_has_no_send_by_and_is_a_persons(self):
        own = OwnAction("open", "resend, running", Remedy.RESEND)
        found = decided(with_status(CampaignStatus.SENDING, due=None), own=own)
        assert outcome(found) == ("C0", Remedy.NEEDS_HUMAN)

    @pytest.mark.parametrize("now", [NOW, SEND_BY])
    def test_a_half_done_hold_back_never_turns_into_a_resend(self, now):
        found = decided(own=OwnAction("open", "hold back, running", Remedy.HOLD_BACK), now=now)
        assert outcome(found) == ("C0", Remedy.HOLD_BACK)
        assert found.choices == (Choice.LEAVE, Choice.HOLD_BACK)

    def test_an_action_of_ours_that_waits_for_a_person_goes_on_waiting(self):
        found = decided(own=OwnAction("needs_human", "resend, ambiguous", Remedy.RESEND))
        assert outcome(found) == ("C0", Remedy.NEEDS_HUMAN)
        assert "resend, ambiguous" in found.reason

    @pytest.mark.parametrize(
        "status", [CampaignStatus.SCHEDULED, CampaignStatus.STOPPED, CampaignStatus.SENDING]
    )
    def test_our_own_copy_is_never_copied(self, status):
        found = decided(with_status(status, modified=START), root="99")
        assert outcome(found) == ("C3", Remedy.NEEDS_HUMAN)
        assert "our own copy of 99" in found.reason

    def test_our_own_copy_that_was_sent_is_simply_sent(self):
        assert decided(with_status(CampaignStatus.COMPLETE, send_amt=1200), root="99").rule == "C4"


class TestWhatIsNoRepair:
    def test_c1_a_mail_of_an_automation_is_counted_there(self):
        found = decided(f.reading(f.campaign(series_id="12")))
        assert outcome(found) == ("C1", Remedy.NONE)
        assert "automation 12" in found.reason

    @pytest.mark.parametrize(
        "status", [CampaignStatus.STOPPED, CampaignStatus.DISABLED, CampaignStatus.DRAFT]
    )
    def test_c2_what_was_halted_before_the_window_stays_halted(self, status):
        assert outcome(decided(with_status(status, modified=START - SECOND))) == ("C2", Remedy.NONE)

    @pytest.mark.parametrize("modified", [START, START + MINUTE, None])
    def test_a_draft_of_which_it_is_not_known_that_it_is_older_is_a_persons(self, modified):
        found = decided(with_status(CampaignStatus.DRAFT, modified=modified))
        assert outcome(found) == ("C14", Remedy.NEEDS_HUMAN)
        assert found.reason == "draft, although it was scheduled for Thu 19 Nov 18:30 CST"

    @pytest.mark.parametrize(
        ("more", "note"),
        [
            ({"send_amt": 1200, "last_sent": DUE}, "sent on time"),
            ({"send_amt": 1200, "last_sent": DUE + 190 * MINUTE}, "sent late by 3 h 10 min"),
            ({"send_amt": 1140, "last_sent": DUE}, "sent on time"),
            ({"send_amt": 1139, "last_sent": DUE}, "sent short: 1139 of 1200"),
        ],
    )
    def test_c4_a_sent_campaign_says_how_it_went(self, more, note):
        found = decided(with_status(CampaignStatus.COMPLETE, **more))
        assert outcome(found) == ("C4", Remedy.NONE)
        assert found.reason == note

    def test_c5_what_is_due_later_is_on_the_watch_list(self):
        found = decided(with_status(CampaignStatus.SCHEDULED, due=NOW + HOUR))
        assert outcome(found) == ("C5", Remedy.NONE)

    def test_c6_a_visible_copy_that_goes_out_is_a_repair_by_hand(self):
        copies, alike = suspects(
            f.campaign(), [f.campaign(id="104", source="copy", created=START)], START, frozenset()
        )
        found = decided(suspects=copies, look_alikes=alike)
        assert outcome(found) == ("C6", Remedy.NONE)
        assert found.reason == "repaired by hand: «Season opener» (104, scheduled)"

    def test_c6_a_look_alike_is_not_taken_for_a_repair_but_for_a_question(self):
        copies, alike = suspects(
            f.campaign(),
            [f.campaign(id="104", name="Tonight", source="web", created=START)],
            START,
            frozenset(),
        )
        found = decided(suspects=copies, look_alikes=alike)
        assert outcome(found) == ("C6", Remedy.NEEDS_HUMAN)
        assert "«Tonight» (104, scheduled)" in found.steps[0]

    def test_c6_a_draft_copy_is_no_repair_yet_but_whoever_made_it_is_at_work(self):
        draft = f.campaign(id="104", source="copy", status=CampaignStatus.DRAFT)
        found = decided(suspects=[draft])
        assert outcome(found) == ("C6", Remedy.NEEDS_HUMAN)
        assert "(104, draft)" in found.steps[0]

    def test_c6_a_draft_that_is_no_visible_copy_stands_in_nobodys_way(self):
        draft = f.campaign(id="104", source="web", status=CampaignStatus.DRAFT)
        assert decided(look_alikes=[draft]).rule == "C11"

    def test_c7_what_had_left_the_schedule_before_is_not_sent_again(self):
        found = decided(left_at=START)
        assert outcome(found) == ("C7", Remedy.NEEDS_HUMAN)
        assert "may have been sent" in found.reason


class TestWhatMayHaveLeft:
    @pytest.mark.parametrize("status", [CampaignStatus.SCHEDULED, CampaignStatus.SENDING])
    @pytest.mark.parametrize("counter", COUNTERS)
    def test_c7_any_counter_of_the_report_stops_everything(self, status, counter):
        found = decided(with_status(status, report={counter: 3}))
        assert outcome(found) == ("C7", Remedy.NEEDS_HUMAN)
        assert f"{counter} 3" in found.reason

    @pytest.mark.parametrize("counter", COUNTERS[1:])
    def test_c7_so_does_any_counter_of_the_campaign(self, counter):
        assert decided(with_status(CampaignStatus.SENDING, **{counter: 1})).rule == "C7"

    @pytest.mark.parametrize(
        "more",
        [
            {"type": "split"},
            {"type": "reminder"},
            {"type": "rss"},
            {"type": "special"},
            {"recurring": True},
            {"awaiting_winner": True},
        ],
    )
    def test_c8_only_a_plain_broadcast_is_ever_copied(self, more):
        assert outcome(decided(f.reading(f.campaign(**more)))) == ("C8", Remedy.NEEDS_HUMAN)

    def test_c9_what_is_being_sent_is_watched(self):
        found = decided(with_status(CampaignStatus.SENDING, send_amt=400))
        assert outcome(found) == ("C9", Remedy.WATCH)
        assert found.reason == "sending: 400 of 1200 so far"

    def test_c9_a_counter_that_stands_still_makes_it_partly_sent(self):
        found = decided(
            with_status(CampaignStatus.SENDING, send_amt=400),
            observation=f.watched(CampaignState.PARTLY_SENT),
        )
        assert outcome(found) == ("C14", Remedy.NEEDS_HUMAN)
        assert found.steps == (
            "Open the report of «Season opener» in Pro2 and compare 400 sent with 1200 recipients",
            "Make a segment with the condition: has not been sent «Season opener»",
            "Duplicate «Season opener», set that segment, and send the copy",
        )

    def test_c9_partly_sent_is_forgotten_once_it_completed(self):
        found = decided(
            with_status(CampaignStatus.COMPLETE, send_amt=1200),
            observation=f.watched(CampaignState.PARTLY_SENT),
        )
        assert found.rule == "C4"

    def test_c10_complete_with_an_empty_report_is_not_resent(self):
        found = decided(
            with_status(CampaignStatus.COMPLETE), observation=f.watched(CampaignState.COMPLETE_EMPTY)
        )
        assert outcome(found) == ("C10", Remedy.NEEDS_HUMAN)


class TestPending:
    """C11 and C12: only here anything is offered."""

    def test_c11_offers_a_resend_and_leaving_it_comes_first(self):
        found = decided()
        assert outcome(found) == ("C11", Remedy.RESEND)
        assert found.choices == (Choice.LEAVE, Choice.RESEND, Choice.KEEP_WATCHING, Choice.HOLD_BACK)
        assert found.reach is Reach.INBOX
        assert (found.audience, found.send_by) == (1200, SEND_BY)

    def test_c11_consent_is_bound_to_content_audience_and_action(self):
        shown = decided().fingerprint
        assert (shown.subject, shown.lists, shown.messages, shown.remedy) == (
            "Curtain up",
            ("1",),
            ("7",),
            "resend",
        )

    def test_c11_a_person_may_waive_the_wait(self):
        assert decided(observation=f.watched(waived=True)).rule == "C11"

    def test_c11_an_unproven_health_gate_is_no_closed_one(self):
        assert decided(health="unproven").rule == "C11"

    def test_send_by_is_the_first_moment_at_which_it_is_too_late(self):
        assert decided(now=SEND_BY - SECOND).rule == "C11"
        found = decided(now=SEND_BY)
        assert outcome(found) == ("C12", Remedy.HOLD_BACK)
        assert found.choices == (Choice.LEAVE, Choice.HOLD_BACK)
        assert found.reach is Reach.DATA

    def test_send_by_can_be_moved_for_one_campaign(self):
        soon = Policy(campaigns=(CampaignPolicy(match="103", send_by_hours=2),))
        assert decided(policy=soon, now=DUE + 2 * HOUR).rule == "C12"

    @pytest.mark.parametrize(("missing", "rule"), [(0, "C11"), (1, "C14")])
    def test_the_two_reads_lie_the_whole_gap_apart(self, missing, rule):
        gap = timedelta(seconds=Policy().read_gap_seconds - missing)
        assert decided(first=f.reading(at=NOW - gap)).rule == rule

    @pytest.mark.parametrize(("recipients", "rule"), [(499, "C14"), (500, "C11")])
    def test_a_stalled_send_is_told_from_a_slow_one_only_from_500_recipients_on(self, recipients, rule):
        seen = with_status(CampaignStatus.SENDING, total_amt=recipients)
        assert decided(seen, first=seen.model_copy(update={"read_at": seen.read_at - HOUR})).rule == rule

    def test_one_that_began_while_it_was_watched_is_being_sent_whatever_its_counters_say(self):
        seen = with_status(CampaignStatus.SENDING, total_amt=5000)
        assert (decided(seen).rule, decided(seen).choices) == ("C9", ())

    @pytest.mark.parametrize("status", [CampaignStatus.SCHEDULED, CampaignStatus.SENDING])
    def test_a_time_at_which_it_was_sent_is_a_sign_of_mail_although_every_counter_is_zero(self, status):
        seen = with_status(status, total_amt=5000, last_sent=DUE + HOUR)
        found = decided(seen, first=seen.model_copy(update={"read_at": seen.read_at - HOUR}))
        assert (found.rule, found.choices) == ("C7" if status is CampaignStatus.SCHEDULED else "C9", ())

    def test_without_predictive_sending_the_number_of_recipients_does_not_matter(self):
        seen = with_status(CampaignStatus.SENDING, total_amt=1)
        first = seen.model_copy(update={"read_at": seen.read_at - HOUR})
        assert decided(seen, first=first, policy=Policy(predictive_sending="never")).rule == "C11"

    def test_a_scheduled_campaign_may_be_of_any_size(self):
        assert decided(with_status(CampaignStatus.SCHEDULED, total_amt=1)).rule == "C11"

    def test_a_report_that_was_not_read_is_never_zero(self):
        assert decided(f.reading(unread=True)).rule == "C14"
        assert decided(first=f.reading(at=NOW - HOUR, unread=True)).rule == "C14"

    def test_mail_that_the_first_read_saw_is_not_forgotten(self):
        first = f.reading(at=NOW - HOUR, opens=1)
        assert outcome(decided(first=first)) == ("C14", Remedy.NEEDS_HUMAN)

    def test_without_a_first_read_nothing_is_offered(self):
        assert decided(first=None).rule == "C14"

    @pytest.mark.parametrize(
        "observation",
        [
            pytest.param(None, id="its sensor failed"),
            pytest.param(f.watched(still_pending=False), id="watching has not ended"),
            pytest.param(f.watched(CampaignState.UNKNOWN), id="it was never read"),
            pytest.param(f.watched(CampaignState.IN_FLIGHT), id="mail left while it was watched"),
            pytest.param(f.watched(CampaignState.COMPLETE_EMPTY), id="it was complete for a while"),
        ],
    )
    def test_only_what_was_pending_to_the_end_of_the_watch_is_offered(self, observation):
        assert outcome(decided(observation=observation)) == ("C14", Remedy.NEEDS_HUMAN)

    def test_a_closed_health_gate_leaves_everything_to_people(self):
        for now in (NOW, SEND_BY):
            found = decided(health="closed", now=now)
            assert outcome(found) == ("C14", Remedy.NEEDS_HUMAN)
        assert "account hold" in found.reason

    def test_a_stalled_send_without_a_due_time_has_no_send_by_and_is_a_persons(self):
        assert outcome(decided(with_status(CampaignStatus.SENDING, due=None))) == ("C14", Remedy.NEEDS_HUMAN)


class TestTheRest:
    """C14 with the words that a person needs."""

    @pytest.mark.parametrize(
        ("seen", "said"),
        [
            (with_status(CampaignStatus.PAUSED, modified=START), "paused since the outage began"),
            (with_status(CampaignStatus.STOPPED, modified=START), "stopped since the outage began"),
            (with_status(CampaignStatus.DISABLED, modified=START), "disabled since the outage began"),
            (with_status(CampaignStatus.PENDING_REVIEW), "held for approval"),
            (with_status(CampaignStatus.UNKNOWN), "unknown: no rule covers it"),
            (with_status(CampaignStatus.SCHEDULED, due=None), "unknown: no rule covers it"),
            (f.reading(None), "gone, although it was scheduled"),
        ],
    )
    def test_is_a_persons(self, seen, said):
        found = decided(seen)
        assert outcome(found) == ("C14", Remedy.NEEDS_HUMAN)
        assert said in found.reason
        assert found.steps
        assert found.choices == ()


class TestPolicy:
    def test_leave_alone_takes_the_offer_away_and_says_why(self):
        found = decided(policy=ALONE)
        assert outcome(found) == ("C11", Remedy.NEEDS_HUMAN)
        assert found.reason.endswith(LEFT_ALONE)
        assert found.choices == ()
        assert found.steps == ("Decide in Pro2 whether «Season opener» should still go out",)

    def test_leave_alone_takes_a_hold_back_away_too(self):
        assert decided(policy=ALONE, now=SEND_BY).remedy is Remedy.NEEDS_HUMAN

    def test_leave_alone_changes_nothing_where_nothing_was_offered(self):
        sent = with_status(CampaignStatus.COMPLETE, send_amt=1200)
        assert decided(sent, policy=ALONE) == decided(sent)


def test_names_are_text_and_never_filled_in():
    name = "{root} {0} {{ conn.pro2.password }}"
    assert (
        decided(with_status(CampaignStatus.PAUSED, modified=START, name=name)).steps[1].endswith(f"«{name}»")
    )


def test_a1_an_automation_is_reported_with_its_counts_and_never_repaired():
    found = decide_automation(Automation(id="12", name="Welcome", stalled=4, entered=7, waiting=2))
    assert outcome(found) == ("A1", Remedy.REPORT)
    assert found.reason == (
        "7 contacts entered it in the outage; in progress with no step since: 4 that stopped in it or shortly "
        "before, 2 that wait for longer (a long wait looks the same)"
    )
    told = decide_automation(Automation(id="12", name="Welcome", entered=7, reentry=True, whole=False)).reason
    assert "7 contacts entered it in the outage and may enter again" in told
    assert told.endswith("; there are more, only so many were read")
    assert not found.asks
