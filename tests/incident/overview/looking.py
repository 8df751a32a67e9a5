"""An incident that is really played in process, with its outage in the ledger, and somebody who looks at the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview.board import board
from pro2_reconciliation.overview.items import items_of_outage, items_of_run
from pro2_reconciliation.overview.story import story
from pro2_reconciliation.overview.views import Board, ItemView, OutageView, Story
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_sandbox import Incident, load_incident

OUTAGE, RUN = "3f2a", "outage__3f2a__g1"


class Looking:
    """The worked example (unless another incident is named), its outage, and what the page shows of it at any time."""

    def __init__(self, folder: Path, incident: str | Incident = "worked-example", **changes: Any) -> None:
        self.evening = Evening(
            folder, INCIDENTS / f"{incident}.yaml" if isinstance(incident, str) else incident
        )
        self.site = self.evening.site
        self.put(self.outage(**changes))

    @property
    def ledger(self) -> Ledger:
        return self.evening.ledger()

    @property
    def now(self) -> datetime:
        return self.evening.clock.now()

    def outage(self, **changes: Any) -> Outage:
        window = self.evening.window()
        plain: dict[str, Any] = {
            "id": OUTAGE,
            "organization": self.site.organization,
            "service": Service.SENDING,
            "start": window.start,
            "end": window.end,
            "state": OutageState.PLANNED,
        }
        found = {**plain, **changes}
        claim = Evidence(source="probe pro2", key="1", **{k: found[k] for k in ("service", "start", "end")})
        return Outage(**{"evidence": (claim,), **found})

    def put(self, *outages: Outage) -> None:
        self.ledger.replace_outages(self.site.organization, outages, "put by the test")

    def window(self) -> Window:
        return self.evening.window().model_copy(
            update={"outage_ids": (OUTAGE,), "source": f"outage {OUTAGE}"}
        )

    def reconcile(
        self,
        mode: Mode = Mode.ASK,
        *,
        dag_run: str = RUN,
        answer: Callable[[Plan], Mapping[str, Choice]] = approve_all,
        **options: Any,
    ) -> tuple[Plan, Report]:
        """A dag run about the outage, once it is over."""
        self.evening.end_outage()
        options.setdefault("window", self.window())
        return self.evening.reconcile(mode, dag_run=dag_run, answer=answer, **options)

    def account(self, task: str, dag_run: str = RUN) -> Account:
        """The account as a task of Airflow opens it."""
        return self.evening.account(f"reconcile/{dag_run}/{task} on host-1")

    def items(self, outage: str = OUTAGE) -> dict[str, ItemView]:
        found = items_of_outage(self.site, self.ledger, outage, self.now)
        assert len({item.key for item in found}) == len(found), "an item is shown twice"
        return {item.key: item for item in found}

    def items_of(self, dag_run: str) -> dict[str, ItemView]:
        return {item.key: item for item in items_of_run(self.site, self.ledger, dag_run, self.now)}

    def board(self) -> Board:
        return board(self.site, self.ledger, self.now, witness=self.evening.witness)

    def shown(self, outage: str = OUTAGE) -> OutageView:
        return next(one for one in self.board().outages if one.id == outage)

    def story(self, key: str = "campaign:103") -> Story:
        return story(self.site, self.ledger, key, self.now)

    def told(self, key: str = "campaign:103") -> list[str]:
        return [event.what for event in self.story(key).events]

    def at(self, part: str, look: Callable[[], object]) -> None:
        """Look when the first request whose path holds ``part`` is about to leave."""
        carry, seen = self.evening.pro2.carry, []

        def carried(request: Request) -> Reply:
            told = f"{request.path} {dict(request.params)} {dict(request.form or {})}"
            if request.mutating and part in told and not seen:
                seen.append(part)
                look()
            return carry(request)

        self.evening.pro2.carry = carried  # type: ignore[method-assign]

    def wait(self, **time: float) -> None:
        self.evening.clock.at += timedelta(**time)


def wakes_after(time: timedelta) -> Incident:
    """The worked example, whose campaign sends itself so long after the start, although it was stopped."""
    found = load_incident(INCIDENTS / "worked-example.yaml")
    waking = {"sends_itself": time, "stop": "forgotten"}
    campaigns = tuple(c.model_copy(update=waking) if c.id == "103" else c for c in found.campaigns)
    return found.model_copy(update={"campaigns": campaigns})


def queries_of(ledger: Ledger, look: Callable[[], object]) -> int:
    """How many statements a look costs."""
    counted: list[str] = []

    def count(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        counted.append(statement)

    event.listen(ledger._engine, "before_cursor_execute", count)
    try:
        look()
    finally:
        event.remove(ledger._engine, "before_cursor_execute", count)
    return len(counted)
