"""What the demo writes for Airflow is what a site would write."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from pro2_reconciliation.domain.config import Sources
from pro2_reconciliation.domain.outage import Evidence, Outage
from pro2_reconciliation.ledger import Ledger
from pro2_sandbox.demo.exporting import EVERY, Exporter
from pro2_sandbox.demo.options import parse
from pro2_sandbox.demo.site import adopt_ledger, confirm_suspected, environment, served_files, write_files
from pro2_sandbox.incident import Incident
from pro2_sandbox.loader import build_incident, load_incident
from pro2_sandbox.local.processes import LocalRunError
from pro2_sandbox.site_config import sources

INCIDENT = build_incident(
    {
        "name": "An evening",
        "organization": "playhouse",
        "tokens": {"tessitura_password": "not-in-the-login"},
        "outages": [
            {"services": ["sending"], "start": "-3h", "feed": {"started": "-3h", "component": "Sending"}}
        ],
    }
)


def connection(name: str, read_only: bool = False, incident: Incident = INCIDENT) -> dict[str, object]:
    env = environment(
        incident=incident,
        sandbox_url="http://127.0.0.1:8715",
        config=Path("/demo/config"),
        reports=Path("/demo/reports"),
        ledger=Path("/demo/ledger.db"),
        mode="ask",
        read_only=read_only,
    )
    found: dict[str, object] = json.loads(env[f"AIRFLOW_CONN_{name}"])
    return found


def test_the_sources_are_ones_that_a_site_may_have():
    read = Sources.model_validate(sources(INCIDENT))
    assert [feed.components for feed in read.feeds] == [("Sending",)]
    assert [probe.connection for probe in read.probes] == ["pro2"]


@pytest.mark.parametrize("name", ["PRO2", "PRO2_DASHBOARD"])
def test_the_two_writable_connections_follow_the_option(name):
    assert connection(name)["extra"]["read_only"] is False
    assert connection(name, read_only=True)["extra"]["read_only"] is True


def test_no_secret_stands_outside_the_password():
    for name in ("PRO2", "PRO2_DASHBOARD", "TESSITURA"):
        shown = {key: value for key, value in connection(name).items() if key != "password"}
        assert connection(name)["password"] not in json.dumps(shown)


def test_a_site_whose_log_is_exported_has_no_interface_to_the_dashboard():
    exported = load_incident(parse(["--by-hand"]).incident_path)
    assert exported.play.dashboard == "export"
    assert connection("PRO2_DASHBOARD", incident=exported) == {
        "conn_type": "pro2_dashboard",
        "extra": {"adapter": "export"},
    }
    where = Path("/demo/exports")
    assert (
        "/sandbox/config/activity_export.yaml?path=file%3A%2F%2F%2Fdemo%2Fexports"
        in served_files(exported, where).values()
    )
    assert "activity_export.yaml" not in served_files(INCIDENT, where)


class Board:
    """Answers as the sandbox does; ``status`` 503 while the dashboard is down."""

    def __init__(self) -> None:
        self.status, self.asked = 200, 0

    def fetch(self, path: str) -> requests.Response:
        self.asked += 1
        answer = requests.Response()
        answer.status_code = self.status
        answer.headers["X-File-Name"] = f"activity-{self.asked}.csv"
        answer._content = f"{path} {self.asked}".encode()
        answer.raise_for_status()
        return answer


def test_the_log_is_exported_every_few_seconds_each_time_into_a_file_of_its_own(tmp_path):
    board, now = Board(), [100.0]
    exporter = Exporter(tmp_path, board.fetch, clock=lambda: now[0])
    for second in range(11):
        now[0] = 100 + second * EVERY / 5
        exporter.keep_up()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "activity-1.csv",
        "activity-2.csv",
        "activity-3.csv",
    ]
    assert (tmp_path / "activity-2.csv").read_text() == "/sandbox/activity.csv 2"


def test_while_the_dashboard_is_down_nothing_is_exported_and_any_other_answer_is_an_error(tmp_path):
    board, now = Board(), [0.0]
    exporter = Exporter(tmp_path, board.fetch, clock=lambda: now[0])
    board.status = 503
    exporter.keep_up()
    assert list(tmp_path.iterdir()) == []
    board.status, now[0] = 500, EVERY
    with pytest.raises(requests.HTTPError):
        exporter.keep_up()


def test_an_incident_is_found_by_file_or_by_name(tmp_path):
    own = tmp_path / "mine.yaml"
    own.touch()
    assert parse(["--incident", str(own)]).incident_path == own
    assert parse([]).incident_path.name in ("evening-outage.yaml", "evening-outage")


def test_a_bad_approval_is_refused_before_anything_starts(capsys):
    with pytest.raises(SystemExit):
        parse(["--approve", ","])
    assert "write all, none, or ids" in capsys.readouterr().err


def test_the_demo_vouches_for_its_new_ledger_as_its_operator_would(tmp_path):
    config = tmp_path / "config"
    write_files(config, {"jobs.yaml": "organization: playhouse\nzone: America/Chicago\njobs: []\n"})
    adopt_ledger(tmp_path / "ledger.db", config)
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        assert ledger.execute("SELECT epoch, who, why FROM adoption").fetchall() == [
            (2, "demo", "first start of the demo")
        ]


def test_the_demo_confirms_what_only_a_status_page_saw(tmp_path):
    """As a colleague would: a slow machine looks for itself when the outage is over."""
    config, path = tmp_path / "config", tmp_path / "ledger.db"
    write_files(config, {"jobs.yaml": "organization: playhouse\nzone: America/Chicago\njobs: []\n"})
    ledger = Ledger.open(f"sqlite:///{path}", clock=lambda: START + timedelta(hours=4))
    ledger.replace_outages("playhouse", [outage("seen", confirms=True)], "a test")
    assert confirm_suspected(path, config) is False
    ledger.replace_outages(
        "playhouse", [outage("seen", confirms=True), outage("read", confirms=False)], "a test"
    )
    assert confirm_suspected(path, config) is True
    (said,) = ledger.declarations("playhouse")
    assert (said.start, said.who, said.why) == (START, "demo", "colleagues could not send")
    ledger.close()


START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)


def outage(identity, *, confirms):
    end = START + timedelta(hours=3)
    claim = Evidence(source="feed", key="1", service="sending", start=START, end=end, confirms=confirms)
    return Outage(
        id=identity,
        organization="playhouse",
        service="sending",
        start=START,
        end=end,
        state="settled",
        evidence=(claim,),
    )


def test_what_the_desk_refuses_stops_the_demo_in_its_words(tmp_path):
    with pytest.raises(LocalRunError, match=r"The desk refused «adopt» in the demo: .*is not a directory"):
        adopt_ledger(tmp_path / "ledger.db", tmp_path / "nowhere")
