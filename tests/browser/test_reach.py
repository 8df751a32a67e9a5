"""For everybody: by keyboard alone, with a screen reader, on a narrow screen, and at once with a thousand items."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.browser import played
from tests.browser.conftest import ready, until
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
Look = Callable[..., Any]
BAD = {"serious", "critical"}
FIRST_PAINT_MS = 1000
MEASURE = """() => ({
    paint: performance.getEntriesByType('paint').find(one => one.name === 'first-contentful-paint').startTime,
    rows: window.rowsAt,
})"""
WATCH = """new MutationObserver(() => {
    if (!window.rowsAt && document.querySelectorAll('tbody tr').length >= 20) {
        requestAnimationFrame(() => { window.rowsAt ??= performance.now(); });
    }
}).observe(document, { childList: true, subtree: true });"""


def axe(page: Any) -> list[str]:
    """What axe finds that is serious, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]})"
        for one in found
        if one["impact"] in BAD
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
class TestScreenReader:
    def test_the_page(self, partly: Served, look: Look, theme: str) -> None:
        page = ready(look(partly.page(), theme=theme))
        for summary in page.locator("summary").all():
            summary.click()
        assert axe(page) == []

    def test_a_story(self, partly: Served, look: Look, theme: str) -> None:
        page = ready(look(partly.page(), theme=theme))
        page.click("tbody tr th button")
        page.wait_for_selector(".story li")
        assert axe(page) == []

    def test_a_dialog(self, partly: Served, look: Look, theme: str) -> None:
        page = ready(look(partly.page(), theme=theme))
        for label in ("Turn …", "Declare an outage", "Reconcile this outage"):
            page.click(f"button:has-text('{label}')")
            page.wait_for_selector("dialog.dialog")
            assert axe(page) == []
            page.keyboard.press("Escape")

    def test_a_question(self, waiting: Served, look: Look, theme: str) -> None:
        page = look(waiting.page(), theme=theme)
        page.wait_for_selector(".question")
        assert axe(page) == []

    def test_while_it_is_down(self, down: Served, look: Look, theme: str) -> None:
        page = look(down.page(), theme=theme)
        page.wait_for_selector("#risk li")
        assert axe(page) == []


class TestKeyboard:
    def test_the_table_is_one_stop_and_arrows_move_in_it(self, partly: Served, look: Look) -> None:
        page = ready(look(partly.page()))
        assert page.locator("tbody button[tabindex='0']").count() == 1
        page.focus("tbody button[tabindex='0']")
        names = page.eval_on_selector_all("tbody th button", "all => all.map(one => one.textContent)")
        focused = "document.activeElement.textContent"
        for key, place in (
            ("ArrowDown", 1),
            ("ArrowDown", 2),
            ("ArrowUp", 1),
            ("End", -1),
            ("Home", 0),
            ("PageDown", 10),
        ):
            page.keyboard.press(key)
            assert page.evaluate(focused) == names[place], key
        assert page.locator("tbody button[tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog.drawer .story")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.drawer", state="detached")
        assert page.evaluate(focused) == names[10]

    def test_a_head_sorts_by_enter(self, partly: Served, look: Look) -> None:
        page = ready(look(partly.page()))
        page.focus("thead th:nth-child(4) button")
        page.keyboard.press("Enter")
        assert page.get_attribute("thead th:nth-child(4)", "aria-sort") == "descending"
        page.keyboard.press("Enter")
        assert page.get_attribute("thead th:nth-child(4)", "aria-sort") == "ascending"
        assert page.evaluate("document.activeElement.closest('th').cellIndex") == 3

    def test_everything_is_reached_by_tab_and_shows_it(self, partly: Served, look: Look) -> None:
        page = ready(look(partly.page()))
        seen: list[str] = []
        for _ in range(60):
            page.keyboard.press("Tab")
            where = page.evaluate(
                "document.activeElement === document.body ? '' :"
                " document.activeElement.innerText || document.activeElement.id"
            )
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or where == "", where
            seen.append(where)
        text = "\n".join(seen)
        for part in (
            "Skip to the items",
            "Turn …",
            "Declare an outage",
            "Reconcile this outage",
            "search",
            "CSV",
            "Outcome",
        ):
            assert part in text, part

    def test_a_dialog_keeps_the_focus_in_it(self, partly: Served, look: Look) -> None:
        page = ready(look(partly.page()))
        page.click("button:has-text('Declare an outage')")
        for _ in range(12):
            page.keyboard.press("Tab")
            inside = "document.activeElement === document.body || !!document.activeElement.closest('dialog.dialog')"
            assert page.evaluate(inside)


def test_on_a_narrow_screen_nothing_sticks_out(partly: Served, look: Look, shoot: Any) -> None:
    page = ready(look(partly.page(), width=400, height=800))
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    shoot(page, "narrow")


class TestAThousandItems:
    @pytest.fixture(scope="class")
    def many(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
        with served(played.thousand(tmp_path_factory.mktemp("many"))) as found:
            yield found

    def test_the_first_rows_are_painted_within_a_second(
        self, many: Served, look: Look, shoot: Any, record_property: Any
    ) -> None:
        """The best of four. On a machine with other work what counts is the time that server and page really used."""
        times = []
        for _ in range(4):
            page = look("about:blank")
            page.add_init_script(WATCH)
            protocol = page.context.new_cdp_session(page)
            protocol.send("Performance.enable", {"timeDomain": "threadTicks"})
            used = time.process_time()  # the server is in this process
            page.goto(many.page())
            ready(page)
            served_in = (time.process_time() - used) * 1000
            metrics = {
                one["name"]: one["value"] for one in protocol.send("Performance.getMetrics")["metrics"]
            }
            drawn_in = metrics["TaskDuration"] * 1000
            times.append({**page.evaluate(MEASURE), "used": served_in + drawn_in, "drawn": drawn_in})
        best = min(times, key=lambda one: one["rows"])
        used = min(one["used"] for one in times)
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        for name, value in {**best, "used": used}.items():
            record_property(f"first_{name}_ms", round(value))
        print(f"1,000 items: {best}, least used {used:.0f} ms, load {load:.1f} on {cores} cores")
        shoot(page, "thousand")
        assert best["rows"] < FIRST_PAINT_MS or (load > cores and used < FIRST_PAINT_MS)
        assert best["paint"] < FIRST_PAINT_MS or load > cores
        page.focus("tbody button[tabindex='0']")
        page.keyboard.press("End")
        assert page.locator("tbody tr").count() == played.MANY

    def test_typing_and_sorting_stay_quick(self, many: Served, look: Look) -> None:
        page = ready(look(many.page()))
        sort = """async column => { const begun = performance.now();
            document.querySelector(`thead th:nth-child(${column}) button`).click();
            const took = performance.now() - begun; return took; }"""
        assert min(page.evaluate(sort, column) for column in (2, 4, 8)) < 400
        page.fill("#search", "letter 999")
        until(page, "document.querySelectorAll('tbody tr').length === 1")

    def test_a_refresh_makes_no_row_anew(self, many: Served, look: Look) -> None:
        page = ready(look(many.page()))
        page.evaluate("document.querySelectorAll('tbody tr').forEach(row => { row.kept = true; })")
        with page.expect_response("**/api/board"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(500)
        assert page.evaluate("[...document.querySelectorAll('tbody tr')].every(row => row.kept)")
