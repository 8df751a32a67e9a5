"""Airflow for the tests: a home of its own that ends with the process, and no setting of the developer's.

The variables are set while pytest loads this file, before any test module can import Airflow, which reads
them once. Each xdist worker loads it too and gets its own home. No database is made here; a test that needs
one makes it.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

for name in [name for name in os.environ if name.startswith(("AIRFLOW", "PRO2_"))]:
    del os.environ[name]

_home = tempfile.mkdtemp(prefix="airflow-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)

os.environ["AIRFLOW_HOME"] = _home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(ROOT / "plugins")

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_finish() -> None:
    """Airflow and the tests are there to stay: a collector that walks over them again and again takes a fifth."""
    from tests import quick_ledgers

    quick_ledgers.install()
    gc.collect()
    gc.freeze()
