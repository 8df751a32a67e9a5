"""The witness in Airflow: which ledger may be acted on, seen from the tasks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Variable
from tests.unit.pro2.conftest import NOW, Playing

from pro2 import accounts, guarding, witness
from pro2_reconciliation.domain.errors import LedgerError, ReconciliationError
from pro2_reconciliation.ledger import Ledger, Machine, Witnessed

SEEN = Witnessed(uuid="0b1c", epoch=2, adopted_at=NOW, adopted_by="Ada", address="x", written_at=NOW)
ENVIRONMENT = "AIRFLOW_VAR_RECONCILIATION_LEDGER_WITNESS"


class TestTheVariable:
    def test_is_read_as_it_was_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written: dict[str, Any] = {}
        monkeypatch.setattr(Variable, "set", lambda key, value, description: written.update({key: value}))
        witness.VariableWitness().write(SEEN)
        monkeypatch.setenv(ENVIRONMENT, written["reconciliation_ledger_witness"])
        assert witness.VariableWitness().read() == SEEN

    def test_that_is_not_there_is_nothing(self) -> None:
        assert witness.VariableWitness().read() is None

    def test_that_somebody_edited_says_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(ENVIRONMENT, '{"uuid": 7}')
        with pytest.raises(LedgerError, match=r"was edited and cannot be understood .*adopt that anew"):
            witness.VariableWitness().read()

    @pytest.mark.parametrize("verb", ["get", "set"])
    def test_that_airflow_refuses_is_an_error_in_words(
        self, monkeypatch: pytest.MonkeyPatch, verb: str
    ) -> None:
        def refused(*_: Any, **__: Any) -> None:
            raise PermissionError("Access denied for variable")

        monkeypatch.setattr(Variable, verb, refused)
        with pytest.raises(LedgerError, match="Airflow Variable reconciliation_ledger_witness cannot be"):
            witness.VariableWitness().read() if verb == "get" else witness.VariableWitness().write(SEEN)

    def test_from_a_shell_it_is_written_without_a_task(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The Task SDK writes over the channel of a task's supervisor, which a shell has not."""
        kept: dict[str, str] = {}
        monkeypatch.setattr(
            "airflow.models.Variable.set", lambda key, value, description: kept.update({key: value})
        )
        monkeypatch.setattr(
            "airflow.models.Variable.get", lambda key, default_var: kept.get(key, default_var)
        )
        assert witness.ShellWitness().read() is None
        witness.ShellWitness().write(SEEN)
        assert witness.ShellWitness().read() == SEEN

    def test_every_account_of_a_task_has_it(self) -> None:
        assert isinstance(accounts.open_witness(), witness.VariableWitness)


class TestOpening:
    def test_a_task_that_acts_never_begins_a_ledger(self, ledger: Ledger) -> None:
        path = Path(str(ledger._file))
        ledger.close()
        path.unlink()
        with pytest.raises(LedgerError, match="There is no ledger at"):
            accounts.open_ledger()
        assert not path.exists()

    def test_a_task_that_begins_something_does_and_it_is_nobodys(self, ledger: Ledger) -> None:
        ledger.close()
        Path(str(ledger._file)).unlink()
        assert accounts.open_ledger(create=True).identity.adopted_at is None


class TestTheGuard:
    def test_lets_the_witness_know(self, playing: Playing) -> None:
        guarding.guard(playing.context())
        seen = playing.evening.witness.seen
        assert seen is not None
        assert seen.uuid == playing.ledger.identity.uuid

    def test_of_another_ledger_fails_because_it_cannot_see_what_was_repaired(self, playing: Playing) -> None:
        playing.evening.witness.seen = SEEN.model_copy(update={"adopted_at": NOW + timedelta(minutes=1)})
        with pytest.raises(ReconciliationError, match=r"watched by nobody.*knows the ledger 0b1c"):
            guarding.guard(playing.context())

    def test_of_a_first_start_only_says_how_to_adopt(
        self, playing: Playing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        new = Ledger.open(f"sqlite:///{tmp_path}/new.db", clock=playing.evening.clock.now)
        monkeypatch.setattr(playing.evening, "ledger", lambda: new)
        done = guarding.guard(playing.context())
        assert "nobody has adopted it" in done["plan_only"]
        assert done["lost"] is False


def test_on_another_host_nothing_is_cleared_and_the_sentence_names_both(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Machine, "this", classmethod(lambda cls: cls("host-2", "boot-2")))
    _, cleared = playing.cleared()
    assert cleared["steps"] == []
    assert {
        why.partition(" uses, and this task runs on host host-2")[1] != ""
        for why in cleared["not_now"].values()
    } == {True}
