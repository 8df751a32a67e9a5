"""What is approved, and what is pressed."""

from __future__ import annotations

import pytest

from pro2_sandbox.demo.approval import LEAVE, Approval, answer_to, unasked

OPTIONS = ["Carry out my choices (1a2b3c4d)", "Do nothing (1a2b3c4d)"]


def question(**offered: list[str]) -> dict[str, object]:
    """A question as Airflow shows it; ``c103`` is the campaign 103, ``j208`` an occurrence of j-208."""
    keys = {"c103": "campaign:103", "c1034": "campaign:1034", "j208": "occurrence:j-208@2026-11-24T00:30:00Z"}
    return {
        "options": OPTIONS,
        "params": {keys[name]: {"schema": {"enum": choices}} for name, choices in offered.items()},
    }


RESEND = [LEAVE, "hold back", "resend"]
REPROCESS = [LEAVE, "reprocess", "reprocess even if it cannot be stopped (both may run)"]


def test_all_picks_the_strongest_choice_of_each_item():
    answer = answer_to(question(c103=RESEND, j208=REPROCESS), Approval.parse("all"))
    assert dict(answer.choices) == {
        "campaign:103": "resend",
        "occurrence:j-208@2026-11-24T00:30:00Z": "reprocess",
    }
    assert answer.option == OPTIONS[0]


@pytest.mark.parametrize("only", ["add the tag", "remove the tag", "hold back"])
def test_all_picks_what_there_is(only):
    assert answer_to(question(c103=[LEAVE, only]), Approval.parse("all")).choices == {"campaign:103": only}


def test_an_item_with_no_known_choice_is_left():
    answer = answer_to(question(c103=[LEAVE, "keep watching"]), Approval.parse("all"))
    assert answer.approved == {}
    assert answer.option == OPTIONS[1]


def test_none_leaves_everything_and_presses_do_nothing():
    answer = answer_to(question(c103=RESEND, j208=REPROCESS), Approval.parse("none"))
    assert set(answer.choices.values()) == {LEAVE}
    assert answer.option == OPTIONS[1]


def test_ids_approve_only_their_items():
    answer = answer_to(question(c103=RESEND, c1034=RESEND, j208=REPROCESS), Approval.parse("103, j-208"))
    assert answer.approved == {"campaign:103": "resend", "occurrence:j-208@2026-11-24T00:30:00Z": "reprocess"}
    assert answer.choices["campaign:1034"] == LEAVE


def test_ids_that_nothing_was_asked_about_are_named():
    assert unasked(Approval.parse("103,999"), {"campaign:103"}) == ["999"]


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_approval_is_refused(text):
    with pytest.raises(ValueError, match="write all, none, or ids"):
        Approval.parse(text)


def test_a_question_with_other_options_is_refused():
    with pytest.raises(ValueError, match="Carry out my choices"):
        answer_to({**question(c103=RESEND), "options": ["Approve", "Reject"]}, Approval.parse("all"))
