"""The house itself: what is declared, pinned and installed agrees."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IN_IMAGES_TOO = {"pytest", "pytest-mock"}
"""The part of the extra ``dev`` that stands in requirements.txt."""
PINNED_ELSEWHERE = {"apache-airflow"}
"""Stands in requirements.txt without a version, and with it in constraints.txt: see the test of Astro's base image."""


def declared(*extras: str) -> dict[str, Requirement]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return {canonicalize_name(r.name): r for r in map(Requirement, chain(*lists))}


def pins(file: str) -> dict[str, str]:
    """Names and versions; of a name without one, that of constraints.txt."""
    lines = [line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines()]
    bare = PINNED_ELSEWHERE & set(lines)
    pairs = [line.split("==") for line in lines if line and line not in bare]
    assert all(len(pair) == 2 for pair in pairs), f"{file} holds something that is not a pin"
    told = {canonicalize_name(name): version for name, version in pairs}
    return {**told, **{name: pins("constraints.txt")[name] for name in bare}}


class TestDependencies:
    def test_requirements_pin_exactly_what_is_declared(self):
        assert (
            set(pins("requirements.txt"))
            == set(declared("celery", "postgres", "redis", "sandbox")) | IN_IMAGES_TOO
        )

    @pytest.mark.parametrize("name", sorted(pins("requirements.txt")))
    def test_a_pin_lies_in_its_range(self, name):
        wanted = declared("celery", "dev", "postgres", "redis", "sandbox")[name].specifier
        assert wanted.contains(pins("requirements.txt")[name])

    def test_constraints_hold_the_same_pins(self):
        constraints = pins("constraints.txt")
        assert {name: constraints.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")

    @pytest.mark.parametrize("name", sorted(declared("dev", "kubernetes")))
    def test_constraints_pin_what_no_image_has_in_its_range(self, name):
        """The tools, and the extra that is installed only into an image of one's own."""
        assert declared("dev", "kubernetes")[name].specifier.contains(pins("constraints.txt")[name])

    def test_constraints_name_no_place(self):
        text = (ROOT / "constraints.txt").read_text()
        assert "://" not in text
        assert " @ " not in text
        assert "pro2-reconciliation" not in text


class TestEntryPoints:
    @pytest.fixture
    def entry_points(self):
        found = importlib.metadata.distribution("pro2-reconciliation").entry_points
        return {entry.group: entry for entry in found}

    def test_the_provider_describes_itself_as_airflow_expects(self, entry_points):
        import airflow
        import jsonschema

        schema = Path(airflow.__file__).with_name("provider_info.schema.json")
        info = entry_points["apache_airflow_provider"].load()()
        jsonschema.validate(info, json.loads(schema.read_text()))
        assert info["package-name"] == PROJECT["name"]

    def test_the_plugin_is_one(self, entry_points):
        from airflow.plugins_manager import AirflowPlugin

        plugin = entry_points["airflow.plugins"].load()
        assert issubclass(plugin, AirflowPlugin)
        assert plugin.name == "pro2"

    def test_airflow_does_not_scan_the_plugins_folder(self):
        """It would load every file there by its stem, as a top-level module."""
        assert (ROOT / "plugins/.airflowignore").read_text().split() == ["*"]


def imported_roots(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_what_the_code_imports_is_declared():
    """Not merely pulled in by something else, nor installed by hand on one machine."""
    from_airflow_or_pydantic = {"airflow", "pydantic_core", "pro2", "pro2_reconciliation", "pro2_sandbox"}
    distributions = importlib.metadata.packages_distributions()
    files = [file for folder in ("dags", "include", "plugins") for file in (ROOT / folder).rglob("*.py")]
    imported = {name: file for file in files for name in imported_roots(file)}
    allowed = set(declared("celery", "postgres", "redis", "sandbox"))
    undeclared = {
        name: str(file.relative_to(ROOT))
        for name, file in imported.items()
        if name not in sys.stdlib_module_names | from_airflow_or_pydantic
        and not allowed & {canonicalize_name(found) for found in distributions.get(name, [])}
    }
    assert undeclared == {}


def test_no_dag_knows_the_sandbox():
    """import-linter sees the packages only; the DAG files are not one."""
    offenders = [file.name for file in (ROOT / "dags").glob("*.py") if "pro2_sandbox" in imported_roots(file)]
    assert offenders == []


SCRIPTS = [".ci/run", *(f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if not path.suffix)]


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_script_can_be_run(script):
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["bash", "-n", path], check=True)
