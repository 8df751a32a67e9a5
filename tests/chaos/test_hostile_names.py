"""Names that want to be code: templates, HTML, Markdown, formulas, escapes, paths. They are shown and do nothing.

A whole run with such names for everything that has one, then each place that shows a name, one by one.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import pkgutil
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from airflow.sdk import BaseOperator
from markdown_it import MarkdownIt
from tests.chaos.full_run import Left, run
from tests.incident.harness import Evening

import pro2
from pro2.files import folder_and_name
from pro2.operators.question import AskOperator
from pro2_reconciliation.domain.cells import as_text
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.oneline import LONGEST, is_one_line, one_line
from pro2_reconciliation.domain.sources import Feed
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.repair import messages
from pro2_reconciliation.repair.asking import escaped
from pro2_reconciliation.wire.exchange import Reply, drive, explain
from pro2_reconciliation.wire.statuspage import published

ON_ONE_LINE = (
    "{{ conn.pro2.password }}", "{% raw %}{{ 7 * 191 }}{% endraw %}", "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">', "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "=cmd|' /C calc'!A1", "../../etc/passwd", "%s %(name)s {} {0} {name!r}", "'; DROP TABLE move; --",
    "🎭👨‍👩‍👧 événement",
    "`code` **bold** <b>x</b> | cell | ~~x~~", "</style></svg><script>window.pwned=1</script>", "x" * 5000,
)  # fmt: skip
UNSEEN = (
    "one\n2026-11-20 ERROR forged", "a\r\nb", "\x1b[31mred\x1b[2J", "\u202eesrever", "nul\x00nul", "tab\tand\x0bmore",
    "\u2028x",
)  # fmt: skip
HOSTILE = (*ON_ONE_LINE, *UNSEEN)


def rename(section: str, name: str) -> str:
    """The name behind a hostile one, the same for a campaign and its copies.

    Names of jobs stand in jobs.yaml, which takes no control characters.
    """
    names = [one for one in (ON_ONE_LINE if section == "jobs" else HOSTILE) if len(one) < 300]
    base = re.sub(r"^copy of |[ (]*copy.*$", "", name.casefold())
    return f"{names[sum(base.encode()) % len(names)]} {name}"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    return run(tmp_path_factory.mktemp("hostile"), rename)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {key for key, _ in attrs}
        self.links += [value or "" for key, value in attrs if key in ("href", "src", "data-item")]


def test_hostile_names_change_nothing_in_what_becomes_of_the_evening(left: Left) -> None:
    assert left.evening.truth()["mailed_twice"] == []
    assert left.evening.truth()["missing"] == []
    rows = {row["item_id"]: row["outcome"] for row in json.loads(left.files["outage__1__g1.json"])["rows"]}
    wanted = {want["id"]: want["outcome"] for want in left.evening.expected() if want["kind"] == "campaign"}
    differing = {key: (rows[key], end) for key, end in wanted.items() if key in rows and rows[key] != end}
    assert differing == {}
    assert rows["103"] == "verified"


def test_the_report_holds_no_element_of_a_name(left: Left) -> None:
    for name, html in left.files.items():
        if name.endswith(".html"):
            page = Page(html)
            assert page.tags.isdisjoint({"script", "img", "iframe", "object", "link", "base"}), name
            assert not [one for one in page.attributes if one.startswith("on")], name
            assert not [one for one in page.links if "javascript" in one or "evil" in one], name
            assert "1337" not in html


def test_what_people_are_told_holds_no_element_link_or_mention_of_a_name(left: Left) -> None:
    assert len(left.messages) > 3
    told = "\n".join(messages.as_text(one) for one in left.messages)
    assert "conn.pro2.password" in told, "the names reach the messages"
    for message in left.messages:
        page = Page(messages.as_html(message))
        assert page.tags.isdisjoint({"script", "img", "iframe", "object", "link", "base"}), message.title
        assert not [one for one in page.attributes if one.startswith("on")], message.title
        assert not [one for one in page.links if "javascript" in one or "evil" in one], message.title
        assert is_one_line(message.title)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", messages.as_text(message))
        assert "](javascript" not in messages.as_markdown(message)


def test_a_bundle_for_the_vendor_has_each_name_on_one_line(left: Left) -> None:
    for name, text in left.bundles.items():
        if name.endswith(".txt"):
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text), name
            assert not re.search(r"^(2026-11-20 ERROR|Subject: .*forged)", text, re.M), name


def test_no_line_of_the_log_begins_with_a_name(left: Left) -> None:
    assert any("conn.pro2.password" in line for line in left.lines), "the names reach the log"
    for line in "\n".join(left.lines).splitlines():
        assert not re.match(r"2026-11-20 ERROR|esrever|\x1b", line)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", line), line[:200]


def test_every_name_stands_in_the_ledger_on_one_line(left: Left) -> None:
    ledger = left.evening.ledger()
    for plan in left.plans:
        kept = ledger.plan(plan.hash)
        assert kept is not None
        for decision in kept.decisions:
            for text in (decision.name, decision.reason, *decision.steps):
                assert not re.search("[\x00-\x1f\x7f\u202a-\u202e]", text), text[:200]


def test_the_csv_holds_no_formula(left: Left) -> None:
    tables = [text for name, text in left.files.items() if name.endswith(".csv")]
    cells = [cell for text in tables for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(cells) > 20
    assert not [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "-", "@")]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n@x"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"
    assert as_text("patron27@example.org") == "patron27@example.org"


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_a_name_in_a_question_is_text_and_no_markdown(name: str) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(f"* **{escaped(name)}**: C11")
    assert html.count("<") == 2 * 3, html  # list, entry, bold: nothing of the name
    assert html.count("\n") == 3


def test_a_question_and_its_params_are_never_rendered(left: Left) -> None:
    shown = "".join(asked.model_dump_json() for asked in left.questions)
    assert "{{ 7 * 191 }}" in shown, "the names reach the questions"
    assert "1337" not in shown
    for asked in left.questions:
        assert all(is_one_line(select.title[:LONGEST]) for select in asked.selects)
    assert AskOperator.template_fields == ()


def test_no_operator_or_sensor_of_ours_has_a_template_field() -> None:
    """Airflow renders what stands in one, also what came from outside."""
    found: set[type] = set()
    for module in pkgutil.walk_packages(pro2.__path__, "pro2."):
        loaded = importlib.import_module(module.name)
        found |= {
            one
            for one in vars(loaded).values()
            if isinstance(one, type) and issubclass(one, BaseOperator) and one.__module__.startswith("pro2.")
        }
    assert {one.__name__ for one in found} >= {
        "AskOperator",
        "StepOperator",
        "ConfirmSensor",
        "CampaignSensor",
    }
    assert len(found) >= 14
    of_our_own_making = {"LeanSensor": ("inventory", "place")}  # the dag run's id and a number
    rendered = {one.__name__: tuple(one.template_fields) for one in found if tuple(one.template_fields)}
    assert rendered == of_our_own_making
    assert {one.__name__ for one in found if getattr(one, "template_ext", ())} <= {"StartReconcileOperator"}


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_a_run_id_makes_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRO2_RECONCILIATION_REPORTS", f"file://{tmp_path}/reports")
    _, made = folder_and_name({"dag_run": SimpleNamespace(run_id=name)})
    assert re.fullmatch(r"[\w-]+", made)
    assert len(f"{made}.recording.json".encode()) <= 255


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_a_title_of_a_status_page_and_a_sentence_of_a_server_come_on_one_line(name: str) -> None:
    entry = {
        "id": name,
        "name": name,
        "impact": "major",
        "status": name,
        "started_at": "2031-03-04T09:30:00Z",
    }
    body = json.dumps({"incidents": [entry], "scheduled_maintenances": []})
    (claim,) = drive(
        published(Feed(connection="feed", service=Service.SENDING)), lambda q: Reply(200, {}, body)
    )
    assert is_one_line(claim.key)
    assert is_one_line(claim.detail[:LONGEST])
    for said in (json.dumps({"message": name}), json.dumps({"errors": [{"title": name}]}), name):
        told = explain(Reply(400, {}, said))
        assert is_one_line(told)
        assert len(told) <= 300


@pytest.mark.parametrize("name", UNSEEN, ids=repr)
@pytest.mark.parametrize("key", ["organization", "name", "tessitura_list"])
def test_the_configuration_takes_no_name_with_what_nobody_sees(tmp_path: Path, key: str, name: str) -> None:
    evening = Evening(tmp_path)
    path = evening.folder / "config" / "jobs.yaml"
    body = yaml.safe_load(path.read_text())
    (body if key == "organization" else body["jobs"][0])[key] = name
    path.write_text(yaml.safe_dump(body))
    if any(c in name for c in "\t") and is_one_line(name):
        return
    with pytest.raises(ConfigurationError, match="one line"):
        load_site(evening.folder / "config")


def test_emoji_made_of_several_stay_whole_and_long_names_end_with_an_ellipsis() -> None:
    assert one_line("👨‍👩‍👧 événement") == "👨‍👩‍👧 événement"
    assert one_line("x" * 5000) == "x" * (LONGEST - 1) + "…"
