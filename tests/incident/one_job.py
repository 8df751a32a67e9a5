"""One import that nothing began in an outage of three hours of sending and dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.incident.harness import Evening

from pro2_sandbox.loader import build_incident


def one_job(folder: Path, due: str, **more: Any) -> Evening:
    """The evening, a minute after the outage ended. ``due``: daily, as an offset from then; ``more`` of the job."""
    content = {
        "name": "A missed import",
        "organization": "playhouse",
        "zone": "America/Chicago",
        "seed": 1,
        "outages": [{"services": ["sending", "dashboard"], "start": "-3h", "end": "-1m"}],
        "tessitura_lists": [{"id": "511", "name": "Ticket buyers", "members": 24, "generated": "-1d"}],
        "jobs": [
            {
                "id": "j-1",
                "name": "Ticket buyers import",
                "process_type": "integrated_import",
                "schedule": {"daily": due},
                "tessitura_list": "511",
                **more,
            }
        ],
    }
    found = Evening(folder, build_incident(content))
    found.end_outage()
    return found
