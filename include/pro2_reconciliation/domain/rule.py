"""One row of a decision table, as data (see ``rules.py`` for how a table is read)."""

from __future__ import annotations

from dataclasses import dataclass

from pro2_reconciliation.domain.words import Choice, Reach, Remedy


@dataclass(frozen=True)
class Rule:
    """One row. ``reason`` and ``steps`` are filled with the facts by ``str.format``; steps start with a verb.

    ``then`` names the sub-table that decides how to reprocess; ``stop_first`` asks for a stop before that.
    """

    id: str
    when: tuple[str, ...]
    remedy: Remedy
    reason: str
    reach: Reach = Reach.DATA
    choices: tuple[Choice, ...] = ()
    steps: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    stop_first: bool = False
    then: str = ""


NONE, WATCH, HUMAN = Remedy.NONE, Remedy.WATCH, Remedy.NEEDS_HUMAN
