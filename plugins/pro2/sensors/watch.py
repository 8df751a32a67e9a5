"""One mapped sensor per unsettled campaign or occurrence, labelled with its name.

It hands its item to the shared poll at once; the observation comes back as XCom (as JSON text, see build_plan).
Where there are many, ``LeanSensor`` starts in the triggerer and costs no process, at the price of its label.
"""

from __future__ import annotations

from typing import Any, NoReturn

from airflow.sdk import BaseSensorOperator
from airflow.triggers.base import StartTriggerArgs

from pro2.accounts import DASHBOARD, PRO2
from pro2.links import CAMPAIGN_LINKS, ITEM_LINKS, JOB_LINKS
from pro2.triggers.watch import LeanTrigger, WatchTrigger


class _Watch(BaseSensorOperator):
    template_fields = ()
    operator_extra_links = ITEM_LINKS

    def __init__(
        self,
        *,
        item: dict[str, Any],
        pro2_conn_id: str = PRO2,
        dashboard_conn_id: str = DASHBOARD,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.item = item
        self.pro2_conn_id = pro2_conn_id
        self.dashboard_conn_id = dashboard_conn_id

    def execute(self, context: Any) -> NoReturn:
        from pro2_reconciliation.repair.telling import named

        self.log.info(
            "%s: was unsettled when the inventory was taken, so it is watched until %s",
            named(self.item["name"], self.item["item_id"]),
            self.item.get("until") or self.item["deadline"],
        )
        self.defer(
            trigger=WatchTrigger(
                item=self.item,
                inventory=context["dag_run"].run_id,
                pro2_conn_id=self.pro2_conn_id,
                dashboard_conn_id=self.dashboard_conn_id,
            ),
            method_name="execute_complete",
        )
        raise AssertionError("defer does not return")

    def execute_complete(self, context: Any, event: Any = None) -> Any:
        """Never called while the trigger ends the task itself; fails loudly if it ever is."""
        raise RuntimeError(f"the watch of {self.item['item_id']} was resumed on a worker, with {event!r}")


class CampaignSensor(_Watch):
    """Watches one campaign."""

    operator_extra_links = CAMPAIGN_LINKS


class OccurrenceSensor(_Watch):
    """Watches one occurrence of a job."""

    operator_extra_links = JOB_LINKS


class LeanSensor(BaseSensorOperator):
    """Watches the item at ``position`` of the dag run's list, from its start in the triggerer.

    Airflow renders ``inventory`` and ``place`` there; both are numbers and ids of its own. A mapped sensor that
    starts in a triggerer never sees what it is mapped over, so it finds its item by its index.
    """

    template_fields = ("inventory", "place")
    start_from_trigger = True
    start_trigger_args = StartTriggerArgs(
        trigger_cls="pro2.triggers.watch.LeanTrigger",
        next_method="execute_complete",
        trigger_kwargs={
            "inventory": "{{ run_id }}",
            "place": "{{ ti.map_index }}",
            "pro2_conn_id": PRO2,
            "dashboard_conn_id": DASHBOARD,
            "organization": "",  # where there are several, the trigger learns it from its DAG
        },
    )

    def __init__(self, *, position: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.position = position
        self.inventory = "{{ run_id }}"
        self.place = "{{ ti.map_index }}"

    def execute(self, context: Any) -> NoReturn:
        """Where Airflow does not start it in the triggerer: it gets there by a worker, as the labelled ones do."""
        self.log.info("This Airflow started item %s on a worker; the triggerer goes on from here", self.place)
        self.defer(
            trigger=LeanTrigger(
                inventory=self.inventory,
                place=self.place,
                pro2_conn_id=PRO2,
                dashboard_conn_id=DASHBOARD,
            ),
            method_name="execute_complete",
        )
        raise AssertionError("defer does not return")

    def execute_complete(self, context: Any, event: Any = None) -> Any:
        """Never called while the trigger ends the task itself; fails loudly if it ever is."""
        raise RuntimeError(f"the watch of item {self.place} was resumed on a worker, with {event!r}")
