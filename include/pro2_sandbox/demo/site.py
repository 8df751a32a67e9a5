"""What a site would set up by hand: its files, its connections, and the variables that Airflow reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from pro2_sandbox.incident import Incident

SERVED = ("jobs.yaml", "policy.yaml")
"""Files that the sandbox writes for its incident, under ``/sandbox/config/``."""
SENDING = "sending"


def sources(component: str | None) -> str:
    """``sources.yaml``: the status page and our own probe, both about sending."""
    feed = {"connection": "status_feed", "service": SENDING, "components": [component] if component else []}
    probe = {"connection": "pro2", "service": SENDING}
    return yaml.safe_dump({"feeds": [feed], "probes": [probe]}, sort_keys=False)


def write_files(folder: Path, incident: Incident, served: Mapping[str, str]) -> None:
    """The site's directory: ``served`` by the sandbox, and the sources."""
    folder.mkdir(parents=True, exist_ok=True)
    component = incident.outage.feed.component if incident.outage.feed else None
    for name, text in {**served, "sources.yaml": sources(component)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def environment(
    *,
    incident: Incident,
    sandbox_url: str,
    config: Path,
    reports: Path,
    ledger: Path,
    mode: str,
    read_only: bool,
) -> dict[str, str]:
    """Variables for every process of Airflow; none of them is known before a port of the sandbox is chosen."""
    tokens = incident.tokens
    connections: dict[str, dict[str, object]] = {
        "PRO2": {
            "conn_type": "pro2",
            "host": sandbox_url,
            "password": tokens.api_token,
            "extra": {"read_only": read_only},
        },
        "PRO2_DASHBOARD": {
            "conn_type": "pro2_dashboard",
            "host": sandbox_url,
            "password": tokens.dashboard_token,
            "extra": {"read_only": read_only, "organization": incident.organization},
        },
        "TESSITURA": {
            "conn_type": "tessitura",
            "host": sandbox_url,
            "login": tokens.tessitura_user,
            "password": tokens.tessitura_password,
        },
        "STATUS_FEED": {"conn_type": "status_feed", "host": f"{sandbox_url}/status"},
        "RECONCILIATION_LEDGER": {"conn_type": "sqlite", "host": str(ledger)},
    }
    return {
        "PRO2_RECONCILIATION_CONFIG": str(config),
        "PRO2_RECONCILIATION_REPORTS": reports.as_uri(),
        "PRO2_RECONCILIATION_DETECT_MODE": mode,
        **{f"AIRFLOW_CONN_{name}": json.dumps(connection) for name, connection in connections.items()},
    }
