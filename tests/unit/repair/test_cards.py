"""What waits for a person: each item in one card, and equal instructions once."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.repair.reports import OCCURRENCE, START, row

from pro2_reconciliation.repair.cards import cards, steps_of
from pro2_reconciliation.repair.report import End


def made(*rows):
    return cards(enumerate(rows, 1), "America/Chicago")


def waits(item_id, **fields):
    return row(item_id, End.NEEDS_HUMAN, **fields)


def test_items_that_ask_for_the_same_share_a_card_from_three_on():
    rows = [
        waits(str(n), reason=f"held: «Item {n}»", steps=(f"Open «Item {n}» in Pro2", "Decide there"))
        for n in range(4)
    ]
    (card,) = made(*rows)
    assert [r.item_id for _, r in card.rows] == ["0", "1", "2", "3"]
    assert card.steps == ("Open «this one» in Pro2", "Decide there")
    assert card.why == "held: «this one»"
    assert [card.rows[0][1].item_id for card in made(*rows[:2])] == ["0", "1"]


def test_a_due_time_in_the_words_does_not_keep_items_apart():
    rows = [
        waits(
            f"j-1@{n}",
            kind=OCCURRENCE,
            name="Reminder",
            due=START + timedelta(hours=n),
            reason=f"no trace; its audience of Thu 19 Nov {18 + n}:00 CST has expired",
            steps=(
                f"Look at the dates of «Reminder» before pressing Run Now: it was due Thu 19 Nov {18 + n}:00 CST",
            ),
        )
        for n in range(3)
    ]
    (card,) = made(*rows)
    assert card.why == "no trace; its audience has expired"
    assert card.steps == ("Look at the dates of «this one» before pressing Run Now",)


def test_another_rule_reason_or_step_is_another_card_in_the_order_of_the_report():
    rows = [waits(str(n), steps=("Open it",)) for n in range(3)]
    rows.insert(1, waits("other", steps=("Open it", "Send it")))
    rows.insert(0, waits("rule", rule="C8", steps=("Open it",)))
    rows.append(waits("reason", reason="another", steps=("Open it",)))
    assert [[r.item_id for _, r in card.rows] for card in made(*rows)] == [
        ["rule"],
        ["0", "1", "2"],
        ["other"],
        ["reason"],
    ]


def test_every_item_stands_in_exactly_one_card_and_keeps_its_number():
    rows = [waits(str(n), steps=(f"step {n % 3}",)) for n in range(10)]
    numbers = [number for card in made(*rows) for number, _ in card.rows]
    assert sorted(numbers) == list(range(1, 11))


def test_an_action_that_brought_no_steps_gets_one_that_says_where_to_look():
    assert steps_of(waits("1")) == (
        "Open it on the campaigns page of Pro2, read its status and report, and decide there by hand",
    )
