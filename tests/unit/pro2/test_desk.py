"""The doctor over real sockets: against a good site every line is ok, and each is seen red with what to do."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session
from tests.unit.served import Served

from pro2.desk import DAGS, AirflowDesk, DagSeen, dag_findings, dags_in
from pro2.witness import ShellWitness
from pro2_reconciliation.__main__ import main
from pro2_reconciliation.ledger import Ledger, Stage
from pro2_reconciliation.repair.detection import DETECTION
from pro2_reconciliation.repair.gates import GUARD
from pro2_sandbox import World, load_incident

RUNNING = {dag_id: DagSeen(paused=False) for dag_id in DAGS}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served(World(load_incident("still-open"), rate_limit=None))
    yield made
    made.stop()


class Site:
    """A site that is ready, and ``said`` of the doctor: subject to its finding."""

    def __init__(self, served: Served, folder: Path, patch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.served, self.folder, self.patch, self._capsys = served, folder, patch, capsys
        self.dags: Mapping[str, DagSeen] | str = RUNNING
        self.witness: Any = None
        self.code = -1
        patch.setattr(AirflowDesk, "dags", lambda _: self.dags)
        patch.setattr(ShellWitness, "read", lambda _: self.witness)
        patch.setenv("PRO2_RECONCILIATION_CONFIG", str(folder))
        self.connect()

    def connect(self, **extras: dict[str, Any]) -> None:
        for name, value in self.served.connections(**extras).items():
            self.patch.setenv(name, value)

    def change(self, name: str, **parts: Any) -> None:
        variable = f"AIRFLOW_CONN_{name.upper()}"
        self.patch.setenv(variable, json.dumps(json.loads(self.served.connections()[variable]) | parts))

    def said(self) -> dict[str, dict[str, Any]]:
        self.code = main(["doctor", "--json"])
        body = json.loads(self._capsys.readouterr().out)
        assert body["ok"] is (self.code == 0)
        return {one["subject"]: one for one in body["findings"]}


@pytest.fixture
def ledger(new_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    path = tmp_path / "site-ledger.db"
    path.write_bytes(new_ledger.read_bytes())
    connection = {"conn_type": "sqlite", "host": str(path)}
    monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps(connection))
    opened = Ledger.open(f"sqlite:///{path}", clock=lambda: datetime.now(UTC))
    opened.beat(GUARD)
    opened.beat(DETECTION)
    yield opened
    opened.close()


@pytest.fixture
def site(
    served: Served, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Site:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "jobs.yaml").write_text(_jobs("America/Chicago"))
    (folder / "sources.yaml").write_text("feeds:\n  - {connection: status_feed, service: sending}\n")
    return Site(served, folder, monkeypatch, capsys)


def _jobs(zone: str, job: str = "j-1", tessitura_list: str = "511") -> str:
    return (
        f"organization: playhouse\nzone: {zone}\njobs:\n"
        f'  - {{id: {job}, name: A, process_type: data_sync, cron: "0 6 * * *", tessitura_list: "{tessitura_list}"}}\n'
    )


def test_a_site_that_is_ready_is_green_line_by_line(site: Site) -> None:
    said = site.said()

    assert {name: one for name, one in said.items() if not one["ok"]} == {}
    assert site.code == 0
    assert list(said) == [
        "configuration",
        "connection pro2",
        "connection pro2_dashboard",
        "connection tessitura",
        "connection status_feed",
        "clock",
        "time zone",
        "Activity Log",
        "catalog",
        "Tessitura list 511",
        "DAG guard_repairs",
        "DAG detect_outages",
        "DAG reconcile",
        "ledger",
        "kill switch",
        "capabilities",
        "guard_repairs passes",
        "detect_outages passes",
    ]


def test_what_airflow_logs_to_stdout_does_not_break_the_json(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisy(_: AirflowDesk) -> Mapping[str, DagSeen]:
        print("2026-11-29 [warning] Connection schemes (type: status_feed) shall not contain '_'")
        return RUNNING

    monkeypatch.setattr(AirflowDesk, "dags", noisy)

    assert site.said()["DAG reconcile"]["ok"]


def test_a_connection_that_is_not_there_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_TESSITURA")

    assert "There is no connection tessitura; add it with: " in str(site.said()["connection tessitura"])


def test_without_json_every_line_is_for_a_person(site: Site, capsys: Any) -> None:
    site.dags = {**RUNNING, "reconcile": DagSeen(paused=True)}

    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "ok  configuration " in told
    assert "--  DAG reconcile " in told
    assert "airflow dags unpause reconcile" in told
    assert told.endswith("1 of 18 need something.\n")


def test_the_doctor_only_reads(site: Site) -> None:
    site.connect(pro2={"read_only": False}, pro2_dashboard={"read_only": False})
    before = list(site.served.world.effects.log)

    site.said()

    assert list(site.served.world.effects.log) == before


RED: dict[str, tuple[Callable[[Site, Ledger], object], str]] = {
    "configuration": (lambda s, _: (s.folder / "jobs.yaml").write_text("zone: 1\n"), "organization"),
    "connection pro2": (lambda s, _: s.change("pro2", password="no"), "copy it once more from Settings"),
    "connection pro2_dashboard": (lambda s, _: s.change("pro2_dashboard", password="no"), "token"),
    "connection tessitura": (
        lambda s, _: s.patch.delenv("AIRFLOW_CONN_TESSITURA"),
        "airflow connections add",
    ),
    "connection status_feed": (
        lambda s, _: s.change("status_feed", host=f"{s.served.url}/x"),
        "Give the address",
    ),
    "time zone": (lambda s, _: (s.folder / "jobs.yaml").write_text(_jobs("Asia/Tokyo")), "Correct zone"),
    "catalog": (lambda s, _: (s.folder / "jobs.yaml").write_text(_jobs("America/Chicago", "j-x")), "Correct"),
    "Tessitura list 9": (
        lambda s, _: (s.folder / "jobs.yaml").write_text(_jobs("America/Chicago", tessitura_list="9")),
        "else correct tessitura_list",
    ),
    "DAG guard_repairs": (lambda s, _: setattr(s, "dags", {}), "Put the files of dags/"),
    "DAG detect_outages": (
        lambda s, _: setattr(s, "dags", RUNNING | {"detect_outages": DagSeen(paused=True)}),
        "Unpause it, guard_repairs first",
    ),
    "DAG reconcile": (
        lambda s, _: setattr(s, "dags", RUNNING | {"reconcile": DagSeen(paused=False, broken=True)}),
        "list-import-errors",
    ),
    "DAGs": (lambda s, _: setattr(s, "dags", "it is away"), "environment of the scheduler"),
    "kill switch": (
        lambda _, ledger: ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "odd"),
        "switch off",
    ),
}


@pytest.mark.parametrize("subject", RED)
def test_each_line_can_be_red_and_says_what_to_do(site: Site, ledger: Ledger, subject: str) -> None:
    spoil, todo = RED[subject]
    spoil(site, ledger)

    finding = site.said()[subject]

    assert site.code == 1
    assert finding["ok"] is False
    assert todo in finding["todo"]


def test_an_address_with_too_much_behind_it_is_named(site: Site) -> None:
    site.change("pro2", host=f"{site.served.url}/api/3")
    assert "The host ends with /api/3, which does not belong there" in site.said()["connection pro2"]["todo"]


def test_a_clock_that_is_ahead_is_named_in_local_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from pro2 import desk

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=7)

    monkeypatch.setattr(desk, "datetime", Ahead)
    finding = site.said()["clock"]
    assert not finding["ok"]
    assert "7 min ahead of Pro2" in finding["said"]
    assert "(NTP)" in finding["todo"]


def test_an_old_export_says_that_a_new_one_is_due(site: Site) -> None:
    (site.folder / "log").mkdir()
    (site.folder / "activity_export.yaml").write_text(
        f"path: file://{site.folder}/log\nas_of: modified\n"
        "columns: {job_id: Process, started: Started, status: Status}\n"
    )
    site.connect(pro2_dashboard={"adapter": "export"})
    said = site.said()
    assert not said["connection pro2_dashboard"]["ok"]
    assert not said["Activity Log, from files"]["ok"]


def test_watchers_that_never_passed_are_named(site: Site, ledger: Ledger, new_ledger: Path) -> None:
    ledger.close()
    path = Path(ledger.address.removeprefix("sqlite:///"))
    path.write_bytes(new_ledger.read_bytes())

    said = site.said()

    for name in (GUARD, DETECTION):
        assert "has never passed" in said[f"{name} passes"]["said"]
        assert f"Unpause {name}" in said[f"{name} passes"]["todo"]


def test_a_ledger_that_nobody_adopted_allows_plans_only(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new.db"
    Ledger.open(f"sqlite:///{new}", clock=lambda: datetime.now(UTC)).close()
    monkeypatch.setenv(
        "AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps({"conn_type": "sqlite", "host": str(new)})
    )
    finding = site.said()["ledger"]
    assert not finding["ok"]
    assert "adopt --why" in finding["todo"]


def test_a_ledger_that_is_not_there_is_a_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps({"conn_type": "sqlite", "host": "/nowhere/x.db"})
    )
    finding = site.said()["ledger"]
    assert not finding["ok"]
    assert "Unpause guard_repairs" in finding["todo"]


class TestTheVariableOfTheOtherCommands:
    def test_is_ok_where_it_leads_to_the_ledger_of_the_tasks(
        self, site: Site, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRO2_RECONCILIATION_LEDGER", ledger.address)
        assert site.said()["PRO2_RECONCILIATION_LEDGER"]["ok"]

    def test_is_named_where_it_leads_to_another_one(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = Ledger.open(f"sqlite:///{tmp_path}/other.db", clock=lambda: datetime.now(UTC))
        monkeypatch.setenv("PRO2_RECONCILIATION_LEDGER", other.address)
        finding = site.said()["PRO2_RECONCILIATION_LEDGER"]
        assert not finding["ok"]
        assert f"leads to another ledger, {other.identity.uuid} at " in finding["said"]
        assert finding["todo"].startswith("Unset PRO2_RECONCILIATION_LEDGER")

    def test_is_named_where_it_leads_nowhere(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRO2_RECONCILIATION_LEDGER", f"sqlite:///{tmp_path}/gone.db")
        assert "There is no ledger at" in site.said()["PRO2_RECONCILIATION_LEDGER"]["said"]


def test_without_an_airflow_the_rest_is_still_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pro2_reconciliation.desk.airflow.entry_points", lambda **_: [])
    found = site.said()
    assert not found["Airflow"]["ok"]
    assert "pip install -e ." in found["Airflow"]["todo"]
    assert found["configuration"]["ok"]


def test_of_several_organizations_the_one_of_the_site_is_meant(
    site: Site, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRO2_RECONCILIATION_ORGANIZATIONS", "playhouse,opera")
    for name, value in [*site.served.connections().items()]:
        monkeypatch.delenv(name)
        monkeypatch.setenv(f"{name}__PLAYHOUSE", value)
    monkeypatch.setenv(
        "AIRFLOW_CONN_RECONCILIATION_LEDGER__PLAYHOUSE",
        json.dumps({"conn_type": "sqlite", "host": ledger.address.removeprefix("sqlite:///")}),
    )
    site.dags = {f"{dag_id}__playhouse": DagSeen(paused=False) for dag_id in DAGS}

    said = contextvars.copy_context().run(site.said)

    assert said["connection pro2__playhouse"]["ok"]
    assert said["DAG reconcile__playhouse"]["ok"]
    assert said["ledger"]["ok"]


def test_the_dags_are_read_from_the_metadata_database() -> None:
    from airflow.models.dag import DagModel

    engine = create_engine("sqlite://")
    DagModel.__table__.create(engine)
    with engine.begin() as connection:
        for dag_id, paused, stale in (("guard_repairs", False, False), ("reconcile", True, True)):
            connection.execute(
                insert(DagModel.__table__).values(
                    dag_id=dag_id, is_paused=paused, is_stale=stale, fileloc="x", bundle_name="b",
                    has_import_errors=False, max_active_tasks=1, max_consecutive_failed_dag_runs=0,
                    has_task_concurrency_limits=False,
                )
            )  # fmt: skip
    with Session(engine) as session:
        seen = dags_in(session)
    assert seen == {"guard_repairs": DagSeen(paused=False)}
    assert [one.ok for one in dag_findings(seen)] == [True, False, False]
