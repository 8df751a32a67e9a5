"""Compares what the reports say, and what really happened, with what the incident expects. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pro2_sandbox.demo.approval import Approval
from pro2_sandbox.demo.reports import DRIFT, Item

ACTING = frozenset({"resend", "hold_back", "repeat_import", "run_now", "data_sync", "add_tag", "remove_tag"})
"""Decisions that a person is asked about; unapproved, such an item ends as not chosen."""
OK, DIFFERS, UNNAMED = "ok", "DIFFERS", "-"
"""Marks of an item; the last one: the incident says nothing about it."""
DIRECT = ("campaign_", "job_stopped", "run_now", "repeat_import")
"""Beginnings of effects whose item is a campaign or a job itself."""
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """What an incident says of one item; ``absent``: it must not be in any report."""

    kind: str
    id: str
    rule: str | None = None
    decision: str | None = None
    outcome: str | None = None
    absent: bool = False

    @classmethod
    def of(cls, row: Json) -> Self:
        return cls(**{name: row[name] for name in cls.__dataclass_fields__ if name in row})

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Evening:
    """Everything that can be known when it is over."""

    items: Sequence[Item]
    expected: Sequence[Expected]
    effects: Sequence[Json]
    mailed_twice: Sequence[Json] = ()
    missing: Sequence[Json] = ()
    failed_runs: Sequence[str] = ()
    """Dag runs that failed or left no report, each in words."""


@dataclass(frozen=True)
class Verdict:
    """``marks`` by item key; ``missing`` with the items that no report has; good when nothing differs.

    ``hands_off``: nothing was to be done, so no item was compared.
    """

    marks: Mapping[str, str]
    differences: tuple[str, ...]
    missing: tuple[Json, ...] = ()
    hands_off: bool = False

    @property
    def good(self) -> bool:
        return not self.differences


def judge(evening: Evening, approval: Approval, mode: str, *, read_only: bool = False) -> Verdict:
    """The verdict. Where nothing may happen (plan, read-only, nothing approved) only that is looked at."""
    hands_off = approval.nothing or mode == "plan" or read_only
    by_key = {item.key: item for item in evening.items}
    marks = dict.fromkeys(by_key, UNNAMED)
    differences = list(evening.failed_runs)
    unreported: list[Json] = []
    for expected in evening.expected:
        item = by_key.get(expected.key)
        approved = mode == "ask" and not hands_off and approval.covers(expected.id)
        if item is None and expected.id.endswith(DRIFT) and not approved:
            continue  # only an import that was approved gives rise to it
        wrong = [] if hands_off and item is not None else _differences(expected, item, approval)
        if expected.absent and item is not None:
            wrong = [f"{expected.key} is in a report and should not be"]
        if item is None and not expected.absent:
            unreported.append({"kind": expected.kind, "item": expected.id, "why": "it is in no report"})
        if item is not None:
            marks[item.key] = DIFFERS if wrong else OK
        differences += wrong
    differences += _unwanted(evening.effects, approval, hands_off)
    differences += [_twice(found) for found in evening.mailed_twice]
    if approval.all and mode == "ask" and not read_only:
        differences += [_lacking(found) for found in evening.missing]
    return Verdict(marks, tuple(differences), (*evening.missing, *unreported), hands_off)


def _differences(expected: Expected, item: Item | None, approval: Approval) -> list[str]:
    if item is None:
        return [] if expected.absent else [f"{expected.key} is in no report"]
    wanted = {"rule": expected.rule, "decision": expected.decision, "outcome": expected.outcome}
    if expected.decision in ACTING and not approval.covers(expected.id):
        wanted = {"decision": expected.decision, "outcome": "not chosen"}
    return [
        f"{expected.key} «{item.name}»: {word} is {getattr(item, word)}, expected {value}"
        + (f" ({item.detail})" if word == "outcome" and item.detail else "")
        for word, value in wanted.items()
        if value is not None and value != getattr(item, word)
    ]


def _unwanted(effects: Sequence[Json], approval: Approval, hands_off: bool) -> list[str]:
    """Effects of ours that nobody approved. A copy belongs to the campaign that it was made of."""
    ours = [effect for effect in effects if effect["by"] == "us"]
    if hands_off:
        return [f"we did {effect['kind']} on {effect['item']}, and nothing was to be done" for effect in ours]
    root: dict[str, str] = {}
    found = []
    for effect in ours:
        named: str = effect["item"]
        item = root.get(named, named)
        if effect["kind"] == "campaign_copied":
            root[effect["detail"]["copy"]] = item
        if effect["kind"].startswith(DIRECT) and not _approved(item, approval):
            found.append(f"we did {effect['kind']} on {effect['item']}, which was not approved")
    return found


def _approved(item: str, approval: Approval) -> bool:
    """Whether a campaign, a job, or one occurrence of that job, was approved."""
    return approval.all or any(name.partition("@")[0] == item for name in approval.ids)


def _twice(found: Json) -> str:
    return (
        f"{found['patron_count']} patrons were mailed twice, of lineage {found['lineage']}, "
        f"by {' and '.join(found['campaigns'])}"
    )


def _lacking(found: Json) -> str:
    patrons = found.get("patron_count")
    return f"{found['kind']} {found['item']} " + (
        f"did not reach {patrons} patrons" if patrons else "was not done"
    )
