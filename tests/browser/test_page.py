"""The page as its readers see it: what is at risk, the items, one item's story, what may be taken away, both themes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.browser import played
from tests.browser.conftest import ready, until
from tests.browser.played import OUTAGE
from tests.browser.served import ADMIN, VIEWER, Served, served

pytestmark = pytest.mark.browser
Look = Callable[..., Any]


def rows(page: Any) -> list[str]:
    return list(page.eval_on_selector_all("tbody tr th button", "all => all.map(one => one.textContent)"))


def test_while_pro2_is_down_what_is_at_risk_stands_at_the_top(down: Served, look: Look, shoot: Any) -> None:
    page = look(down.page())
    page.wait_for_selector("#risk li")
    assert "down since Thu 19 Nov 15:00 CST" in page.inner_text("h1")
    text = page.text_content("#risk")
    assert "At risk now" in text
    assert "Board letter" in text
    assert page.locator("#risk time.tick").count() > 3
    assert "is silent" in page.inner_text("#strip")
    shoot(page, "down-light", full_page=True)


def test_an_alarm_stands_at_the_top_in_the_list_and_at_its_item(
    tmp_path: Path, look: Look, shoot: Any
) -> None:
    with served(played.woken(tmp_path)) as site:
        page = ready(look(site.page()))
        assert "alarm since Thu 19 Nov" in page.inner_text("h1")
        shoot(page, "alarm")
        page.fill("#search", "had it twice")
        assert len(rows(page)) == 1
        assert "alarm" in page.inner_text("tbody tr td:first-child")
        page.click("tbody tr th button")
        page.wait_for_selector(".story li")
        assert "Alarm: " in page.inner_text("dialog.drawer [data-key=alarm]")
        assert "stopped again" in page.inner_text(".story")


def test_lines_tick(partly: Served, look: Look) -> None:
    page = look(partly.page())
    page.wait_for_selector("#strip time.tick")
    before = page.eval_on_selector_all("time.tick", "all => all.map(one => one.textContent)")
    changed = "before => [...document.querySelectorAll('time.tick')].some((one, n) => one.textContent !== before[n])"
    until(page, changed, before, seconds=4)


def test_the_items_are_filtered_sorted_and_found(partly: Served, look: Look, shoot: Any) -> None:
    page = ready(look(partly.page()))
    everything = rows(page)
    assert len(everything) > 50
    page.select_option("#by-outcome", "verified")
    until(page, "document.querySelector('#shown').textContent.includes(' of ')")
    assert page.eval_on_selector_all(
        "tbody tr .outcome", "all => [...new Set(all.map(o => o.textContent.trim()))]"
    ) == ["✔ verified"]
    page.select_option("#by-kind", "campaign")
    assert 0 < len(rows(page)) < 12
    page.select_option("#by-outcome", "")
    page.select_option("#by-kind", "")
    page.fill("#search", "board LETTER")
    assert rows(page) == ["Board letter"]
    page.fill("#search", "nothing is called that")
    assert "No item fits" in page.inner_text("#none")
    shoot(page, "nothing-found")
    page.fill("#search", "")
    for position in (2, 4, 6, 8):
        head = page.locator(f"thead th:nth-child({position})")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") in ("ascending", "descending")
        assert page.locator("thead th[aria-sort=none]").count() == 8
    page.locator("thead th:nth-child(2) button").click()
    names = rows(page)
    assert names == sorted(names, key=str.lower)
    page.locator("thead th:nth-child(2) button").click()
    assert rows(page) == names[::-1] or sorted(rows(page), key=str.lower, reverse=True) == rows(page)


def test_an_item_tells_its_whole_story(partly: Served, look: Look, shoot: Any) -> None:
    page = ready(look(partly.page()))
    page.fill("#search", "board letter")
    page.click("tbody tr th button")
    page.wait_for_selector(".story li")
    text = page.inner_text("dialog.drawer")
    for part in ("Board letter", "needs a person", "What to do in Pro2", "Send by", "decided", "answered"):
        assert part in text, part
    times = page.eval_on_selector_all(".story li time", "all => all.map(one => one.dateTime)")
    assert times == sorted(times)
    assert "item=campaign%3A121" in page.url
    shoot(page, "story-light")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.drawer", state="detached")
    assert "item=" not in page.url
    assert page.evaluate("document.activeElement.textContent") == "Board letter"


def test_a_link_opens_the_right_place(partly: Served, look: Look) -> None:
    page = look(partly.page("?outage=c01d5eed&item=campaign%3A104"))
    page.wait_for_selector(".story li")
    assert page.locator("button.outage[aria-current=true]").get_attribute("data-id") == "c01d5eed"
    assert "outage=c01d5eed" in page.url


def test_a_link_to_airflows_own_address_of_the_page_opens_the_right_place(partly: Served, look: Look) -> None:
    """Airflow hands on nothing of what stands behind it, so the page reads it there, and keeps it true."""
    page = look(f"{partly.url}/plugin/outages/light?item=campaign%3A104")
    frame = page.frame_locator("iframe")
    frame.locator(".story li").first.wait_for()
    assert "Spring season on sale" in frame.locator("dialog.drawer h2").inner_text()
    frame.locator(".close").click()
    until(page, "!location.search")
    frame.locator("button.outage", has_text="Tessitura").click()
    until(page, "location.search === '?outage=77aa0e12'")


def test_the_items_can_be_taken_away(partly: Served, look: Look, tmp_path: Path) -> None:
    page = ready(look(partly.page()))
    for label, suffix in (("CSV", "csv"), ("JSON", "json")):
        with page.expect_download() as download:
            page.click(f".links a:has-text('{label}')")
        assert download.value.suggested_filename == f"outage-{OUTAGE}.{suffix}"
        download.value.save_as(tmp_path / suffix)
    lines = list(csv.reader((tmp_path / "csv").open(encoding="utf-8-sig")))
    assert len(lines) == len(rows(page)) + 1
    assert len(json.loads((tmp_path / "json").read_text())) == len(lines) - 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_alone_it_is_as_light_or_dark_as_the_system(
    partly: Served, look: Look, shoot: Any, theme: str
) -> None:
    page = ready(look(partly.page(), theme=theme))
    assert page.evaluate("document.documentElement.classList.contains('dark')") is (theme == "dark")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (light == "rgb(255, 255, 255)") is (theme == "light")
    shoot(page, f"page-{theme}", full_page=True)


def test_in_airflow_it_is_as_light_or_dark_as_airflow(partly: Served, look: Look) -> None:
    page = look(f"{partly.url}/plugin/outages/dark", theme="light")
    frame = page.frame_locator("iframe")
    frame.locator("tbody[data-of]").wait_for(state="attached")
    is_dark = "document.querySelector('iframe').contentDocument.documentElement.classList.contains('dark')"
    assert page.evaluate(is_dark) is True
    page.evaluate("document.documentElement.className = 'light'")
    until(page, f"!{is_dark}")


def test_a_log_opens_in_the_window_around(partly: Served, look: Look) -> None:
    page = look(f"{partly.url}/plugin/outages/light")
    frame = page.frame_locator("iframe")
    frame.locator("tbody[data-of]").wait_for(state="attached")
    page.evaluate("window.addEventListener('popstate', () => { window.went = location.pathname; })")
    frame.locator("#search").fill("board letter")
    frame.locator("tbody tr th button").click()
    frame.locator(".facts a", has_text="of ").first.click()
    until(page, "window.went")
    assert page.evaluate("window.went").startswith(f"/dags/reconcile/runs/outage__{OUTAGE}__g1/tasks/")
    assert page.locator("iframe").count() == 1


def test_each_row_has_the_log_of_the_task_that_knew_most(partly: Served, look: Look) -> None:
    page = ready(look(partly.page()))
    links = page.eval_on_selector_all(
        "tbody tr a[data-do=go]", "all => all.map(one => one.getAttribute('href'))"
    )
    assert len(links) == len(rows(page))
    assert all(link.startswith("/dags/reconcile/runs/") and "/tasks/" in link for link in links)


def test_a_report_is_linked_as_airflow_serves_it(partly: Served, look: Look) -> None:
    """And where no file could be written, what the ledger kept is there to take away."""
    page = ready(look(partly.page()))
    links = "all => all.map(one => one.getAttribute('href'))"
    assert page.eval_on_selector_all("#chosen .files a", links) == [f"api/reports/outage__{OUTAGE}__g1"]
    run = f"outage__{OUTAGE}__g1"
    board = page.evaluate("async () => (await fetch('api/board')).json()")
    told = next(one for one in board["board"]["outages"][0]["runs"] if one["dag_run"] == run)
    assert (told["stage"], told["report"]) == ("reported", "")
    told["report"] = "s3://reports/playhouse/outage__3f2a91c4__g1.html"
    page.route("**/pro2/api/board", lambda route: route.fulfill(json=board))
    for query in ("", f"?run={run}"):
        page.goto(partly.page(query))
        ready(page)
        place = "#items .links a" if query else "#chosen .files a"
        assert page.eval_on_selector_all(place, links) == [
            "reports/outage__3f2a91c4__g1.html",
            "reports/outage__3f2a91c4__g1.csv",
            "reports/outage__3f2a91c4__g1.json",
        ]


def test_it_refreshes_by_itself_and_keeps_what_a_person_does(partly: Served, look: Look) -> None:
    page = ready(look(partly.page()))
    page.fill("#search", "press")
    page.select_option("#by-kind", "occurrence")
    page.evaluate(
        "document.querySelector('#search').focus(); window.kept = document.querySelector('tbody tr');"
    )
    page.evaluate("window.scrollTo(0, 300)")
    ledger, organization = partly.evening.ledger(), partly.evening.site.organization
    ledger.hold(organization, "campaign:116", "Bea", "I call them")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(page, "document.body.textContent.includes('I call them')")
    assert page.evaluate("document.activeElement.id") == "search"
    assert page.input_value("#search") == "press"
    assert page.input_value("#by-kind") == "occurrence"
    assert page.evaluate("window.kept === document.querySelector('tbody tr')")
    assert page.evaluate("window.scrollY") == 300
    ledger.end_hold(organization, "campaign:116")


def test_nothing_is_asked_while_nobody_looks(partly: Served, look: Look) -> None:
    page = look("about:blank")
    page.clock.install()
    page.goto(partly.page())
    ready(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/board" in request.url else None)
    for _ in range(40):
        if len(asked) > 2:
            break
        page.clock.run_for(11_000)
        page.wait_for_timeout(200)
    assert len(asked) > 2, "it asks by itself while somebody looks"
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    page.wait_for_timeout(200)
    asked.clear()
    page.clock.run_for(60_000)
    page.wait_for_timeout(200)
    assert asked == []


def test_a_server_that_does_not_answer_is_said_and_tried_again(
    partly: Served, look: Look, shoot: Any
) -> None:
    page = ready(look(partly.page()))
    page.forgiven.append("Failed to load resource")
    page.route(
        "**/pro2/api/board",
        lambda route: route.fulfill(status=500, json={"detail": "something went wrong that nobody expected"}),
    )
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#trouble .notice")
    assert "Something went wrong that nobody expected. What you see is as of Thu 19 Nov" in page.inner_text(
        "#trouble"
    )
    assert len(rows(page)) > 50
    shoot(page, "trouble")
    page.unroute("**/pro2/api/board")
    page.click("#trouble button")
    until(page, "!document.querySelector('#trouble').textContent")


def test_who_is_logged_out_is_told_so(partly: Served, look: Look) -> None:
    page = ready(look(partly.page()))
    page.forgiven.append("Failed to load resource")
    page.route(
        "**/pro2/api/board", lambda route: route.fulfill(status=401, json={"detail": "nobody is logged in"})
    )
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#trouble button:has-text('Log in')")


def test_the_tab_of_a_dag_run_shows_its_items_only(partly: Served, look: Look, shoot: Any) -> None:
    page = ready(look(partly.page(f"?dag=reconcile&run=outage__{OUTAGE}__g1")))
    assert "Items of dag run" in page.inner_text("#items-title")
    assert page.inner_text("#outages") == ""
    shoot(page, "dag-run")
    other = look(partly.page("?dag=another&run=x"))
    other.wait_for_selector("#top h1")
    assert "This tab is about dag runs of reconcile; this one is of another" in other.inner_text("#top")


def test_a_dag_run_without_a_plan_says_so(partly: Served, look: Look) -> None:
    page = look(partly.page("?dag=reconcile&run=manual__1"))
    page.forgiven.append("Failed to load resource")
    page.wait_for_selector("#chosen .person")
    assert "'manual__1' is not known" in page.inner_text("#chosen")


def test_a_viewer_sees_everything_and_may_press_nothing(partly: Served, look: Look, shoot: Any) -> None:
    partly.who = VIEWER
    try:
        page = ready(look(partly.page()))
        assert "Vic and may look only" in page.inner_text("#foot")
        for label in ("Reconcile this outage", "Declare an outage", "Turn …", "Close …", "Adopt"):
            assert page.locator(f"button:has-text('{label}')").count() == 0, label
        page.click("tbody tr th button")
        page.wait_for_selector(".story")
        assert page.locator("dialog.drawer .buttons").count() == 0
        shoot(page, "viewer")
    finally:
        partly.who = ADMIN


def test_a_hostile_name_is_a_name(hostile: Served, look: Look, shoot: Any) -> None:
    page = ready(look(hostile.page()))
    page.fill("#search", "window.pwned")
    found = rows(page)
    assert any("<script>window.pwned=1</script>" in one for one in found)
    for number in range(min(len(found), 4)):
        page.click(f"tbody tr:nth-child({number + 1}) th button")
        page.wait_for_selector(".story li")
        if number == 0:
            shoot(page, "hostile")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.drawer", state="detached")
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("document.querySelectorAll('script').length") == 2
    assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, form').length") == 0
    marked = (
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => [a.name, e.nodeName]))"
    )
    assert [one for one in page.evaluate(marked) if one[0].startswith("on") or one[0] == "style"] == []
