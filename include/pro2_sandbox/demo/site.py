"""What a site would set up by hand: its files, its connections, and the variables that Airflow reads."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from pro2_sandbox.incident import Incident
from pro2_sandbox.local.processes import LocalRunError

SERVED = ("jobs.yaml", "policy.yaml", "sources.yaml")
"""Files that the sandbox writes for its incident, under ``/sandbox/config/``."""
_SUSPECTED = re.compile(r"^Outage (\w+) .*only suspected$", re.MULTILINE)
EXPORT = "activity_export.yaml"
"""One more where the Activity Log comes as exported files; it is told where they lie."""


def served_files(incident: Incident, exports: Path) -> dict[str, str]:
    """Name of each of the site's files to the path under which the sandbox serves it."""
    found = {name: f"/sandbox/config/{name}" for name in SERVED}
    if incident.play.dashboard == "export":
        found[EXPORT] = f"/sandbox/config/{EXPORT}?{urlencode({'path': exports.as_uri()})}"
    return found


PACE_MS = 220
"""Between two requests: nobody shares the sandbox's 5 a second with us."""


def write_files(folder: Path, served: Mapping[str, str]) -> None:
    """The site's directory, as the sandbox serves it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in served.items():
        (folder / name).write_text(text, encoding="utf-8")


def adopt_ledger(ledger: Path, config: Path) -> None:
    """Begin the ledger and vouch for it, as its operator does at the first start: a new one allows plans only.

    The sandbox does whatever is asked of it, so nobody has to see that first.
    Raises ``LocalRunError`` with what the desk said.
    """
    _desk(ledger, config, "adopt", "--create", "--why", "first start of the demo")
    _desk(ledger, config, "capabilities", "accept", "all", "--why", "the sandbox")


def confirm_suspected(ledger: Path, config: Path) -> bool:
    """Vouch for every outage that is only suspected, as a colleague who noticed it does; whether there was one.

    On a slow machine our own look may come when the outage is over, and a status page alone confirms nothing.
    Raises ``LocalRunError`` with what the desk said.
    """
    suspected = _SUSPECTED.findall(_desk(ledger, config, "status"))
    for outage in suspected:
        _desk(ledger, config, "confirm", outage, "--why", "colleagues could not send")
    return bool(suspected)


def _desk(ledger: Path, config: Path, *said: str) -> str:
    command = ["--ledger", f"sqlite:///{ledger}", "--config", str(config), "--who", "demo", *said]
    told = subprocess.run(  # noqa: S603 (our own module and our own paths)
        [sys.executable, "-m", "pro2_reconciliation", *command], capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise LocalRunError(f"The desk refused «{said[0]}» in the demo: {told.stderr.strip()}")
    return told.stdout


def variables(*, config: Path, reports: Path, mode: str) -> dict[str, str]:
    """Variables for every process of Airflow; ``mode`` is of the dag runs that detection starts."""
    return {
        "PRO2_RECONCILIATION_CONFIG": str(config),
        "PRO2_RECONCILIATION_REPORTS": reports.as_uri(),
        "PRO2_RECONCILIATION_DETECT_MODE": mode,
    }


def connections(
    *, incident: Incident, sandbox_url: str, ledger: Path, read_only: bool, by_hand: bool = False
) -> dict[str, dict[str, object]]:
    """Id of each connection to its fields.

    Where the incident has the Activity Log exported, the dashboard's has neither host nor secret.
    """
    tokens = incident.tokens
    acting = {"read_only": read_only, "actions": "manual" if by_hand else "api"}
    exported = incident.play.dashboard == "export"
    return {
        "pro2": {
            "conn_type": "pro2",
            "host": sandbox_url,
            "password": tokens.api_token,
            "extra": {**acting, "pace_ms": PACE_MS},
        },
        "pro2_dashboard": {"conn_type": "pro2_dashboard", "extra": {"adapter": "export"}}
        if exported
        else {
            "conn_type": "pro2_dashboard",
            "host": sandbox_url,
            "password": tokens.dashboard_token,
            "extra": {**acting, "organization": incident.organization},
        },
        "tessitura": {
            "conn_type": "tessitura",
            "host": sandbox_url,
            "login": tokens.tessitura_user,
            "password": tokens.tessitura_password,
        },
        "status_feed": {"conn_type": "status_feed", "host": f"{sandbox_url}/status"},
        "reconciliation_ledger": {"conn_type": "sqlite", "host": str(ledger)},
    }
