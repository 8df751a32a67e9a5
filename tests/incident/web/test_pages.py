"""The page's files: nothing inline, nothing from elsewhere, nothing that makes text into elements."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from tests.incident.web.conftest import Users

from pro2.web.words import looks_css, words
from pro2_reconciliation.domain.words import ItemKind
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview.views import Now
from pro2_reconciliation.repair.report import End

STATIC = {entry.name: entry.read_text() for entry in files("pro2.web").joinpath("static").iterdir()}
SCRIPTS = {name: text for name, text in STATIC.items() if name.endswith(".js")}
STYLES = {name: text for name, text in STATIC.items() if name.endswith(".css")}
MAKES_ELEMENTS = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
    "DOMParser",
    "srcdoc",
)
MOST_LINES = 320


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.loads: list[str] = []
        self.inside = ""
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self.inside = tag
        if tag in ("script", "link"):
            self.loads.append(str(given.get("src") or given.get("href")))

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


@pytest.fixture(scope="module")
def page() -> Page:
    found = Page()
    found.feed(STATIC["index.html"])
    return found


def test_the_page_has_nothing_inline(page: Page) -> None:
    assert page.inline == []
    for tag, attributes in page.tags:
        assert tag != "style"
        assert [name for name in attributes if name.startswith("on") or name == "style"] == []


def test_it_loads_each_module_at_once_and_each_from_here(page: Page) -> None:
    assert all(re.fullmatch(r"static/[a-z-]+\.(js|css|svg)", name) for name in page.loads)
    loaded = {name.removeprefix("static/") for name in page.loads}
    assert loaded == {name for name in STATIC if name != "index.html"} | {"looks.css"}


@pytest.mark.parametrize("name", SCRIPTS)
class TestScripts:
    def test_text_is_never_made_into_elements(self, name: str) -> None:
        assert [word for word in MAKES_ELEMENTS if word in SCRIPTS[name]] == []

    def test_elements_are_made_in_one_place(self, name: str) -> None:
        allowed = {"dom.js": 2, "airflow.js": 1}.get(name, 0)
        assert SCRIPTS[name].count("createElement") <= allowed

    def test_what_it_imports_is_there(self, name: str) -> None:
        imported = re.findall(r'from "\./([^"]+)"', SCRIPTS[name])
        assert set(imported) <= set(SCRIPTS)
        assert SCRIPTS[name].count("import(") == 0

    def test_it_says_what_it_is_for_and_is_not_too_long(self, name: str) -> None:
        assert SCRIPTS[name].startswith("// ")
        assert len(SCRIPTS[name].splitlines()) < MOST_LINES


@pytest.mark.parametrize("name", STYLES)
def test_a_style_fetches_nothing(name: str) -> None:
    assert "url(" not in STYLES[name]
    assert "@import" not in STYLES[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("main.js", "text/javascript"),
        ("base.css", "text/css"),
        ("looks.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_types(airflow: Users, name: str, kind: str) -> None:
    answer = airflow.get(f"/pro2/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind


@pytest.mark.parametrize(
    "name",
    ["index.html", "nothing.js", "..%2Fapp.py", "%2e%2e%2fapp.py", "main.js%00", "sub%2Fmain.js", "MAIN.JS"],
)
def test_no_other_file_is_served(airflow: Users, name: str) -> None:
    assert airflow.get(f"/pro2/static/{name}").status_code == 404


def test_every_outcome_kind_and_stage_has_a_word() -> None:
    said = words()
    assert set(said["outcomes"]) == {one.value for one in (*End, *Now)}
    assert set(said["kinds"]) == set(said["groups"]) == {kind.value for kind in ItemKind}
    assert set(said["stages"]) == {stage.value for stage in Stage}
    for outcome in said["outcomes"].values():
        assert outcome["look"] in said["looks"]
        assert f"--{outcome['look']}:" in looks_css()


def test_what_waits_for_an_answer_is_the_most_urgent() -> None:
    assert next(iter(words()["outcomes"])) == Now.ASKED.value
