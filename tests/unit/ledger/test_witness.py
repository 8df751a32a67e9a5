"""Which ledger may be acted on: the one that was adopted last, with all its events, on its own host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.ledger import Ledger, Machine, Stage, State, Witnessed, remember, why_plan_only
from pro2_reconciliation.ledger.engine import open_engine

ZONE = "America/Chicago"
HERE, THERE = Machine("worker-1", "boot-1"), Machine("worker-2", "boot-2")


class Kept:
    name = "witness of the test"

    def __init__(self) -> None:
        self.seen: Witnessed | None = None
        self.written = 0
        self.away = False

    def read(self) -> Witnessed | None:
        if self.away:
            raise LedgerError(f"the {self.name} cannot be read")
        return self.seen

    def write(self, seen: Witnessed) -> None:
        self.seen, self.written = seen, self.written + 1


@pytest.fixture
def witness() -> Kept:
    return Kept()


@pytest.fixture
def adopted(ledger, witness):
    ledger.adopt("Ada", "first start", HERE)
    remember(ledger, witness, ZONE, HERE)
    return ledger


def said(ledger, witness, machine=HERE):
    return why_plan_only(ledger, witness, ZONE, machine)


def backup(ledger: Ledger, folder: Path) -> Path:
    """As ``sqlite3 .backup`` makes one; here nobody writes, so a checkpoint and a copy do."""
    copy = folder / "backup.db"
    with ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(ledger._file, copy)
    return copy


def put_back(copy: Path, ledger: Ledger, clock) -> Ledger:
    path = Path(ledger._file)
    ledger.close()
    for old in path.parent.glob(f"{path.name}-*"):
        old.unlink()
    shutil.copyfile(copy, path)
    return Ledger.open(f"sqlite:///{path}", clock=clock, create=False)


class TestTheFirstStart:
    def test_a_new_ledger_allows_plans_only_and_says_how_to_adopt_it(self, ledger, witness):
        told = said(ledger, witness)
        assert f"The ledger {ledger.identity.uuid} at sqlite:///" in told
        assert "is new: nobody has adopted it, so it allows plans only" in told
        assert told.endswith('python -m pro2_reconciliation adopt --why "..."')
        with pytest.raises(LedgerError, match="nobody has adopted it"):
            remember(ledger, witness, ZONE, HERE)
        assert witness.seen is None

    def test_an_adopted_one_may_be_acted_on_and_the_witness_learns_of_it(self, ledger, witness):
        ledger.adopt("Ada", "first start", HERE)
        assert said(ledger, witness) is None
        remember(ledger, witness, ZONE, HERE)
        assert (witness.seen.uuid, witness.seen.epoch, witness.seen.moves) == (ledger.identity.uuid, 2, {})
        assert said(ledger, witness) is None

    def test_who_adopted_it_where_and_why_stays_readable(self, ledger, clock):
        ledger.adopt("Ada", "first start", HERE)
        ledger.adopt("Bo", "restored on Tuesday", THERE)
        assert [(one.epoch, one.who, one.why, one.host, one.at) for one in ledger.adoptions()] == [
            (2, "Ada", "first start", "worker-1", clock.time),
            (3, "Bo", "restored on Tuesday", "worker-2", clock.time),
        ]

    def test_without_a_witness_the_adoption_decides_alone(self, ledger):
        assert "is new" in said(ledger, None)
        ledger.adopt("Ada", "x", HERE)
        assert said(ledger, None) is None


class TestAnotherLedger:
    def test_a_new_one_in_the_place_of_one_that_is_known_names_both(self, adopted, witness, tmp_path, clock):
        other = Ledger.open(f"sqlite:///{tmp_path}/other.db", clock=clock)
        told = said(other, witness)
        assert other.identity.uuid in told
        assert f"The witness of the test knows the ledger {adopted.identity.uuid}" in told
        assert "bring that one back" in told
        assert "adopted Tue 24 Nov 15:05 CST by Ada" in told

    def test_one_that_was_adopted_earlier_is_refused_and_the_later_adoption_wins(
        self, ledger, witness, tmp_path, clock
    ):
        other = Ledger.open(f"sqlite:///{tmp_path}/other.db", clock=clock)
        other.adopt("Bo", "long ago", HERE)
        clock.pass_seconds(60)
        ledger.adopt("Ada", "today", HERE)
        remember(ledger, witness, ZONE, HERE)

        assert "is not the one to go by" in said(other, witness)
        with pytest.raises(LedgerError, match="is not the one to go by"):
            remember(other, witness, ZONE, HERE)
        assert witness.seen.uuid == ledger.identity.uuid

        clock.pass_seconds(60)
        other.adopt("Bo", "the other one is lost", HERE)
        assert said(other, witness) is None
        remember(other, witness, ZONE, HERE)
        assert "is not the one to go by" in said(ledger, witness)


class TestABackup:
    def test_one_from_before_a_move_is_refused_until_a_person_adopts_it(
        self, adopted, witness, register, clock, tmp_path
    ):
        copy = backup(adopted, tmp_path)
        register()
        remember(adopted, witness, ZONE, HERE)

        restored = put_back(copy, adopted, clock)
        told = said(restored, witness)
        assert "is older than what was done, a restored backup or a copy" in told
        assert "with 6 moves, last moved Tue 24 Nov 15:05 CST" in told
        with pytest.raises(LedgerError, match="is older than what was done"):
            remember(restored, witness, ZONE, HERE)

        clock.pass_seconds(60)
        restored.adopt("Ada", "I looked at everything", HERE)
        assert said(restored, witness) is None
        restored.close()

    def test_as_many_other_moves_do_not_make_it_the_newest(self, adopted, witness, register, clock, tmp_path):
        """What was lost is not made good by something else that happened since."""
        step = register().steps[0]
        copy = backup(adopted, tmp_path)
        claim = adopted.claim(step.id, "worker", 60)
        adopted.intend(claim, fingerprint=adopted.action(step.action_id).fingerprint)
        remember(adopted, witness, ZONE, HERE)

        restored = put_back(copy, adopted, clock)
        restored.end_rest(
            step.action_id, State.SKIPPED, who="x", why="as many moves as are missing, and more"
        )
        assert sum(restored.picture().moves.values()) >= sum(witness.seen.moves.values())
        assert "is older than what was done" in said(restored, witness)
        restored.close()

    def test_one_from_before_the_kill_switch_is_refused(self, adopted, witness, clock, tmp_path):
        copy = backup(adopted, tmp_path)
        adopted.set_switch("playhouse", Stage.EVERYTHING, "kim", "odd mails")
        remember(adopted, witness, ZONE, HERE)
        restored = put_back(copy, adopted, clock)
        assert "is older than what was done" in said(restored, witness)
        restored.close()

    def test_one_from_before_the_last_adoption_is_refused(self, adopted, witness, clock, tmp_path):
        copy = backup(adopted, tmp_path)
        clock.pass_seconds(60)
        adopted.adopt("Ada", "again", HERE)
        remember(adopted, witness, ZONE, HERE)
        restored = put_back(copy, adopted, clock)
        assert "is not the one to go by" in said(restored, witness)
        restored.close()


class TestAnotherHost:
    def test_a_file_of_another_host_allows_plans_only_and_names_both(self, adopted, witness):
        told = said(adopted, witness, THERE)
        assert "is a file that host worker-1 uses, and this task runs on host worker-2" in told
        assert "PostgreSQL" in told
        with pytest.raises(LedgerError, match="a file serves one host only"):
            remember(adopted, witness, ZONE, THERE)

    def test_a_new_container_on_the_same_machine_and_a_reboot_are_the_same_host(self, adopted, witness):
        for machine in (Machine("container-2", "boot-1"), Machine("container-2", "boot-9")):
            assert said(adopted, witness, machine) is None
            remember(adopted, witness, ZONE, machine)
        assert (adopted.identity.host, adopted.identity.boot) == ("container-2", "boot-9")
        assert said(adopted, witness, HERE) is not None

    def test_this_machine_is_itself(self):
        this = Machine.this()
        assert this.host
        assert this.shares_with(this.host, None)
        assert not Machine("a").shares_with("b", "")


class TestTheWitness:
    def test_one_that_cannot_be_read_closes_everything(self, adopted, witness):
        witness.away = True
        assert said(adopted, witness) == "the witness of the test cannot be read. Until then plans only"

    def test_one_that_forgot_is_no_permission(self, adopted, witness):
        witness.seen = None
        told = said(adopted, witness)
        assert "was known to the witness of the test since Tue 24 Nov 15:05 CST, and that is gone" in told

    def test_never_goes_back_and_is_written_only_when_something_moved(self, adopted, witness, register):
        written = witness.written
        remember(adopted, witness, ZONE, HERE)
        assert witness.written == written
        register()
        remember(adopted, witness, ZONE, HERE)
        assert (witness.written, witness.seen.moves) == (written + 1, {"planned": 3, "cleared": 3})

    def test_what_it_remembers_travels_as_json(self, adopted, witness, register):
        register()
        remember(adopted, witness, ZONE, HERE)
        assert Witnessed.model_validate_json(witness.seen.model_dump_json()) == witness.seen


class TestAVanishedLedger:
    def test_is_an_error_of_whoever_acts_and_not_a_new_one(self, tmp_path, clock):
        missing = tmp_path / "folder" / "gone.db"
        with pytest.raises(LedgerError, match=r"There is no ledger at .*gone\.db.*adopt --create"):
            Ledger.open(f"sqlite:///{missing}", clock=clock, create=False)
        assert not missing.parent.exists()

    def test_an_empty_file_is_no_ledger_either(self, tmp_path, clock):
        (tmp_path / "empty.db").touch()
        with pytest.raises(LedgerError, match="There is no ledger at"):
            Ledger.open(f"sqlite:///{tmp_path}/empty.db", clock=clock, create=False)

    def test_one_that_is_deleted_while_it_is_open_is_noticed_before_anything_is_written(self, adopted):
        Path(adopted._file).unlink()
        with pytest.raises(LedgerError, match="was deleted or replaced while it was in use"):
            adopted.beat("guard")
        assert not Path(adopted._file).exists()

    def test_one_that_is_replaced_while_it_is_open_is_noticed(self, adopted, tmp_path):
        copy = backup(adopted, tmp_path)
        copy.rename(adopted._file)
        with pytest.raises(LedgerError, match="was deleted or replaced"):
            adopted.identity  # noqa: B018

    def test_one_that_goes_before_the_first_connection_is_not_begun_anew(self, adopted):
        engine = open_engine(f"sqlite:///{adopted._file}", create=False)
        Path(adopted._file).unlink()
        with pytest.raises(OperationalError, match="unable to open database file"), engine.connect():
            pass
        assert not Path(adopted._file).exists()
