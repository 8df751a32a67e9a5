"""What makes us trusted, as its readers see it: the verdicts on each rule, and what a person presses and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.browser import played
from tests.browser.conftest import ready
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
Look = Callable[..., Any]


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served three days after an outage in mode plan, and after a drill. Read it only."""
    with served(played.trusted(tmp_path_factory.mktemp("trusted"))) as found:
        yield found


def seen(page: Any) -> Any:
    page.wait_for_selector("#capabilities li", state="attached")
    return page.locator("#capabilities")


def test_what_is_not_proven_stands_first_with_what_a_person_presses(
    trusted: Served, look: Look, shoot: Any
) -> None:
    section = seen(ready(look(trusted.page())))
    assert (
        "A person is asked to press: stop campaign (only what needs stop_sending), " in section.inner_text()
    )
    assert "and no tag is written." in section.inner_text()
    first = section.locator(":scope > section > ul > li, :scope > ul > li").all_inner_texts()
    assert [one.split()[1] for one in first] == ["not", "not", "not", "withdrawn", "not", "not"]
    assert "run_now" in first[3]
    assert "withdrawn: the test job ran with yesterday's audience (Ada)" in first[3]
    assert "capabilities accept NAME --why" in section.inner_text()
    shoot(section, "trust")


def test_what_is_proven_is_folded_and_tells_how_it_was_seen(trusted: Served, look: Look) -> None:
    section = seen(ready(look(trusted.page())))
    assert "8 of 8 sent" not in section.inner_text()
    section.locator("summary").click()
    assert "v1 sends a copy, and its counters say so send_copy" in section.inner_text()
    assert "copy 392: 8 of 8 sent (kim)" in section.inner_text()


def test_an_account_of_which_nothing_was_seen_says_so_in_a_line(partly: Served, look: Look) -> None:
    section = seen(ready(look(partly.page())))
    assert "Nothing was seen yet, so a person is asked to press every step." in section.inner_text()
    assert "Not proven (13)" in section.inner_text()
    assert not section.locator("li").first.is_visible()


def test_the_shadow_tells_each_rule_in_the_order_of_the_table_and_each_proposal_with_its_verdict(
    trusted: Served, look: Look, shoot: Any
) -> None:
    page = ready(look(trusted.page(), theme="dark"))
    page.wait_for_selector("#shadow li")
    section = page.locator("#shadow")
    rules = [one.split()[0] for one in section.locator("section > ul > li").all_inner_texts()]
    assert rules == ["C11", "C12", "R9", "R10", "R14"]
    assert "1 would have mailed twice" in section.inner_text()
    section.locator("summary").click()
    assert "First-visit welcome R10, run now: mailed twice" in section.inner_text()
    assert "Opening night invitation C11, resend: right" in section.inner_text()
    shoot(section, "shadow")


def test_both_stand_on_a_telephone(trusted: Served, look: Look) -> None:
    page = ready(look(trusted.page(), width=390))
    seen(page)
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
