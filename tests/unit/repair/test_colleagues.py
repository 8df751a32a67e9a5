"""A report in words: the sentence of its head, and the paragraph that people paste."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.repair.reports import START, job, report, row

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.repair.colleagues import summary, verdict
from pro2_reconciliation.repair.report import End

AWAKE = "«Item 4» (4) woke up although it was stopped and its copy 44 was sent; it was stopped again"


class TestTheParagraph:
    def test_counts_each_campaign_once(self):
        said = summary(
            report(
                row("1", audience=100),
                row("2", reason="sent late by 3 h 2 min, short: 40 of 50", audience=50),
                row("3", End.NOT_CHOSEN, decision="resend", audience=1000),
                row("4", End.VERIFIED, decision="resend", copy_id="44", audience=2500),
                row("44", End.OPEN, decision="watch"),
                row("5", End.VERIFIED, decision="resend"),
                row("6", End.FAILED, decision="resend"),
                row("7", End.STALE, decision="resend", rule="C0"),
                row("8", End.CLOSED, decision="resend"),
                job("a@1"),
                job("b@1", End.VERIFIED),
                alarms=(AWAKE,),
            )
        )
        assert (
            "Campaigns, 8 in all: 1 sent on time (100 recipients), 1 sent late (50 recipients), "
            "1 not sent (1,000 recipients), 1 resent by us (2,500 recipients), "
            "1 possibly sent twice (2,500 recipients)." in said
        )
        assert (
            "The others: 1 stopped and held back, 1 unclear after a failed repair, 1 half repaired by us, to be "
            "resumed, 1 closed by a person." in said
        )
        assert "fewer recipients than planned: 1" in said
        assert "Occurrences of jobs, 2 in all: 1 ran, 1 reprocessed by us." in said
        assert "Other alarms" not in said

    def test_an_alarm_that_names_another_item_is_not_counted_as_sent_twice(self):
        forged = "«x» (9) woke up although it was stopped and its copy 1 was sent: «Item 4» (4)"
        said = summary(report(row("4", End.VERIFIED, copy_id="44"), alarms=(forged,)))
        assert "0 possibly sent twice" in said
        assert "Other alarms: 1." in said

    def test_a_plan_and_a_window_without_an_outage_claim_nothing(self):
        window = Window(start=START, end=START + timedelta(hours=1), source="nightly")
        said = summary(report(row("1"), window=window, mode=Mode.PLAN))
        assert said.startswith("Pro2 checked for Guthrie Playhouse")
        assert said.endswith("This is a plan: nothing was changed.")


@pytest.mark.parametrize(
    ("made", "look", "sentence"),
    [
        (report(row("1")), "verified", "Nothing to do"),
        (report(row("1", End.VERIFIED)), "verified", "1 repair is proven"),
        (report(row("1", End.OPEN), row("2", End.VERIFIED)), "watched", "1 item is still watched, 1 repair is proven"),
        (report(row("1", End.NOT_CHOSEN), row("2", End.STALE)), "undone", "2 repairs were not done"),
        (report(row("1", End.PROPOSED), mode=Mode.PLAN), "undone", "1 repair is proposed"),
        (report(row("1", End.NEEDS_HUMAN), row("2", End.OPEN)), "person",
         "1 item waits for a person, 1 item is still watched"),
        (report(row("1", End.FAILED), row("2", End.NEEDS_HUMAN)), "failed",
         "1 item did not end, 1 item waits for a person"),
        (report(row("1"), alarms=(AWAKE,)), "failed", "1 alarm"),
    ],
)  # fmt: skip
def test_the_sentence_begins_with_what_is_worst(made, look, sentence):
    worst, said = verdict(made)
    assert (worst.name, said) == (look, sentence)
