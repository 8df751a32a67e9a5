"""The bench of many organizations: it sees when one of them is disturbed by another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.bench import organizations

SIZE = (6, 6, 4)


def test_organizations_beside_each_other_do_what_each_does_alone() -> None:
    [alone] = organizations.reconciled(1, SIZE).each
    together = organizations.reconciled(3, SIZE)
    assert together.each == (alone,) * 3
    assert alone.effects
    assert (together.turned_away, together.strange) == (0, 0)


def test_one_that_asks_more_than_alone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = organizations.reconciled(1, SIZE)

    def disturbed(number: int) -> Any:
        more = replace(plain.each[0], asked=(*plain.each[0].asked, "GET /more"))
        return replace(plain, each=(plain.each[0],) * (number - 1) + (more,) if number > 1 else plain.each)

    monkeypatch.setattr(organizations, "reconciled", disturbed)
    monkeypatch.setattr(organizations, "defined", lambda number: (0.1, 0.2, 3 * number, 1))
    rows = {row.what: row for row in organizations.run(numbers=(1, 2), runs=1)}
    assert rows["2 organizations / each alone"].met is False
    assert (rows["went otherwise than alone"].ours, rows["went otherwise than alone"].met) == (1, False)
    assert rows["claims and open items of others"].met is True
