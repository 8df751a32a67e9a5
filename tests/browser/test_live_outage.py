"""An outage as it comes, on the Airflow and the sandbox of ``scripts/up``: nobody declares it, and the page tells it.

What a user sees from the first minute to the last is kept as pictures; those of the README and of the runbook are
among them (``SCREENSHOTS`` names their folder). It lasts as long as the outage does, so it is for the long form.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.browser.person import Person
from tests.browser.served import ROOT

from pro2_sandbox.demo.airflow_runs import Runs
from pro2_sandbox.demo.options import incident_file
from pro2_sandbox.demo.stage import Setting, Stage, open_stage
from pro2_sandbox.demo.stopwatch import Stopwatch
from pro2_sandbox.demo.up import DEFAULT_INCIDENT, Teller
from pro2_sandbox.loader import load_incident
from pro2_sandbox.local.wire import AirflowApiError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="the outage lasts for minutes: CHAOS=long scripts/test browser",
    ),
]


SIZE = (1280, 860)
"""Of the pictures."""


@dataclass
class Live:
    """``pass_by`` lets detection look as often as ``scripts/up`` does."""

    stage: Stage
    pass_by: Callable[[], None]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    path = incident_file(DEFAULT_INCIDENT)
    incident, watch = load_incident(path), Stopwatch(float("inf"))
    with open_stage(Setting(ROOT, tmp_path / "up", incident, path), watch) as stage:
        api = stage.airflow.api()
        begun = datetime.fromisoformat(stage.sandbox.get("/sandbox/clock").json()["t0"])
        Runs(api, watch, stage.alive).switch_on()
        teller = Teller(api, incident, begun, stage.airflow.url)

        def pass_by() -> None:
            with suppress(requests.RequestException, AirflowApiError):  # it may be busy for a moment
                teller.news()

        yield Live(stage, pass_by)


def test_a_user_sees_it_come_answers_and_reads_what_became_of_it(
    live: Live, chromium: Any, shoot: Callable[..., None]
) -> None:
    airflow = live.stage.airflow
    user = Person(chromium, airflow.url, "user", airflow.passwords["user"], meanwhile=live.pass_by, size=SIZE)
    user.open()

    user.shows("is down since", "#top", seconds=300)
    user.shows("Opening night invitation", "#risk")
    shoot(user.window, "at-risk")

    user.shows("Waits for an answer (1)", "#questions", seconds=400)
    user.shows("for an answer until", "#chosen")
    assert user.page.locator("#chosen .next time.tick").count() == 1, "it counts down"
    user.page.locator(".question p a", has_text="ask of outage__").click()
    user.window.get_by_text("Opening night invitation").first.wait_for()
    shoot(user.window, "question")
    user.open()
    user.page.locator(".question").wait_for()
    for key, choice in (("campaign:202", "resend"), ("campaign:203", "hold back")):
        user.page.locator(f"[data-choice='{key}']").select_option(choice)
    user.page.locator("#questions").scroll_into_view_if_needed()
    shoot(user.window, "answer")
    user.press("Carry out my choices", ".question")
    assert "Your answer was taken" in user.do({})

    user.shows("has reported", "#chosen", seconds=300)
    user.shows("verified 2", "#chosen")
    user.page.locator("#chosen").scroll_into_view_if_needed()
    shoot(user.window, "done")
    user.run("() => window.scrollTo(0, 0)")
    shoot(user.window, "page")
    for search, picture in (("opening night", "item"), ("backstage", "half-sent")):
        user.page.locator("#search").fill(search)
        user.page.locator("tbody tr th button").click()
        user.page.locator(".story li").first.wait_for()
        shoot(user.window, picture)
        user.window.keyboard.press("Escape")
    with user.context.expect_page() as opened:
        user.page.locator("#chosen .files a", has_text="Report").first.click()
    opened.value.wait_for_load_state()
    shoot(opened.value, "report")

    admin = Person(chromium, airflow.url, "admin", airflow.passwords["admin"], size=SIZE)
    admin.open()
    admin.press("Turn …")
    shoot(admin.window, "kill-switch")

    truth = live.stage.sandbox.get("/sandbox/truth").json()
    assert truth["mailed_twice"] == []
    assert [*user.said, *admin.said] == []
