"""Airflow finds the page; what it costs a process that does not show it: tests/unit/pro2/web/test_lazy.py."""

from __future__ import annotations

from airflow import plugins_manager
from airflow.api_fastapi.app import RESERVED_URL_PREFIXES
from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse

from pro2.plugin import PAGE, PREFIX, Pro2Plugin


def test_airflow_takes_the_page_as_it_is_registered() -> None:
    [info] = [one for one in plugins_manager.get_plugin_info() if one["name"] == "pro2"]
    told = PluginResponse.model_validate(info)
    assert [(view.destination, view.url_route) for view in told.external_views] == [
        ("nav", "outages"),
        ("dag_run", "outages-of-run"),
    ]
    assert not PREFIX.startswith(tuple(RESERVED_URL_PREFIXES))
    for view in Pro2Plugin.external_views:
        assert view["href"].startswith(PAGE)
        assert not view["href"].startswith("/"), "it would leave the path of [api] base_url"
    assert "{RUN_ID}" in told.external_views[1].href
