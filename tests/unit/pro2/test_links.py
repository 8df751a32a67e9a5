"""Links beside a task: they lead to the item that the task is about, are never more than a link, and never fail."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pro2 import links
from pro2.operators import remedies
from pro2.operators.report import ReportOperator
from pro2.sensors.confirm import ConfirmSensor
from pro2.sensors.watch import CampaignSensor, OccurrenceSensor

TI = SimpleNamespace(dag_id="reconcile", run_id="outage__3f2a__g1", task_id="x", map_index=3)
POLICY = """\
campaign_link: https://playhouse.example/app/campaigns/{id}/overview
job_link: https://dashboard.example/jobs/{id}
"""
HOSTILE = 'javascript:alert(1)"><script>alert(1)</script> {{ conn.pro2.password }}'
OF_ITEMS = (CampaignSensor, OccurrenceSensor, ConfirmSensor, *remedies.StepOperator.__subclasses__())


@pytest.fixture(autouse=True)
def site(site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (site_folder / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/airflow/")
    return site_folder


def watching(kind: str, item_id: str) -> Any:
    return SimpleNamespace(item={"kind": kind, "item_id": item_id, "name": "A name"})


def doing(item_key: str) -> Any:
    return SimpleNamespace(step={"item_key": item_key, "name": "A name"})


def test_a_campaign_is_found_in_pro2_by_its_sensor_and_by_each_step() -> None:
    for task in (watching("campaign", "103"), doing("campaign:103")):
        found = links.CampaignLink().get_link(task, ti_key=TI)
        assert found == "https://playhouse.example/app/campaigns/103/overview"
        assert links.JobLink().get_link(task, ti_key=TI) == ""


def test_a_job_is_found_in_the_dashboard_by_any_of_its_occurrences() -> None:
    for key in ("j-211@2026-11-24T17:25:00Z", "j-211@2026-11-24T17:25:00Z+add"):
        for task in (watching("occurrence", key), doing(f"occurrence:{key}")):
            assert links.JobLink().get_link(task, ti_key=TI) == "https://dashboard.example/jobs/j-211"
            assert links.CampaignLink().get_link(task, ti_key=TI) == ""


def test_the_page_opens_at_the_item_and_at_the_dag_run() -> None:
    key = "occurrence:j-211@2026-11-24T17:25:00Z"
    found = urlsplit(links.ItemLink().get_link(doing(key), ti_key=TI))
    assert (found.netloc, found.path) == ("airflow.example.org", "/airflow/plugin/outages")
    assert parse_qs(found.query) == {"item": [key]}
    found = urlsplit(links.RunLink().get_link(SimpleNamespace(), ti_key=TI))
    assert parse_qs(found.query) == {"run": [TI.run_id]}
    assert links.page_of_item("") == "https://airflow.example.org/airflow/plugin/outages"


def test_where_airflow_does_not_know_its_address_the_page_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    assert links.ItemLink().get_link(doing("campaign:1"), ti_key=TI) == "/plugin/outages?item=campaign%3A1"


def test_where_the_policy_names_no_address_there_is_no_link(site: Path) -> None:
    (site / "policy.yaml").write_text("")
    assert links.CampaignLink().get_link(doing("campaign:103"), ti_key=TI) == ""
    assert links.JobLink().get_link(doing("occurrence:j-1@x"), ti_key=TI) == ""


@pytest.mark.parametrize("link", [links.CampaignLink(), links.JobLink(), links.ItemLink()])
def test_a_hostile_id_stays_within_its_part_of_the_address(link: Any) -> None:
    for task in (doing(f"campaign:{HOSTILE}"), doing(f"occurrence:{HOSTILE}"), watching("campaign", HOSTILE)):
        found = link.get_link(task, ti_key=TI)
        assert not found or urlsplit(found).netloc in (
            "playhouse.example",
            "dashboard.example",
            "airflow.example.org",
        )
        assert not set(found) & set("\"<>' {}")


@pytest.mark.parametrize(
    "base", ["javascript:alert(1)//", "data:text/html,", "//evil.example", "https://a b"]
)
def test_an_address_that_is_none_of_the_web_is_not_linked(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    assert links.ItemLink().get_link(doing("campaign:1"), ti_key=TI) == ""
    assert links.RunLink().get_link(doing("campaign:1"), ti_key=TI) == ""


@pytest.mark.parametrize("link", [links.CampaignLink(), links.JobLink(), links.ItemLink(), links.RunLink()])
@pytest.mark.parametrize(
    "task",
    [
        SimpleNamespace(),  # a task that failed before its item was known
        SimpleNamespace(item=None),
        SimpleNamespace(step={}),
        doing("nothing"),
        doing("planet:1"),
        watching("planet", "1"),
    ],
)
def test_a_link_never_fails(link: Any, task: Any, site: Path) -> None:
    (site / "policy.yaml").write_text("no: [such, key")
    assert isinstance(link.get_link(task, ti_key=SimpleNamespace()), str)


@pytest.mark.parametrize("operator", OF_ITEMS)
def test_every_task_of_an_item_leads_to_the_page_and_into_pro2_or_the_dashboard(operator: type) -> None:
    names = {link.name for link in operator.operator_extra_links}  # type: ignore[attr-defined]
    assert "Outages: this item" in names
    assert names & {"Campaign in Pro2", "Job in the dashboard"}


def test_every_link_has_a_place_of_its_own_and_is_known_to_the_provider() -> None:
    from pro2.provider import get_provider_info

    every = {type(link) for link in (*links.ITEM_LINKS, *links.RUN_LINKS)}
    assert len({kind().xcom_key for kind in every}) == len(every)
    told = get_provider_info()["extra-links"]
    assert set(told) == {f"pro2.links.{kind.__name__}" for kind in every}
    assert ReportOperator.operator_extra_links == links.RUN_LINKS
