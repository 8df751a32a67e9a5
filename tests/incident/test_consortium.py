"""Three organizations in one Airflow, on the code that its tasks run: one's outage, question, limits, switch
and silence say nothing to the others, although items, dag runs and connections are called alike in all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Variable
from tests.claims import every_action
from tests.incident.harness import Evening, KeptWitness, MovableClock, approve_all
from tests.unit.pro2.conftest import incident, make_context

from pro2 import accounts, flow, organization
from pro2.organization import speaking_for
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.overview import commands
from pro2_reconciliation.repair import account as account_module
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.reconcile import reconcile, watch

NAMES = ("playhouse", "opera", "ballet")
RUN = "scheduled__2026-11-20T05:00:00+00:00"
"""Airflow calls the nightly dag runs of all DAGs alike."""


@dataclass
class Consortium:
    """``evenings``: each organization's account by its name; ``asked``: the connections that a task looked up."""

    evenings: dict[str, Evening]
    asked: list[tuple[str, ...]]

    def account(self, name: str) -> Account:
        """As a task of this organization opens it."""
        with speaking_for(name):
            return accounts.open_account(f"reconcile__{name}/{RUN}/a_task")

    def reconcile(self, name: str) -> tuple[Plan, Any]:
        """One reconciliation with everything approved, the guard of this organization alone being alive."""
        account, evening = self.account(name), self.evenings[name]
        self.guarded(name)
        return reconcile(account, evening.window(), Mode.ASK, answer=approve_all, dag_run=RUN)

    def guarded(self, *names: str) -> None:
        """From now on the guards of these organizations pass every minute, and no other."""
        ledgers = [self.account(name).ledger for name in names]

        def passes() -> None:
            for ledger in ledgers:
                ledger.beat(GUARD)

        passes()
        self.evenings[NAMES[0]].clock.every_minute = passes

    def sent(self, name: str) -> list[str]:
        return [one["item"] for one in self.evenings[name].effects() if one["kind"] == "campaign_sent"]


@pytest.fixture
def consortium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consortium:
    """Three accounts with the same ids, one clock; site, ledger and connection ids as the tasks resolve them."""
    clock = MovableClock()
    monkeypatch.setenv(organization.VARIABLE, ",".join(NAMES))
    evenings: dict[str, Evening] = {}
    for name in NAMES:
        told = incident().model_copy(update={"organization": name})
        evenings[name] = Evening(tmp_path / name, told, clock)
        evenings[name].end_outage()
        file = tmp_path / name / "ledger.db"
        opened = evenings[name].ledger()
        commands.accept_capabilities(opened, name, "UTC", [commands.EVERYTHING], who="kim", why="the sandbox")
        opened.close()
        ledger = {"conn_type": "sqlite", "host": str(file)}
        monkeypatch.setenv(f"AIRFLOW_CONN_RECONCILIATION_LEDGER__{name.upper()}", json.dumps(ledger))
        for kind in ("pro2", "pro2_dashboard"):
            extra = {"read_only": False, "pace_ms": 0, "organization": name}
            given = {
                "conn_type": kind,
                "host": f"https://{name}.example.org",
                "password": "s3cret",
                "extra": extra,
            }
            monkeypatch.setenv(f"AIRFLOW_CONN_{kind.upper()}__{name.upper()}", json.dumps(given))
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).symlink_to(tmp_path / name / "config")
    monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(tmp_path / "config"))
    asked: list[tuple[str, ...]] = []

    def ports(*conn_ids: str, **_: Any) -> tuple[Any, ...]:
        asked.append(conn_ids)
        (name,) = {one.partition("__")[2] for one in conn_ids}
        found = evenings[name].account()
        return found.campaigns, found.contacts, found.dashboard, found.lists

    witnesses = {name: KeptWitness() for name in NAMES}
    monkeypatch.setattr("pro2.hooks.factory.ports_from_connections", ports)
    monkeypatch.setattr(accounts, "open_witness", lambda: witnesses[organization.current()])
    monkeypatch.setattr(account_module, "WallClock", lambda: clock)
    return Consortium(evenings, asked)


def test_each_repairs_its_own_evening_and_no_claim_of_one_holds_another_back(consortium: Consortium) -> None:
    """The same campaign ids, the same dag run id, in three accounts."""
    hashes = set()
    for name in NAMES:
        plan, report = consortium.reconcile(name)
        assert plan.organization == name
        assert {row.outcome for row in report.rows} == {"verified"}
        hashes.add(plan.hash)
        assert consortium.sent(name), name
    assert len(hashes) == len(NAMES)
    for name in NAMES:
        truth = consortium.evenings[name].truth()
        assert (truth["mailed_twice"], truth["missing"]) == ([], [])
        ours = consortium.account(name).ledger
        assert [run.id for run in ours.runs(name)] == [RUN]
        assert {action.key.organization for action in every_action(ours, name)} == {name}
        assert [other for other in NAMES if other != name and every_action(ours, other)] == []
    assert {len({one.partition("__")[2] for one in asked}) for asked in consortium.asked} == {1}


def test_the_kill_switch_of_one_stops_one(consortium: Consortium) -> None:
    consortium.account("opera").ledger.set_switch("opera", Stage.EVERYTHING, "kim", "odd mails")
    for name in NAMES:
        consortium.reconcile(name)
    assert {name: bool(consortium.sent(name)) for name in NAMES} == {
        "playhouse": True,
        "opera": False,
        "ballet": True,
    }


def test_limits_and_policy_are_those_of_one(consortium: Consortium) -> None:
    folder = consortium.evenings["ballet"].folder / "config" / "policy.yaml"
    folder.write_text(f"{folder.read_text()}\nmax_sends: 1\n")
    assert consortium.account("ballet").policy.max_sends == 1
    assert consortium.account("opera").policy.max_sends != 1
    for name in ("ballet", "opera"):
        consortium.reconcile(name)
    assert (len(consortium.sent("ballet")), len(consortium.sent("opera"))) == (1, 2)


def test_a_guard_that_is_silent_holds_back_its_own_organization_only(consortium: Consortium) -> None:
    opera = consortium.account("opera")
    consortium.guarded("playhouse", "ballet")
    plan, _ = reconcile(
        opera, consortium.evenings["opera"].window(), Mode.ASK, answer=approve_all, dag_run=RUN
    )
    assert plan.decisions
    assert consortium.sent("opera") == []
    consortium.reconcile("playhouse")
    assert consortium.sent("playhouse")


def test_the_watermark_of_one_is_of_one(consortium: Consortium) -> None:
    at = consortium.evenings["opera"].clock.at
    consortium.account("opera").ledger.set_watermark("opera", at)
    assert [bool(consortium.account(name).ledger.watermark(name)) for name in NAMES] == [False, True, False]


def test_a_ledger_that_was_restored_binds_one(consortium: Consortium) -> None:
    """The others neither wait nor ask anybody."""
    consortium.reconcile("opera")
    file = consortium.evenings["opera"].folder / "ledger.db"
    file.unlink()
    with pytest.raises(Exception, match="There is no ledger"):
        consortium.account("opera")
    consortium.reconcile("ballet")
    assert consortium.sent("ballet")


def test_tasks_of_the_dag_find_their_own_inventory(consortium: Consortium) -> None:
    """Through ``flow``, as the DAGs go: the dag runs are called alike, the inventories are not mixed."""
    found = {}
    for name in NAMES:
        evening = consortium.evenings[name]
        resolved = {
            "window": evening.window().model_dump(mode="json"),
            "mode": "plan",
            "only": [],
            "parent": None,
        }
        resolved |= {"reason": "", "restriction": {}}
        context = make_context(run_id=RUN, dag_id=f"reconcile__{name}", task_id="take_inventory")
        with speaking_for(name):
            flow.take_inventory(context, resolved)
            found[name] = accounts.open_ledger().inventory(RUN)
            assert watch(accounts.open_account(f"reconcile__{name}/{RUN}/watch"), found[name])
    assert {name: one.organization for name, one in found.items()} == {name: name for name in NAMES}


class TestOneAccountOneOrganization:
    """Two ledgers on one account would both send."""

    @pytest.fixture
    def variables(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        kept: dict[str, str] = {}
        monkeypatch.setattr(Variable, "get", lambda key, default=None: kept.get(key, default))
        monkeypatch.setattr(Variable, "set", lambda key, value, description: kept.update({key: value}))
        return kept

    @staticmethod
    def refusal(name: str) -> str | None:
        with speaking_for(name):
            return accounts.account_of_another()

    def test_each_has_its_own(self, consortium: Consortium, variables: dict[str, str]) -> None:
        assert [self.refusal(name) for name in NAMES] == [None, None, None]
        assert sorted(variables.values()) == sorted(NAMES)

    def test_the_second_one_only_proposes(
        self, consortium: Consortium, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        same = json.dumps({"conn_type": "pro2", "host": "https://opera.example.org", "password": "s3cret"})
        monkeypatch.setenv("AIRFLOW_CONN_PRO2__BALLET", same)
        assert self.refusal("opera") is None
        told = self.refusal("ballet")
        assert told is not None
        assert "connection pro2__ballet leads to an account on which organization 'opera' works" in told
        assert self.refusal("opera") is None

    def test_what_cannot_be_known_is_no_permission(
        self, consortium: Consortium, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: Any, **__: Any) -> None:
            raise PermissionError("Access denied for variable")

        monkeypatch.setattr(Variable, "get", refused)
        assert "cannot be used" in str(self.refusal("opera"))


def test_nobody_opens_an_account_without_saying_whose(consortium: Consortium) -> None:
    with pytest.raises(ConfigurationError, match="nobody said which organization"):
        accounts.open_account("a test")
    assert consortium.asked == []
