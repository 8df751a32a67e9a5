"""A worker that is killed while it writes a person's answer: never two answers, and none that was written is lost.

A real process (SIGKILL, no farewell) on a real PostgreSQL: before the answer is written, in the middle of its
transaction, and between ledger and Airflow. Then Airflow's retry, another person's late answer, and ``clear``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import TaskAwaitingInput
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.claims import every_action
from tests.incident.harness import Evening
from tests.system import postgres
from tests.unit.pro2.conftest import incident, make_context

from pro2.operators.question import AskOperator
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.clearing import clear

ADA = {"campaign:103": "resend", "campaign:104": "leave to me"}
BOB = {"campaign:103": "leave to me", "campaign:104": "resend"}


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_it_is_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "save_answers", die)


def in_its_transaction(_: pytest.MonkeyPatch) -> None:
    """All rows are there, and the commit is not."""
    event.listen(Session, "before_commit", die)


def between_ledger_and_airflow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(HITLOperator, "execute_complete", die)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    running = postgres.start(tmp_path_factory.mktemp("pg"))
    yield running
    running.cleanup()


@pytest.fixture
def evening(
    server: Any, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Evening]:
    """Planned; its ledger is on PostgreSQL, and no server of Airflow's is there to show the question."""
    name = f"ledger_{abs(hash(request.node.name))}"
    server.psql(f"CREATE DATABASE {name};")
    played = Evening(tmp_path, incident())
    played.end_outage()
    ledger = Ledger.open(server.get_uri(name), clock=played.clock.now)
    ledger.adopt("operator", "first start")
    monkeypatch.setattr(played, "ledger", lambda: ledger)
    monkeypatch.setattr("pro2.operators.question.open_ledger", lambda: ledger)
    monkeypatch.setattr("pro2.accounts.open_account", lambda who, **_: played.account(who))
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    yield played
    ledger.close()


class Question:
    """The task ``ask`` of one plan, each call as in a process of its own."""

    def __init__(self, evening: Evening) -> None:
        self.evening = evening
        self.plan: Plan = evening.reconcile(Mode.PLAN)[0]

    def ask(self) -> Any:
        return AskOperator(task_id="ask").execute(self._context())

    def answer(self, who: str, choices: dict[str, str]) -> Any:
        said = {
            "chosen_options": [f"Carry out my choices ({self.plan.hash[:8]})"],
            "params_input": choices,
            "responded_at": datetime(2026, 11, 20, 0, 50, tzinfo=UTC),
            "responded_by_user": {"id": "1", "name": who},
            "timedout": False,
        }
        return AskOperator(task_id="ask").execute_complete(self._context(), said)

    def killed_while_answering(self, who: str, choices: dict[str, str], blow: Callable[..., None]) -> None:
        child = os.fork()
        if child == 0:
            try:
                blow(pytest.MonkeyPatch())
                self.answer(who, choices)
            finally:
                os._exit(1)  # it lived on
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), (
            f"it was not killed, but ended with {os.waitstatus_to_exitcode(status)}"
        )
        assert os.WTERMSIG(status) == signal.SIGKILL

    def standing(self) -> dict[str, tuple[str, Choice]]:
        answers = self.evening.ledger().answers(self.plan.hash)
        return {key: (one.who, one.choice) for key, one in answers.items() if key in ADA}

    def _context(self) -> dict[str, Any]:
        resolved = {"mode": "ask"}
        return make_context(
            run_id="run-1", task_id="ask", xcoms={"resolve_window": resolved, "build_plan": self.plan.hash}
        )


def test_what_was_not_written_whole_is_asked_again_and_the_next_answer_stands(evening: Evening) -> None:
    question = Question(evening)
    for blow in (before_it_is_written, in_its_transaction):
        question.killed_while_answering("Ada", ADA, blow)
        assert question.standing() == {}
        with pytest.raises(TaskAwaitingInput):
            question.ask()
    question.answer("Bob", BOB)
    wanted = {"campaign:103": ("Bob", Choice.LEAVE), "campaign:104": ("Bob", Choice.RESEND)}
    assert question.standing() == wanted
    assert begun(question) == {"campaign:104": "Bob"}


def test_what_was_written_stands_although_airflow_never_heard_of_it(evening: Evening) -> None:
    question = Question(evening)
    question.killed_while_answering("Ada", ADA, between_ledger_and_airflow)
    wanted = {"campaign:103": ("Ada", Choice.RESEND), "campaign:104": ("Ada", Choice.LEAVE)}
    assert question.standing() == wanted
    assert question.ask() == {"plan_hash": question.plan.hash, "who": "Ada"}  # the retry asks nobody
    question.answer("Bob", BOB)  # whose form was still open
    assert question.standing() == wanted
    assert begun(question) == {"campaign:103": "Ada"}


def begun(question: Question) -> dict[str, str]:
    """What ``clear`` begins, for whom; cleared twice, as a task that is tried again does."""
    for _ in range(2):
        clear(question.evening.account(), question.plan, Mode.ASK, who="clear")
    found = [one for one in every_action(question.evening.ledger()) if one.item_key in ADA]
    assert len(found) == len({one.root for one in found})
    return {one.item_key: one.requested_by for one in found}
