"""Every DAG file parses, says what it is, and stays cheap: each task process parses its DAG file first."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench.parse import touched

DAGS = Path(__file__).resolve().parents[2] / "dags"
EXPECTED = {"detect_outages", "guard_repairs", "reconcile"}
HEAVY = {"alembic", "fastapi", "pandas", "pro2_sandbox"}


@pytest.fixture(scope="module")
def bag():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(DAGS, load_op_links=False)


def test_no_import_errors(bag):
    assert bag.import_errors == {}


def test_exactly_the_three_dags(bag):
    assert set(bag.dag_ids) == EXPECTED


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_a_dag_says_what_it_is(bag, dag_id):
    dag = bag.dags[dag_id]
    assert dag.doc_md
    assert dag.doc_md.strip()
    assert dag.tags
    assert {task.owner for task in dag.tasks} & {"airflow", ""} == set(), "name an owner in default_args"


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_parsing_imports_nothing_heavy(dag_id):
    """Compared with what importing Airflow itself brings in, so that only our own imports count."""
    code = f"""
import runpy, sys
import airflow.sdk
before = set(sys.modules)
runpy.run_path({str(DAGS / f"{dag_id}.py")!r})
print("HEAVY", *sorted({HEAVY!r} & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["HEAVY"]


def test_the_check_of_the_astro_cli_finds_every_file_in_order():
    """``astro dev parse`` runs it; it stands where the CLI looks, outside of our tests."""
    found = runpy.run_path(str(DAGS.parent / ".astro" / "test_dag_integrity_default.py"))
    assert {file.stem for file in found["FILES"]} == EXPECTED
    for file in found["FILES"]:
        found["test_a_dag_file_can_be_imported"](file)


def test_parsing_touches_no_network_no_database_no_process_and_no_file_elsewhere():
    """A DAG processor parses again and again, on a host that may reach nothing."""
    assert touched() == []


def test_each_organization_of_a_consortium_has_its_own_dags():
    code = f"""
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({str(DAGS)!r}, load_op_links=False)
assert bag.import_errors == {{}}, bag.import_errors
print(*sorted(bag.dag_ids))
print(*sorted(len(dag.tasks) for dag in bag.dags.values()))
"""
    environment = {**os.environ, "PRO2_RECONCILIATION_ORGANIZATIONS": "opera,ballet"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    *_, ids, sizes = done.stdout.splitlines()
    assert set(ids.split()) == {f"{dag}__{name}" for dag in EXPECTED for name in ("opera", "ballet")}
    assert len(set(sizes.split())) == 3


def test_a_wrong_time_of_the_nightly_takes_away_neither_guard_nor_detection():
    code = f"""
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({str(DAGS)!r}, load_op_links=False)
print(json.dumps([sorted(bag.dag_ids), list(bag.import_errors.values())]))
"""
    environment = {**os.environ, "PRO2_RECONCILIATION_NIGHTLY": "0 25 * * * America/Chicago"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    known, [error] = json.loads(done.stdout.splitlines()[-1])
    assert known == ["detect_outages", "guard_repairs"]
    assert (
        "PRO2_RECONCILIATION_NIGHTLY '0 25 * * * America/Chicago' has no hour 25; write five fields" in error
    )
