"""One Chromium for all browser tests, and pages that complain about everything a page should not do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from tests.browser import played
from tests.browser.served import CHROMIUM, NO_CHROMIUM, SCREENSHOTS, Served, served
from tests.incident.harness import Evening

SANDBOXED = "can escape its sandboxing"
"""What Chromium says of every frame that is sandboxed as Airflow sandboxes ours."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def look(chromium: Any) -> Iterator[Callable[..., Any]]:
    """``look(url, theme="dark")``: a page of a new window. What it says to the console fails the test at its end,
    unless the test says ``page.forgiven.append(...)`` with a part of it.
    """
    said: list[tuple[Any, str]] = []
    contexts = []

    def open_page(url: str, *, theme: str = "light", width: int = 1280, height: int = 900) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.forgiven = [SANDBOXED]
        page.on("console", lambda m: said.append((page, m.text)) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append((page, str(error))))
        page.on("dialog", lambda dialog: (said.append((page, dialog.message)), dialog.dismiss()))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for page, text in said if not any(one in text for one in page.forgiven)] == []


@pytest.fixture
def shoot() -> Callable[..., None]:
    """Keep a picture of a page among the artefacts of the run."""

    def keep(page: Any, name: str, **more: Any) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", caret="initial", **more)

    return keep


def until(page: Any, expression: str, argument: Any = None, *, seconds: float = 10) -> None:
    """Wait until an expression is true. Playwright's own way evaluates a text in the page, which its policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"not true after {seconds} s: {expression}"
        page.wait_for_timeout(50)


def ready(page: Any) -> Any:
    """Wait until the whole table stands."""
    page.wait_for_selector("tbody[data-of]", state="attached", timeout=20_000)
    return page


@pytest.fixture(scope="session")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served over an evening that was reconciled in part. A test that writes to it puts back what it wrote."""
    with served(played.reconciled(tmp_path_factory.mktemp("partly"))) as found:
        yield found


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served over an evening whose names want to be code. Read it only."""
    with served(played.reconciled(tmp_path_factory.mktemp("hostile"), hostile=True)) as found:
        yield found


@pytest.fixture(scope="session")
def down(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served while the outage lasts. Read it only."""
    with served(played.lasting(tmp_path_factory.mktemp("down"))) as found:
        yield found


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evening, dict[str, Any]]:
    """An evening whose question waits, and the question."""
    return played.asked(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def waiting(asked: tuple[Evening, dict[str, Any]]) -> Iterator[Served]:
    """Served over that evening, with an Airflow of the test's own, in which nobody has answered yet."""
    evening, question = asked
    with served(evening) as found:
        found.airflow.questions.append(deepcopy(question))
        yield found
