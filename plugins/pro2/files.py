"""The files of a dag run, all in one folder of any Airflow object storage: report, JSON, and the CSV of a drift.

The CSV is the only file that holds patrons' addresses. It is written when the plan is made, so that the person who
is asked can look at it; applied, there is no drift left to list.
"""

from __future__ import annotations

import csv
import io
import logging
import os
from typing import Any

log = logging.getLogger("pro2.reconcile")
REPORTS = "PRO2_RECONCILIATION_REPORTS"


def folder_and_name(context: Any) -> tuple[Any, str]:
    """Where the files go, and how the names of this dag run's files begin."""
    from airflow.sdk import ObjectStoragePath

    home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
    folder = ObjectStoragePath(os.environ.get(REPORTS) or f"file://{home}/reports")
    folder.mkdir(parents=True, exist_ok=True)
    return folder, "".join(c if c.isalnum() or c in "-_" else "_" for c in context["dag_run"].run_id)


def drift_file(context: Any) -> str:
    """The name of the drift's CSV; empty where none was written."""
    folder, name = folder_and_name(context)
    return f"{name}.drift.csv" if (folder / f"{name}.drift.csv").exists() else ""


def write_drift(context: Any, account: Any, plan: Any) -> None:
    """The contacts of every drift that the plan proposes, as one CSV. What cannot be read is left out, and said."""
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.domain.words import Remedy
    from pro2_reconciliation.repair.drift import drift_table

    proposed = [d for d in plan.decisions if d.remedy in (Remedy.ADD_TAG, Remedy.REMOVE_TAG)]
    if not proposed:
        return
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("job", "action", "contact", "email"))
    for decision in proposed:
        try:
            rows = drift_table(account, decision)
        except RequestError as error:
            log.warning("The drift of %s could not be listed: %s", decision.item_id, error)
            continue
        job = decision.item_id.partition("@")[0]
        table.writerows((job, todo, contact, as_text(mail)) for contact, mail, todo in rows)
    folder, name = folder_and_name(context)
    (folder / f"{name}.drift.csv").write_text(text.getvalue())
    log.info("The contacts of the drift are in %s", folder / f"{name}.drift.csv")


def as_text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
