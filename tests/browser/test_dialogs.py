"""Every button says exactly what will happen, asks for the reason, and does it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browser import played
from tests.browser.conftest import ready, until
from tests.browser.played import OUTAGE
from tests.browser.served import ADMIN, USER, Served, served

from pro2_reconciliation.ledger import Ledger, Stage

pytestmark = pytest.mark.browser
Look = Callable[..., Any]
ORGANIZATION = "playhouse"
UNDER_EACH_OTHER = """() => [...document.querySelectorAll('dialog.dialog .row')].every(row => {
    const [label, field] = [...row.children].map(one => one.getBoundingClientRect());
    return label.bottom <= field.top + 1;
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An evening that the tests of this module change, each another part of it."""
    folder: Path = tmp_path_factory.mktemp("dialogs")
    with served(played.reconciled(folder)) as found:
        yield found


def ledger_of(site: Served) -> Ledger:
    return site.evening.ledger()


def told(page: Any) -> str:
    page.wait_for_selector("#notice .notice")
    page.wait_for_selector("dialog.dialog", state="detached")
    return str(page.inner_text("#notice"))


def open_item(page: Any, search: str) -> None:
    ready(page)
    page.fill("#search", search)
    page.click("tbody tr th button")
    page.wait_for_selector(".story li")


def test_the_kill_switch_asks_for_a_stage_and_a_reason(site: Served, look: Look, shoot: Any) -> None:
    page = look(site.page())
    page.click("button:has-text('Turn …')")
    text = page.inner_text("dialog.dialog")
    assert "It is «off» now" in text
    assert "A request that has left already is not taken back" in text
    page.click("dialog.dialog button.danger")
    assert page.locator("dialog.dialog").count() == 1, "a reason is needed"
    page.check("input[name=stage][value=everything]")
    page.fill("dialog.dialog textarea", "Pro2 behaves strangely")
    assert page.evaluate(UNDER_EACH_OTHER), "a label lies beside or over its field"
    shoot(page, "kill-switch")
    page.click("dialog.dialog button.danger")
    assert "«everything», by Ada: Pro2 behaves strangely" in told(page)
    turned = ledger_of(site).switch(ORGANIZATION)
    assert (turned.stage, turned.who) == (Stage.EVERYTHING, "Ada")
    until(page, "document.querySelector('#strip').textContent.includes('everything')")
    shoot(page, "kill-switch-on")
    ledger_of(site).set_switch(ORGANIZATION, Stage.OFF, "Ada", "enough")


def test_only_an_admin_is_offered_the_switch(site: Served, look: Look) -> None:
    site.who = USER
    try:
        page = ready(look(site.page()))
        assert page.locator("button:has-text('Turn …')").count() == 0
        assert "Only an admin of Airflow may turn it" in page.inner_text("#strip")
        assert page.locator("button:has-text('Reconcile this outage')").count() == 1
    finally:
        site.who = ADMIN


def test_i_do_this_one_myself_and_give_it_back(site: Served, look: Look, shoot: Any) -> None:
    page = look(site.page())
    open_item(page, "cast interview")
    page.click("dialog.drawer button:has-text('I do this one myself')")
    assert "Nothing of ours touches it until somebody gives it back" in page.inner_text("dialog.dialog")
    page.fill("dialog.dialog textarea", "I call the cast")
    shoot(page, "hold")
    page.click("dialog.dialog button[type=submit]")
    assert "is left to Ada" in told(page)
    assert ledger_of(site).holds(ORGANIZATION)["campaign:109"].why == "I call the cast"
    page.click("dialog.drawer button:has-text('Give it back')")
    assert "Ada keeps it now" in page.inner_text("dialog.dialog")
    page.click("dialog.dialog button[type=submit]")
    page.wait_for_selector("dialog.dialog", state="detached")
    until(page, "document.querySelector('#notice').textContent.includes('released')")
    assert "campaign:109" not in ledger_of(site).holds(ORGANIZATION)


def test_an_item_is_closed_with_a_reason(site: Served, look: Look) -> None:
    page = look(site.page())
    open_item(page, "parking notice")
    page.click("dialog.drawer button:has-text('Close …')")
    page.fill("dialog.dialog textarea", "sent by hand")
    page.click("dialog.dialog button[type=submit]")
    assert "campaign:110 is closed" in told(page)
    assert "campaign:110" not in {item.item_key for item in ledger_of(site).open_items(ORGANIZATION)}


def test_nobody_has_to_wait(site: Served, look: Look) -> None:
    page = look(site.page())
    ready(page)
    page.select_option("#by-outcome", "open")
    page.click("tbody tr th button")
    page.click("dialog.drawer button:has-text('Do not wait for this one')")
    page.fill("dialog.dialog textarea", "it will not come")
    page.click("dialog.dialog button[type=submit]")
    told(page)
    assert [note.who for note in ledger_of(site).waivers(ORGANIZATION).values()] == ["Ada"]


def test_an_outage_is_declared_edited_ended_and_withdrawn(site: Served, look: Look, shoot: Any) -> None:
    page = look(site.page())
    page.click("button:has-text('Declare an outage')")
    page.select_option("dialog.dialog select", "dashboard")
    assert "From (CST)" in page.inner_text("dialog.dialog")
    page.fill("#field-start", "2026-11-19T09:00")
    page.fill("#field-end", "2026-11-19T08:00")
    page.fill("dialog.dialog textarea", "told by phone")
    page.click("dialog.dialog button[type=submit]")
    page.forgiven.append("Failed to load resource")
    until(page, "document.querySelector('dialog.dialog .failed').textContent !== ''")
    assert "later end" in page.inner_text("dialog.dialog .failed")
    shoot(page, "declare")
    page.fill("#field-end", "")
    page.click("dialog.dialog button[type=submit]")
    assert "Declared as number 2" in told(page)
    page.click("summary:has-text('Declared by people')")
    row = page.locator("details[data-key=declared] li[data-key='2']")
    row.locator("button:has-text('Edit window')").click()
    page.fill("#field-end", "2026-11-19T10:30")
    page.fill("dialog.dialog textarea", "over sooner than we thought")
    page.click("dialog.dialog button[type=submit]")
    page.wait_for_selector("dialog.dialog", state="detached")
    until(page, "document.querySelector('#notice').textContent.includes('Declaration 2 is withdrawn')")
    known = ledger_of(site).declarations(ORGANIZATION)
    assert [(one.number, one.withdrawn_by) for one in known[1:]] == [(2, "Ada"), (3, None)]
    row = page.locator("details[data-key=declared] li[data-key='3']")
    assert row.locator("button:has-text('It has ended')").count() == 0
    row.locator("button:has-text('Withdraw')").click()
    page.click("dialog.dialog button.danger")
    page.wait_for_selector("dialog.dialog", state="detached")
    until(page, "document.querySelector('#notice').textContent.includes('Declaration 3 is withdrawn')")


def test_a_time_that_happens_twice_can_be_typed_with_its_offset(site: Served, look: Look) -> None:
    page = look(site.page())
    page.forgiven.append("Failed to load resource")
    page.click("button:has-text('Declare an outage')")
    page.fill("#field-start", "2026-11-01T01:30")
    page.fill("dialog.dialog textarea", "clocks went back")
    page.click("dialog.dialog button[type=submit]")
    until(page, "document.querySelector('dialog.dialog .failed').textContent !== ''")
    assert "happens twice" in page.inner_text("dialog.dialog .failed")
    assert page.input_value("#field-start") == "2026-11-01T01:30"
    page.fill("#field-start", "2026-11-01T01:30-05:00")
    page.click("dialog.dialog button[type=submit]")
    assert "Declared as number" in told(page)


def test_a_suspected_outage_is_confirmed(site: Served, look: Look) -> None:
    page = look(site.page("?outage=c01d5eed"))
    page.click("button:has-text('It was one: confirm')")
    assert "So far only sources that may be wrong say so" in page.inner_text("dialog.dialog")
    page.fill("dialog.dialog textarea", "we saw it")
    page.click("dialog.dialog button[type=submit]")
    assert "Outage c01d5eed is confirmed" in told(page)


@pytest.mark.parametrize("mode", ["plan", "ask"])
def test_reconciling_goes_through_airflows_own_door(site: Served, look: Look, mode: str) -> None:
    page = look(site.page())
    site.airflow.asked.clear()
    page.click("button:has-text('Reconcile this outage')")
    assert page.locator("input[name=mode][value=plan]").is_checked(), "the safe one is preset"
    page.check(f"input[name=mode][value={mode}]")
    page.fill("dialog.dialog textarea", "second look")
    page.click("dialog.dialog button[type=submit]")
    assert f"has started, mode {mode}" in told(page)
    [(_, path, body)] = site.airflow.asked
    assert path == "/api/v2/dags/reconcile/dagRuns"
    assert body["conf"] == {"outage": OUTAGE, "mode": mode, "reason": "second look"}


def test_a_paused_dag_is_said_before_it_is_started(site: Served, look: Look) -> None:
    site.airflow.paused = ("reconcile",)
    try:
        page = look(site.page())
        page.wait_for_selector("text=reconcile is paused")
        page.click("button:has-text('Reconcile this outage')")
        assert "waits until somebody unpauses it" in page.inner_text("dialog.dialog")
    finally:
        site.airflow.paused = ()


def test_a_double_click_is_one(site: Served, look: Look) -> None:
    page = look(site.page())
    said: list[str] = []
    page.on("request", lambda request: said.append(request.url) if request.method == "POST" else None)
    page.click("button:has-text('Reconcile this outage')")
    page.fill("dialog.dialog textarea", "twice")
    page.dblclick("dialog.dialog button[type=submit]")
    told(page)
    assert len(said) == 1


def test_escape_leaves_everything_as_it_is(site: Served, look: Look) -> None:
    page = look(site.page())
    before = len(ledger_of(site).declarations(ORGANIZATION))
    page.click("button:has-text('Declare an outage')")
    page.fill("dialog.dialog textarea", "nothing")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.dialog", state="detached")
    assert page.evaluate("document.activeElement.textContent") == "Declare an outage …"
    assert len(ledger_of(site).declarations(ORGANIZATION)) == before


def test_a_dialog_survives_a_refresh(site: Served, look: Look) -> None:
    page = look(site.page())
    page.click("button:has-text('Declare an outage')")
    page.fill("dialog.dialog textarea", "I am still writing")
    with page.expect_response("**/api/board"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)
    assert page.input_value("dialog.dialog textarea") == "I am still writing"
    assert page.evaluate("document.activeElement.id") == "field-why"
