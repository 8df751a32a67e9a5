"""What the documents say can be found: links lead somewhere, options exist, the decision table is the one in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pro2_reconciliation.__main__ import _parser
from pro2_reconciliation.domain.rulebook import ENDINGS, MEANING, conditions, markdown
from pro2_reconciliation.domain.rules import ENDING_RULES, RULE_BOOK, Rule, RuleBook
from pro2_reconciliation.domain.words import Remedy
from pro2_sandbox.demo.options import parse

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IMAGES = sorted((ROOT / "docs" / "images").glob("*"))
MOST_BYTES = 150 * 1024


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
            if "://" not in target:
                yield page, target


@pytest.mark.parametrize(("page", "target"), [pytest.param(p, t, id=f"{p.name}-{t}") for p, t in links()])
def test_a_link_leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    found = (page.parent / path).resolve() if path else page
    assert found.is_relative_to(ROOT)
    assert found.exists(), f"{page.name} links to {target}, which does not exist"
    if anchor and found.suffix == ".md":
        assert anchor in anchors(found), f"{page.name} links to {target}, and there is no such heading"


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_is_small_and_shown_somewhere(image):
    assert image.suffix == ".png"
    assert image.stat().st_size < MOST_BYTES
    assert any(f"images/{image.name}" in text_of(page) for page in PAGES)


def commands(start: str) -> list[str]:
    """The command lines that begin so, in all pages, without what stands around them."""
    lines = [line for page in PAGES for line in re.findall(rf"{re.escape(start)}[^`\n]*", text_of(page))]
    return [re.split(r"  +|[#;|]", line.removeprefix(start))[0].strip() for line in lines]


def test_every_option_of_the_demo_that_is_named_exists(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    named = {option for command in commands("scripts/demo") for option in re.findall(r"--[a-z-]+", command)}
    assert named
    assert named <= known


def test_every_command_of_the_desk_that_is_named_exists(capsys):
    with pytest.raises(SystemExit):
        _parser().parse_args(["--help"])
    known = set(re.search(r"\{([a-z,]+)\}", capsys.readouterr().out)[1].split(","))
    named = {command.split()[0] for command in commands("python -m pro2_reconciliation ") if command}
    assert named
    assert named <= known


def test_every_script_that_is_named_exists():
    named = {name for page in PAGES for name in re.findall(r"(?<![\w/])scripts/([a-z_.]+\w)", text_of(page))}
    assert {"demo", "test"} <= named
    assert [name for name in sorted(named) if not (ROOT / "scripts" / name).exists()] == []


def test_every_test_that_the_architecture_names_exists():
    named = set(
        re.findall(r"`((?:unit|incident|dags|system)/[\w/]+\.py)`", text_of(ROOT / "docs/architecture.md"))
    )
    assert named
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).exists()] == []


def test_every_variable_of_ours_that_is_named_is_read_somewhere():
    files = [*(ROOT / "include").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    code = "\n".join(text_of(file) for file in files)
    named = {name for page in PAGES for name in re.findall(r"PRO2_[A-Z_]+[A-Z]", text_of(page))}
    assert named
    assert [name for name in sorted(named) if f'"{name}"' not in code] == []


def test_no_page_names_a_place_on_somebodys_machine():
    offenders = [page.name for page in PAGES if re.search(r"/(work|root|home|tmp|Users)/", text_of(page))]
    assert offenders == []


class TestDecisions:
    def test_the_page_is_the_table_in_use(self):
        assert text_of(ROOT / "docs" / "decisions.md") == markdown(), (
            "run: python -m pro2_reconciliation.domain.rulebook > docs/decisions.md"
        )

    def test_every_condition_has_a_sentence_and_no_sentence_is_left_over(self):
        assert set(MEANING) == set(conditions(RULE_BOOK))

    def test_every_ending_is_told(self):
        assert set(ENDINGS) == set(ENDING_RULES.values())

    def test_every_rule_is_on_the_page(self):
        page = markdown()
        rows = [
            *RULE_BOOK.campaigns,
            *RULE_BOOK.occurrences,
            *(r for t in RULE_BOOK.sub_tables.values() for r in t),
        ]
        assert [rule.id for rule in rows if rule.reason not in page or f"| {rule.id}" not in page] == []

    def test_a_changed_rule_changes_the_page(self):
        changed = replace(RULE_BOOK.campaigns[-1], reason="something else")
        book = replace(RULE_BOOK, campaigns=(*RULE_BOOK.campaigns[:-1], changed))
        assert markdown(book) != markdown()

    def test_a_bar_in_a_sentence_does_not_break_the_table(self):
        book = RuleBook((Rule("C1", (), Remedy.NONE, "a|b"),), (), {})
        assert "| a\\|b |" in markdown(book)

    def test_a_condition_without_a_sentence_is_a_mistake(self):
        book = RuleBook((Rule("C1", ("brand_new",), Remedy.NONE, "x"),), (), {})
        with pytest.raises(KeyError, match="brand_new"):
            markdown(book)
