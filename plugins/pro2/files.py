"""The files of a dag run, all in one folder of any Airflow object storage: report, digest, recording, CSV of a drift.

The CSV of a drift is the only file that holds patrons' addresses. It is written when the plan is made, so that the
person who is asked can look at it; applied, there is no drift left to list. Each file names its plan: by that
``retention.py`` knows which files are ours. Fails with ``ConfigurationError`` for a folder that cannot be opened.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from typing import TYPE_CHECKING, Any

from pro2 import organization
from pro2_reconciliation.domain.oneline import one_line

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from pro2_reconciliation.overview.digest import Digest
    from pro2_reconciliation.repair.report import Report

log = logging.getLogger("pro2.reconcile")
REPORTS = "PRO2_RECONCILIATION_REPORTS"
LONGEST = 200
"""Characters of a run id that stand in the names of its files."""
SHOWN = ("html", "txt", "csv", "json", "digest.html")
"""Endings of the files that a person may be shown: no address stands in them, and nothing that Pro2 answered."""
DRIFT, RECORDING = "drift.csv", "recording.json"
DRIFT_COLUMNS = ("job", "action", "contact", "email", "plan_hash")
"""Of the CSV of a drift. At first it had no last one, and such files may still lie about."""
_RUN = re.compile(r"[A-Za-z0-9_-]{1,255}")
"""How the name of a file of ours begins: no sign that means something in a path."""


def reports_folder() -> ObjectStoragePath:
    """Where the files are; of several organizations, each has a folder in it, for two dag runs may be called alike.

    Raises ``ConfigurationError`` for a storage that this Airflow does not know.
    """
    from airflow.sdk import ObjectStoragePath

    from pro2_reconciliation.domain.errors import ConfigurationError

    home = os.environ.get("AIRFLOW_HOME", os.path.expanduser("~/airflow"))
    named = os.environ.get(REPORTS) or f"file://{home}/reports"
    try:
        folder = ObjectStoragePath(named)
        folder.fs  # noqa: B018 (the storage is looked up here, and not before)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{REPORTS} is {named!r}, which cannot be opened ({error}); "
            "correct it, or install the Airflow provider of that storage"
        ) from None
    mine = organization.current()
    return folder / mine if mine else folder


def name_of(run_id: str) -> str:
    """How the names of a dag run's files begin."""
    name = "".join(c if (c.isascii() and c.isalnum()) or c in "-_" else "_" for c in run_id)
    if len(name) > LONGEST:  # with what is added to it, longer than a file's name may be
        name = f"{name[:LONGEST]}_{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
    return name


def folder_and_name(context: Any) -> tuple[ObjectStoragePath, str]:
    """Where this dag run's files go, and how their names begin; the folder is made if it is not there."""
    folder = reports_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder, name_of(context["dag_run"].run_id)


def write_report(context: Any, report: Report) -> str:
    """Write the report as page, text, table and JSON. Out: the path of the page."""
    from pro2_reconciliation.repair.plain import mail_text
    from pro2_reconciliation.repair.report import as_json
    from pro2_reconciliation.repair.report_page import render
    from pro2_reconciliation.repair.spreadsheet import as_csv

    folder, name = folder_and_name(context)
    _write(folder / f"{name}.json", json.dumps(as_json(report), indent=1, ensure_ascii=False))
    _write(folder / f"{name}.csv", as_csv(report))
    _write(folder / f"{name}.txt", mail_text(report, beside=name))
    page = folder / f"{name}.html"
    _write(page, render(report, beside=name))
    return str(page)


def write_digest(context: Any, night: Digest) -> None:
    """Write the digest beside the report of the night."""
    folder, name = folder_and_name(context)
    path = folder / f"{name}.digest.html"
    _write(path, night.html)
    log.info("The digest was written to %s", path)


def report_of(dag_run: str, ending: str = "html") -> bytes:
    """A file of a dag run's report (an ending of ``SHOWN``), for whoever shows it to a person.

    Raises ``ReconciliationError`` where there is none, as where it lies on the disk of another host.
    """
    return shown_file(f"{name_of(dag_run)}.{ending}")


def shown_file(name: str) -> bytes:
    """A file by its name in the folder; raises as ``report_of``, also for one that is not to be shown."""
    from pro2_reconciliation.domain.errors import ReconciliationError

    run, _, ending = name.partition(".")
    if not _RUN.fullmatch(run) or ending not in SHOWN:
        raise ReconciliationError(
            f"{one_line(name, 80)!r} is not shown; what is: the files of a dag run that end in {', '.join(SHOWN)}"
        )
    path = reports_folder() / name
    try:
        found: bytes = path.read_bytes()
    except FileNotFoundError:
        raise ReconciliationError(
            f"there is no {path}: the dag run has not reported yet, its report was deleted because of its age, or it "
            f"lies on the disk of another host ({REPORTS} may name a storage that all hosts reach)"
        ) from None
    return found


def drift_file(context: Any) -> str:
    """The name of the drift's CSV; empty where none was written."""
    path = reports_folder() / f"{name_of(context['dag_run'].run_id)}.{DRIFT}"
    return path.name if path.exists() else ""


def write_drift(context: Any, account: Any, plan: Any) -> None:
    """The contacts of every drift that the plan names, as one CSV that only its owner can read on a local disk.

    What cannot be read or written is left out, and said: the plan comes first.
    """
    from pro2_reconciliation.domain.cells import as_table
    from pro2_reconciliation.domain.drift import Drift
    from pro2_reconciliation.domain.errors import RequestError
    from pro2_reconciliation.repair.drift import drift_of, drift_table, with_contacts

    named = with_contacts(plan)
    if not named:
        return
    table: list[tuple[str, ...]] = [DRIFT_COLUMNS]
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
        table += ((job, todo, contact, mail, plan.hash) for contact, mail, todo in rows)
    try:
        folder, name = folder_and_name(context)
        path = folder / f"{name}.{DRIFT}"
        path.touch()
        if path.protocol in ("", "file"):
            os.chmod(path.path, 0o600)
        _write(path, as_table(table))
        log.info("The contacts of the drift are in %s", path)
    except Exception as error:  # an object storage has errors of its own
        log.warning("The contacts of the drift could not be written: %s", error)


def write_recording(context: Any, recording: Any) -> None:
    """What the plan was built on, so that another policy can be tried on it. It stops nothing if it cannot be kept."""
    if recording is None:
        return
    try:
        folder, name = folder_and_name(context)
        path = folder / f"{name}.{RECORDING}"
        _write(path, recording.model_dump_json())
        log.info("To try another policy on this plan: python -m pro2_reconciliation plan %s", path)
    except Exception as error:  # an object storage has errors of its own; the plan comes first
        log.warning("The recording of this plan could not be kept: %s", error)


def _write(path: ObjectStoragePath, text: str) -> None:
    """As UTF-8 whatever the machine's locale; the line ends of a CSV stay as they are."""
    path.write_bytes(text.encode("utf-8", "replace"))
