"""The report for people: every row once, numbers that agree, names that stay inert, and a page that mails well."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from tests.unit.repair.reports import (
    AUTOMATION,
    EVIL,
    EVIL_QUOTE,
    START,
    Page,
    job,
    report,
    row,
)

from pro2_reconciliation.domain.weblink import href
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.repair.plain import render_text
from pro2_reconciliation.repair.report import End, Report
from pro2_reconciliation.repair.report_page import MOST_BYTES, contact, render
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF
from pro2_reconciliation.repair.upcoming import Soon, Upcoming

MAILED = {
    *("html", "head", "meta", "title", "style", "body", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *(
        "h1",
        "h2",
        "p",
        "span",
        "b",
        "small",
        "br",
        "a",
        "ul",
        "ol",
        "li",
        "code",
        "bdi",
        "details",
        "summary",
    ),
    *("svg", "defs", "g", "path", "rect", "text", "use"),
}
"""Tags that mail programs show, or of which they leave away the tag and show the text; a picture goes as a whole."""
UNKNOWN_TO_OUTLOOK = re.compile(r"\b(flex|grid|position|float|var\(|calc\(|transform|url\()")


def like_a_bad_night(count: int, name: str = "Spring season, week {}: the programme in detail") -> Report:
    """Of every outcome some, with addresses as long as real ones."""
    rows = [
        (job if n % 2 else row)(
            f"j-{n}@2026-11-20T00:30:00Z" if n % 2 else str(n),
            list(End)[n % len(End)],
            name=name.format(n),
            rule=f"C{n % 15}",
            reason=f"pending send since Thu 19 Nov 18:30 CST, nothing left in two reads; number {n}",
            detail=f"copy {n}: 1240 of 1240 sent",
            log_url=f"https://airflow.example.org/dags/reconcile/runs/outage__8dfbe915__g1/tasks/watch/mapped/{n}",
            pro2_url=f"https://playhouse.activehosted.example/app/campaigns/{n}/overview",
            answered_by="Ada Lovelace",
        )
        for n in range(count)
    ]
    return report(*rows, vendor_contact="support@vendor.example")


class TestEveryItem:
    def test_stands_in_the_table_exactly_once_what_matters_first(self):
        rows = [row(str(n), outcome) for n, outcome in enumerate(End)]
        rows += [job("sync@1"), row("7", End.REPORTED, kind=AUTOMATION)]
        shown = Page(render(report(*rows))).having("data-item")
        assert sorted(map(str, shown)) == sorted(r.key for r in rows)
        looks = [LOOK_OF[next(r for r in rows if r.key == key).outcome].name for key in shown]
        assert list(dict.fromkeys(looks)) == ["failed", "person", "verified", "undone", "watched", "quiet"]

    def test_is_counted_alike_in_page_and_text(self):
        made = report(*(row(f"{end.value}-{n}", end) for end in End for n in range(len(end.value))))
        page, text = Page(render(made)), render_text(made)
        for end in End:
            assert f"{END_WORDS[end]} {made.counts[end]}" in page.text
            assert f"{END_WORDS[end]} {made.counts[end]}" in text.splitlines()[2]
        assert sorted(str(word) for word in page.having("data-count")) == sorted(END_WORDS.values())

    def test_that_needs_nothing_is_folded_unless_there_are_few(self):
        def folds(count: int) -> list[dict[str, str | None]]:
            page = Page(render(report(*(row(str(n)) for n in range(count)))))
            return [attrs for tag, attrs in page.elements if tag == "details"]

        assert folds(8) == [{"open": None}]
        assert folds(9) == [{}]

    def test_is_linked_to_pro2_where_the_policy_says_how(self):
        rows = [
            row("103", End.NEEDS_HUMAN, pro2_url="https://playhouse.example/app/campaigns/103"),
            row(
                "301",
                End.REPORTED,
                kind=AUTOMATION,
                pro2_url="https://playhouse.example/app/automations/301",
            ),
            row("104", pro2_url="javascript:alert(1)"),
            row("105"),
        ]
        page = Page(render(report(*rows)))
        linked = [link for link in page.having("href") if "playhouse.example" in str(link)]
        assert [str(link).rpartition("/")[2] for link in linked] == ["103", "103", "301"]
        assert not [link for link in page.having("href") if str(link).startswith("javascript")]


class TestNames:
    @pytest.mark.parametrize("name", [EVIL, EVIL_QUOTE])
    def test_hostile_text_is_shown_and_does_nothing(self, name: str):
        hostile = {
            "name": name,
            "reason": name,
            "detail": name,
            "steps": (name,),
            "observation": name,
            "answered_by": name,
            "rule": name,
            "via": (name,),
            "decision": name,
            "log_url": name,
            "pro2_url": name,
            "copy_id": f"{name} 2",
        }
        rows = [row(name, end, **hostile, kind=kind) for kind in ItemKind for end in End]
        soon = Upcoming(items=(Soon(item_id=name, name=name, due=START, risk=name),), as_of=START)
        made = report(
            *rows, organization=name, alarms=(name,), reason=name, health=name, plan_hash=name, upcoming=soon,
            vendor_contact=name, expired=(name,), old_tags=(name,),
        )  # fmt: skip
        html = render(made)
        page = Page(html)
        tags = {tag for tag, _ in page.elements}
        assert tags <= MAILED
        assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]
        assert not [link for link in page.having("href") if not str(link).startswith("#")]
        assert "<script" not in html
        assert "<img" not in html
        shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())
        assert page.text.count(shown) > 5 * len(rows)

    def test_nothing_is_fetched_and_only_urls_of_the_web_or_this_host_are_links(self):
        urls = (
            "https://airflow.example.org/log?x=1&y=2",
            "/dags/a/runs/b:c+00/tasks/d",
            "javascript:alert(1)",
        )
        page = Page(render(report(*(row(str(n), log_url=url) for n, url in enumerate(urls)))))
        assert [link for link in page.having("href") if not str(link).startswith("#")] == list(urls[:2])
        assert not page.having("src")
        assert "url(" not in "".join(page.styles)
        assert "@import" not in "".join(page.styles)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "//evil.example",
            "/\\evil.example",
            "data:text/html,x",
            " https://a",
            "https://a b",
            "https:///a",
        ],
    )
    def test_other_urls_are_not_linked(self, url: str):
        assert href(url) == ""

    @pytest.mark.parametrize(
        ("text", "link"),
        [
            ("support@vendor.example", "mailto:support@vendor.example"),
            ("https://vendor.example/help", "https://vendor.example/help"),
            ("call +1 555 0100", ""),
            ("a@b?bcc=c@d", ""),
            ("javascript:alert(1)", ""),
        ],
    )
    def test_the_vendors_contact_is_linked_where_it_is_an_address(self, text: str, link: str):
        assert contact(text) == link


class TestTheHead:
    def test_an_empty_report_says_that_there_is_nothing_to_do(self):
        text = Page(render(report())).text
        assert "Nothing to do" in text

    def test_says_where_when_and_how(self):
        text = Page(render(report(row("1")))).text
        assert "Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)" in text
        assert "Thu 19 Nov 21:35 CST (2026-11-20 03:35 UTC)" in text
        assert "9c41f07ad2be5518" in text
        assert "ask: only what a person chose was done" in text
        assert "unproven: nothing since the outage shows yet" in text

    def test_says_in_one_sentence_what_is_left(self):
        made = report(row("1", End.NEEDS_HUMAN), row("2", End.VERIFIED), row("3", End.VERIFIED))
        assert "1 item waits for a person, 2 repairs are proven" in Page(render(made)).text

    def test_failures_and_alarms_come_before_what_waits_and_only_then(self):
        made = report(row("1", End.FAILED, detail="no end"), row("2", End.NEEDS_HUMAN), alarms=("it woke",))
        text = Page(render(made)).text
        assert text.index("1 failed, 1 alarm") < text.index("Waits for a person (1)")
        assert "alarm" not in Page(render(report(row("1")))).text
        assert "Failed:" not in Page(render(report(row("1"), alarms=("it woke",)))).text

    def test_names_the_files_beside_it_the_drift_and_old_tags(self):
        made = report(row("103"), drift_file="run-1.drift.csv", old_tags=(f"reconcile j-1 {EVIL}",))
        page = Page(render(made, beside="run-1"))
        assert {"run-1.drift.csv", "run-1.csv", "run-1.json"} <= set(page.having("href"))
        assert "reconcile j-1 {{ conn.pro2.password }} <script>alert(1)</script>" in page.text
        assert not [tag for tag, _ in page.elements if tag == "script"]


class TestWhatWaits:
    def test_comes_with_numbered_steps_even_if_the_action_brought_none(self):
        made = report(
            row("1", End.NEEDS_HUMAN, steps=("Open it", "Send it")),
            row("2", End.NEEDS_HUMAN, rule="C13", detail="stop campaign: C13: it is sending"),
        )
        text = Page(render(made)).text
        assert text.index("Waits for a person (2)") < text.index("Every item (2)")
        assert "Open it Send it" in text
        assert "Open it on the campaigns page of Pro2" in text

    def test_ends_each_time_with_the_vendors_contact_and_says_when_it_is_closed(self):
        waits = [row(str(n), End.NEEDS_HUMAN, steps=(f"Open {n}",)) for n in range(3)]
        page = Page(render(report(*waits, vendor_contact="support@vendor.example")))
        assert page.text.count("Not sure? Contact the vendor: support@vendor.example") == 3
        assert page.having("href").count("mailto:support@vendor.example") == 3
        assert "or after 30 days" in page.text
        assert "vendor:" not in Page(render(report(*waits))).text

    def test_every_link_within_the_page_has_its_target(self):
        for made in (
            report(row("1", End.FAILED), row("2", End.NEEDS_HUMAN), alarms=("woke",)),
            like_a_bad_night(1000),
        ):
            page = Page(render(made))
            inner = [str(link)[1:] for link in page.having("href") if str(link).startswith("#")]
            assert inner
            assert set(inner) <= set(page.having("id"))


class TestTheNextDay:
    def test_campaigns_are_named_with_a_word_on_their_audience(self):
        soon = Soon(
            item_id="8", name="Tomorrow", due=START + timedelta(hours=20), risk="its audience may be stale"
        )
        made = report(
            job("sync@1", End.NEEDS_HUMAN),
            upcoming=Upcoming(items=(soon,), as_of=START + timedelta(hours=3)),
        )
        text = Page(render(made)).text
        assert "Due in the next 24 hours (1)" in text
        assert "Fri 20 Nov 14:00 CST Tomorrow campaign 8 ▲ its audience may be stale" in text
        assert "possibly stale: 1 occurrence of jobs is not settled. As of Thu 19 Nov 21:00 CST" in text

    def test_without_any_it_says_so_and_without_knowing_it_says_nothing(self):
        known = report(row("1"), upcoming=Upcoming(as_of=START))
        assert "Nothing is scheduled for them" in Page(render(known)).text
        assert "next 24 hours" not in Page(render(report(row("1")))).text


class TestAMailProgram:
    """What it does to a page: it drops style sheets and pictures, and cuts what is long."""

    @pytest.mark.parametrize("count", [0, 1, 60, 130, 1000])
    def test_gets_less_than_gmail_cuts(self, count: int):
        assert len(render(like_a_bad_night(count), beside="outage__8dfbe915__g1").encode()) <= MOST_BYTES

    def test_gets_sixty_items_whole(self):
        page = Page(render(like_a_bad_night(60)))
        assert len(page.having("data-item")) == 60

    def test_of_a_thousand_items_it_gets_those_that_matter_and_where_the_others_are(self):
        made = like_a_bad_night(1000)
        page = Page(render(made, beside="run-1"))
        shown = set(page.having("data-item"))
        failed = [r.key for r in made.rows if r.outcome is End.FAILED]
        assert 20 <= len(shown) < 300
        assert len(shown & set(failed)) == min(len(failed), len(shown))
        assert f"and {1000 - len(shown):,} more items, in run-1.csv" in page.text
        counted = [
            int(n.replace(",", "")) for n in re.findall(r"([\d,]+) (?:more of )?[a-z ]+, by rule:", page.text)
        ]
        assert sum(counted) == 1000 - len(shown)

    @pytest.mark.parametrize("name", ["x" * 1000, "東" * 1000, "&" * 1000, '"' * 500])
    def test_is_not_choked_by_long_names(self, name: str):
        made = like_a_bad_night(60, name)
        long = made.model_copy(
            update={
                "alarms": (name,) * 200,
                "expired": (name,) * 200,
                "old_tags": (name,) * 200,
                "reason": name,
                "rows": tuple(r.model_copy(update={"steps": (name,) * 8, "detail": name}) for r in made.rows),
            }
        )
        assert len(render(long).encode()) <= MOST_BYTES

    def test_finds_tags_and_styles_that_it_knows(self):
        page = Page(render(like_a_bad_night(60), beside="x"))
        assert {tag for tag, _ in page.elements} <= MAILED
        inline = [str(style) for style in page.having("style")]
        assert inline
        assert [style for style in inline if UNKNOWN_TO_OUTLOOK.search(style)] == []

    def test_that_drops_style_sheets_still_shows_what_is_good_and_what_is_bad(self):
        page = Page(render(report(row("1", End.FAILED), row("2", End.NEEDS_HUMAN), row("3", End.VERIFIED))))
        bold = [attrs for tag, attrs in page.elements if tag == "b" and "class" in attrs]
        assert [(a["class"], a["style"]) for a in bold] == [
            (look.name, f"color:{look.light}") for look in map(LOOK_OF.get, (End.FAILED, End.NEEDS_HUMAN, End.VERIFIED))
        ]  # fmt: skip

    def test_that_is_strict_takes_the_first_style_sheet(self):
        """Gmail drops a sheet of more than 16 KiB, and one with what it cannot parse; so the plain one is apart."""
        first, *others = re.findall(r"<style>(.*?)</style>", render(report(row("1"))), flags=re.S)
        assert others
        assert "@" not in first
        assert "var(" not in first
        assert "--" not in first
        assert all(len(sheet) < 16_000 for sheet in (first, *others))


def test_three_hundred_items_render_within_a_second():
    made = like_a_bad_night(300, EVIL)
    render(report())  # the import of jinja2 is not what is measured
    began = time.process_time()
    text = render_text(made)
    html = render(made)
    assert time.process_time() - began < 1.5
    assert len(Page(html).having("data-item")) > 30
    assert all(f"{item.item_id} " in text for item in made.rows)
