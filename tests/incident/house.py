"""One organization of a played incident: its account in the sandbox, its sources, its files where there is no API."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.incident.harness import Evening, MovableClock

from pro2.hooks.export import ExportDashboard
from pro2_reconciliation.domain.config import load_site
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.detection import DetectionResult, detect
from pro2_reconciliation.repair.snapshot import scheduled_snapshot
from pro2_reconciliation.repair.sources import open_sources
from pro2_reconciliation.wire.exchange import Reply, Request, Transport
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort
from pro2_sandbox import Incident

PRESSES = {
    Verb.STOP_CAMPAIGN: "stop",
    Verb.COPY_CAMPAIGN: "duplicate",
    Verb.SEND_CAMPAIGN: "send",
    Verb.STOP_RUN: "stop_run",
    Verb.RUN_NOW: "run_now",
    Verb.REPEAT_IMPORT: "repeat_import",
    Verb.IMPORT_LIST: "import",
}
"""What a person does in the sandbox for a step that asks him."""
BY_HAND = frozenset(PRESSES)


def no_wait(seconds: float) -> None:
    """The waits between tries of a source: its thread must not move the clock, and real ones take long."""


class House(Evening):
    """One organization with its own account, on the common clock and in the common ledger.

    ``only_proven``: a person presses what nobody has seen yet, as in Airflow.
    """

    only_proven = False

    def __init__(
        self, folder: Path, incident: Incident, clock: MovableClock, ledger: Callable[[], Ledger]
    ) -> None:
        self._ledger = ledger
        super().__init__(folder, incident, clock)
        self.colleague = Colleague(self) if incident.play.dashboard == "export" else None

    @property
    def kept(self) -> Ledger:
        return self._ledger()

    def ledger(self) -> Ledger:
        return self._ledger()

    def account(self, owner: str = "test", **changes: Any) -> Account:
        """Detection and guard do not wait between their tries: here they run while somebody else waits."""
        if owner in ("detection", "guard"):
            quick = ActiveCampaignPort(self.pro2, sleep=no_wait)
            board = DashboardPort(self.dashboard, self.site.organization, sleep=no_wait)
            changes = {"campaigns": quick, "contacts": quick, "dashboard": board, **changes}
        if self.colleague is not None:
            changes["dashboard"] = self.colleague.board
        if self.incident.play.actions == "manual":
            changes["manual"] = BY_HAND
        changes = {"only_proven": self.only_proven, **changes}
        return super().account(owner, **changes)

    def transport_of(self, connection: str) -> Transport:
        return {
            "pro2": self.pro2,
            "pro2_dashboard": self.dashboard,
            "tessitura": self.tessitura,
            "status_feed": StatusPage(self),
        }[connection]

    def detect(self) -> DetectionResult:
        """What the task of ``detect_outages`` does, up to the dag runs that are due."""
        if self.colleague is not None:
            self.colleague.keep_one_more()
        account = self.account("detection")
        sources = open_sources(
            self.site,
            self.kept,
            transport_of=self.transport_of,
            dashboard=account.dashboard,
            sleep=no_wait,
        )
        result = detect(self.kept, self.site, sources, now=self.clock.now(), backlog=lambda: self._backlog())
        if result.samples and all(sample.up for sample in result.samples):
            with contextlib.suppress(RequestError):  # as the task: the next pass keeps one
                self.kept.add_snapshot(self.site.organization, scheduled_snapshot(account))
        return result

    def _backlog(self) -> int:
        try:
            return self.account("detection").contacts.import_backlog()
        except RequestError:
            return 0


class Colleague:
    """Exports the Activity Log into a folder, again and again: all that this site has of the dashboard."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.folder = house.folder / "exports"
        self.folder.mkdir()
        rules = house.sandbox.call(
            "GET", "/sandbox/config/activity_export.yaml", params={"path": self.folder.as_uri()}
        )
        config = house.folder / "config"
        (config / "activity_export.yaml").write_text(rules.text)
        self.board = ExportDashboard(load_site(config), now=house.clock.now)

    def keep_one_more(self) -> None:
        """Export the log anew; while the dashboard is down nobody can. Older files are thrown away."""
        answer = self._house.sandbox.call("GET", "/sandbox/activity.csv")
        if answer.status != 200:
            return
        for old in self.folder.iterdir():
            old.unlink()
        (self.folder / answer.headers["x-file-name"]).write_bytes(answer.text.encode())


class StatusPage:
    """The status page under the path that a connection of type status_feed has."""

    def __init__(self, house: House) -> None:
        self._house = house

    def carry(self, request: Request) -> Reply:
        path = f"/status/{request.path.lstrip('/')}"
        answer = self._house.sandbox.call(request.method, path, params=dict(request.params))
        return Reply(answer.status, answer.headers, answer.text)
