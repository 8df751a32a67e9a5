"""The files of a dag run, all in one folder of any Airflow object storage: report, JSON, recording, CSV of a drift.

The CSV is the only file that holds patrons' addresses. It is written when the plan is made, so that the person who
is asked can look at it; applied, there is no drift left to list.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
from typing import Any

log = logging.getLogger("pro2.reconcile")
REPORTS = "PRO2_RECONCILIATION_REPORTS"
LONGEST = 200
"""Characters of a run id that stand in the names of its files."""


def folder_and_name(context: Any) -> tuple[Any, str]:
    """Where the files go, and how the names of this dag run's files begin."""
    from airflow.sdk import ObjectStoragePath

    from pro2_reconciliation.domain.errors import ConfigurationError

    home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
    named = os.environ.get(REPORTS) or f"file://{home}/reports"
    try:
        folder = ObjectStoragePath(named)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{REPORTS} is {named!r}, which cannot be opened ({error}); "
            "correct it, or install the Airflow provider of that storage"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    run_id = context["dag_run"].run_id
    name = "".join(c if (c.isascii() and c.isalnum()) or c in "-_" else "_" for c in run_id)
    if len(name) > LONGEST:  # with what is added to it, longer than a file's name may be
        name = f"{name[:LONGEST]}_{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    return folder, name


def drift_file(context: Any) -> str:
    """The name of the drift's CSV; empty where none was written."""
    folder, name = folder_and_name(context)
    return f"{name}.drift.csv" if (folder / f"{name}.drift.csv").exists() else ""


def write_drift(context: Any, account: Any, plan: Any) -> None:
    """The contacts of every drift that the plan names, as one CSV that only its owner can read on a local disk.

    What cannot be read or written is left out, and said: the plan comes first.
    """
    from pro2_reconciliation.domain.cells import as_text
    from pro2_reconciliation.domain.drift import Drift
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.drift import drift_of, drift_table, with_contacts

    named = with_contacts(plan)
    if not named:
        return
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("job", "action", "contact", "email"))
    known: dict[str, Drift] = {}  # adding and removing are of the same two tags, and those may be large
    for decision in named:
        try:
            drift = known.get(decision.root) or drift_of(account, decision)
            rows = drift_table(account, decision, drift)
        except RequestError as error:
            log.warning("The drift of %s could not be listed: %s", decision.item_id, error)
            continue
        known[decision.root] = drift
        job = decision.item_id.partition("@")[0]
        table.writerows(tuple(map(as_text, (job, todo, contact, mail))) for contact, mail, todo in rows)
    try:
        folder, name = folder_and_name(context)
        path = folder / f"{name}.drift.csv"
        path.touch()
        if path.protocol in ("", "file"):
            os.chmod(path.path, 0o600)
        path.write_text(text.getvalue())
        log.info("The contacts of the drift are in %s", path)
    except Exception as error:  # an object storage has errors of its own
        log.warning("The contacts of the drift could not be written: %s", error)


def write_recording(context: Any, recording: Any) -> None:
    """What the plan was built on, so that another policy can be tried on it. It stops nothing if it cannot be kept."""
    if recording is None:
        return
    try:
        folder, name = folder_and_name(context)
        path = folder / f"{name}.recording.json"
        path.write_text(recording.model_dump_json())
        log.info("To try another policy on this plan: python -m pro2_reconciliation plan %s", path)
    except Exception as error:  # an object storage has errors of its own; the plan comes first
        log.warning("The recording of this plan could not be kept: %s", error)
