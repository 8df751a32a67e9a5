"""The ledger as tables: nothing is lost or bent on its way out."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd

from pro2_reconciliation.ledger import ActionRecord, Ledger, State
from pro2_reconciliation.ledger.columns import Base


def test_every_table_is_there_and_every_move_is_a_row_of_its_own(
    ledger: Ledger, register: Callable[..., ActionRecord]
) -> None:
    action = register()
    tables = ledger.tables()
    assert set(tables) == {table.name for table in Base.metadata.sorted_tables}
    moves = tables["move"]
    assert len(moves) == sum(len(step.moves) for step in action.steps)
    assert set(moves["to_state"]) == {State.PLANNED.value, State.CLEARED.value}


def test_times_are_utc_also_in_a_table_without_rows(
    ledger: Ledger, register: Callable[..., ActionRecord]
) -> None:
    register()
    tables = ledger.tables()
    assert tables["move"]["at"].unique().tolist() == [pd.Timestamp(ledger.now())]
    for name, column in (("move", "at"), ("alarm", "at")):
        assert str(tables[name][column].dtype).endswith("UTC]")
    assert tables["alarm"].empty


def test_whole_numbers_stay_whole_beside_what_is_missing(
    ledger: Ledger, register: Callable[..., ActionRecord]
) -> None:
    claim = ledger.claim(register().steps[0].id, "kim", 60)
    assert claim is not None
    step = tables_as_json(ledger, "step")[0]
    assert step["ordinal"] == 0
    assert isinstance(step["ordinal"], int)
    assert tables_as_json(ledger, "move")[0]["remote_id"] is None


def tables_as_json(ledger: Ledger, name: str) -> list[dict[str, object]]:
    lines = ledger.tables()[name].to_json(orient="records", lines=True, date_format="iso")
    return [json.loads(line) for line in lines.splitlines()]
