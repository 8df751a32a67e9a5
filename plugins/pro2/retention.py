"""Delete the files of dag runs that are older than the policy keeps them. Nothing else in the folder is touched.

A file is ours if its name is that of a dag run of which this ledger has the plan, and its content names that plan:
another Airflow that writes into the same folder, or a person who puts something there, loses nothing. The CSV of a
drift from before it named its plan is known by its name and its columns: it holds addresses, and must not stay for
ever. The age is that of the plan in the ledger, not what a storage says. The newest report stays, and what an item
that is still open refers to. Whatever goes wrong is said in the log; the report does not depend on it.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pro2.files import DRIFT, DRIFT_COLUMNS, RECORDING, SHOWN, name_of, reports_folder

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from pro2_reconciliation.repair.account import Account

log = logging.getLogger("pro2.reconcile")


@dataclass(frozen=True)
class _Run:
    """What the ledger knows of the files of one dag run: its plans, and when the newest was made."""

    plans: frozenset[str]
    at: datetime


def delete_old(account: Account) -> list[str]:
    """Delete what is too old. Out: the names of the files that were deleted."""
    deleted: list[str] = []
    try:
        for name in _delete(account, reports_folder()):
            deleted.append(name)
    except Exception as error:  # an object storage has errors of its own, and the report was written before
        log.warning("Not every old file could be deleted: %s", error)
    return deleted


def _delete(account: Account, folder: ObjectStoragePath) -> Iterator[str]:
    policy, now = account.policy, account.now()
    keep = timedelta(days=policy.keep_reports_days)
    runs = _runs(account)
    there = {path.name: path for path in folder.iterdir()} if folder.exists() else {}
    needed = {item.plan_hash for item in account.ledger.open_items(account.organization)}
    reported = [name for name in runs if f"{name}.html" in there]
    newest = max(reported, key=lambda name: runs[name].at, default=None)
    for name, run in runs.items():
        age = now - run.at
        endings = [DRIFT] if age > timedelta(days=policy.keep_addresses_days) else []
        if age > keep and name != newest and not needed & run.plans:
            endings = [*SHOWN, RECORDING, DRIFT]
        for ending in endings:
            path = there.get(f"{name}.{ending}")
            if path is not None and _is_of(path, run, ending):
                try:
                    path.unlink()
                except FileNotFoundError:
                    continue  # another report did it at the same moment
                yield path.name


def _runs(account: Account) -> dict[str, _Run]:
    """By how the names of their files begin."""
    found: dict[str, _Run] = {}
    for plan_hash, dag_run, at in account.ledger.plans_made(account.organization):
        name = name_of(dag_run)
        known = found.get(name, _Run(frozenset(), at))
        found[name] = _Run(known.plans | {plan_hash}, max(known.at, at))
    return found


def _is_of(path: ObjectStoragePath, run: _Run, ending: str) -> bool:
    """Whether a file names a plan of this dag run, or is a drift of before; one that is neither is said, and stays."""
    content: bytes = path.read_bytes()
    if any(plan_hash.encode() in content for plan_hash in run.plans):
        return True
    if ending == DRIFT and _has_the_columns_of_before(content):
        return True
    log.warning("%s is old and has the name of a file of ours, but names no plan of ours; it stays", path)
    return False


def _has_the_columns_of_before(content: bytes) -> bool:
    head = content.decode("utf-8", "replace").lstrip("\ufeff").partition("\n")[0]
    return next(csv.reader([head.strip()]), []) == [*DRIFT_COLUMNS[:-1]]
