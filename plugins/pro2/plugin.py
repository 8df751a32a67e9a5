"""The Airflow plugin, found through the entry point ``airflow.plugins``: the page "Outages".

It is loaded in every process, tasks included, so this module stays tiny; the page imports itself when it is first
asked for.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from pro2.organization import JOINT, suffixes
from pro2.web.lazy import page_of

PREFIX = "/pro2"
NAME = "Outages"
PAGE = f"{PREFIX.strip('/')}/"
"""Without a leading slash, so that it holds below the path of any ``[api] base_url``."""


def _apps() -> list[dict[str, Any]]:
    """The page; one for each organization, where there are several, with a ledger and rights of its own."""
    return [
        {"app": page_of(_name(suffix)), "url_prefix": f"{PREFIX}{suffix}", "name": f"{NAME}{_behind(suffix)}"}
        for suffix in suffixes()
    ]


def _views() -> list[dict[str, Any]]:
    """Where Airflow shows it: in the navigation, and as a tab of a dag run."""
    views: list[dict[str, Any]] = []
    for suffix in suffixes():
        page, name = f"{PAGE.rstrip('/')}{suffix}/", f"{NAME}{_behind(suffix)}"
        nav = {"destination": "nav", "url_route": f"outages{suffix}", "nav_top_level": True}
        tab = {"destination": "dag_run", "url_route": f"outages-of-run{suffix}"}
        views += [
            {"name": name, "href": page, **nav},
            {"name": name, "href": f"{page}?dag={{DAG_ID}}&run={{RUN_ID}}", **tab},
        ]
    return views


def _name(suffix: str) -> str:
    return suffix.removeprefix(JOINT)


def _behind(suffix: str) -> str:
    return f": {_name(suffix)}" if suffix else ""


class Pro2Plugin(AirflowPlugin):
    name = "pro2"
    fastapi_apps = _apps()
    external_views = _views()
