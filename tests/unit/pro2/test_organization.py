"""Several organizations in one Airflow: each has its own of everything, and nobody guesses whose turn it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context

from pro2 import accounts, links, organization, plugin, witness
from pro2.files import reports_folder
from pro2.hooks.factory import carrier_of
from pro2.operators.start import StartReconcileOperator
from pro2.organization import (
    current,
    named,
    open_site,
    organizations,
    speaking_for,
    suffixes,
    suffixes_to_parse,
)
from pro2.triggers.watch import LeanTrigger, WatchTrigger
from pro2_reconciliation.domain.errors import ConfigurationError

JOBS = "organization: {}\nzone: America/Chicago\njobs: []\n"


@pytest.fixture
def consortium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Opera and ballet, each with a folder and the connection of a ledger."""
    monkeypatch.setenv(organization.VARIABLE, "opera, ballet")
    monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(tmp_path))
    monkeypatch.setenv("PRO2_RECONCILIATION_REPORTS", (tmp_path / "reports").as_uri())
    for name in ("opera", "ballet"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jobs.yaml").write_text(JOBS.format(name))
        ledger = {"conn_type": "sqlite", "host": str(tmp_path / f"{name}.db")}
        monkeypatch.setenv(f"AIRFLOW_CONN_RECONCILIATION_LEDGER__{name.upper()}", json.dumps(ledger))
    return tmp_path


@contextmanager
def task_of(dag_id: str) -> Iterator[None]:
    """As if a task of this DAG ran in this process."""
    context: Any = {"ti": SimpleNamespace(dag_id=dag_id)}
    with set_current_context(context):
        yield


class TestSources:
    def test_a_connection_without_the_name_behind_it_is_refused_with_the_one_that_may_be_meant(
        self, consortium: Path
    ) -> None:
        """A sources.yaml from before there were several: its probe would be dark, and no outage would settle."""
        with pytest.raises(
            ConfigurationError, match=r"no connection pro2; .* write for example pro2__opera$"
        ):
            carrier_of("pro2")

    def test_where_there_is_one_nothing_is_said_of_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(organization.VARIABLE, raising=False)
        with pytest.raises(ConfigurationError) as caught:
            carrier_of("status_of_nobody")
        assert "sources.yaml" not in str(caught.value)


class TestNames:
    def test_without_the_variable_nothing_is_called_otherwise(self) -> None:
        assert (organizations(), suffixes(), current(), named("pro2")) == ((), ("",), "", "pro2")

    def test_a_task_belongs_to_the_organization_of_its_dag(self, consortium: Path) -> None:
        with task_of("reconcile__opera"):
            assert (current(), named("pro2")) == ("opera", "pro2__opera")
        with task_of("guard_repairs__ballet"):
            assert named("reconciliation_ledger") == "reconciliation_ledger__ballet"

    def test_who_says_for_whom_he_speaks_is_believed(self, consortium: Path) -> None:
        with speaking_for("ballet"):
            assert current() == "ballet"
            with speaking_for("opera"):
                assert current() == "opera"
            assert current() == "ballet"

    @pytest.mark.parametrize("dag_id", ["reconcile", "reconcile__zoo", "another_team__opera2", ""])
    def test_nobody_guesses(self, consortium: Path, dag_id: str) -> None:
        with task_of(dag_id), pytest.raises(ConfigurationError, match="lists opera, ballet"):
            current()
        with pytest.raises(ConfigurationError, match="nobody said which organization"):
            named("pro2")

    @pytest.mark.parametrize(
        "bad", ["Opera", "the opera", "op__era", "-opera", "oper\u00e1", "x" * 41, "a,b,a"]
    )
    def test_a_name_that_cannot_be_part_of_an_id_is_refused(
        self, bad: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(organization.VARIABLE, bad)
        with pytest.raises(ConfigurationError, match=organization.VARIABLE):
            organizations()

    def test_a_task_that_starts_defines_the_dags_of_its_own_organization_only(
        self, consortium: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert suffixes_to_parse() == ("__opera", "__ballet")
        for dag_id, expected in (
            ("reconcile__ballet", ("__ballet",)),
            ("reconcile", ("__opera", "__ballet")),
            ("reconcile__zoo", ("__opera", "__ballet")),
        ):
            monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", dag_id)
            assert suffixes_to_parse() == expected


class TestTheirOwn:
    def test_files(self, consortium: Path) -> None:
        for name in ("opera", "ballet"):
            with speaking_for(name):
                assert open_site().organization == name
                assert reports_folder().name == name

    def test_a_folder_that_was_copied_is_refused(self, consortium: Path) -> None:
        (consortium / "ballet" / "jobs.yaml").write_text(JOBS.format("opera"))
        with speaking_for("ballet"), pytest.raises(ConfigurationError, match="is about organization 'opera'"):
            open_site()

    def test_ledger_and_witness(self, consortium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that has no connection of its own does not fall back to that of all."""
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", "postgres://somebody-elses/ledger")
        monkeypatch.delenv("AIRFLOW_CONN_RECONCILIATION_LEDGER__BALLET")
        with speaking_for("opera"):
            assert accounts.ledger_url() == f"sqlite:///{consortium}/opera.db"
            assert witness.VariableWitness().name.endswith("reconciliation_ledger_witness__opera")
        with speaking_for("ballet"):
            assert accounts.ledger_url().endswith("/reconciliation_ledger__ballet.db")

    def test_what_one_says_to_its_ledger_the_other_never_hears(self, consortium: Path) -> None:
        with speaking_for("opera"):
            accounts.open_ledger(create=True).beat("guard_repairs")
        with speaking_for("ballet"):
            assert accounts.open_ledger(create=True).heartbeat("guard_repairs") is None

    def test_dag_runs(self, consortium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        started: list[str] = []
        monkeypatch.setattr(
            StartReconcileOperator.__mro__[1], "execute", lambda self, _: started.append(self.trigger_dag_id)
        )
        operator = StartReconcileOperator(task_id="start", trigger_dag_id="reconcile")
        with task_of("detect_outages__opera"):
            StartReconcileOperator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined]
        assert started == ["reconcile__opera"]

    def test_links(self, consortium: Path) -> None:
        with speaking_for("opera"):
            assert links.page_of_run("a").endswith("/plugin/outages__opera?run=a")
            assert links.report_file("a.html").endswith("/pro2__opera/reports/a.html")

    def test_pages(self, consortium: Path) -> None:
        assert [app["url_prefix"] for app in plugin._apps()] == ["/pro2__opera", "/pro2__ballet"]
        routes = [view["url_route"] for view in plugin._views()]
        assert len(routes) == len(set(routes)) == 4
        assert {view["href"].partition("?")[0] for view in plugin._views()} == {
            "pro2__opera/",
            "pro2__ballet/",
        }

    def test_a_page_speaks_for_its_own(self, consortium: Path) -> None:
        from pro2.web.lazy import Lazy

        heard: list[str] = []

        async def app(*_: Any) -> None:
            heard.append(await asyncio.to_thread(current))

        async def both() -> None:
            await asyncio.gather(
                *(Lazy(lambda: app, name)({}, None, None) for name in ("opera", "ballet"))  # type: ignore[arg-type]
            )

        asyncio.run(both())
        assert sorted(heard) == ["ballet", "opera"]


class TestTriggers:
    KWARGS = {"inventory": "scheduled__1", "pro2_conn_id": "pro2", "dashboard_conn_id": "pro2_dashboard"}  # noqa: RUF012

    def test_two_organizations_never_share_a_poll_though_their_dag_runs_are_called_alike(self) -> None:
        keys = set()
        for dag_id in ("reconcile__opera", "reconcile__ballet"):
            trigger = LeanTrigger(place="0", **self.KWARGS)
            trigger._task_instance = SimpleNamespace(dag_id=dag_id)
            assert trigger.serialize()[1]["organization"] == dag_id.partition("__")[2]
            keys.add(trigger.shared_stream_key())
        assert len(keys) == 2

    def test_a_trigger_keeps_its_organization(self) -> None:
        trigger = WatchTrigger(item={}, organization="opera", **self.KWARGS)
        again = WatchTrigger(**trigger.serialize()[1])
        assert again.shared_stream_key() == trigger.shared_stream_key()
        assert "opera" in str(trigger.shared_stream_key())


class TestOneHost:
    @pytest.mark.parametrize(
        "executor", ["CeleryExecutor", "LocalExecutor,KubernetesExecutor", "airflow.x.CeleryExecutor:alias"]
    )
    def test_a_ledger_in_a_file_is_refused_where_tasks_may_run_on_several_hosts(
        self, executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "ledger.db"
        connection = {"conn_type": "sqlite", "host": str(file)}
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
        name = executor.partition(",")[2] or "CeleryExecutor"
        with pytest.raises(
            ConfigurationError, match=rf"serves one host only.*{name}.*Put it into PostgreSQL"
        ):
            accounts.open_ledger(create=True)
        assert not file.exists()

    def test_so_is_a_request_budget_in_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        from pro2.hooks.permits import store_url

        monkeypatch.setenv("PRO2_RATE_STORE", str(tmp_path / "permits.db"))
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
        with pytest.raises(ConfigurationError, match=r"serves one host only.*unset PRO2_RATE_STORE"):
            store_url()

    @pytest.mark.parametrize("executor", ["LocalExecutor", "airflow.executors.local_executor.LocalExecutor"])
    def test_on_one_host_a_file_will_do(
        self, executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = {"conn_type": "sqlite", "host": str(tmp_path / "ledger.db")}
        monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
        assert accounts.open_ledger(create=True).identity.epoch == 1


def test_a_desk_asks_airflow_for_its_own_organization(
    consortium: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pro2.desk import AirflowDesk, DagSeen, dag_findings

    async def in_a_context_of_its_own() -> list[str]:
        AirflowDesk().speak_for("opera")
        return [one.subject for one in dag_findings({"reconcile__opera": DagSeen(paused=False)})]

    told = asyncio.run(in_a_context_of_its_own())
    assert told == ["DAG guard_repairs__opera", "DAG detect_outages__opera", "DAG reconcile__opera"]
