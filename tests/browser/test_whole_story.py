"""The whole story on one real Airflow, as people live it in a browser: a viewer, a user and an admin.

A user says that Pro2 is down, everybody sees what is at risk, it ends, a plan is triggered by Airflow's form and read
on the page, then it is reconciled for real: one campaign resent, one held back, the rest left. A log is opened, the
items are taken away, the kill switch is turned. The sandbox, which knows every effect, has the last word.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from tests.browser.person import Person
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
PATIENCE_MS = 240_000
"""How long a dag run may take until the page shows what it did."""
HOSTILE = "Spring season <img src=x onerror=window.pwned=1> {{ 7 * 7 }}"
"""What one of the campaigns is called; a name is text, wherever it is shown."""
FILE = "evening.yaml"
See = Callable[..., None]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AirflowSite, Evening]]:
    folder = tmp_path_factory.mktemp("story")
    incident = folder / FILE
    incident.write_text(_quick(SMALL.read_text()).replace("name: Spring season,", f"name: '{HOSTILE}',"))
    with AirflowSite(folder / "site", schedulers=1) as site, site.evening(incident) as evening:
        yield site, evening


def _quick(evening: str) -> str:
    """Nothing changes while it is watched, so nobody has to watch for long."""
    return re.sub(r"(watch_\w+_seconds|stop_settle_seconds): \d+", r"\1: 5", evening)


@pytest.fixture
def see(shoot: Callable[..., None]) -> See:
    """Keep what a person sees as a picture, and look that nothing in it became code."""

    def look(person: Person, name: str, **more: Any) -> None:
        shoot(person.window, f"story-{name}", **more)
        person.unharmed()

    return look


@pytest.fixture
def people(chromium: Any, story: tuple[AirflowSite, Evening]) -> Iterator[Callable[..., Person]]:
    site, _ = story
    made: list[Person] = []

    def person(name: str, theme: str = "light") -> Person:
        assert site.airflow is not None
        made.append(Person(chromium, site.airflow.url, name, site.airflow.passwords[name], theme))
        return made[-1]

    yield person
    said = [text for one in made for text in one.said]
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
        for one in load_incident(evening.site.folder.parent / FILE).campaigns
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
    see: See,
    shoot: Callable[..., None],
    tmp_path: Path,
) -> None:
    _, evening = story
    start, end = evening._outage()
    keep_what_was_scheduled(evening, start, end)
    for dag_id in DAGS:
        evening.api.unpause(dag_id)
    evening.api.trigger(GUARD, "story")

    # An admin, in the dark, lets detection start nothing by itself tonight
    admin = people("admin", "dark")
    admin.open()
    told = turn(admin, "schedules", "we start it by hand tonight")
    assert "«schedules», by admin: we start it by hand tonight" in told

    # A user says that Pro2 is down, and everybody sees what is at risk
    user, viewer = people("user"), people("viewer")
    user.open()
    user.press("Declare an outage")
    user.do({"select": "sending", "#field-start": local(start), "textarea": "nobody can send"})
    detect_until(evening, OutageState.OPEN)
    viewer.open()
    viewer.shows("is down since")
    viewer.shows("Opening night", "#risk")
    may_only_look(viewer)
    see(viewer, "1-viewer-at-risk")

    # It ends; a plan is triggered by Airflow's form as it stands, and read on the page
    user.page.locator("summary:has-text('Declared by people')").click()
    user.press("It has ended")
    user.do({"#field-at": local(end)})
    detect_until(evening, OutageState.SETTLED)
    user.trigger(RECONCILE, reason="a first look")
    see(user, "2-triggered")
    viewer.shows("proposed 4", "#chosen")
    see(viewer, "3-plan", full_page=True)

    # For real, by the button of the page, and now it asks
    user.open()
    user.shows("proposed 4", "#chosen")
    user.press("Reconcile this outage")
    told = user.do({"input[value=ask]": "check", "textarea": "the evening's mail"})
    assert "of reconcile has started, mode ask" in told
    answer(user, viewer, see)

    # Somebody watches while it is done, and reads the report
    viewer.shows("being repaired", "#chosen")
    see(viewer, "6-under-way")
    viewer.shows("verified 2", "#chosen")
    run = next(one for one in reversed(evening.api.dag_runs(RECONCILE)) if one["conf"].get("mode") == "ask")
    evening.finish(run["dag_run_id"])
    viewer.shows("has reported", f"#chosen [data-key='{run['dag_run_id']}']")
    see(viewer, "7-done", full_page=True)
    read_report(viewer, shoot)
    open_log(viewer, see)
    open_tab(viewer, run["dag_run_id"], see)

    # The items are taken away, and the kill switch is turned on and off
    rows = take_away(user, tmp_path)
    assert {row["name"]: row["outcome"] for row in rows if row["kind"] == "campaign"} == {
        "Opening night": "verified",
        HOSTILE: "verified",
    }
    turn(admin, "everything", "Pro2 behaves strangely")
    user.shows("stops everything", "#top")
    see(admin, "11-admin-dark", full_page=True)
    assert "«off», by admin: all is well" in turn(admin, "off", "all is well")

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
    assert answers_of(evening, run["dag_run_id"]) == {
        "campaign:103": ("resend", "user"),
        "campaign:104": ("hold back", "user"),
        "occurrence:j-1": ("leave to me", "user"),
        "occurrence:j-2": ("leave to me", "user"),
    }


def turn(admin: Person, stage: str, why: str) -> str:
    admin.press("Turn …")
    return admin.do({f"input[value={stage}]": "check", "textarea": why})


def may_only_look(viewer: Person) -> None:
    """Nothing to press, a refusal for who asks all the same, and nothing at all for who is not logged in."""
    assert viewer.page.locator("button:has-text('…')").count() == 0
    asked = """async () => (await fetch('api/commands/declare', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).status"""
    assert viewer.run(asked) == 403
    viewer.said.clear()  # the browser complains about the 403
    for path in ("/pro2/", "/pro2/api/board", "/pro2/reports/x.html"):
        assert requests.get(f"{viewer.url}{path}", timeout=30).status_code == 401, path


def answer(user: Person, viewer: Person, see: See) -> None:
    """One campaign is resent, one held back, and the jobs are left; Airflow has the same question."""
    user.page.locator(".question").wait_for(timeout=PATIENCE_MS)
    user.page.locator(".question p a", has_text="ask of manual__").click()
    user.window.get_by_text("Opening night").first.wait_for()
    see(user, "4-question-in-airflow")
    user.open()
    user.page.locator(".question").wait_for()
    user.page.locator("[data-choice='campaign:103']").select_option("resend")
    user.page.locator("[data-choice='campaign:104']").select_option("hold back")
    see(user, "4-question")
    viewer.shows("Waits for an answer (1)", "#questions")
    assert viewer.page.locator(".question .buttons").count() == 0
    assert viewer.page.locator("[data-choice]:enabled").count() == 0
    user.press("Carry out my choices", ".question")
    meaning = user.page.locator("dialog.dialog").inner_text()
    assert "resend: Opening night · about 400 patrons" in meaning
    assert f"hold back: {HOSTILE} · about 800 patrons" in meaning
    assert "leave to me: 2 items, as preset" in meaning
    see(user, "5-answer")
    assert "Your answer was taken" in user.do({})


def read_report(viewer: Person, keep: Callable[..., None]) -> None:
    """The report as Airflow serves it, in a tab of its own."""
    with viewer.context.expect_page() as opened:
        viewer.page.locator("#chosen .files a", has_text="Report").first.click()
    report = opened.value
    report.wait_for_load_state()
    assert report.url.startswith(f"{viewer.url}/pro2/reports/manual__")
    told = report.text_content("body")
    assert "Opening night" in told
    assert HOSTILE in told
    assert report.evaluate("window.pwned") is None
    keep(report, "story-8-report")
    report.close()


def open_log(viewer: Person, see: See) -> None:
    """From the item's story to the log of the task that sent it, in Airflow itself."""
    viewer.page.locator("#search").fill("opening night")
    viewer.page.locator("tbody tr th button").click()
    viewer.page.locator(".story li").first.wait_for()
    told = viewer.page.locator("dialog.drawer").inner_text()
    for part in ("verified", "resend, by user", "begun", "proven", "send campaign"):
        assert part in told, part
    see(viewer, "9-story")
    viewer.page.locator(".story a", has_text="send_campaign").first.click()
    viewer.window.wait_for_url("**/dags/reconcile/runs/**/tasks/send_campaign/mapped/**")
    viewer.window.get_by_text("Opening night").first.wait_for()
    assert viewer.window.locator("iframe").count() == 0
    see(viewer, "9-log")


def open_tab(viewer: Person, run_id: str, see: See) -> None:
    """The tab of the dag run, in Airflow's own page of it."""
    viewer.window.goto(f"{viewer.url}/dags/reconcile/runs/{run_id}")
    named = viewer.window.get_by_role("tab", name="Outages")
    viewer.window.locator("a[href*='outages-of-run']").or_(named).first.click()
    tab = viewer.window.frame_locator("iframe")
    tab.locator("tbody[data-of='4']").wait_for(state="attached")
    assert "Items of dag run" in tab.locator("#items-title").inner_text()
    see(viewer, "10-tab")


def take_away(user: Person, folder: Path) -> list[dict[str, str]]:
    with user.window.expect_download() as download:
        user.page.locator(".links a", has_text="CSV").click()
    download.value.save_as(folder / "items.csv")
    with (folder / "items.csv").open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def answers_of(evening: Evening, run_id: str) -> dict[str, tuple[str, str]]:
    """What was answered in a dag run, and by whom, by item; of an occurrence by its job."""
    with evening.ledger() as ledger:
        run = ledger.run("playhouse", run_id)
        assert run is not None
        answers = ledger.answers(run.plan_hash or "")
    return {key.partition("@")[0]: (one.choice.value, one.who) for key, one in answers.items()}
