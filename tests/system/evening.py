"""One outage on a real Airflow: what starts about it, what people do, what is true in the end.

The oracle is the sandbox, which knows every effect, and the report of each dag run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger
from pro2_sandbox.demo.airflow_runs import DETECT, GUARD, RECONCILE
from pro2_sandbox.demo.approval import Approval, answer_to
from pro2_sandbox.demo.reports import Item, file_name, read_report
from pro2_sandbox.local.processes import wait_until
from pro2_sandbox.local.rest import AirflowApi, TaskRow
from pro2_sandbox.local.sandbox import SandboxProcess

if TYPE_CHECKING:
    from tests.system.site import AirflowSite

DAG_FILES = Path(__file__).resolve().parents[2] / "dags"
SMALL = Path(__file__).with_name("small-evening.yaml")
EVERYTHING = Approval(all=True)
AWAY = timedelta(minutes=20)
SETTLED_BEFORE = """INSERT INTO outage_trace (outage_id, at, was, became, why)
    SELECT outage_id, at - interval '16 minutes', was, became, why
    FROM outage_trace WHERE became->>'state' = 'settled'"""
NIGHTLY = 'CronTriggerTimetable("0 5 * * *", timezone="UTC"'
REPEAT_IMPORT, SEND = r"POST \S*/repeat-import", r"campaign_status.*&status=1"
"""Requests that act, as the relay sees them."""
ONCE = Counter(
    {
        ("campaign_stopped", "103"): 1,
        ("campaign_stopped", "104"): 1,
        ("campaign_copied", "103"): 1,
        ("campaign_copied", "104"): 1,
        ("campaign_sent", "103"): 1,
        ("campaign_sent", "104"): 1,
        ("mail", "103"): 1,
        ("mail", "104"): 1,
        ("repeat_import", "j-1"): 1,
        ("run_now", "j-2"): 1,
        ("automation_entered", "305"): 1,
        ("mail", "automation 305"): 1,
    }
)
"""What the small evening needs, and nothing twice."""
EVERY_ITEM = frozenset(item for _, item in ONCE)
DECISIONS = {"103": "resend", "104": "resend", "j-1": "repeat_import", "j-2": "run_now"}


class Evening:
    """One outage in one sandbox, and the dag runs about it.

    ``suffix``: what the ids of its organization end with, where the Airflow has several (``__opera``).
    """

    def __init__(
        self,
        site: AirflowSite,
        sandbox: SandboxProcess,
        ledger_url: str,
        number: int,
        *,
        organization: str = "playhouse",
        suffix: str = "",
    ) -> None:
        self.site = site
        self.sandbox = sandbox
        self.number = number
        self.organization = organization
        self.detect, self.guard, self.reconcile = (f"{dag}{suffix}" for dag in (DETECT, GUARD, RECONCILE))
        self._reports = site.folder / "reports" / (organization if suffix else "")
        self._ledger_url = ledger_url
        self._passes = 0

    @property
    def api(self) -> AirflowApi:
        return self.site.api

    # --- what starts

    def begin(self) -> str:
        """Declare the outage, switch everything on, and let detection start a reconciliation; its run id."""
        with self.ledger() as ledger:
            start, end = self._outage()
            ledger.declare(self.organization, Service.SENDING, start, end, "Ada", "told by the vendor")
        for dag_id in (self.guard, self.detect, self.reconcile):
            self.api.unpause(dag_id)
        self.api.trigger(self.guard, f"evening-{self.number}")
        return self.detected()

    def detected(self, generation: int = 1) -> str:
        """The dag run of this evening's outage, once a pass of ours or one on schedule has started it; its run id."""
        while True:
            with self.ledger() as ledger:
                wanted = {f"outage__{one.id}__g{generation}" for one in ledger.outages(self.organization)}
            if found := wanted & {run["dag_run_id"] for run in self.api.dag_runs(self.reconcile)}:
                return found.pop()
            self._passes += 1
            run_id = self.api.trigger(self.detect, f"evening-{self.number}-{self._passes}")
            self.api.wait_dag_run(self.detect, run_id, timeout=90, pause=0.5)
            said = self.api.logs(self.detect, run_id, "detect")[-2000:] if self._passes == 20 else ""
            assert self._passes < 20, f"detection starts nothing. The log of its last pass:\n{said}"

    def by_hand(self, name: str, **params: Any) -> str:
        """Somebody opens the form and presses Trigger."""
        return self.api.trigger(self.reconcile, f"{name}-{self.number}", {"mode": "ask", **params})

    def nightly_soon(self) -> None:
        """Let the schedule of the nightly fall on the minute after next; ``nightly`` waits for it."""
        path = self.site.folder / "dags" / "reconcile.py"
        text = (DAG_FILES / "reconcile.py").read_text()
        assert NIGHTLY in text
        at = datetime.now(UTC) + timedelta(seconds=75)
        path.write_text(text.replace(NIGHTLY, f'CronTriggerTimetable("{at:%M %H} * * *", timezone="UTC"'))

    def nightly(self) -> str | None:
        runs = [run for run in self.api.dag_runs(self.reconcile) if run["run_type"] == "scheduled"]
        return runs[-1]["dag_run_id"] if runs else None

    # --- what a person does

    def await_question(self, run_id: str, timeout: float = 150) -> Mapping[str, Any]:
        self.api.wait_task(
            self.reconcile, run_id, "ask", states={"awaiting_input", "success"}, timeout=timeout
        )
        return self.question(run_id)

    def question(self, run_id: str) -> Mapping[str, Any]:
        """The question of a dag run as Airflow keeps it, answered or not."""
        rows = self.api.hitl_details(self.reconcile, run_id, pending_only=False)
        return next(row for row in rows if row["task_instance"]["task_id"] == "ask")

    def answer(self, run_id: str, timeout: float = 150) -> None:
        """Approve everything in one form."""
        answer = answer_to(self.await_question(run_id, timeout), EVERYTHING)
        self.api.answer(
            self.reconcile,
            run_id,
            "ask",
            chosen_options=[answer.option],
            params_input=answer.choices,
            timeout=timeout,
        )

    def finish(self, run_id: str, timeout: float = 240) -> str:
        """Wait for the end of a dag run; its state."""
        return str(self.api.wait_dag_run(self.reconcile, run_id, timeout=timeout)["state"])

    def rows(self, run_id: str, task_id: str) -> list[TaskRow]:
        return [row for row in self.api.task_instances(self.reconcile, run_id) if row.task_id == task_id]

    def asked_again(self, timeout: float = 90) -> str:
        """The dag run that asks about what another one left open; its run id."""

        def found() -> list[str]:
            runs = [run["dag_run_id"] for run in self.api.dag_runs(self.reconcile)]
            return [run for run in runs if run.startswith("ask__")]

        wait_until(lambda: bool(found()), timeout=timeout, what="a dag run that asks again")
        (run_id,) = found()
        return run_id

    def await_all(self, run_id: str, task_id: str, state: str, number: int, timeout: float = 180) -> None:
        """Wait until all instances of a mapped task are in this state."""
        wait_until(
            lambda: [row.state for row in self.rows(run_id, task_id)] == [state] * number,
            timeout=timeout,
            what=f"{number} times {task_id} of {run_id} {state}",
            complain=lambda: str(self.rows(run_id, task_id)),
        )

    def await_task(self, run_id: str, task_id: str, *states: str, timeout: float = 120) -> None:
        """Wait until one of the instances of a task is in one of these states."""
        wait_until(
            lambda: any(row.state in states for row in self.rows(run_id, task_id)),
            timeout=timeout,
            what=f"{task_id} of {run_id} {' or '.join(states)}",
            complain=lambda: str(self.rows(run_id, task_id)),
        )

    def three_minutes_pass(self) -> None:
        """Let every lease end that is alive, as time does; whose process lives on would find out, and send nothing."""
        self._in_the_ledger("UPDATE lease SET expires_at = :now")

    def a_quarter_of_an_hour_passes(self) -> None:
        """For detection, which waits so long before it starts an outage's next dag run."""
        self._in_the_ledger(SETTLED_BEFORE)

    def _in_the_ledger(self, statement: str) -> None:
        with self.ledger() as ledger, ledger._engine.begin() as connection:
            now = {"now": datetime.now(UTC)} if ":now" in statement else {}
            connection.execute(text(statement), now)

    def nobody_looked_for_twenty_minutes(self, run_id: str) -> None:
        """As if Airflow had been away for so long: what the inventory saw is twenty minutes older."""
        with self.ledger() as ledger:
            inventory = ledger.inventory(run_id)
            older = {
                key: seen.model_copy(
                    update={
                        "seen_at": seen.seen_at - AWAY,
                        "first_agreed": seen.first_agreed and seen.first_agreed - AWAY,
                    }
                )
                for key, seen in inventory.observations.items()
            }
            ledger.save_inventory(run_id, inventory.model_copy(update={"observations": older}))

    # --- what is true

    def effects(self) -> Counter[tuple[str, str]]:
        """How often we did what to what: (kind, item), a copy by the campaign that it was made of."""
        told = self.sandbox.get("/sandbox/effects").json()["effects"]
        roots = {one["detail"]["copy"]: one["item"] for one in told if one["kind"] == "campaign_copied"}
        return Counter(
            (one["kind"], roots.get(one["item"], one["item"])) for one in told if one["by"] == "us"
        )

    def truth(self) -> dict[str, Any]:
        return dict(self.sandbox.get("/sandbox/truth").json())

    def report(self, run_id: str) -> dict[str, Item]:
        """The items of a dag run's report, by id (of an occurrence: of its job)."""
        path = self._reports / f"{file_name(run_id)}.json"
        return {item.id.partition("@")[0]: item for item in read_report(path)}

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger = Ledger.open(self._ledger_url, clock=lambda: datetime.now(UTC))
        try:
            yield ledger
        finally:
            ledger.close()

    def _outage(self) -> tuple[datetime, datetime]:
        t0 = datetime.fromisoformat(self.sandbox.get("/sandbox/clock").json()["t0"])
        return t0 - timedelta(hours=3, minutes=5), t0 - timedelta(seconds=1)


def each_thing_was_done_once(
    evening: Evening, *, by_hand: str = "", items: Collection[str] = EVERY_ITEM
) -> None:
    """Each effect once, nobody mailed twice, nothing missing. ``by_hand``: the campaign that a person has sent;
    ``items``: those of the evening.
    """
    wanted = {what: n for what, n in ONCE.items() if what[1] in items and what[1] != by_hand}
    assert evening.effects() == Counter(wanted)
    truth = evening.truth()
    assert (truth["mailed_twice"], truth["missing"]) == ([], [])


def all_is_well(evening: Evening, *run_ids: str, items: Collection[str] = EVERY_ITEM) -> None:
    """Each thing was done once, and the report of every dag run says so."""
    each_thing_was_done_once(evening, items=items)
    decided = {item: decision for item, decision in DECISIONS.items() if item in items}
    for run_id in run_ids:
        told = evening.report(run_id)
        assert {item: row.decision for item, row in told.items()} == decided
        assert {item: row.outcome for item, row in told.items()} == dict.fromkeys(decided, "verified")
