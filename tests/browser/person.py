"""One of Airflow's users in a browser of his own: logs in, opens the page "Outages" in Airflow, presses and reads.

What the page or the browser complains about is kept in ``said``; whoever made the person looks that it stayed empty.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.browser.conftest import SANDBOXED

PATIENCE_MS = 60_000
"""How long a person looks for something that is about to appear."""


class Person:
    """``window`` is the browser's page, ``page`` the part of it that is ours, once it was opened.

    ``meanwhile`` is called about every second while this person waits for something.
    """

    def __init__(
        self,
        chromium: Any,
        url: str,
        name: str,
        password: str,
        theme: str = "light",
        meanwhile: Callable[[], Any] = lambda: None,
        size: tuple[int, int] = (1440, 1000),
    ) -> None:
        self.name, self.url, self.meanwhile = name, url, meanwhile
        self.said: list[str] = []
        self.context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, accept_downloads=True
        )
        self.window = self.context.new_page()
        self.window.set_default_timeout(PATIENCE_MS)
        self.window.on("pageerror", lambda error: self.said.append(str(error)))
        self.window.on("console", self._heard)
        self.window.on("dialog", lambda one: (self.said.append(f"a dialog: {one.message}"), one.dismiss()))
        self.log_in(password)

    def _heard(self, one: Any) -> None:
        """Errors of our own page; Airflow's are Airflow's."""
        ours = "/pro2/" in str(one.location) and SANDBOXED not in one.text
        if one.type == "error" and ours:
            self.said.append(one.text)

    def log_in(self, password: str) -> None:
        self.window.goto(self.url)
        self.window.fill("input[name=username]", self.name)
        self.window.fill("input[name=password]", password)
        self.window.click("button[type=submit]")
        self.window.wait_for_url(f"{self.url}/")

    def open(self, query: str = "") -> Any:
        """Go to the page by Airflow's navigation, or by a link to it."""
        if query:
            self.window.goto(f"{self.url}/plugin/outages{query}")
        else:
            self.window.click("a[href$='plugin/outages']")
        self.page = self.window.frame_locator("iframe")
        self.page.locator("#strip .light").first.wait_for()
        return self.page

    def run(self, script: str) -> Any:
        """Run a function in our part of the window; what it returns."""
        return self.page.locator("body").evaluate(script)

    def unharmed(self) -> None:
        """No name that wants to be code became code, in Airflow's part of the window or in ours."""
        for frame in self.window.frames:
            assert frame.evaluate("window.pwned") is None, frame.url

    def press(self, label: str, within: str = "") -> None:
        """Press a button that opens a dialog."""
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
        self.page.locator("dialog.dialog").wait_for(state="detached", timeout=2 * PATIENCE_MS)
        return str(self.page.locator("#notice").inner_text())

    def shows(self, text: str, within: str = "main", seconds: float = 240) -> None:
        """Wait until the page shows a text. It refreshes itself; whoever comes back to its tab sees it at once."""
        end = time.monotonic() + seconds
        while text not in (seen := str(self.page.locator(within).inner_text())):
            assert time.monotonic() < end, f"{text!r} is not in {within} after {seconds} s: {seen[:2000]}"
            self.run("() => document.dispatchEvent(new Event('visibilitychange'))")
            self.meanwhile()
            self.window.wait_for_timeout(2000)

    def trigger(self, dag_id: str, **fields: str) -> None:
        """Airflow's own form: open it, fill in what is given, press Trigger."""
        self.window.goto(f"{self.url}/dags/{dag_id}")
        self.window.get_by_test_id("trigger-dag-button").first.click()
        submit = self.window.get_by_test_id("trigger-dag-submit")
        again = self.window.get_by_role("menuitem", name="Trigger", exact=True)
        submit.or_(again).first.wait_for()
        if again.count():
            again.click()
        for name, value in fields.items():
            self.window.fill(f"#element_{name}", value)
        submit.click()
        submit.wait_for(state="detached")
