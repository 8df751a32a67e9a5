"""One mapped sensor per unsettled campaign or occurrence, labelled with its name.

It hands its item to the shared poll at once; the observation comes back as XCom (as JSON text, see build_plan).
"""

from __future__ import annotations

from typing import Any, NoReturn

from airflow.sdk import BaseSensorOperator

from pro2.accounts import DASHBOARD, PRO2
from pro2.triggers.watch import WatchTrigger


class _Watch(BaseSensorOperator):
    template_fields = ()

    def __init__(
        self,
        *,
        item: dict[str, Any],
        inventory_task_id: str = "take_inventory",
        pro2_conn_id: str = PRO2,
        dashboard_conn_id: str = DASHBOARD,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.item = item
        self.inventory_task_id = inventory_task_id
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
                inventory=context["ti"].xcom_pull(task_ids=self.inventory_task_id),
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


class OccurrenceSensor(_Watch):
    """Watches one occurrence of a job."""
