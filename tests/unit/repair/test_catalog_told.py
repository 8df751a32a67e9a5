"""What a night found out of date in ``jobs.yaml``, as page and as text."""

from __future__ import annotations

import pytest
from tests.unit.repair.reports import EVIL, EVIL_QUOTE, START, Page, report

from pro2_reconciliation.domain.catching_up import CatalogCheck, Finding, FindingKind
from pro2_reconciliation.repair.plain import mail_text, render_text
from pro2_reconciliation.repair.report_page import MOST_BYTES, render

LINES = ('cron: "0 4 * * *"', "schedules:", '  - {cron: "0 6 * * *", until: 2026-11-11T06:00-06:00}')


def found(text: str = "«Members sync» (j-1) moved", lines: tuple[str, ...] = LINES) -> Finding:
    return Finding(
        job_id="j-1", name="Members sync", kind=FindingKind.MOVED, since=START, text=text, lines=lines
    )


def of(*findings: Finding, unread: str = "") -> CatalogCheck:
    return CatalogCheck(findings=findings, as_of=START, unread=unread)


@pytest.mark.parametrize("shown", [mail_text, render_text])
def test_the_lines_to_paste_stand_as_they_are(shown):
    text = shown(report(catalog=of(found())))
    assert "The catalog (R5)" in text
    assert "\n".join(f"      {line}" for line in LINES) in text


def test_the_page_shows_them_as_one_block():
    page = Page(render(report(catalog=of(found()))))
    assert "The catalog (1)" in page.words
    assert "\n".join(LINES) in page.words


@pytest.mark.parametrize("shown", [mail_text, render_text, render])
def test_a_night_without_a_finding_says_nothing(shown):
    assert "The catalog" not in shown(report(catalog=of()))


@pytest.mark.parametrize("shown", [mail_text, render_text, render])
def test_a_check_that_could_not_be_made_is_said(shown):
    text = " ".join(shown(report(catalog=of(unread="the Activity Log could not be read"))).split())
    assert "It could not be checked" in text
    assert "the Activity Log could not be read" in text


@pytest.mark.parametrize("name", [EVIL, EVIL_QUOTE])
def test_a_hostile_name_is_text(name):
    made = report(catalog=of(found(name, (name,))))
    page = Page(render(made))
    assert not page.having("onerror")
    assert "script" not in {tag for tag, _ in page.elements}
    for text in (mail_text(made), render_text(made)):
        assert not any(line.startswith("2026-11-20 ERROR") for line in text.splitlines())


def test_many_are_cut_to_what_a_mail_holds():
    made = report(catalog=of(*(found("x" * 900, LINES * 4) for _ in range(400))))
    assert len(render(made).encode()) <= MOST_BYTES
    assert "and 340 more" in mail_text(made)
