"""The report as plain text: a table for the log, and a text for a mail that no name can break."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.repair.reports import EVIL, EVIL_QUOTE, START, job, report, row

from pro2_reconciliation.repair.plain import mail_text, render_text
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.upcoming import Soon, Upcoming

STEPS = (
    row("1", End.NEEDS_HUMAN, steps=("Open it", "Send it")),
    row("2", End.NEEDS_HUMAN, rule="C13", detail="stop campaign: C13: it is sending"),
)


class TestTheLog:
    def test_an_empty_report_says_that_there_is_nothing_to_do(self):
        assert "nothing to do" in render_text(report())

    def test_what_waits_comes_with_numbered_steps_even_if_the_action_brought_none(self):
        plain = render_text(report(*STEPS))
        assert "  1. Open it\n  2. Send it" in plain
        assert "Open it on the campaigns page of Pro2" in plain

    def test_has_one_line_per_item_aligned_whatever_the_names(self):
        names = ["plain", EVIL_QUOTE, "東京公演のお知らせ", "x" * 200]
        made = report(*(row(f"id-{n}", End.OPEN, name=name) for n, name in enumerate(names)))
        lines = render_text(made).splitlines()
        found = [line for line in lines if line.startswith("being watched  campaign")]
        assert [sum(f"id-{n}" in line for line in found) for n in range(4)] == [1, 1, 1, 1]
        assert len({line.index("id-") for line in found}) == 1
        assert (
            found[0].index("Thu 19 Nov") == found[3].index("Thu 19 Nov") == found[2].index("Thu 19 Nov") + 9
        )
        assert not any(line.startswith("2026-11-20 ERROR") for line in lines)


class TestTheMail:
    def test_says_what_a_person_has_to_do_before_anything_else(self):
        text = mail_text(
            report(*STEPS, row("3", End.VERIFIED), row("4"), vendor_contact="support@vendor.example")
        )
        assert text.startswith(
            "Guthrie Playhouse, Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)\n2 items wait"
        )
        assert "  1. Open it\n  2. Send it\n  Not sure? Contact the vendor: support@vendor.example" in text
        assert (
            text.index("Waits for a person (2)")
            < text.index("Verified (1)")
            < text.index("To paste for colleagues")
        )
        assert "1 need nothing." in text

    def test_holds_the_checklist_and_the_next_day(self):
        soon = Soon(item_id="8", name="Tomorrow", due=START + timedelta(hours=20), risk="sending is down")
        text = mail_text(
            report(job("a@1", End.OPEN), row("1"), upcoming=Upcoming(items=(soon,), as_of=START))
        )
        assert "* Fri 20 Nov 14:00 CST, «Tomorrow» (8): sending is down" in text
        assert "possibly stale: 1 occurrence of jobs is not settled" in text
        assert "[x] Campaigns: status and report looked at: ticked by us. 1 of 1" in text
        assert "[-] Campaigns that did not send" in text

    def test_is_narrow_and_short_and_says_where_the_rest_is(self):
        rows = [row(str(n), list(End)[n % len(End)], name=EVIL, steps=(f"step {n}",)) for n in range(1000)]
        text = mail_text(report(*rows), beside="run-1")
        assert max(map(len, text.splitlines())) <= 78
        assert len(text) < 60_000
        assert "more, in run-1.csv" in text

    def test_no_name_begins_a_line_of_its_own(self):
        text = mail_text(
            report(*(row(str(n), end, name=EVIL_QUOTE, detail=EVIL_QUOTE) for n, end in enumerate(End)))
        )
        assert not [line for line in text.splitlines() if line.startswith("2026-11-20 ERROR")]
        assert "\u202e" not in text
