"""The Airflow plugin, found through the entry point ``airflow.plugins``: the page "Outages".

It is loaded in every process, tasks included, so this module stays tiny; the page imports itself when it is first
asked for.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from pro2.web.lazy import outages

PREFIX = "/pro2"
NAME = "Outages"
PAGE = f"{PREFIX.strip('/')}/"
"""Without a leading slash, so that it holds below the path of any ``[api] base_url``."""
ICONS = {"icon": f"{PAGE}static/icon.svg", "icon_dark_mode": f"{PAGE}static/icon-dark.svg"}


class Pro2Plugin(AirflowPlugin):
    name = "pro2"
    fastapi_apps: list[dict[str, Any]] = [{"app": outages, "url_prefix": PREFIX, "name": NAME}]  # noqa: RUF012
    external_views: list[dict[str, Any]] = [  # noqa: RUF012 (Airflow declares it so)
        {
            "name": NAME,
            "href": PAGE,
            "destination": "nav",
            "url_route": "outages",
            "nav_top_level": True,
            **ICONS,
        },
        {
            "name": NAME,
            "href": f"{PAGE}?dag={{DAG_ID}}&run={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "outages-of-run",
            **ICONS,
        },
    ]
