"""Provider metadata, found by Airflow through the entry point ``apache_airflow_provider``."""

from __future__ import annotations

from typing import Any

INTEGRATION = "Pro2"


def get_provider_info() -> dict[str, Any]:
    """What this distribution adds to Airflow: connection types with their forms.

    Imports nothing heavy: every Airflow process calls it at start-up.
    """
    from pro2.connection_types import CONNECTION_TYPES

    return {
        "package-name": "pro2-reconciliation",
        "name": "Pro2",
        "description": "Finds what a Pro2 outage kept from happening, and repairs it.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://help.prospect2.com/",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {
                "integration-name": INTEGRATION,
                "python-modules": [
                    "pro2.hooks.pro2",
                    "pro2.hooks.dashboard",
                    "pro2.hooks.tessitura",
                    "pro2.hooks.status_feed",
                    "pro2.hooks.asynchronous",
                ],
            }
        ],
        "connection-types": CONNECTION_TYPES,
        "extra-links": [f"pro2.links.{name}" for name in ("CampaignLink", "JobLink", "ItemLink", "RunLink")],
    }
