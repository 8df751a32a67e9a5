"""Where a button beside a task leads: a campaign in Pro2, a job in the dashboard, the page's entry, the report.

Airflow 3 asks for an extra link in the task's own process, when it ends or is put off (deferred, waiting, rescheduled),
and keeps the text as an XCom; the API server only hands that on. So a link is there as soon as a sensor watches, not
while an operator runs its first seconds, and no link can fail a page. It cannot fail a task either: what goes wrong
here is an empty link, which Airflow does not show. Only http and https are linked, and paths of this Airflow.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperatorLink

from pro2.files import name_of
from pro2.organization import named, of_id, speaking_for

log = logging.getLogger("pro2.links")
PAGE = "/plugin/outages"
"""The route of the page "Outages" in Airflow's own frame; ``?item=KEY`` opens an item, ``?run=ID`` a dag run."""

APP = "/pro2"
"""Where the app of the page answers; ``pro2.web.reports`` below it."""


def base_url() -> str:
    """Airflow's own address without a slash at the end; empty where it is not configured."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def page_of_item(key: str) -> str:
    """The page, at the entry of an item; an empty key: the page itself."""
    return f"{base_url()}{named(PAGE)}" + (f"?item={quote(key, safe='')}" if key else "")


def page_of_run(run_id: str) -> str:
    """The page, at what a dag run did and where its report is."""
    return f"{base_url()}{named(PAGE)}?run={quote(run_id, safe='')}"


def report_file(name: str) -> str:
    """Where the page's app shows a file of a report, by the name of the file."""
    return f"{base_url()}{named(APP)}/reports/{name}"


def tasks_of(dag_id: str, run_id: str) -> str:
    """The address below which Airflow shows the tasks of a dag run."""
    return f"{base_url()}/dags/{dag_id}/runs/{run_id}/tasks"


class _Link(BaseOperatorLink):
    """A link that is empty where it leads nowhere, whatever the reason."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        from pro2_reconciliation.domain.weblink import href

        try:
            # asked for when the task is over, so Airflow does not know any more which one it was
            with speaking_for(of_id(str(ti_key.dag_id))):
                return href(self.address(operator, ti_key))
        except Exception as error:
            log.warning("The link «%s» of %s could not be made: %s", self.name, ti_key, error)
            return ""

    @abstractmethod
    def address(self, operator: Any, ti_key: Any) -> str:
        """The address; empty where there is none. Whatever it raises is logged, and the link is empty."""


class CampaignLink(_Link):
    """The campaign in Pro2, where the policy says how (``campaign_link``)."""

    name = "Campaign in Pro2"

    def address(self, operator: Any, ti_key: Any) -> str:
        return _in_pro2(operator, "campaign")


class JobLink(_Link):
    """The job in the Integrated Dashboard, where the policy says how (``job_link``)."""

    name = "Job in the dashboard"

    def address(self, operator: Any, ti_key: Any) -> str:
        return _in_pro2(operator, "occurrence")


class ItemLink(_Link):
    """The entry of the item on the page "Outages"."""

    name = "Outages: this item"

    def address(self, operator: Any, ti_key: Any) -> str:
        return page_of_item(_key(operator))


class ReportLink(_Link):
    """The report itself, through the page's app: a browser cannot open a bucket or the disk of a worker."""

    name = "Report"

    def address(self, operator: Any, ti_key: Any) -> str:
        return report_file(f"{name_of(str(ti_key.run_id))}.html")


class RunLink(_Link):
    """The page "Outages" at this dag run."""

    name = "Outages: this dag run"

    def address(self, operator: Any, ti_key: Any) -> str:
        return page_of_run(str(ti_key.run_id))


CAMPAIGN_LINKS: tuple[_Link, ...] = (CampaignLink(), ItemLink())
JOB_LINKS: tuple[_Link, ...] = (JobLink(), ItemLink())
ITEM_LINKS: tuple[_Link, ...] = (CampaignLink(), JobLink(), ItemLink())
RUN_LINKS: tuple[_Link, ...] = (ReportLink(), RunLink())
"""What the operators and sensors have, each as it is about campaigns, jobs, either, or a dag run."""


def _key(operator: Any) -> str:
    """The item of a mapped task: a watched item, or a cleared step."""
    step = getattr(operator, "step", None)
    if step is not None:
        return str(step["item_key"])
    item = operator.item
    return f"{item['kind']}:{item['item_id']}"


def _in_pro2(operator: Any, kind: str) -> str:
    from pro2.organization import open_site
    from pro2_reconciliation.domain.words import ItemKind

    found, _, item_id = _key(operator).partition(":")
    return open_site().policy.link_to(ItemKind(kind), item_id) if found == kind else ""
