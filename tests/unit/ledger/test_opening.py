"""What may be a ledger, which one it is, and what it costs to open it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from tests.unit.ledger.filtering import same_as_filtering_all

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import Choice, ItemKind, Remedy, Service
from pro2_reconciliation.ledger import LIVE, Ledger, RunStage, migrations, store
from pro2_reconciliation.ledger.columns import Base
from pro2_reconciliation.ledger.engine import open_engine
from pro2_reconciliation.ledger.migrate import HEAD, VERSION_TABLE


def migrate_to(ledger: Ledger, revision: str) -> None:
    """Take a ledger back to an earlier version."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with ledger._engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def a_plan(ledger: Ledger) -> Plan:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    decision = Decision(
        kind=ItemKind.CAMPAIGN,
        item_id="103",
        name="Opening night",
        root="campaign:103",
        rule="C11",
        remedy=Remedy.RESEND,
        reason="pending",
        choices=(Choice.LEAVE, Choice.RESEND),
        send_by=start + timedelta(hours=13),
    )
    return Plan(
        organization="playhouse",
        zone="America/Chicago",
        window=Window(start=start, end=start + timedelta(hours=3), outage_ids=("3f2a",)),
        created_at=start + timedelta(hours=4),
        ledger_uuid=ledger.identity.uuid,
        ledger_epoch=ledger.identity.epoch,
        run="outage__3f2a__g1",
        decisions=(decision,),
    )


def test_the_identity_survives_reopening(ledger, url, clock):
    first = ledger.identity
    assert (first.epoch, first.adopted_by) == (1, None)
    assert first.created_at <= clock.time
    ledger.close()
    clock.pass_seconds(3600)
    assert Ledger.open(url, clock=clock).identity == first


def test_two_files_are_two_ledgers(ledger, tmp_path, clock):
    other = Ledger.open(f"sqlite:///{tmp_path}/new/folder/other.db", clock=clock)
    with pytest.raises(LedgerError, match="make a new plan on this one"):
        other.require_identity(ledger.identity.uuid, 1)


def test_adopting_makes_earlier_plans_foreign(ledger, clock):
    uuid = ledger.identity.uuid
    ledger.require_identity(uuid, 1)
    adopted = ledger.adopt("Ada")
    assert (adopted.uuid, adopted.epoch, adopted.adopted_by, adopted.adopted_at) == (
        uuid,
        2,
        "Ada",
        clock.time,
    )
    with pytest.raises(
        LedgerError, match=r"epoch 1 of the ledger, which is in epoch 2 now \(adopted by Ada\)"
    ):
        ledger.require_identity(uuid, 1)


def test_the_last_event(ledger, register, clock):
    assert ledger.last_event() is None
    register()
    assert ledger.last_event() == clock.time


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "not a url",
        "mysql://host/db",
        "postgresql+asyncpg://u:secret@host/db",
    ],
)
def test_what_cannot_be_a_ledger_is_refused_in_words(url, clock):
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url, clock=clock)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path, clock):
    (tmp_path / "x.db").write_text("this is a letter to the director, and no database at all" * 20)
    with pytest.raises(LedgerError, match="cannot be used now"):
        Ledger.open(f"sqlite:///{tmp_path}/x.db", clock=clock)


def test_a_ledger_of_the_first_version_is_taken_along_and_back_again(ledger, url, clock):
    def columns():
        found = inspect(ledger._engine)
        return "declaration" in found.get_table_names(), [
            column["name"] for column in found.get_columns("probe_sample")
        ].count("probe")

    ledger.add_sample("playhouse", Service.SENDING, up=False)
    migrate_to(ledger, "0001")
    assert columns() == (False, 0)
    ledger.close()
    again = Ledger.open(url, clock=clock)
    assert columns() == (True, 1)
    assert [one.up for one in again.samples("playhouse", Service.SENDING, clock.time)] == [False]
    assert again.declarations("playhouse") == []
    again.close()


def test_earlier_plans_and_holds_are_taken_along(ledger, url, clock):
    """A ledger of the version before knows its plans, and nothing of their dag runs."""
    earlier = a_plan(ledger)
    ledger.save_plan(earlier, "outage__3f2a__g1")
    ledger.hold("playhouse", "campaign:103", "Ada", "by phone")
    migrate_to(ledger, "0003")
    ledger.close()

    again = Ledger.open(url, clock=clock)

    (run,) = again.runs("playhouse")
    assert (run.id, run.plan_hash, run.mode, run.stage) == (
        "outage__3f2a__g1",
        earlier.hash,
        None,
        RunStage.PLANNED,
    )
    assert run.window == earlier.window
    (item,) = again.plan_items([earlier.hash])[earlier.hash]
    assert (item.key, item.rule, item.remedy, item.asks) == ("campaign:103", "C11", Remedy.RESEND, True)
    assert item.send_by == earlier.decisions[0].send_by
    assert [one.who for one in again.hold_traces("playhouse", "campaign:103")] == ["Ada"]
    again.close()


def test_a_ledger_of_newer_software_is_refused(ledger, url, clock):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE ledger_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(LedgerError, match=f"is of version 9999, this software knows {HEAD} at most"):
        Ledger.open(url, clock=clock)


def test_a_database_of_something_else_is_refused(tmp_path, clock):
    engine = create_engine(f"sqlite:///{tmp_path}/chess.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE move (piece TEXT)"))
    engine.dispose()
    with pytest.raises(LedgerError, match="a database of its own"):
        Ledger.open(f"sqlite:///{tmp_path}/chess.db", clock=clock)


def test_a_naive_clock_is_refused(url):
    with pytest.raises(LedgerError, match="no time zone"):
        Ledger.open(url, clock=lambda: datetime(2026, 11, 24))


def test_a_naive_time_is_refused_in_words(ledger):
    with pytest.raises(LedgerError, match="no time zone"):
        ledger.add_snapshot("playhouse", {}, at=datetime(2026, 11, 24))
    with pytest.raises(LedgerError, match="no time zone"):
        ledger.set_watermark("playhouse", datetime(2026, 11, 24))


def test_sqlite_is_set_up_to_be_safe(url, clock, monkeypatch):
    monkeypatch.setattr(store, "open_engine", open_engine)  # tests/quick_ledgers.py opens less safe ones
    ledger = Ledger.open(url, clock=clock)
    with ledger._engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert pragma == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000, "synchronous": 2}


def test_a_child_of_a_fork_has_connections_of_its_own(ledger, clock):
    def connection():
        with ledger._read() as session:
            return session.connection().connection.driver_connection

    of_parent = connection()
    assert connection() is of_parent
    child = os.fork()
    if child == 0:
        own = False
        try:
            own = connection() is not of_parent
            ledger.beat("child")
        finally:
            os._exit(0 if own else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert ledger.heartbeat("child") == clock.time
    assert connection() is of_parent


def test_opening_an_up_to_date_ledger_does_not_import_alembic(ledger, url):
    code = (
        "import sys; from datetime import UTC, datetime; from pro2_reconciliation.ledger import Ledger;"
        f"Ledger.open({url!r}, clock=lambda: datetime.now(UTC)).identity;"
        "sys.exit('alembic' in sys.modules or 'airflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_version_can_be_taken_back_and_comes_again(ledger, url, register, clock):
    """What was done survives the way there and back, and the tables are then those of the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    action = register()
    for revision in ("0006", "0004", "0003", "0002", "0001"):
        migrate_to(ledger, revision)
        ledger.close()
        ledger = Ledger.open(url, clock=clock)
        with ledger._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            assert compare_metadata(context, Base.metadata) == []
            assert context.get_current_revision() == HEAD
        assert ledger.action(action.id).steps == action.steps
        same_as_filtering_all(ledger, "playhouse")
        assert [one.id for one in ledger.standing_in("playhouse", LIVE)] == [action.id]
    ledger.close()
