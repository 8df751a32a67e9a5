"""Reports and digest of a hostile evening in a real browser: no script runs, no element of a name is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.chaos.full_run import run
from tests.chaos.test_hostile_names import rename

pytestmark = pytest.mark.browser


def test_no_script_of_a_name_runs_and_nothing_is_fetched(tmp_path: Path, chromium: Any) -> None:
    left = run(tmp_path, rename)
    pages = [path for path in left.reports.iterdir() if path.suffix == ".html"]
    assert sorted(path.name.partition("__")[0] for path in pages) == ["ask", "outage", "scheduled"]
    for path in pages:
        page = chromium.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("dialog", lambda dialog, said=said: (said.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        assert asked == [path.as_uri()]
        assert said == []
        assert page.evaluate("window.pwned") is None
        assert page.evaluate("document.querySelectorAll('script,img,iframe,object,embed,link').length") == 0
        assert page.evaluate(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"
        )
        shown = page.inner_text("body")
        assert "window.pwned=1" in shown or not path.name.startswith("outage__")
