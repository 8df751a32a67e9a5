"""Every mutating request and every read, hit by every kind of fault: at most once, and nothing without an end.

Whole dag runs in process (``faulty.py``), with the tries that Airflow would make. The oracle is the sandbox: who was
mailed, which effects there were. The short form plays each mutating request with each kind, and samples of the
rest; ``CHAOS=long`` plays all of it. ``python -m tests.chaos.test_fault_matrix`` prints the table.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.faulty import (
    CAMPAIGN,
    DRIFT,
    IMPORT,
    MUTATIONS,
    SYNC,
    TRIGGER,
    Faulty,
    Mutation,
    endpoint,
    matching,
)
from tests.incident.harness import START, open_ledger

from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.repair.report import End
from pro2_sandbox.faults import KINDS, Fault

LONG = os.environ.get("CHAOS") == "long"
REQUEST_KINDS = [kind for kind, one in KINDS.items() if one.on == "request"]
UNSENT = ("refuse", "429", "429_date")
"""The client knows that nothing happened."""
PROVEN_BY_ABSENCE = frozenset({Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN, *DRIFT})
"""A look can show that nothing happened (decisions, section 5)."""
V, H, F, S = End.VERIFIED, End.NEEDS_HUMAN, End.FAILED, End.STALE


def due(verb: Verb, kind: str) -> set[End]:
    """How a cell may end."""
    effect = KINDS[kind].effect  # type: ignore[index]
    if kind in UNSENT or verb in DRIFT:
        return {V}
    if kind == "403":
        return {F, H}
    if verb is Verb.STOP_RUN:
        return {V} if kind == "twice" else {V, H}
    if kind == "twice" and verb is Verb.COPY_CAMPAIGN:
        return {S}  # the draft too many may be a colleague's: it is named, and nothing is sent
    return {V} if effect != "none" or verb in PROVEN_BY_ABSENCE else {H}


@dataclass(frozen=True)
class Cell:
    """What became of one item, and what the sandbox knows of it."""

    end: End
    detail: str
    mailed_twice: list[Any]
    doubled: dict[str, int]
    missing: list[str]
    unused: int
    effects: Counter[str]


def played(folder: Path, ledger: Path, verb: Verb, faults: Sequence[Fault]) -> Cell:
    one: Mutation = MUTATIONS[verb]
    evening = Faulty(folder, ledger)

    def spoil() -> None:
        for fault in faults:
            evening.spoil(fault)

    if verb in DRIFT:
        evening.run(one.item, drift=True, before_drift=spoil)
    else:
        spoil()
        evening.run(one.item)
    evening.clock.sleep(60)  # whatever is under way comes to its end
    return judged(
        evening, evening.key(one.item) + {Verb.ADD_TAG: "+add", Verb.REMOVE_TAG: "+remove"}.get(verb, "")
    )


def judged(evening: Faulty, key: str) -> Cell:
    for report in evening.reports:
        assert len({row.key for row in report.rows}) == len(report.rows), "an item is in the report twice"
    row = evening.rows()[key]
    truth = evening.truth()
    about = key.partition(":")[2]
    return Cell(
        row.outcome,
        row.detail,
        truth["mailed_twice"],
        evening.doubled(),
        [one["item"] for one in truth["missing"] if one["item"] == about.partition("+")[0]],
        len(evening.world.faults.listed()),
        Counter(effect["kind"] for effect in evening.effects()),
    )


def once(verb: Verb, kind: Any, times: int = 1) -> Fault:
    return Fault(match=MUTATIONS[verb].match, skip=MUTATIONS[verb].skip, kind=kind, times=times)


def check(verb: Verb, kinds: Sequence[str], cell: Cell, ends: set[End]) -> None:
    assert cell.unused == 0, "the fault never met its request"
    by_the_proxy = "twice" in kinds
    # a Run Now that a proxy delivers twice runs twice: no client can keep it from that
    assert cell.mailed_twice == [] or (by_the_proxy and verb is Verb.RUN_NOW)
    assert cell.doubled == {} or by_the_proxy
    assert cell.end in ends, f"{cell.end.value}: {cell.detail}"
    assert cell.detail, "an end without its reason"
    if cell.end is V:
        assert cell.missing == []
    else:
        assert cell.effects["campaign_sent"] == 0 or cell.end is not S


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated(tmp_path_factory.mktemp("new"))


def migrated(folder: Path) -> Path:
    open_ledger(folder, lambda: START).close()
    return folder / "ledger.db"


def some(cells: list[Any], every: int) -> list[Any]:
    """All of them in the long form, else each n-th: with n prime to the size of a row, each row and column is met."""
    return cells if LONG else cells[::every]


def words(value: Any) -> str:
    return getattr(value, "value", str(value))


@pytest.mark.parametrize(("verb", "kind"), list(product(MUTATIONS, REQUEST_KINDS)), ids=words)
def test_a_mutating_request_that_goes_wrong_happens_once_and_its_item_has_an_end(
    verb: Verb, kind: str, tmp_path: Path, new_ledger: Path
) -> None:
    check(verb, [kind], played(tmp_path, new_ledger, verb, [once(verb, kind)]), due(verb, kind))


@pytest.mark.parametrize(("verb", "kind"), some(list(product(MUTATIONS, REQUEST_KINDS)), 9), ids=words)
def test_the_same_twice_in_a_row_changes_no_promise(
    verb: Verb, kind: str, tmp_path: Path, new_ledger: Path
) -> None:
    cell = played(tmp_path, new_ledger, verb, [once(verb, kind, times=2)])
    if cell.unused:  # the first had its effect, so there was no second request
        assert KINDS[kind].effect != "none" or not due(verb, kind) <= {V}  # type: ignore[index]
    ends = due(verb, kind) | (
        {H, F} if verb is Verb.STOP_RUN or kind in ("refuse", "twice", "403") else set()
    )
    check(verb, [kind], _used(cell), ends)


PAIRS = [
    (verb, first, second)
    for verb in MUTATIONS
    for first, second in product(REQUEST_KINDS, REQUEST_KINDS)
    if first != second and KINDS[first].effect in ("none", "late")
]


@pytest.mark.parametrize(("verb", "first", "second"), some(PAIRS, 97), ids=words)
def test_one_after_the_other_changes_no_promise(
    verb: Verb, first: str, second: str, tmp_path: Path, new_ledger: Path
) -> None:
    cell = played(tmp_path, new_ledger, verb, [once(verb, first), once(verb, second)])
    check(verb, [first, second], _used(cell), due(verb, first) | due(verb, second))


def _used(cell: Cell) -> Cell:
    """Of two faults the second may wait in vain for a second request."""
    return Cell(**{**vars(cell), "unused": 0})


READS = {
    CAMPAIGN: (
        "GET /api/3/campaigns",
        "GET /api/3/campaigns/{id}",
        "campaign_list",
        "campaign_report_totals",
    ),
    IMPORT: (
        "GET /api/3/campaigns",
        "GET /api/3/tags",
        "GET /api/3/tags/{id}",
        "GET /dashboard/v1/organizations/playhouse/activity",
        "GET /dashboard/v1/organizations/playhouse/console",
    ),
    TRIGGER: (
        "GET /api/3/campaigns",
        "GET /api/3/contactAutomations",
        "GET /dashboard/v1/organizations/playhouse/activity",
        "GET /dashboard/v1/organizations/playhouse/console",
    ),
    SYNC: (
        "GET /TessituraService/Reporting/Lists/{id}",
        "GET /api/3/campaigns",
        "GET /api/3/contacts",
        "GET /api/3/contacts/{id}/contactTags",
        "GET /api/3/tags",
        "GET /api/3/tags/{id}",
        "GET /dashboard/v1/organizations/playhouse/activity",
        "GET /dashboard/v1/organizations/playhouse/console",
    ),
}
"""Every read of the dag run of an item; a test sees to it that none is left out."""
READ_KINDS = [
    kind for kind in REQUEST_KINDS if kind not in ("timeout_after", "error_after", "html_before", "twice")
]
"""A read has no effect, so before and after it are the same."""


def read_again(
    folder: Path, ledger: Path, item: str, faults: Sequence[Fault] = ()
) -> tuple[Faulty, dict[str, Any]]:
    """An evening with these faults, and its end: every row, and how often each effect of ours happened."""
    evening = Faulty(folder, ledger)
    for fault in faults:
        evening.spoil(fault)
    evening.run(item, drift=item == SYNC)
    rows = {key: (row.rule, row.outcome) for key, row in evening.rows().items()}
    return evening, {"rows": rows, "effects": Counter(one["kind"] for one in evening.effects())}


@pytest.fixture(scope="session")
def unspoiled(new_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {}

    def end_of(item: str) -> dict[str, Any]:
        if item not in kept:
            kept[item] = read_again(tmp_path_factory.mktemp("unspoiled"), new_ledger, item)[1]
        return kept[item]

    return end_of


@pytest.mark.parametrize("item", READS)
def test_every_read_is_known(item: str, tmp_path: Path, new_ledger: Path) -> None:
    evening, end = read_again(tmp_path, new_ledger, item)
    asked = {
        endpoint(request)
        for carrier in evening.carriers()
        for request in carrier.carried
        if not request.mutating
    }
    assert asked == set(READS[item])
    assert {outcome for rule, outcome in end["rows"].values() if rule not in ("C0", "R0")} == {V}


READ_CELLS = [
    (item, name, kind, skip)
    for item, names in READS.items()
    for name, kind in product(names, READ_KINDS)
    for skip in ((0, 1, 3) if LONG else (0,))
]


@pytest.mark.parametrize(("item", "read", "kind", "skip"), some(READ_CELLS, 11), ids=words)
def test_a_read_that_fails_once_changes_nothing_of_the_end(
    item: str, read: str, kind: Any, skip: int, tmp_path: Path, new_ledger: Path, unspoiled: Any
) -> None:
    fault = Fault(match=matching(read), kind=kind, skip=skip)
    evening, end = read_again(tmp_path, new_ledger, item, [fault])
    assert end == unspoiled(item)
    assert evening.truth()["mailed_twice"] == []
    assert skip or evening.world.faults.listed() == []


def main() -> None:
    """The table of the whole matrix, in Markdown."""
    letters = {V: "verified", H: "person", F: "no", S: "stale"}
    print("| fault | " + " | ".join(verb.value.replace("_", " ") for verb in MUTATIONS) + " |")
    print("| --- " * (len(MUTATIONS) + 1) + "|")
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as kept:
        ledger = migrated(Path(kept))
        for kind in REQUEST_KINDS:
            row = []
            for verb in MUTATIONS:
                with tempfile.TemporaryDirectory() as folder:
                    cell = played(Path(folder), ledger, verb, [once(verb, kind)])
                check(verb, [kind], cell, due(verb, kind))
                row.append(letters[cell.end])
                seen["mailed twice"] += bool(cell.mailed_twice)
            seen.update(row)
            print(f"| `{kind}` | " + " | ".join(row) + " |")
    print(
        f"\n{len(MUTATIONS) * len(REQUEST_KINDS)} cells: {', '.join(f'{n} {what}' for what, n in seen.items())}"
    )


if __name__ == "__main__":
    sys.exit(main())
