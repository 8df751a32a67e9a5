"""The settings of a local Airflow: on loopback, quick to notice things, with secrets of its own."""

from __future__ import annotations

import base64
import json
import os
import secrets as random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

ROLES = ("admin", "op", "user", "viewer")
"""Each is a user name and that user's role in the simple auth manager."""


@dataclass(frozen=True)
class Secrets:
    """What one instance signs, encrypts and logs in with."""

    jwt: str = field(default_factory=lambda: random.token_hex(32), repr=False)
    fernet: str = field(
        default_factory=lambda: base64.urlsafe_b64encode(random.token_bytes(32)).decode(), repr=False
    )
    session: str = field(default_factory=lambda: random.token_hex(32), repr=False)
    passwords: Mapping[str, str] = field(
        default_factory=lambda: {role: random.token_urlsafe(12) for role in ROLES}, repr=False
    )

    @classmethod
    def kept_in(cls, home: Path) -> Self:
        """Those of an instance that was here before (its database is encrypted with them), or new ones."""
        path = home / "secrets.json"
        if path.exists():
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        made = cls()
        write_private(path, json.dumps(asdict(made)))
        write_private(password_file(home), json.dumps(dict(made.passwords)))
        return made


def password_file(home: Path) -> Path:
    return home / "passwords.json"


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, at no moment."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def airflow_settings(
    *,
    home: Path,
    dags_folder: Path,
    port: int,
    secrets: Secrets,
    parallelism: int,
    database: str | None = None,
) -> dict[str, str]:
    """Environment variables for every process of the instance; ``database`` None: a SQLite file in ``home``."""
    url = f"http://127.0.0.1:{port}"
    by_section: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": dags_folder,
            "plugins_folder": home / "no-plugins",  # ours come in through the entry point
            "executor": "LocalExecutor",
            "parallelism": parallelism,
            "load_examples": False,
            "fernet_key": secrets.fernet,
            "dags_are_paused_at_creation": True,
            "test_connection": "Enabled",
            "execution_api_server_url": f"{url}/execution/",
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": ",".join(f"{role}:{role}" for role in ROLES),
            "simple_auth_manager_passwords_file": password_file(home),
            "min_serialized_dag_update_interval": 1,
        },
        "database": {"sql_alchemy_conn": database or f"sqlite:///{home / 'airflow.db'}"},
        "api": {
            "host": "127.0.0.1",
            "port": port,
            "base_url": url,
            "workers": 1,
            "secret_key": secrets.session,
        },
        "api_auth": {"jwt_secret": secrets.jwt},
        "scheduler": {
            "scheduler_idle_sleep_time": 0.3,
            "scheduler_heartbeat_sec": 1,
            "job_heartbeat_sec": 2,
            "enable_health_check": False,
        },
        # The supervisor of a failed or skipped task may notice its end only at its next heartbeat.
        "workers": {"min_heartbeat_interval": 1},
        "triggerer": {"job_heartbeat_sec": 1},
        # A file is parsed again when it was changed; parsing all of them all the time costs a quarter of a core.
        "dag_processor": {
            "refresh_interval": 30,
            "bundle_refresh_check_interval": 2,
            "min_file_process_interval": 600,
            "parsing_processes": 1,
        },
        "logging": {"base_log_folder": home / "logs"},
    }
    settings = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, options in by_section.items()
        for name, value in options.items()
    }
    return {
        "AIRFLOW_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
        # macOS: a fork that touches the network before exec is killed without it
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",
        **settings,
    }
