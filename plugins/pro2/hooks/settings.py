"""What a connection says, read once and checked, before anything is sent.

A missing or impossible connection raises ``ConfigurationError`` with the connection's name and the command
that adds it. The secret stays inside the object: its text form does not show it.
"""

from __future__ import annotations

import base64
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pro2.connection_types import DASHBOARD, DEFAULT_PACE_MS, DEFAULT_TIMEOUT, PRO2, STATUS_FEED, TESSITURA
from pro2_reconciliation.domain.errors import ConfigurationError

API, MANUAL = "api", "manual"
"""Who presses: we, by requests, or a person who is asked to."""
HTTP, EXPORT = "http", "export"
"""How the dashboard is read: through its HTTP contract, or from files (ADR 0008)."""
MAX_CONNECT_SECONDS = 10.0
_SECRET = {PRO2: "API_KEY", DASHBOARD: "TOKEN", TESSITURA: "PASSWORD"}
_HTTP_OPTIONS = frozenset({"verify", "verify_ssl", "cert", "proxy", "proxies", "trust_env"})
"""Extra keys that Airflow's HTTP hook understands; it would send every other key as a header."""


@dataclass(frozen=True)
class Settings:
    """One connection. ``timeout`` is in seconds, ``pace_ms`` in milliseconds (0: no pacing).

    ``manual``: what changes something is pressed by a person (ADR 0007). ``adapter``: ``http``, or ``export``, which
    has neither host nor secret. ``acts``: there are requests of ours that would change something.
    """

    conn_id: str
    base_url: str
    login: str = ""
    secret: str = field(default="", repr=False)
    read_only: bool = True
    acts: bool = True
    timeout: float = DEFAULT_TIMEOUT
    pace_ms: int = DEFAULT_PACE_MS
    organization: str = ""
    manual: bool = False
    adapter: str = HTTP
    http_options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def timeouts(self) -> tuple[float, float]:
        """Seconds for connecting and for each silence while the answer is read."""
        return (min(self.timeout, MAX_CONNECT_SECONDS), self.timeout)

    def without_secret(self, text: str) -> str:
        """A text of the service without our secret: some servers repeat in an error what they were sent."""
        if len(self.secret) < 8:  # so short that it may be part of any word
            return text
        basic = base64.b64encode(f"{self.login}:{self.secret}".encode()).decode()
        return text.replace(self.secret, "***").replace(basic, "***")

    def url(self, path: str) -> str:
        return f"{self.base_url}/{path.lstrip('/')}"


def read_settings(conn_id: str, connection: Any, extra: Mapping[str, Any]) -> Settings:
    """The settings of an Airflow connection; ``extra`` is its decoded extra field.

    Only the written value "no" (false, 0, "false", "no", "off") makes a connection writable.
    """
    adapter = _adapter(conn_id, connection, extra)
    host = (connection.host or "").strip().rstrip("/")
    if host and "://" not in host:
        host = f"{connection.schema or 'https'}://{host}"
    try:
        parts = urlsplit(host)
        port = parts.port
    except ValueError:  # its words may repeat the host, and with it a secret
        raise ConfigurationError(
            f"connection {conn_id} has a host that is no URL; give the base URL with its scheme, "
            "such as https://account.api-us1.com, and the secret as the password"
        ) from None
    if parts.username or parts.password or parts.query:
        raise ConfigurationError(
            f"connection {conn_id} has a secret or a query in its host; use the password"
        )
    if adapter == HTTP and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ConfigurationError(
            f"connection {conn_id} has host {host!r}; give the base URL with its scheme, "
            "such as https://account.api-us1.com"
        )
    if connection.port and port not in (None, connection.port):
        raise ConfigurationError(
            f"connection {conn_id} has port {port} in its host and port {connection.port} beside it; keep one of them"
        )
    if connection.port and not 0 < connection.port < 65536:
        raise ConfigurationError(f"connection {conn_id} has port {connection.port}; give one from 1 to 65535")
    if connection.port and port is None and parts.hostname:
        parts = parts._replace(netloc=f"{parts.netloc}:{connection.port}")
    secret = connection.password or ""
    if connection.conn_type in (PRO2, DASHBOARD) and not (secret.isascii() and secret.isprintable()):
        raise ConfigurationError(
            f"connection {conn_id} has a password with a line break, or a letter that no header can carry; "
            "paste the secret once more"
        )
    return Settings(
        conn_id=conn_id,
        base_url=urlunsplit(parts),
        login=connection.login or "",
        secret=secret,
        read_only=not _is_no(extra.get("read_only")),
        timeout=_number(conn_id, extra, "timeout", DEFAULT_TIMEOUT, low=0.05, high=120),
        pace_ms=int(_number(conn_id, extra, "pace_ms", DEFAULT_PACE_MS, low=0, high=60_000)),
        organization=str(extra.get("organization") or ""),
        manual=_is_manual(conn_id, extra) or adapter == EXPORT,
        adapter=adapter,
        http_options={key: extra[key] for key in _HTTP_OPTIONS & extra.keys()},
    )


def missing(conn_id: str, connection_type: str) -> ConfigurationError:
    """The error for a connection that is not there, with the command that adds it."""
    host = "https://status.example.org" if connection_type == STATUS_FEED else "https://HOST"
    command = ["airflow", "connections", "add", conn_id, "--conn-type", connection_type, "--conn-host", host]
    if connection_type == TESSITURA:
        command += ["--conn-login", "USER:GROUP:LOCATION"]
    if connection_type in _SECRET:
        command += ["--conn-password", _SECRET[connection_type]]
    if connection_type == DASHBOARD:
        command += ["--conn-extra", '{"organization": "NAME"}']
    return ConfigurationError(f"there is no connection {conn_id}; add it with: {shlex.join(command)}")


def _adapter(conn_id: str, connection: Any, extra: Mapping[str, Any]) -> str:
    if connection.conn_type != DASHBOARD:
        return HTTP
    adapter = str(extra.get("adapter") or HTTP)
    if adapter not in (HTTP, EXPORT):
        raise ConfigurationError(f"connection {conn_id} has adapter = {adapter!r}; write {HTTP} or {EXPORT}")
    return adapter


def _is_manual(conn_id: str, extra: Mapping[str, Any]) -> bool:
    """Whether a person presses what would change something, instead of us (``actions: manual``)."""
    actions = str(extra.get("actions") or API)
    if actions not in (API, MANUAL):
        raise ConfigurationError(f"connection {conn_id} has actions = {actions!r}; write {API} or {MANUAL}")
    return actions == MANUAL


def _is_no(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("false", "no", "off", "0")
    return value is False or (isinstance(value, int) and value == 0)


def _number(
    conn_id: str, extra: Mapping[str, Any], key: str, default: float, *, low: float, high: float
) -> float:
    value = extra.get(key)
    if value is None or value == "":
        return default
    try:
        read = float(value)
    except (TypeError, ValueError):
        read = float("nan")
    if not low <= read <= high:
        raise ConfigurationError(
            f"connection {conn_id} has {key} = {value!r}; give a number from {low:g} to {high:g}"
        )
    return read
