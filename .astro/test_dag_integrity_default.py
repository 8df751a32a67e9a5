"""What `astro dev parse` runs in the image: every file in dags/ can be imported, and is a DAG.

Paths in dag_integrity_exceptions.txt may be broken. The real tests of the DAGs are in tests/dags.
"""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

PROJECT = Path(__file__).resolve().parents[1]
LINES = (PROJECT / ".astro" / "dag_integrity_exceptions.txt").read_text(encoding="utf-8").splitlines()
EXCEPTIONS = {line.strip() for line in LINES if not line.startswith("#")}
FILES = sorted((PROJECT / "dags").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_a_dag_file_can_be_imported(file: Path) -> None:
    if f"dags/{file.name}" in EXCEPTIONS:
        pytest.skip("named in .astro/dag_integrity_exceptions.txt")
    found = DagBag(file)
    assert found.import_errors == {}
    assert found.dags, f"{file.name} defines no DAG"
