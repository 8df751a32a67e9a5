"""What people are told of, and which of Airflow's connections is told what, as ``notifications.yaml`` says it.

A connection is named here and nothing else: its address, with every secret, stands in Airflow. Who names none is told
nothing. ``config.py`` reads the file and says in words what is wrong with it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from pro2_reconciliation.domain.base import Value


class NotificationKind(StrEnum):
    """One reason to tell somebody; also the name of its key in the file."""

    OUTAGE_FOUND = "outage_found"
    ANSWER_NEEDED = "answer_needed"
    FINISHED = "finished"
    NEEDS_PERSON = "needs_person"
    ORIGINAL_WOKE = "original_woke"
    NOT_RUNNING = "not_running"
    FAILED = "failed"
    DIGEST = "digest"

    @property
    def alarm(self) -> bool:
        """Whether it is told again where it may have got lost; of the others one that may have arrived is enough."""
        return self in _ALARMS


_ALARMS = frozenset({NotificationKind.ORIGINAL_WOKE, NotificationKind.NOT_RUNNING, NotificationKind.FAILED})

Connection = Annotated[str, Field(min_length=1, max_length=250)]


class Notifications(Value):
    """Everything that ``notifications.yaml`` may hold: for each kind the ids of connections of type ``apprise``."""

    everything: tuple[Connection, ...] = Field(
        default=(), description="Connections of type apprise that are told of everything below"
    )
    outage_found: tuple[Connection, ...] = Field(default=(), description="An outage was found, once for each")
    answer_needed: tuple[Connection, ...] = Field(
        default=(), description="A question waits for an answer, and once more before it expires"
    )
    finished: tuple[Connection, ...] = Field(
        default=(), description="A dag run of reconcile has ended; the nightly's is in its digest"
    )
    needs_person: tuple[Connection, ...] = Field(
        default=(), description="Items that only a person can end, once for each"
    )
    original_woke: tuple[Connection, ...] = Field(
        default=(),
        description="Alarm: an original goes out although it was stopped, or what was left came too late",
    )
    not_running: tuple[Connection, ...] = Field(
        default=(), description="Alarm: guard or detection does not run, or the ledger allows plans only"
    )
    failed: tuple[Connection, ...] = Field(
        default=(), description="Alarm: a dag run failed before it could make a report"
    )
    digest: tuple[Connection, ...] = Field(default=(), description="The digest of the night")
    remind_hours: float = Field(
        default=2,
        gt=0,
        le=72,
        description="So long before a question expires, or its first send_by passes, it is told of once more",
    )
    repeat_hours: float = Field(
        default=6, gt=0, le=168, description="An alarm that lasts is told of again after so long"
    )

    def of(self, kind: NotificationKind) -> tuple[str, ...]:
        """The connections that are told of this kind, each once."""
        return tuple(dict.fromkeys((*self.everything, *getattr(self, kind.value))))

    @property
    def silent(self) -> bool:
        """Whether nobody is told of anything."""
        return not any(self.of(kind) for kind in NotificationKind)
