"""What is deleted of long ago, and what never is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import text
from tests.unit.ledger import long_ago

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger import Ledger


@pytest.fixture
def times() -> long_ago.Times:
    return long_ago.Times()


@pytest.fixture
def old(new_ledger: Path, url: str, times: long_ago.Times) -> Iterator[Ledger]:
    copyfile(new_ledger, url.removeprefix("sqlite:///"))
    opened = Ledger.open(url, clock=times)
    yield opened
    opened.close()


def test_what_prevents_a_second_mail_stays(old: Ledger, times: long_ago.Times) -> None:
    long_ago.pruning_keeps_what_prevents_a_second_mail(old, times)


def test_the_parent_of_a_plan_that_stays_stays_too(old: Ledger, times: long_ago.Times) -> None:
    hashes = long_ago.tell(old)
    times.time = long_ago.NOW
    old.open_item(
        "playhouse", "campaign:8", name="B", rule="C14", reason="r", plan_hash=hashes[long_ago.CHILD]
    )

    old.prune("playhouse", long_ago.BEFORE, delete_it=True)

    assert old.plan(hashes[long_ago.QUIET]) is not None
    assert old.inventory(long_ago.QUIET) is not None


def test_what_is_younger_stays(old: Ledger, times: long_ago.Times) -> None:
    long_ago.tell(old)
    assert old.prune("playhouse", long_ago.LONG_AGO, delete_it=True).rows == 0


def test_half_a_pruning_is_none(old: Ledger, times: long_ago.Times) -> None:
    """A database that refuses one of the statements keeps everything."""
    hashes = long_ago.tell(old)
    with old._engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER no BEFORE DELETE ON inventory BEGIN SELECT RAISE(ABORT, 'full'); END")
        )
    with pytest.raises(LedgerError):
        old.prune("playhouse", long_ago.BEFORE, delete_it=True)
    assert all(old.plan(one) for one in hashes.values())
    assert old.answers(hashes[long_ago.QUIET])
