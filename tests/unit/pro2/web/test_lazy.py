"""The page costs a task process nothing; that Airflow finds it: tests/incident/web/test_registered.py."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from pro2.web.lazy import Lazy

HEAVY = (
    "fastapi",
    "starlette",
    "alembic",
    "pandas",
    "airflow.api_fastapi",
    "pro2.web.app",
    "pro2.web.reading",
)


WITHOUT_AIRFLOW = """
import sys, types
manager = types.ModuleType("airflow.plugins_manager")
manager.AirflowPlugin = object
sys.modules |= {"airflow": types.ModuleType("airflow"), manager.__name__: manager}
before = set(sys.modules)
import pro2.plugin
print(*sorted(set(sys.modules) - before))
"""
"""Loads our plugin beside the one thing of Airflow that it needs, which would take seconds to load itself."""


def test_a_process_that_loads_the_plugin_imports_nothing_heavy() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_AIRFLOW], capture_output=True, text=True, check=True
    ).stdout
    new = said.split()
    assert "pro2.plugin" in new
    assert "pro2.web.lazy" in new
    assert [name for name in new if name.startswith(HEAVY)] == []
    others = {name.partition(".")[0] for name in new} - {"pro2"} - sys.stdlib_module_names
    assert others == set()


def test_it_is_made_once_however_many_ask_at_once() -> None:
    made: list[str] = []
    all_have_asked = threading.Event()

    def make() -> Any:
        made.append(threading.current_thread().name)
        assert all_have_asked.wait(10)

        async def app(*_: object) -> None:
            return None

        return app

    async def last() -> None:
        all_have_asked.set()

    async def ask() -> None:
        lazy = Lazy(make)
        asking = (lazy({"type": "http"}, None, None) for _ in range(20))  # type: ignore[arg-type]
        await asyncio.gather(*asking, last())

    asyncio.run(ask())
    assert len(made) == 1
    assert made[0] != threading.main_thread().name


def test_an_import_that_failed_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ImportError("not this time")

        async def app(*_: object) -> None:
            return None

        return app

    lazy = Lazy(make)
    with pytest.raises(ImportError):
        asyncio.run(lazy({"type": "http"}, None, None))  # type: ignore[arg-type]
    asyncio.run(lazy({"type": "http"}, None, None))  # type: ignore[arg-type]
    assert len(tries) == 2
