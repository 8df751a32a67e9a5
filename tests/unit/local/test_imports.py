"""The local package starts Airflow; it does not become it."""

from __future__ import annotations

import subprocess
import sys


def test_nothing_imports_airflow_or_our_own_core() -> None:
    script = (
        "import sys\n"
        "import pro2_sandbox.local.airflow, pro2_sandbox.local.sandbox\n"
        "roots = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(roots & {'airflow', 'pro2', 'pro2_reconciliation'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
