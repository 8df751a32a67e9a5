"""The report for people: every row once, numbers that agree, and names that stay inert whatever they hold."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import ItemKind, Mode
from pro2_reconciliation.repair.page import (
    NOT_NEEDED,
    PERSON,
    TICKED,
    checklist,
    href,
    render,
    render_text,
    summary,
)
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.timeline import END_WORDS, LOOK_OF

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
EVIL = "{{ conn.pro2.password }} <script>alert(1)</script>"
EVIL_QUOTE = "\"><img src=x onerror=alert(1)> {% raw %} & '\u202e\n2026-11-20 ERROR forged"
CAMPAIGN, OCCURRENCE, AUTOMATION = ItemKind.CAMPAIGN, ItemKind.OCCURRENCE, ItemKind.AUTOMATION


def row(item_id: str, outcome: End = End.NONE, **fields: Any) -> Row:
    base: dict[str, Any] = {
        "kind": CAMPAIGN,
        "name": f"Item {item_id}",
        "rule": "C4",
        "observation": "sent",
        "decision": "none",
        "reason": "sent on time",
        "due": START + timedelta(minutes=30),
        "observed_at": START + timedelta(minutes=200),
    }
    return Row(item_id=item_id, outcome=outcome, **{**base, **fields})


def job(item_id: str, outcome: End = End.NONE, **fields: Any) -> Row:
    base = {"kind": OCCURRENCE, "rule": "R2", "observation": "succeeded", "reason": "success at its due time"}
    return row(item_id, outcome, **{**base, **fields})


def report(*rows: Row, **fields: Any) -> Report:
    base: dict[str, Any] = {
        "organization": "Guthrie Playhouse",
        "zone": "America/Chicago",
        "window": Window(start=START, end=START + timedelta(minutes=185), outage_ids=("3f2a",)),
        "mode": Mode.ASK,
        "plan_hash": "9c41f07ad2be5518",
        "made_at": START + timedelta(minutes=215),
        "health": "unproven",
    }
    return Report(rows=rows, **{**base, **fields})


class Page(HTMLParser):
    """What a browser would make of the page: its elements, and the text that is shown."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.styles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        (self.styles if self.elements and self.elements[-1][0] == "style" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def having(self, attribute: str) -> list[str | None]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]


def test_every_row_stands_in_the_table_exactly_once():
    rows = [row(str(n), outcome) for n, outcome in enumerate(End)]
    page = Page(render(report(*rows, job("sync@1"), row("7", End.REPORTED, kind=AUTOMATION, due=None))))
    assert page.having("data-item") == [*(r.key for r in rows), "occurrence:sync@1", "automation:7"]


def test_the_counts_agree_with_the_rows_in_page_picture_and_text():
    made = report(*(row(f"{end.value}-{n}", end) for end in End for n in range(len(end.value))))
    page, text = Page(render(made)), render_text(made)
    for end in End:
        assert f"{END_WORDS[end]} {made.counts[end]}" in page.text
        assert f"{END_WORDS[end]} {made.counts[end]}" in text.splitlines()[2]
    assert sorted(str(word) for word in page.having("data-count")) == sorted(END_WORDS.values())
    assert set(LOOK_OF) == set(END_WORDS) == set(End)


@pytest.mark.parametrize("name", [EVIL, EVIL_QUOTE])
def test_hostile_text_is_shown_and_does_nothing(name: str):
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
        "copy_id": f"{name} 2",
    }
    rows = [row(name, end, **hostile, kind=kind) for kind in ItemKind for end in End]
    made = report(*rows, organization=name, alarms=(name,), reason=name, health=name, plan_hash=name)
    html = render(made)
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "img", "iframe", "link", "object"})
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]
    assert "<script" not in html
    assert "<img" not in html
    shown = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    assert page.text.count(shown) > 5 * len(rows)


def test_nothing_is_fetched_and_only_urls_of_the_web_or_this_host_are_links():
    urls = ("https://airflow.example.org/log?x=1&y=2", "/dags/a/runs/b:c+00/tasks/d", "javascript:alert(1)")
    page = Page(render(report(*(row(str(n), log_url=url) for n, url in enumerate(urls)))))
    assert [link for link in page.having("href") if not str(link).startswith("#")] == list(urls[:2])
    assert not page.having("src")
    assert "url(" not in "".join(page.styles)
    assert "@import" not in "".join(page.styles)


@pytest.mark.parametrize(
    "url",
    ["", "//evil.example", "/\\evil.example", "data:text/html,x", " https://a", "https://a b", "https:///a"],
)
def test_other_urls_are_not_linked(url: str):
    assert href(url) == ""


def test_every_link_within_the_page_has_its_target():
    page = Page(render(report(row("1", End.FAILED), row("2", End.NEEDS_HUMAN), alarms=("woke",))))
    inner = [str(link)[1:] for link in page.having("href") if str(link).startswith("#")]
    assert len(inner) == 2
    assert set(inner) <= set(page.having("id"))


def test_an_empty_report_says_that_there_is_nothing_to_do():
    assert "nothing to do" in Page(render(report())).text
    assert "nothing to do" in render_text(report())
    assert {line.state for line in checklist(report())} == {NOT_NEEDED}


def test_the_heading_says_where_when_and_how():
    text = Page(render(report(row("1")))).text
    assert "Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC)" in text
    assert "Thu 19 Nov 21:35 CST (2026-11-20 03:35 UTC)" in text
    assert "9c41f07ad2be5518" in text
    assert "ask: only what a person chose was done" in text
    assert "unproven: nothing since the outage shows yet" in text


def test_failures_and_alarms_come_before_everything_else_and_only_then():
    text = Page(render(report(row("1", End.FAILED, detail="no end"), alarms=("it woke",)))).text
    assert text.index("1 failed, 1 alarm of the guard") < text.index("Pro2 reconciliation Guthrie")
    assert "alarm" not in Page(render(report(row("1")))).text
    assert "failed" not in Page(render(report(row("1"), alarms=("it woke",)))).text


def test_what_waits_for_a_person_comes_with_numbered_steps_even_if_the_action_brought_none():
    made = report(
        row("1", End.NEEDS_HUMAN, steps=("Open it", "Send it")),
        row("2", End.NEEDS_HUMAN, rule="C13", detail="stop campaign: C13: it is sending"),
    )
    text, plain = Page(render(made)).text, render_text(made)
    assert text.index("Waits for a person (2)") < text.index("Every item (2)")
    assert "Open it Send it" in text
    assert "  1. Open it\n  2. Send it" in plain
    for shown in (text, plain):
        assert "Open it on the campaigns page of Pro2" in shown


def test_the_text_has_one_line_per_item_aligned_whatever_the_names():
    names = ["plain", EVIL_QUOTE, "東京公演のお知らせ", "x" * 200]
    made = report(*(row(f"id-{n}", End.OPEN, name=name) for n, name in enumerate(names)))
    lines = render_text(made).splitlines()
    found = [line for line in lines if line.startswith("being watched  campaign")]
    assert [sum(f"id-{n}" in line for line in found) for n in range(4)] == [1, 1, 1, 1]
    assert len({line.index("id-") for line in found}) == 1
    assert found[0].index("Thu 19 Nov") == found[3].index("Thu 19 Nov") == found[2].index("Thu 19 Nov") + 9
    assert not any(line.startswith("2026-11-20 ERROR") for line in lines)


def test_the_checklist_tells_ticked_from_left_to_a_person():
    done = report(
        row("1", End.VERIFIED, observation="pending", copy_id="9"),
        job("import@1", End.VERIFIED, decision="repeat_import"),
        job("sync@1", End.VERIFIED, decision="data_sync"),
        row("5", End.REPORTED, kind=AUTOMATION),
    )
    assert {line.state for line in checklist(done)} == {TICKED}
    left = report(
        row("1", End.NOT_CHOSEN, observation="unknown"),
        job("import@1", End.NEEDS_HUMAN, observation="-"),
        job("sync@1", End.STALE, rule="R14"),
        alarms=("woke",),
    )
    assert [line.state for line in checklist(left)] == [*[PERSON] * 5, NOT_NEEDED, PERSON]
    fine = report(row("1"), job("import@1"), job("sync@1", rule="R13", outcome=End.OPEN))
    assert [line.state for line in checklist(fine)] == [
        TICKED, NOT_NEEDED, TICKED, NOT_NEEDED, TICKED, NOT_NEEDED, NOT_NEEDED,
    ]  # fmt: skip


def test_the_paragraph_counts_each_campaign_once():
    made = report(
        row("1", audience=100),
        row("2", reason="sent late by 3 h 2 min, short: 40 of 50", audience=50),
        row("3", End.NOT_CHOSEN, decision="resend", audience=1000),
        row("4", End.VERIFIED, decision="resend", copy_id="44", audience=2500),
        row("44", End.OPEN, decision="watch"),
        row("5", End.VERIFIED, decision="resend"),
        row("6", End.FAILED, decision="resend"),
        row("7", End.STALE, decision="resend", rule="C0"),
        job("a@1"),
        job("b@1", End.VERIFIED),
        alarms=(
            "«Item 4» (4) woke up although it was stopped and its copy 44 was sent; it was stopped again",
        ),
    )
    said = summary(made)
    assert (
        "Campaigns, 7 in all: 1 sent on time (100 recipients), 1 sent late (50 recipients), "
        "1 not sent (1,000 recipients), 1 resent by us (2,500 recipients), "
        "1 possibly sent twice (2,500 recipients)." in said
    )
    assert (
        "The others: 1 stopped and held back, 1 unclear after a failed repair, 1 half repaired by us, to be resumed."
        in said
    )
    assert "fewer recipients than planned: 1" in said
    assert "Occurrences of jobs, 2 in all: 1 ran, 1 reprocessed by us." in said
    assert "Other alarms" not in said


def test_an_alarm_that_names_another_item_is_not_counted_as_sent_twice():
    forged = "«x» (9) woke up although it was stopped and its copy 1 was sent: «Item 4» (4)"
    said = summary(report(row("4", End.VERIFIED, copy_id="44"), alarms=(forged,)))
    assert "0 possibly sent twice" in said
    assert "Other alarms of the guard: 1." in said


def test_a_plan_and_a_window_without_an_outage_claim_nothing():
    window = Window(start=START, end=START + timedelta(hours=1), source="nightly")
    said = summary(report(row("1"), window=window, mode=Mode.PLAN))
    assert said.startswith("Pro2 checked for Guthrie Playhouse")
    assert said.endswith("This is a plan: nothing was changed.")


def test_campaigns_due_within_a_day_are_named_with_a_word_on_their_audience():
    later = row("8", name="Tomorrow", rule="C5", due=START + timedelta(hours=20))
    text = Page(render(report(later, job("sync@1", End.NEEDS_HUMAN)))).text
    assert "Due in the next 24 hours" in text
    assert "possibly stale: 1 occurrence of jobs is not settled" in text
    assert "Due in the next 24 hours" not in Page(render(report(row("1")))).text


def test_three_hundred_items_render_within_a_second():
    made = report(*((row if n % 2 else job)(f"n{n}", list(End)[n % len(End)], name=EVIL) for n in range(300)))
    render(report())  # the import of jinja2 is not what is measured
    began = time.perf_counter()
    page, text = render(made), render_text(made)
    assert time.perf_counter() - began < 1
    assert len(Page(page).having("data-item")) == 300
    assert all(f"n{n} " in text for n in range(300))


def test_a_campaign_and_an_automation_are_linked_to_pro2_where_the_policy_says_how():
    rows = [
        row("103", End.NEEDS_HUMAN, pro2_url="https://playhouse.example/app/campaigns/103"),
        row("301", End.REPORTED, kind=AUTOMATION, pro2_url="https://playhouse.example/app/automations/301"),
        row("104", pro2_url="javascript:alert(1)"),
        row("105"),
    ]
    page = Page(render(report(*rows)))
    linked = [link for link in page.having("href") if "playhouse.example" in str(link)]
    assert [str(link).rpartition("/")[2] for link in linked] == ["103", "103", "301"]
    assert not [link for link in page.having("href") if str(link).startswith("javascript")]


def test_the_drifts_file_and_old_tags_are_named_on_top():
    made = report(row("103"), drift_file="run-1.drift.csv", old_tags=(f"reconcile j-1 {EVIL}",))
    page = Page(render(made))
    assert "run-1.drift.csv" in page.having("href")
    assert "reconcile j-1 {{ conn.pro2.password }} <script>alert(1)</script>" in page.text
    assert not [tag for tag, _ in page.elements if tag == "script"]
