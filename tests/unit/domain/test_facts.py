"""The health gate, and facts that no single rule shows."""

from __future__ import annotations

import pytest
from tests.unit.domain import factories as f
from tests.unit.domain.factories import END, MINUTE, NOW, SECOND, START

from pro2_reconciliation.domain.facts import Facts, health_of
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import CampaignStatus, Outcome

AFTER = END + MINUTE


def health(*campaigns, successes=0, now=NOW):
    return health_of(window_end=END, campaigns=campaigns, successes_since=successes, now=now, policy=Policy())


def hanging(identity, due=AFTER, **more):
    return f.campaign(id=identity, due=due, **more)


class TestHealth:
    def test_is_unproven_while_nothing_was_due_since(self):
        assert health() == "unproven"

    def test_is_open_once_anything_was_mailed_since_the_outage(self):
        mailed = f.campaign(status=CampaignStatus.COMPLETE, send_amt=1, last_sent=END)
        assert health(mailed) == "open"

    def test_mail_from_before_the_end_proves_nothing(self):
        mailed = f.campaign(status=CampaignStatus.COMPLETE, send_amt=1, last_sent=END - SECOND)
        assert health(mailed) == "unproven"

    def test_is_open_once_a_job_succeeded_since(self):
        assert health(successes=1) == "open"

    def test_is_closed_when_several_due_since_hang_and_nothing_was_mailed(self):
        assert health(hanging("1"), hanging("2")) == "closed"
        assert health(hanging("1"), hanging("2"), successes=5) == "closed"

    def test_one_that_hangs_is_no_pattern(self):
        assert health(hanging("1")) == "unproven"

    def test_one_mail_since_keeps_it_open(self):
        mailed = f.campaign(status=CampaignStatus.COMPLETE, send_amt=1, last_sent=AFTER)
        assert health(hanging("1"), hanging("2"), mailed) == "open"

    def test_is_never_closed_by_the_outages_own_items(self):
        own = [hanging(str(n), due=END - SECOND) for n in range(9)]
        assert health(*own) == "unproven"
        assert health(*own, hanging("99")) == "unproven"

    def test_counts_from_the_end_of_the_outage_on(self):
        assert health(hanging("1", due=END), hanging("2", due=END)) == "closed"

    def test_is_not_closed_by_mails_of_automations_nor_by_what_is_not_overdue(self):
        assert health(hanging("1"), hanging("2", series_id="12")) == "unproven"
        assert health(hanging("1"), hanging("2", due=NOW - 4 * MINUTE)) == "unproven"


def test_a_condition_that_no_fact_answers_is_a_mistake_in_the_table():
    with pytest.raises(KeyError):
        Facts({}).holds("not sent")


def test_counters_of_campaign_and_report_are_told_by_the_larger_one():
    facts = f.facts_of_campaign(f.reading(f.campaign(opens=2, clicks=1), opens=5))
    assert facts.words["counters_text"] == "opens 5, clicks 1"


@pytest.mark.parametrize(("modified", "before"), [(START - SECOND, True), (START, False), (None, False)])
def test_halted_before_means_strictly_before_the_window(modified, before):
    seen = f.reading(f.campaign(status=CampaignStatus.STOPPED, modified=modified))
    assert f.facts_of_campaign(seen).flags["halted_before"] is before


def test_an_unknown_label_is_told_as_the_log_wrote_it():
    strange = f.row(outcome=Outcome.UNKNOWN, raw_status="Verwirrt")
    by_hand = f.row(NOW, run_id="h", manual=True, raw_status="Success")
    facts = f.facts_of_occurrence(f.evidence(f.job(), strange, by_hand=by_hand))
    assert facts.flags["unknown_label"]
    assert facts.words["raw_status"] == "Verwirrt"


def test_progress_is_told_only_where_it_was_seen():
    going = f.row(outcome=Outcome.IN_PROGRESS)
    seen = f.evidence(f.job(), going, console=f.console(f.running(progress=40)))
    assert f.facts_of_occurrence(seen).words["progress_text"] == "40 contacts so far"
    blind = f.facts_of_occurrence(f.evidence(f.job(), going, console=None))
    assert blind.words["progress_text"] == "and the Console could not be read"
    assert not blind.flags["hanging"]
