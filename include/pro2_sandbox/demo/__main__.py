"""``python -m pro2_sandbox.demo``; see ``--help``."""

from __future__ import annotations

import sys

from pro2_sandbox.demo.cli import main

sys.exit(main())
