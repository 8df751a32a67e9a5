"""The question: what could mail stands first, and a name stays a name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import Choice, ItemKind, ProcessType, Reach, Remedy
from pro2_reconciliation.repair.asking import QUESTION_SIZE, escaped, nobody_answered, question

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
    assert asked.subject == "Reconcile playhouse: what may be done for 1 item?"


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
    assert select.title == (
        "Season opener · about 1,200 patrons · due Thu 19 Nov 18:30 CST, 3 h 15 min late · list 1 · "
        "its data: no job is named for it · 103"
    )
    assert select.facts == (
        "C11: pending send since Thu 19 Nov 18:30 CST, nothing left in two reads; "
        "may be sent until Fri 20 Nov 06:30 CST; read Thu 19 Nov 21:44 CST; can reach an inbox"
    )
    assert question(f.plan(f.judged())).selects[0].facts.endswith("changes data only")


def test_the_body_names_window_plan_and_every_item():
    plan = f.plan(offer("2", name="Season opener"))
    body = question(plan).body
    assert f"Plan `{plan.hash}`" in body
    assert shown(body).startswith("Window Thu 19 Nov 18:00-21:05 CST (00:00-03:05 UTC).")
    assert shown(body).splitlines()[-1] == "* **Season opener** (2): C11, sent on time"


def test_a_hostile_name_is_only_a_name():
    body = question(f.plan(offer("2", name=HOSTILE, reason=f"suspect «{HOSTILE}»"))).body
    line = body.splitlines()[-1]
    assert "{{" not in line
    assert "{%" not in line
    assert not re.search(r"(?<!\\)[<>`\[{]", line)
    assert shown(line) == f"* **{HOSTILE}** (2): C11, suspect «{HOSTILE}»"


def test_a_title_is_literal_and_stays_as_it_is():
    assert question(f.plan(offer("2", name=HOSTILE))).selects[0].title.startswith(f"{HOSTILE} · ")


def test_a_title_is_one_line_however_long_and_broken_a_name_is():
    title = question(f.plan(offer("2", name="a\n\u202e" + "b" * 500))).selects[0].title
    assert title.startswith("a  bbb")
    assert len(title) < 250
    assert title.isprintable()


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


@pytest.mark.parametrize(
    ("of_job", "says"),
    [
        ([], "j-9 was not touched"),
        ([{"rule": "R2"}], "«Members sync» (j-9) ran by itself"),
        ([{"rule": "R0"}], "«Members sync» (j-9) repaired by us already"),
        ([{"rule": "R3"}], "«Members sync» (j-9) repeated by a person"),
        ([{"rule": "R7", "remedy": Remedy.WATCH}], "«Members sync» (j-9) is not settled yet"),
        (
            [{"rule": "R9", "remedy": Remedy.REPEAT_IMPORT, "choices": (Choice.LEAVE, Choice.REPROCESS)}],
            "«Members sync» (j-9) is asked about in this plan too; the send waits for its repair",
        ),
        (
            [{"rule": "R2"}, {"rule": "R16", "remedy": Remedy.NEEDS_HUMAN}],
            "«Members sync» (j-9) is NOT repaired, a person has to look at it",
        ),
    ],
)
def test_a_title_says_whether_the_data_of_an_audience_was_repaired(of_job, says):
    runs = [
        f.decision(
            kind=ItemKind.OCCURRENCE, item_id=f"j-9@2026-11-20T0{n}:00:00Z", name="Members sync", **more
        )
        for n, more in enumerate(of_job)
    ]
    select = next(
        s for s in question(f.plan(offer("2", feeds=("j-9",)), *runs)).selects if s.key == "campaign:2"
    )
    assert f"its data: {says} · 2" in select.title


def test_the_body_says_what_pro2_shows_and_when_it_was_read():
    seen = f.watched(reading=f.reading())
    body = question(f.plan(f.decided(observation=seen))).body
    assert "Season opener** (103): pending, 0 of 1,200 sent, read Thu 19 Nov 21:44 CST. C11," in shown(body)


def test_the_body_explains_the_choices_that_are_offered_and_no_others():
    body = shown(question(f.plan(offer("2"))).body)
    assert "**leave to me**: nothing is done" in body
    assert "**resend**: 1. the original is stopped. 2." in body
    assert "**hold back**" not in body
    assert "Run Now" not in body


def test_the_body_says_what_the_vendor_does_not_guarantee_and_until_when_it_is_guarded():
    body = shown(question(f.plan(offer("2")), Policy(guard_hours=24)).body)
    assert "An original that was stopped may still go out" in body
    assert "until 24 h after its repair (about Fri 20 Nov 21:45 CST)" in body


def test_the_body_says_until_when_it_can_be_answered():
    plan = f.plan(offer("2"), asked_until=f.NOW + 12 * f.HOUR)
    assert "Answer until Fri 20 Nov 09:45 CST: without an answer nothing is done" in shown(
        question(plan).body
    )


class TestASelect:
    def test_says_from_when_a_resend_goes_where_the_hours_are_closed(self):
        select = question(f.plan(offer("2"))).selects[0]
        assert select.shown["resend"] == "resend: in the sending hours, from Fri 20 Nov 08:00 CST"

    @pytest.mark.parametrize(
        ("remedy", "reach", "waits"),
        [
            (Remedy.RUN_NOW, Reach.DATA, True),
            (Remedy.REPEAT_IMPORT, Reach.INBOX, True),
            (Remedy.REPEAT_IMPORT, Reach.DATA, False),
            (Remedy.DATA_SYNC, Reach.INBOX, True),
            (Remedy.DATA_SYNC, Reach.DATA, False),
        ],
    )
    def test_says_it_of_what_can_reach_an_inbox_and_of_nothing_else(self, remedy, reach, waits):
        choices = (Choice.LEAVE, Choice.REPROCESS)
        found = question(f.plan(f.decision(choices=choices, remedy=remedy, reach=reach)))
        hours = ": in the sending hours, from Fri 20 Nov 08:00 CST"
        assert found.selects[0].shown["reprocess"] == f"reprocess{hours if waits else ''}"
        assert ("what can reach an inbox, in the sending hours only" in shown(found.body)) is waits

    def test_says_it_of_a_tag(self):
        choices = (Choice.LEAVE, Choice.ADD_TAG, Choice.ADD_TAG_NOW)
        found = question(f.plan(f.decision(choices=choices, remedy=Remedy.ADD_TAG, reach=Reach.INBOX)))
        assert found.selects[0].shown["add the tag"] == (
            "add the tag: in the sending hours, from Fri 20 Nov 08:00 CST"
        )
        assert (
            "each looked at before, in the sending hours only (08:00 to 21:30; they open Fri 20 Nov 08:00 CST)\n"
            "* **add the tag now**: the same, at any hour, also outside 08:00 to 21:30"
        ) in shown(found.body)

    def test_says_nothing_of_the_hours_while_they_are_open(self):
        select = question(f.plan(offer("2"), created_at=f.NOW - f.HOUR)).selects[0]
        assert select.shown["resend"] == "resend"

    def test_says_that_now_means_at_any_hour(self):
        choices = (Choice.LEAVE, Choice.RESEND_NOW)
        select = question(f.plan(f.decision(choices=choices, remedy=Remedy.RESEND))).selects[0]
        assert select.shown["resend now"] == "resend now: at any hour, also outside 08:00 to 21:30"


class TestMoreThanFortyItems:
    def many(self):
        inbox = [offer(str(n), audience=n) for n in range(1, 39)]
        data = [offer(str(n), Reach.DATA) for n in range(100, 110)]
        return f.plan(*data, *inbox)

    def test_those_that_reach_an_inbox_come_first_and_forty_are_asked_about(self):
        asked = question(self.many())
        assert [s.key for s in asked.selects[:38]] == [f"campaign:{n}" for n in range(1, 39)]
        assert len(asked.selects) == QUESTION_SIZE
        assert asked.subject.endswith("for 40 items?")

    def test_the_body_says_how_many_follow(self):
        assert "8 more items are asked about in the next question" in question(self.many()).body

    def test_what_is_too_late_soonest_is_not_left_for_the_next_question(self):
        late = offer("999", audience=9999, send_by=f.NOW + f.HOUR)
        plan = f.plan(*(offer(str(n), audience=n, send_by=f.NOW + 5 * f.HOUR) for n in range(1, 45)), late)
        assert question(plan).selects[0].key == "campaign:999"


class TestNobodyAnswered:
    UNTIL = f.NOW + 12 * f.HOUR

    def said(self, now, **more):
        return nobody_answered(f.plan(asked_until=self.UNTIL), offer("2", **more), now)

    def test_is_asked_again_as_long_as_it_may_be_sent(self):
        assert self.said(self.UNTIL, send_by=self.UNTIL + f.HOUR) == (
            "nobody answered until Fri 20 Nov 09:45 CST, so nothing was chosen; it stays open and is asked again"
        )

    def test_stays_open_for_a_person_when_its_send_by_has_passed(self):
        assert self.said(self.UNTIL, send_by=self.UNTIL - f.HOUR) == (
            "nobody answered until Fri 20 Nov 09:45 CST, so nothing was chosen; since Fri 20 Nov 08:45 CST it is too "
            "late to send it: it stays open for a person"
        )

    def test_what_has_no_send_by_is_asked_about_for_a_week(self):
        assert "asked again" in self.said(f.DUE + 6 * 24 * f.HOUR, due=f.DUE)
        assert "too old to be asked again" in self.said(f.DUE + 7 * 24 * f.HOUR, due=f.DUE)

    def test_names_no_time_that_has_not_come(self):
        assert self.said(f.NOW, due=f.DUE).startswith("nobody has answered, so nothing was chosen")
