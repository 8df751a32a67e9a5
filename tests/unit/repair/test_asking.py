"""The question: what could mail stands first, and a name stays a name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.words import Choice, ItemKind, ProcessType, Reach, Remedy
from pro2_reconciliation.repair.asking import escaped, question

HOSTILE = "{{ conn.pro2.password }} <script>alert(1)</script> **bold** [x](javascript:x) `a` | {% raw %}"
CHOICES = (Choice.LEAVE, Choice.RESEND)


def offer(item_id: str, reach: Reach = Reach.INBOX, **more):
    return f.decision(item_id=item_id, reach=reach, choices=CHOICES, remedy=Remedy.RESEND, rule="C11", **more)


def shown(markdown: str) -> str:
    """What a reader of the Markdown sees of a text that only holds escapes."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", markdown)


def test_what_can_reach_an_inbox_stands_first_then_the_smaller_audience():
    plan = f.plan(
        offer("1", Reach.DATA, audience=1),
        offer("2", audience=900),
        offer("3", audience=5),
        offer("4", Reach.DATA),
    )
    assert [select.key for select in question(plan).selects] == [
        "campaign:3",
        "campaign:2",
        "campaign:4",
        "campaign:1",
    ]


def test_only_items_with_a_choice_are_asked_about():
    asked = question(f.plan(f.decision(), offer("2")))
    assert [select.key for select in asked.selects] == ["campaign:2"]
    assert asked.subject == "Reconcile playhouse: what may be done for 1 items?"


def test_without_anything_to_ask_there_are_no_selects():
    assert question(f.plan(f.decision())).selects == ()


@pytest.mark.parametrize(
    "decision",
    [f.decided(), f.decided(now=f.DUE + 12 * f.HOUR), *(f.judged(f.job(kind)) for kind in ProcessType)],
)
def test_the_first_choice_is_always_the_safe_one(decision):
    for select in question(f.plan(decision)).selects:
        assert select.choices[0] == select.safe == "leave to me"
        assert len(select.choices) > 1


def test_a_select_tells_what_is_known_of_its_item():
    select = question(f.plan(f.decided())).selects[0]
    assert select.title == "Season opener (103)"
    assert select.facts == (
        "C11: pending send since Thu 19 Nov 18:30 CST, nothing left in two reads; about 1200 patrons; "
        "due Thu 19 Nov 18:30 CST; send by Fri 20 Nov 06:30 CST; read Thu 19 Nov 21:44 CST; can reach an inbox"
    )
    assert question(f.plan(f.judged())).selects[0].facts.endswith("changes data only")


def test_the_body_names_window_plan_and_every_item():
    plan = f.plan(offer("2", name="Season opener"))
    body = question(plan).body
    assert f"Plan `{plan.hash}`" in body
    assert shown(body).startswith("Window Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC).")
    assert body.splitlines()[-1] == "* **Season opener**: C11, sent on time"


def test_a_hostile_name_is_only_a_name():
    body = question(f.plan(offer("2", name=HOSTILE, reason=f"suspect «{HOSTILE}»"))).body
    line = body.splitlines()[-1]
    assert "{{" not in line
    assert "{%" not in line
    assert not re.search(r"(?<!\\)[<>`\[{]", line)
    assert shown(line) == f"* **{HOSTILE}**: C11, suspect «{HOSTILE}»"


def test_a_title_is_literal_and_stays_as_it_is():
    assert question(f.plan(offer("2", name=HOSTILE))).selects[0].title == f"{HOSTILE} (2)"


@pytest.mark.parametrize("name", ["a\n\n# Approved by Ada", "a\r\n===", "a\n    code", "a\u2028b"])
def test_a_name_cannot_start_a_line_of_its_own(name):
    plain = question(f.plan(offer("2", name="a"))).body
    assert len(question(f.plan(offer("2", name=name))).body.splitlines()) == len(plain.splitlines())


@settings(max_examples=100, deadline=None)
@given(st.text("ab {}%<>[]()*_`#|~&!.+-$\\\n\t", max_size=30))
def test_escaped_text_shows_exactly_itself_on_one_line(text):
    safe = escaped(text)
    assert shown(safe) == " ".join(text.split())
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`{}%\[\]<>#|~&$]", safe)


def test_an_item_of_every_kind_can_be_asked_about():
    for kind in ItemKind:
        assert question(f.plan(offer("2", kind=kind))).selects[0].key == f"{kind.value}:2"
