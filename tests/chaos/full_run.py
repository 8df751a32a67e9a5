"""Two whole dag runs in process, the second about the drift of the first, and everything that they leave behind.

In: a folder and, if wanted, names for the incident. Out: :class:`Left`. Files are written by the functions of the
tasks, steps and reads go through the ports; only Airflow's own processes are missing.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from tests.incident.harness import INCIDENTS, Evening, approve_all
from tests.incident.overview.test_bundle import texts
from tests.unit.pro2.conftest import make_context, open_for_tasks

from pro2 import files, reporting
from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.notifications import Notifications
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Mode, Remedy
from pro2_reconciliation.overview.bundle import make_bundle
from pro2_reconciliation.overview.digest import digest
from pro2_reconciliation.repair.asking import Question, question
from pro2_reconciliation.repair.messages import Message, as_html, as_markdown, as_text
from pro2_reconciliation.repair.recording import record_plan
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.repair.teller import Teller
from pro2_sandbox import build_incident


@dataclass
class Left:
    """What two dag runs left. ``files`` by name; ``asked``: every request with its path and parameters."""

    evening: Evening
    reports: Path
    log: list[logging.LogRecord] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)
    made: list[Report] = field(default_factory=list)
    bundles: dict[str, str] = field(default_factory=dict)
    desk: str = ""

    @property
    def files(self) -> dict[str, str]:
        return {path.name: path.read_text("utf-8") for path in sorted(self.reports.iterdir())}

    @property
    def ledger(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.evening.folder.glob("ledger.db*")))

    @property
    def questions(self) -> list[Question]:
        return [question(plan) for plan in self.plans]

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.log]

    @property
    def messages(self) -> list[Message]:
        """What people were told, as it stands in the ledger."""
        ledger, organization = self.evening.ledger(), self.evening.site.organization
        return [Message.model_validate(one.body) for one in ledger.deliveries(organization)]

    def everything(self) -> Iterator[tuple[str, str]]:
        """(where, text) of all that stays or is shown, without the CSV of the drift."""
        yield from ((name, text) for name, text in self.files.items() if not name.endswith(".drift.csv"))
        yield "ledger", self.ledger.decode("utf-8", "replace")
        yield "log", "\n".join(self.lines)
        yield "requests", "\n".join(self.asked)
        yield "questions", "\n".join(one.model_dump_json() for one in self.questions)
        yield "desk", self.desk
        for how in (as_text, as_markdown, as_html):
            yield how.__name__, "\n".join(f"{one.title}\n{how(one)}" for one in self.messages)
        yield from self.bundles.items()


class _Kept(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextlib.contextmanager
def everything_logged(records: list[logging.LogRecord]) -> Iterator[None]:
    """Every record of every logger from DEBUG on."""
    root, kept = logging.getLogger(), _Kept(records)
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(kept)
        root.setLevel(level)


def named(rename: Callable[[str, str], str] | None) -> Any:
    """The demo's incident, with other names for campaigns, subjects, lists, tags and what the status page says."""
    content = yaml.safe_load((INCIDENTS / "evening-outage.yaml").read_text())
    content["policy"] = {**content.get("policy", {}), "poll_seconds": 20}
    if rename is not None:
        for section in ("campaigns", "lists", "jobs", "automations"):
            for one in content.get(section, []):
                for key in ("name", "subject"):
                    if key in one:
                        one[key] = rename(section, one[key])
    return build_incident(content)


def run(folder: Path, rename: Callable[[str, str], str] | None = None) -> Left:
    """Play it: the first dag run repairs and imports, the second applies the drift."""
    evening = Evening(folder, named(rename))
    evening.ledger()  # migrated before anybody listens
    evening.end_outage()
    left = Left(evening, folder / "reports")
    for name, carrier in (("pro2", evening.pro2), ("dash", evening.dashboard), ("tess", evening.tessitura)):
        _listen(left, name, carrier)
    with pytest.MonkeyPatch.context() as patch, everything_logged(left.log):
        patch.setenv("PRO2_RECONCILIATION_REPORTS", f"file://{left.reports}")
        open_for_tasks(evening, patch)
        first = _dag_run(left, "outage__1__g1", {})
        keys = tuple(d.key for d in first.decisions if d.remedy is Remedy.DATA_SYNC)
        _dag_run(left, f"ask__{first.hash}", {"only": keys, "parent": first.hash})
        _tell(left)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main(["--ledger", f"sqlite:///{folder}/ledger.db", "--config", str(folder / "config"), "status"])
        left.desk = said.getvalue()
    return left


def _tell(left: Left) -> None:
    """What follows a night: the digest, what people are told, and bundles of what was asked about."""
    evening, ledger = left.evening, left.evening.ledger()
    rules = Notifications(everything=("chat",))
    teller = Teller(evening.site.model_copy(update={"notifications": rules}), ledger)
    for plan, made in zip(left.plans, left.made, strict=True):
        teller.question(plan, plan.run, evening.clock.now())
        teller.report(made, plan.run, str(left.reports))
    night = digest(
        evening.site,
        ledger,
        evening.clock.now(),
        since=left.plans[0].window.start,
        witness=evening.witness,
        link=lambda key: f"/plugin/outages?item={key}",
    )
    files.write_digest(make_context(run_id="scheduled__1"), night)
    teller.digest("scheduled__1", night.subject, night.text, night.html)
    for decision in [one for plan in left.plans for one in plan.decisions if one.asks][::4]:
        for name, text in texts(make_bundle(ledger, evening.site, decision.key)).items():
            left.bundles[f"bundle of {decision.key}: {name}"] = text


def _listen(left: Left, name: str, carrier: Any) -> None:
    carry = carrier.carry

    def listening(request: Any) -> Any:
        sent = (dict(request.params), request.form, request.body)
        left.asked.append(f"{name} {request.method} {request.path} {sent}")
        return carry(request)

    carrier.carry = listening


def _dag_run(left: Left, run_id: str, options: dict[str, Any]) -> Plan:
    evening, context = left.evening, make_context(run_id=run_id)

    def planned(account: Any, inventory: Any, observations: Any, **how: Any) -> Plan:
        how.pop("book", None)
        plan, recording = record_plan(account, inventory, observations, **how)
        files.write_drift(context, account, plan)
        files.write_recording(context, recording)
        return plan

    with mock.patch("pro2_reconciliation.repair.reconcile.build_plan", planned):
        plan, made = evening.reconcile(dag_run=run_id, answer=approve_all, **options)
    left.plans.append(plan)
    left.made.append(made)
    resolved = {"mode": Mode.ASK.value, "reason": "a test"}
    with contextlib.suppress(
        ReconciliationError
    ):  # an item without an end is told after the report is written
        reporting.report(context, resolved, plan.hash, {"not_now": {}, "plan_hash": plan.hash, "steps": []})
    return plan
