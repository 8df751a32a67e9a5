"""Who acts, as the ledger notes it: a task of Airflow on a host, written and read here and nowhere else.

``reconcile/outage__3f2a__g1/send_campaign[2] on worker-1``; without the host where a retry may run on another one.
A name that is no task (a person, "in process") is not an error: it has no parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_TASK = re.compile(
    r"(?P<dag>[^/\s]+)/(?P<run>\S+)/(?P<task>[^/\s\[]+)(?:\[(?P<index>\d+)\])?(?: on (?P<host>\S+))?"
)


@dataclass(frozen=True)
class Actor:
    """A task instance of Airflow; ``map_index`` -1 where it is not mapped, ``host`` empty where that is left out."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    host: str = ""

    def __str__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        host = f" on {self.host}" if self.host else ""
        return f"{self.dag_id}/{self.run_id}/{self.task_id}{index}{host}"

    @classmethod
    def parse(cls, who: str) -> Self | None:
        """The task that ``who`` names, None where it names none."""
        found = _TASK.fullmatch(who)
        if found is None:
            return None
        index = int(found["index"]) if found["index"] else -1
        return cls(found["dag"], found["run"], found["task"], index, found["host"] or "")
