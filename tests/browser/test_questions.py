"""Airflow's question on the page: the same choices, the same safe presets, and the first answer counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.browser.conftest import until
from tests.browser.served import ADMIN, VIEWER, Served

pytestmark = pytest.mark.browser
Look = Callable[..., Any]


def field(key: str) -> str:
    return f"[data-choice='{key}']"


def press(page: Any, words: str) -> None:
    page.click(f".question .buttons button:has-text('{words}')")
    page.wait_for_selector("dialog.dialog")


def told(page: Any) -> str:
    page.wait_for_selector("#notice .notice", timeout=20_000)
    return str(page.inner_text("#notice"))


def test_every_item_has_its_choices_and_the_safe_one_is_preset(
    waiting: Served, look: Look, shoot: Any
) -> None:
    page = look(waiting.page())
    page.wait_for_selector(".question")
    [question] = waiting.airflow.questions
    shown = page.eval_on_selector_all("[data-choice]", "all => all.map(one => one.dataset.choice)")
    assert shown == list(question["params"])
    assert set(page.eval_on_selector_all("[data-choice]", "all => all.map(one => one.value)")) == {
        "leave to me"
    }
    for key, param in question["params"].items():
        choices = page.eval_on_selector_all(f"{field(key)} option", "all => all.map(one => one.value)")
        assert choices == param["schema"]["enum"]
    page.click("summary:has-text('What Pro2 shows')")
    body = page.inner_text(".question details")
    assert "guard_repairs" in body
    assert "\\" not in body
    assert "**" not in body
    shoot(page, "question-light", full_page=True)


def test_an_answer_says_first_what_it_means(waiting: Served, look: Look, shoot: Any) -> None:
    page = look(waiting.page())
    page.wait_for_selector(".question")
    [question] = waiting.airflow.questions
    page.select_option(field("campaign:103"), "resend")
    page.select_option(field("campaign:104"), "hold back")
    press(page, "Carry out my choices")
    text = page.inner_text("dialog.dialog")
    assert "resend: Opening night invitation" in text
    assert "hold back: Spring season on sale" in text
    assert f"leave to me: {len(question['params']) - 2} items, as preset" in text
    shoot(page, "answer")
    page.click("dialog.dialog button[type=submit]")
    assert "Your answer was taken" in told(page)
    [(_, path, body)] = waiting.airflow.asked
    assert path.endswith("/taskInstances/ask/-1/hitlDetails")
    assert body["chosen_options"] == question["options"][:1]
    assert body["params_input"]["campaign:103"] == "resend"
    assert body["params_input"]["campaign:105"] == "leave to me"
    until(page, "document.querySelector('#questions').textContent.includes('Nothing.')")


def test_do_nothing_is_one_press_and_says_so(waiting: Served, look: Look) -> None:
    page = look(waiting.page())
    page.wait_for_selector(".question")
    page.select_option(field("campaign:103"), "resend")
    press(page, "Do nothing")
    assert "Nothing is chosen" in page.inner_text("dialog.dialog")


def test_a_choice_is_kept_while_the_page_refreshes(waiting: Served, look: Look) -> None:
    page = look(waiting.page())
    page.wait_for_selector(".question")
    page.select_option(field("campaign:103"), "resend")
    page.focus(field("campaign:104"))
    with page.expect_response("**/hitlDetails*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert page.input_value(field("campaign:103")) == "resend"
    assert page.evaluate("document.activeElement.dataset.choice") == "campaign:104"


def test_who_was_faster_is_said(waiting: Served, look: Look) -> None:
    page = look(waiting.page())
    page.forgiven.append("Failed to load resource")
    page.wait_for_selector(".question")
    press(page, "Carry out my choices")
    waiting.airflow.answer_with = [409]
    waiting.airflow.questions[0] |= {
        "response_received": True,
        "responded_by_user": {"id": "2", "name": "Bea"},
        "responded_at": "2026-11-20T00:20:00Z",
    }
    page.click("dialog.dialog button[type=submit]")
    assert "Somebody was faster: Bea answered Thu 19 Nov 18:20 CST, and that answer counts" in told(page)


def test_a_server_that_failed_is_asked_whether_it_took_the_answer(waiting: Served, look: Look) -> None:
    """SQLite under load answers 500 and may have kept it, or not."""
    page = look(waiting.page())
    page.forgiven.append("Failed to load resource")
    page.wait_for_selector(".question")
    press(page, "Carry out my choices")
    waiting.airflow.answer_with = [500]
    page.click("dialog.dialog button[type=submit]")
    assert "Your answer was taken" in told(page)
    assert [method for method, _, _ in waiting.airflow.asked] == ["PATCH", "PATCH"]


def test_what_airflow_refuses_stays_in_the_dialog(waiting: Served, look: Look) -> None:
    page = look(waiting.page())
    page.forgiven.append("Failed to load resource")
    page.wait_for_selector(".question")
    press(page, "Carry out my choices")
    waiting.airflow.answer_with = [403]
    page.click("dialog.dialog button[type=submit]")
    until(page, "document.querySelector('dialog.dialog .failed').textContent !== ''")
    assert page.locator("dialog.dialog button[type=submit]").is_enabled()


def test_a_viewer_reads_the_question_and_cannot_answer(waiting: Served, look: Look) -> None:
    waiting.who = VIEWER
    try:
        page = look(waiting.page())
        page.wait_for_selector(".question")
        assert page.locator("[data-choice]:enabled").count() == 0
        assert page.locator(".question .buttons").count() == 0
        assert "Vic may look, but not answer" in page.inner_text(".question")
    finally:
        waiting.who = ADMIN


def test_questions_that_cannot_be_read_are_said(waiting: Served, look: Look) -> None:
    page = look("about:blank")
    page.forgiven.append("Failed to load resource")
    page.route(
        "**/hitlDetails*", lambda route: route.fulfill(status=500, json={"detail": "database is locked"})
    )
    page.goto(waiting.page())
    page.wait_for_selector("#questions .person")
    assert "database is locked" in page.inner_text("#questions")
