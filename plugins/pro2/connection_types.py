"""The four connection types as data: what their forms show, and nothing that has to be imported.

Airflow reads the forms from here through :mod:`pro2.provider`; the hooks answer the same through
``get_ui_field_behaviour``. A token belongs into the password field: Airflow masks other fields by name only.
"""

from __future__ import annotations

from typing import Any

PRO2 = "pro2"
DASHBOARD = "pro2_dashboard"
TESSITURA = "tessitura"
STATUS_FEED = "status_feed"

DEFAULT_TIMEOUT = 20.0
DEFAULT_PACE_MS = 270

_READ_ONLY = {
    "label": "Read only",
    "description": "While this is on, every request that changes something is refused before it is built.",
    "schema": {"type": ["boolean", "null"], "default": True},
}
_TIMEOUT = {
    "label": "Timeout (seconds)",
    "description": "For connecting, and again for each silence while an answer is awaited.",
    "schema": {"type": ["number", "null"], "default": DEFAULT_TIMEOUT, "minimum": 1, "maximum": 120},
}
_PACE = {
    "label": "Pace (milliseconds between requests)",
    "description": "One budget for all processes; the account allows 5 requests a second.",
    "schema": {"type": ["integer", "null"], "default": DEFAULT_PACE_MS, "minimum": 0, "maximum": 60000},
}
_ACTIONS = {
    "label": "Actions",
    "description": "Who presses: api (this software), or manual (a person, told exactly what to press).",
    "schema": {"type": ["string", "null"], "enum": ["api", "manual", None], "default": "api"},
}
_ADAPTER = {
    "label": "Adapter",
    "description": "How it is read: http, or export (CSV or XLSX files as activity_export.yaml says; no host).",
    "schema": {"type": ["string", "null"], "enum": ["http", "export", None], "default": "http"},
}
_ORGANIZATION = {
    "label": "Organization",
    "description": "The organization's name in the Integrated Dashboard; its jobs and its log are read.",
    "schema": {"type": ["string", "null"]},
}


def _form(relabeling: dict[str, str], placeholders: dict[str, str], *hidden: str) -> dict[str, Any]:
    return {
        "hidden-fields": ["schema", "port", *hidden],
        "relabeling": relabeling,
        "placeholders": placeholders,
    }


CONNECTION_TYPES: list[dict[str, Any]] = [
    {
        "connection-type": PRO2,
        "hook-class-name": "pro2.hooks.pro2.Pro2Hook",
        "hook-name": "Pro2 (ActiveCampaign)",
        "ui-field-behaviour": _form(
            {"host": "API URL", "password": "API key"},
            {"host": "https://account.api-us1.com", "password": "Settings > Developer"},
            "login",
        ),
        "conn-fields": {
            "read_only": _READ_ONLY,
            "actions": _ACTIONS,
            "timeout": _TIMEOUT,
            "pace_ms": _PACE,
        },
    },
    {
        "connection-type": DASHBOARD,
        "hook-class-name": "pro2.hooks.dashboard.Pro2DashboardHook",
        "hook-name": "Pro2 Integrated Dashboard",
        "ui-field-behaviour": _form(
            {"host": "Base URL", "password": "Bearer token"},
            {"host": "https://dashboard.example.org"},
            "login",
        ),
        "conn-fields": {
            "organization": _ORGANIZATION,
            "adapter": _ADAPTER,
            "read_only": _READ_ONLY,
            "actions": _ACTIONS,
            "timeout": _TIMEOUT,
        },
    },
    {
        "connection-type": TESSITURA,
        "hook-class-name": "pro2.hooks.tessitura.TessituraHook",
        "hook-name": "Tessitura (List Manager, read only)",
        "ui-field-behaviour": _form(
            {"host": "Base URL", "login": "user:group:location"},
            {"host": "https://tessitura.example.org", "login": "reader:group:location"},
        ),
        "conn-fields": {"timeout": _TIMEOUT},
    },
    {
        "connection-type": STATUS_FEED,
        "hook-class-name": "pro2.hooks.status_feed.StatusFeedHook",
        "hook-name": "Status feed (Statuspage v2)",
        "ui-field-behaviour": _form(
            {"host": "Base URL"}, {"host": "https://status.example.org"}, "login", "password"
        ),
        "conn-fields": {"timeout": _TIMEOUT},
    },
]


def ui_field_behaviour(connection_type: str) -> dict[str, Any]:
    """The form of one connection type as a hook returns it (underscores instead of hyphens)."""
    behaviour = next(
        one["ui-field-behaviour"] for one in CONNECTION_TYPES if one["connection-type"] == connection_type
    )
    return {
        "hidden_fields": behaviour["hidden-fields"],
        "relabeling": behaviour["relabeling"],
        "placeholders": behaviour["placeholders"],
    }
