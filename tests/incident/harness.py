"""Play a whole incident in process: the sandbox behind an ASGI transport, a clock that tests move, a real ledger.

The code that runs is the code that Airflow's tasks call; only the transport and the clock differ.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from tests.quick_ledgers import open_engine

from pro2_reconciliation.domain.config import Site, load_site
from pro2_reconciliation.domain.errors import Ambiguous, LedgerError, NeverSent, RequestError, Unreadable
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Service
from pro2_reconciliation.ledger import Ledger, Witnessed
from pro2_reconciliation.ledger.action_tables import IdentityRow
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.guard import guard_pass
from pro2_reconciliation.repair.reconcile import reconcile
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort
from pro2_sandbox import Incident, InProcess, World, create_app, load_incident

INCIDENTS = Path(__file__).resolve().parents[2] / "include" / "pro2_sandbox" / "incidents"
START = datetime(2026, 11, 20, 0, 5, 10, tzinfo=UTC)
"""18:05 in Chicago: the sending hours leave time for everything."""
PREFERENCE = (
    Choice.RESEND,
    Choice.RESEND_NOW,
    Choice.REPROCESS,
    Choice.REPROCESS_NOW,
    Choice.ADD_TAG,
    Choice.ADD_TAG_NOW,
    Choice.REMOVE_TAG,
    Choice.REMOVE_TAG_NOW,
    Choice.HOLD_BACK,
)


LIVED_THROUGH = 600.0
"""Seconds; between two looks nobody sleeps longer."""


class MovableClock:
    """Time that passes only when somebody sleeps, or a test says so; ``every_minute`` is called as it passes."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start
        self.every_minute: Callable[[], object] | None = None
        self._called = start

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        """Let time pass: minutes one by one, as others live through them, and hours at once."""
        short = seconds <= LIVED_THROUGH
        while seconds > 0:
            minute = (self._called + timedelta(minutes=1) - self.at).total_seconds()
            step = min(seconds, minute) if short and self.every_minute is not None and minute > 0 else seconds
            self.at += timedelta(seconds=step)
            seconds -= step
            if self.every_minute is not None and self.at - self._called >= timedelta(minutes=1):
                self._called = self.at
                self.every_minute()


class Carrier:
    """Carries requests into the sandbox's app; a dropped connection is what a hook makes of it."""

    def __init__(self, sandbox: InProcess, headers: Mapping[str, str]) -> None:
        self.sandbox = sandbox
        self.headers = dict(headers)
        self.carried: list[Request] = []

    def carry(self, request: Request) -> Reply:
        self.carried.append(request)
        lost: type[RequestError] = Ambiguous if request.mutating else Unreadable
        try:
            answer = self.sandbox.call(
                request.method,
                f"/{request.path.lstrip('/')}",
                params=dict(request.params),
                form=dict(request.form) if request.form is not None else None,
                json=dict(request.body) if request.body is not None else None,
                headers=self.headers,
            )
        except ConnectionRefusedError as error:
            raise NeverSent(f"{request.method} {request.path}: {error}") from error
        except ConnectionError as error:
            raise lost(f"{request.method} {request.path}: {error}") from error
        return Reply(answer.status, answer.headers, answer.text)


class KeptWitness:
    """What Airflow keeps in a Variable; ``away``: it cannot be read or written."""

    name = "witness of the test"

    def __init__(self) -> None:
        self.seen: Witnessed | None = None
        self.away = False

    def read(self) -> Witnessed | None:
        if self.away:
            raise LedgerError(f"the {self.name} cannot be read")
        return self.seen

    def write(self, seen: Witnessed) -> None:
        if self.away:
            raise LedgerError(f"the {self.name} cannot be written")
        self.seen = seen


def open_ledger(folder: Path, clock: Callable[[], datetime]) -> Ledger:
    """The ledger of a folder. A new one is a copy of a migrated one, because migrating takes long; it gets an identity
    of its own and is adopted.
    """
    file = folder / "ledger.db"
    new = not file.exists()
    if new:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())
    ledger = Ledger(open_engine(f"sqlite:///{file}"), clock)
    if new:
        with ledger._write() as session:
            row = session.scalars(select(IdentityRow)).one()
            row.uuid, row.created_at = str(uuid4()), clock()
        ledger.adopt("operator", "first start")
    return ledger


@cache
def shipped(path: Path) -> Incident:
    """An incident from its file; incidents are frozen, and YAML is slow."""
    return load_incident(path)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        Ledger.open(f"sqlite:///{file}", clock=lambda: START).close()
        return file.read_bytes()


class Evening:
    """One incident with everything around it. ``account()`` opens it as a task would."""

    def __init__(
        self,
        folder: Path,
        incident: Path | Any = INCIDENTS / "evening-outage.yaml",
        clock: MovableClock | None = None,
    ) -> None:
        self.clock = clock or MovableClock()
        loaded = shipped(Path(incident)) if isinstance(incident, str | Path) else incident
        self.incident = loaded
        self.world = World(loaded, clock=self.clock.now, rate_limit=None)
        self.sandbox = InProcess(create_app(self.world))
        self.folder = folder
        self.witness = KeptWitness()
        self._opened: Ledger | None = None
        self._file = 0
        self.site = self._site(folder / "config")
        tokens = loaded.tokens
        basic = base64.b64encode(f"{tokens.tessitura_user}:{tokens.tessitura_password}".encode()).decode()
        self.pro2 = Carrier(self.sandbox, {"Api-Token": tokens.api_token})
        self.dashboard = Carrier(self.sandbox, {"Authorization": f"Bearer {tokens.dashboard_token}"})
        self.tessitura = Carrier(self.sandbox, {"Authorization": f"Basic {basic}"})

    def _site(self, config: Path) -> Site:
        config.mkdir(parents=True, exist_ok=True)
        for name in ("jobs.yaml", "policy.yaml", "sources.yaml"):
            (config / name).write_text(self.sandbox.call("GET", f"/sandbox/config/{name}").text)
        return load_site(config)

    def ledger(self) -> Ledger:
        """The ledger as a task opens it: adopted the first time, as its operator would, and whatever file is there."""
        file = self.folder / "ledger.db"
        there = file.stat().st_ino if file.exists() else 0
        if self._opened is None:
            self._opened = open_ledger(self.folder, self.clock.now)
        elif there != self._file:  # taken away, or another put in its place
            self._opened.close()
            self._opened = Ledger.open(f"sqlite:///{file}", clock=self.clock.now)
        self._file = file.stat().st_ino
        return self._opened

    def account(self, owner: str = "test", **changes: Any) -> Account:
        sleep = self.clock.sleep
        pro2 = ActiveCampaignPort(self.pro2, sleep=sleep)
        values: dict[str, Any] = {
            "site": self.site,
            "campaigns": pro2,
            "contacts": pro2,
            "dashboard": DashboardPort(self.dashboard, self.site.organization, sleep=sleep),
            "lists": ListsPort(self.tessitura, sleep=sleep),
            "ledger": self.ledger(),
            "clock": self.clock,
            "owner": owner,
            "witness": self.witness,
        }
        return Account(**{**values, **changes})

    def window(self) -> Window:
        outage = self.incident.outages[0]
        return Window(
            start=self.offset(outage.start),
            end=self.offset(outage.end),
            source="test",
            outage_known=True,
            services=(Service.SENDING,),
        )

    def offset(self, value: Any) -> datetime:
        """The moment of an offset of the incident, as the sandbox counts it."""
        return self.world.t0 + (value if isinstance(value, timedelta) else timedelta(seconds=float(value)))

    def end_outage(self, settle: float | None = None) -> None:
        """Let the clock run until the outage is over and has settled."""
        seconds = self.site.policy.settle_seconds if settle is None else settle
        self.clock.at = max(self.clock.at, self.window().end + timedelta(seconds=seconds))

    def reconcile(
        self,
        mode: Mode = Mode.ASK,
        *,
        answer: Callable[[Plan], Mapping[str, Choice]] | None = None,
        dag_run: str = "run-1",
        **options: Any,
    ) -> tuple[Plan, Report]:
        """One reconciliation with everything approved unless ``answer`` says otherwise."""
        account = options.pop("account", None) or self.account(dag_run)
        account.ledger.beat(GUARD)
        self.clock.every_minute = self.guard  # as the DAG guard_repairs does
        return reconcile(
            account,
            options.pop("window", None) or self.window(),
            mode,
            answer=answer or approve_all,
            dag_run=dag_run,
            **options,
        )

    def guard(self) -> Any:
        return guard_pass(self.account("guard"))

    def edit(self, campaign_id: str, *, subject: str) -> None:
        """A colleague changes the subject line in Pro2."""
        campaigns = self.world.campaigns
        campaigns.edit(campaigns.all[int(campaign_id)], subject, self.world.advance(), "person")

    def effects(self, by: str = "us") -> list[dict[str, Any]]:
        return [e for e in self.sandbox.call("GET", "/sandbox/effects").json()["effects"] if e["by"] == by]

    def truth(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.call("GET", "/sandbox/truth").json()
        return found

    def expected(self) -> list[dict[str, Any]]:
        return list(self.truth()["expected"])


def approve_all(plan: Plan) -> dict[str, Choice]:
    """For each item the strongest choice that is offered."""
    return {
        d.key: next((c for c in PREFERENCE if c in d.choices), Choice.LEAVE) for d in plan.decisions if d.asks
    }


def approve_none(plan: Plan) -> dict[str, Choice]:
    return {d.key: Choice.LEAVE for d in plan.decisions if d.asks}
