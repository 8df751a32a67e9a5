"""The whole story on one real Airflow, as people live it in a browser: a viewer, a user and an admin.

A user says that Pro2 is down, everybody sees what is at risk, it ends, a plan is made and read on the page, then it is
reconciled for real: one campaign resent, one held back, the rest left. A log is opened, the items are taken away, the
kill switch is turned. The sandbox, which knows every effect, has the last word.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.browser.conftest import SANDBOXED, until
from tests.system.evening import SMALL, Evening
from tests.system.site import AirflowSite

from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.ledger import Ledger
from pro2_sandbox.demo.airflow_runs import DAGS, DETECT, GUARD, RECONCILE
from pro2_sandbox.loader import load_incident

pytestmark = [
    pytest.mark.browser,
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long", reason="it takes minutes: CHAOS=long scripts/test browser"
    ),
]
ZONE = ZoneInfo("America/Chicago")
PATIENCE = 240_000
"""Milliseconds that a dag run may take until the page shows what it did."""


class Person:
    """One of Airflow's users in a browser of his own; ``page`` is the part of Airflow's that is ours."""

    def __init__(self, chromium: Any, url: str, name: str, password: str, theme: str) -> None:
        self.name = name
        self.url = url
        self.said: list[str] = []
        self.context = chromium.new_context(
            viewport={"width": 1440, "height": 1000}, color_scheme=theme, accept_downloads=True
        )
        self.window = self.context.new_page()
        self.window.set_default_timeout(60_000)
        self.window.on("pageerror", lambda error: self.said.append(str(error)))
        self.window.on(
            "console",
            lambda one: (
                self.said.append(one.text) if one.type == "error" and "/pro2/" in str(one.location) else None
            ),
        )
        self.window.goto(url)
        self.window.fill("input[name=username]", name)
        self.window.fill("input[name=password]", password)
        self.window.click("button[type=submit]")
        self.window.wait_for_url(f"{url}/")

    def open(self, query: str = "") -> Any:
        """Go to the page by Airflow's navigation, or by a link to it."""
        if query:
            self.window.goto(f"{self.url}/plugin/outages{query}")
        else:
            self.window.click("a[href$='plugin/outages']")
        self.page = self.window.frame_locator("iframe")
        self.page.locator("#strip .light").first.wait_for()
        return self.page

    @property
    def inside(self) -> Any:
        """The frame itself, to evaluate in."""
        return next(frame for frame in self.window.frames if "/pro2/" in frame.url)

    def press(self, label: str, within: str = "") -> None:
        self.page.locator(f"{within} button:has-text('{label}')").first.click()
        self.page.locator("dialog.dialog").wait_for()

    def do(self, fields: dict[str, str]) -> str:
        """Fill in the dialog that is open and confirm it; what the page says then."""
        for selector, value in fields.items():
            target = self.page.locator(f"dialog.dialog {selector}")
            if value == "check":
                target.check()
            elif selector.startswith("select"):
                target.select_option(value)
            else:
                target.fill(value)
        self.page.locator("dialog.dialog button[type=submit]").click()
        self.page.locator("dialog.dialog").wait_for(state="detached", timeout=120_000)
        return str(self.page.locator("#notice").inner_text())

    def shows(self, text: str, within: str = "main", seconds: float = PATIENCE / 1000) -> None:
        """Wait until the page, which refreshes itself, shows a text."""
        until(
            self.inside,
            "([where, what]) => document.querySelector(where)?.innerText.includes(what)",
            [within, text],
            seconds=seconds,
        )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowSite, Evening]]:
    with AirflowSite(tmp_path_factory.mktemp("site"), schedulers=1) as site, site.evening() as evening:
        yield site, evening


@pytest.fixture
def people(chromium: Any, story: tuple[AirflowSite, Evening]) -> Iterator[Callable[..., Person]]:
    site, _ = story
    made: list[Person] = []

    def person(name: str, theme: str = "light") -> Person:
        assert site.airflow is not None
        made.append(Person(chromium, site.airflow.url, name, site.airflow.passwords[name], theme))
        return made[-1]

    yield person
    said = [text for one in made for text in one.said if SANDBOXED not in text]
    for one in made:
        one.context.close()
    assert said == []


def local(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%dT%H:%M}"


def keep_what_was_scheduled(evening: Evening, start: datetime, end: datetime) -> None:
    """As detection does at each pass while Pro2 is up; here nobody was looking before."""
    with evening.ledger() as known:
        url = known._engine.url.render_as_string(hide_password=False)
    before = Ledger.open(url, clock=lambda: start - timedelta(minutes=10))
    campaigns = [
        {"id": one.id, "name": one.name, "due": (end + one.due).isoformat(), "audience": one.recipients}
        for one in load_incident(SMALL).campaigns
    ]
    before.add_snapshot("playhouse", {"campaigns": campaigns, "occurrences": []})
    before.close()


def detect_until(evening: Evening, state: OutageState) -> None:
    """Let detection pass until the outage is so far; on its schedule that is every five minutes."""
    for number in range(8):
        with evening.ledger() as ledger:
            if any(outage.state is state for outage in ledger.outages("playhouse")):
                return
        run = evening.api.trigger(DETECT, f"story-{state.value}-{number}")
        evening.api.wait_dag_run(DETECT, run, timeout=120, pause=0.5)
    raise AssertionError(f"the outage is not {state.value} after eight passes")


def test_an_evening_from_the_first_word_to_the_last(
    people: Callable[..., Person],
    story: tuple[AirflowSite, Evening],
    shoot: Callable[..., None],
    tmp_path: Path,
) -> None:
    _, evening = story
    start, end = evening._outage()
    keep_what_was_scheduled(evening, start, end)
    for dag_id in DAGS:
        evening.api.unpause(dag_id)
    evening.api.trigger(GUARD, "story")

    # An admin lets detection start nothing by itself tonight
    admin = people("admin", "dark")
    admin.open()
    admin.press("Turn …")
    told = admin.do({"input[value=schedules]": "check", "textarea": "we start it by hand tonight"})
    assert "«schedules», by admin: we start it by hand tonight" in told

    # A user says that Pro2 is down, and everybody sees what is at risk
    user = people("user")
    user.open()
    user.press("Declare an outage")
    user.do({"select": "sending", "#field-start": local(start), "textarea": "nobody can send"})
    detect_until(evening, OutageState.OPEN)
    viewer = people("viewer")
    viewer.open()
    viewer.shows("is down since")
    viewer.shows("Opening night", "#risk")
    assert viewer.page.locator("button:has-text('…')").count() == 0, "a viewer presses nothing"
    shoot(viewer.window, "story-1-viewer-at-risk")

    # It ends, and a plan is made and read
    user.page.locator("summary:has-text('Declared by people')").click()
    user.press("It has ended")
    user.do({"#field-at": local(end)})
    detect_until(evening, OutageState.SETTLED)
    user.shows("Reconcile this outage")
    user.press("Reconcile this outage")
    told = user.do({"textarea": "a first look"})
    assert "of reconcile has started, mode plan" in told
    user.shows("proposed 4", "#chosen")
    viewer.shows("proposed 4", "#chosen")
    shoot(viewer.window, "story-2-plan", full_page=True)

    # For real: the same through the page, and now it asks
    user.press("Reconcile this outage")
    user.do({"input[value=ask]": "check", "textarea": "the evening's mail"})
    user.page.locator(".question").wait_for(timeout=PATIENCE)
    assert viewer.page.locator(".question .buttons").count() == 0
    user.page.locator("[data-choice='campaign:103']").select_option("resend")
    user.page.locator("[data-choice='campaign:104']").select_option("hold back")
    shoot(user.window, "story-3-question")
    user.press("Carry out my choices", ".question")
    meaning = user.page.locator("dialog.dialog").inner_text()
    assert "resend: Opening night (103)" in meaning
    assert "hold back: Spring season (104)" in meaning
    shoot(user.window, "story-4-answer")
    told = user.do({})
    assert "Your answer was taken" in told

    # Somebody watches while it is done
    viewer.shows("verified 2", "#chosen")
    shoot(viewer.window, "story-5-done", full_page=True)
    run = next(one for one in reversed(evening.api.dag_runs(RECONCILE)) if one["conf"].get("mode") == "ask")
    evening.finish(run["dag_run_id"])

    # The log of the task that sent it, in Airflow itself
    viewer.page.locator("#search").fill("opening night")
    viewer.page.locator("tbody tr th button").click()
    viewer.page.locator(".story li").first.wait_for()
    story_text = viewer.page.locator("dialog.drawer").inner_text()
    assert "chosen" in story_text or "resend, by user" in story_text
    shoot(viewer.window, "story-6-story")
    viewer.page.locator(".story a", has_text="send_campaign").first.click()
    viewer.window.wait_for_url("**/dags/reconcile/runs/**/tasks/send_campaign/mapped/**")
    viewer.window.get_by_text("Opening night").first.wait_for()
    assert viewer.window.locator("iframe").count() == 0
    shoot(viewer.window, "story-7-log")

    # The tab of the dag run, in Airflow's own page of it
    path = f"{viewer.url}/dags/reconcile/runs/{run['dag_run_id']}"
    viewer.window.goto(path)
    viewer.window.get_by_role("tab", name="Outages").or_(
        viewer.window.locator("a[href*='outages-of-run']")
    ).first.click()
    tab = viewer.window.frame_locator("iframe")
    tab.locator("tbody[data-of]").wait_for(state="attached")
    assert "Items of dag run" in tab.locator("#items-title").inner_text()
    shoot(viewer.window, "story-8-tab")

    # The items are taken away
    with user.window.expect_download() as download:
        user.page.locator(".links a", has_text="CSV").click()
    download.value.save_as(tmp_path / "items.csv")
    rows = list(csv.DictReader((tmp_path / "items.csv").open(encoding="utf-8-sig")))
    assert {row["name"] for row in rows} >= {"Opening night", "Spring season"}

    # The admin lets it run by itself again, in the dark
    admin.press("Turn …")
    told = admin.do({"input[value=off]": "check", "textarea": "all is well"})
    assert "«off», by admin: all is well" in told
    shoot(admin.window, "story-9-admin-dark", full_page=True)

    assert evening.effects() == Counter(
        {
            ("campaign_stopped", "103"): 1,
            ("campaign_copied", "103"): 1,
            ("campaign_sent", "103"): 1,
            ("mail", "103"): 1,
            ("campaign_stopped", "104"): 1,
        }
    )
    assert evening.truth()["mailed_twice"] == []
    with evening.ledger() as ledger:
        plan = next(
            run.plan_hash for run in ledger.runs("playhouse") if run.id == run.id and run.mode == "ask"
        )
        answers = ledger.answers(plan or "")
    assert {
        key: (one.choice.value, one.who) for key, one in answers.items() if key.startswith("campaign")
    } == {
        "campaign:103": ("resend", "user"),
        "campaign:104": ("hold back", "user"),
    }
