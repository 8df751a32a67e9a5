"""What the demo writes for Airflow is what a site would write."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pro2_reconciliation.domain.config import Sources
from pro2_sandbox.demo.options import parse
from pro2_sandbox.demo.site import adopt_ledger, environment, write_files
from pro2_sandbox.loader import build_incident
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


def connection(name: str, read_only: bool = False) -> dict[str, object]:
    env = environment(
        incident=INCIDENT,
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


def test_what_the_desk_refuses_stops_the_demo_in_its_words(tmp_path):
    with pytest.raises(
        LocalRunError, match=r"The ledger of the demo cannot be adopted: .*is not a directory"
    ):
        adopt_ledger(tmp_path / "ledger.db", tmp_path / "nowhere")
