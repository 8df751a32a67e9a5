"""The page of all gates, ``docs/gates.md``: written from the table that the code decides by (``gates.GATES``).

Beside the gates it names what ends a step for good (``ENDINGS``): those are found by the looks in ``checks.py``, and a
test plays each. It cannot fail; ``python -m pro2_reconciliation.repair.gate_page`` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pro2_reconciliation.domain.words import Reach, Verb
from pro2_reconciliation.repair.actions import IMPORT_VERBS, TAG_VERBS
from pro2_reconciliation.repair.gates import GATES, GateRule

_CAMPAIGN = frozenset({Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN})
_RUN = frozenset({Verb.STOP_RUN, Verb.RUN_NOW}) | IMPORT_VERBS


@dataclass(frozen=True)
class Ending:
    """What ends a step STALE before its request: ``name`` for tests, ``seen``, and what a person can do then."""

    name: str
    verbs: frozenset[Verb]
    seen: str
    then: str


ENDINGS: tuple[Ending, ...] = (
    Ending(
        "consent",
        _CAMPAIGN,
        "subject line, lists, segment or message are not those of the question any more",
        "before the stop: a new question. After it: the report says what to press",
    ),
    Ending(
        "drift",
        TAG_VERBS,
        "more contacts lack the tag, or hold it, than were agreed to",
        "a new question",
    ),
    Ending(
        "send_by",
        frozenset({Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN}),
        "it is too late to send",
        "the report says what to press; a stop alone is still offered (C12)",
    ),
    Ending(
        "somebody acted",
        _CAMPAIGN | _RUN,
        "a colleague copied, sent, stopped, moved or reprocessed it, or it went or ran by itself",
        "nothing: it is repaired, or the report says what to press",
    ),
    Ending(
        "shorter outage",
        frozenset(Verb) - TAG_VERBS,
        "the outage was found to be shorter and does not touch it; only before its first request",
        "nothing",
    ),
    Ending(
        "held back",
        frozenset({Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN}),
        "a later choice held it back",
        "nothing",
    ),
    Ending(
        "bad feed",
        frozenset({Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN}),
        "the repair of a job that makes its audience ended badly",
        "repair the job; the report says what to press",
    ),
    Ending(
        "audience",
        frozenset({Verb.RUN_NOW}),
        "the trigger's audience window moved on or expired, or contacts entered its automation",
        "the report names the dates",
    ),
)

_HEAD = """# Gates

<!-- Written by: python -m pro2_reconciliation.repair.gate_page > docs/gates.md; do not edit it by hand. -->

Every request that changes something passes these gates, in this order, right before it leaves. A closed gate holds the
step where it is: nothing is lost, the task's log and the report name the gate and how to open it, and once it is open
the next dag run, or a cleared task, goes on at that step. `tests/chaos/test_gates.py` closes each gate before each
request, and opens it again.

*Early*: the gate is also read when the choices are cleared, so nothing of such an item is begun. The commands are those
of `python -m pro2_reconciliation`.

| gate | closed when | opened by | early |
| --- | --- | --- | --- |
"""
_CROSS = """
## Which request waits at which gate

*yes*: always. *inbox*: where the decision can reach an inbox. *cleared*: when its action is cleared, before its first
request. The guard's own stops are not in this table: an original that wakes is stopped at once, unless the ledger
allows plans only, the connection is read-only or the kill switch is on; then the alarm says who has to do it.

"""
_ENDINGS = """
## What ends a step instead

These do not open again. The look right before the request finds them; the step ends STALE, nothing is sent, and the
report gives the reason.

| what is seen | before | then |
| --- | --- | --- |
"""


def markdown(gates: Sequence[GateRule] = GATES, endings: Sequence[Ending] = ENDINGS) -> str:
    """The page."""
    rows = [_row(_name(rule.gate), rule.closed, rule.opens, "yes" if rule.early else "") for rule in gates]
    heads = ["gate", *(_name(verb) for verb in Verb), "why not the others"]
    cross = [_row(*heads), _row(*["---"] * len(heads))]
    cross += [_row(_name(rule.gate), *(_stands(rule, verb) for verb in Verb), rule.others) for rule in gates]
    ends = [_row(one.seen, _verbs(one.verbs), one.then) for one in endings]
    return (
        _HEAD + "\n".join(rows) + "\n" + _CROSS + "\n".join(cross) + "\n" + _ENDINGS + "\n".join(ends) + "\n"
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _name(word: str) -> str:
    return word.replace("_", " ")


def _stands(rule: GateRule, verb: Verb) -> str:
    if rule.look is None:
        return "cleared"
    if rule.stands_before(verb, Reach.DATA):
        return "yes"
    return "inbox" if rule.stands_before(verb, Reach.INBOX) else ""


def _verbs(verbs: frozenset[Verb]) -> str:
    return ", ".join(_name(verb) for verb in Verb if verb in verbs)


if __name__ == "__main__":
    sys.stdout.write(markdown())
