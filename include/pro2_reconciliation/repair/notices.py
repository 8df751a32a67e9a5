"""What each kind of notification says: from facts to a Message, in whole sentences with local times.

Names come in as they are; ``messages.py`` makes them harmless. Titles hold no name from outside. Pure, never fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import Reach, Service
from pro2_reconciliation.ledger import Alarm
from pro2_reconciliation.repair.cards import steps_of
from pro2_reconciliation.repair.colleagues import summary
from pro2_reconciliation.repair.messages import Link, Message, few
from pro2_reconciliation.repair.outcome import End
from pro2_reconciliation.repair.report import Report, Row
from pro2_reconciliation.repair.timeline import END_WORDS

RECONCILE = "reconcile"
SERVICES = {
    Service.SENDING: "sending (ActiveCampaign)",
    Service.DASHBOARD: "the Integrated Dashboard",
    Service.TESSITURA: "Tessitura",
}
FOR_A_PERSON = frozenset({End.NEEDS_HUMAN, End.FAILED})
"""How an item ends that only a person can bring to an end."""


@dataclass(frozen=True)
class Links:
    """Where a message leads. ``base``: Airflow's own address, empty where it does not know it; ``page``: the route of
    the page "Outages" in it; ``organization``: its name behind the ids of DAGs, empty where there is only one.
    """

    base: str = ""
    page: str = ""
    organization: str = ""

    def outages(self, ids: Sequence[str] = ()) -> Link:
        """The page, at the first of these outages."""
        return Link(label="Outages", url=self._page(f"?outage={quote(ids[0], safe='')}" if ids else ""))

    def item(self, key: str) -> Link:
        return Link(label="The item", url=self._page(f"?item={quote(key, safe='')}"))

    def run(self, run_id: str) -> Link:
        """The page, at what a dag run did and where its report is."""
        return Link(label="What was done", url=self._page(f"?run={quote(run_id, safe='')}"))

    def question(self, run_id: str) -> Link:
        return Link(
            label="Answer", url=f"{self._task(self.dag_id(RECONCILE), run_id, 'ask')}/required_actions"
        )

    def log(self, dag_id: str, run_id: str, task_id: str, label: str = "The log") -> Link:
        return Link(label=label, url=self._task(dag_id, run_id, task_id))

    def dag(self, dag_id: str) -> Link:
        """A DAG by its usual id, ``guard_repairs``."""
        found = self.dag_id(dag_id)
        return Link(label=found, url=f"{self._base}/dags/{quote(found, safe='')}")

    def dag_id(self, usual: str) -> str:
        """The id of a DAG of ours in this Airflow."""
        return f"{usual}__{self.organization}" if self.organization else usual

    @property
    def _base(self) -> str:
        return self.base.rstrip("/")

    def _page(self, query: str) -> str:
        return f"{self._base}{self.page}{query}"

    def _task(self, dag_id: str, run_id: str, task_id: str) -> str:
        parts = (quote(part, safe="") for part in (dag_id, run_id, task_id))
        return "{}/dags/{}/runs/{}/tasks/{}".format(self._base, *parts)


def outages_found(
    found: Sequence[Outage], at_risk: Sequence[str], zone: str, settle_seconds: float, links: Links
) -> Message:
    """One outage with its evidence and what is at risk in it, or a list of several."""
    link = (links.outages([outage.id for outage in found]),)
    organization = found[0].organization
    if len(found) > 1:
        return Message(
            title=f"{len(found)} outages were found for {organization}",
            items=few(tuple(_outage(outage, zone) for outage in found)),
            links=link,
        )
    outage = found[0]
    sources = dict.fromkeys(f"{claim.source} ({claim.detail or 'no detail'})" for claim in outage.evidence)
    known = f" It is known from {'; '.join([*sources][:4])}." if sources else ""
    lines = [f"{organization}: {_outage(outage, zone)}.{known}", _what_next(outage, settle_seconds)]
    if outage.generation > 1:
        lines.insert(
            1,
            "It was looked at before; since then more of it became known, or its dag run ended without a plan, so it "
            "is looked at again.",
        )
    if at_risk:
        lines.append(f"At risk while it lasts: {len(at_risk)}.")
    word = "An outage may have been found" if outage.suspected else "An outage was found"
    return Message(
        title=f"{word} for {organization}: {outage.service.value}, {_span(outage, zone)}",
        lines=tuple(lines),
        items=few(tuple(at_risk)),
        links=link,
    )


def _outage(outage: Outage, zone: str) -> str:
    verb = "is" if outage.end is None else "was"
    doubt = ", as far as a page says that nobody has confirmed" if outage.suspected else ""
    return f"{SERVICES[outage.service]} {verb} down, {_span(outage, zone)}{doubt} (outage {outage.id})"


def _span(outage: Outage, zone: str) -> str:
    if outage.end is None:
        return f"since {local(outage.start, zone)}"
    return describe_window(Window(start=outage.start, end=outage.end), zone)


def _what_next(outage: Outage, settle_seconds: float) -> str:
    quiet = f"{settle_seconds / 60:g} minutes"
    when = (
        f"Once it has ended and been quiet for {quiet}"
        if outage.state is OutageState.OPEN
        else f"Once it has been quiet for {quiet}"
    )
    if outage.suspected:
        return (
            f"{when}, a dag run of reconcile looks at what was due in it and only proposes. Whoever knows that it was "
            f"one says so at the desk: python -m pro2_reconciliation confirm {outage.id}"
        )
    return f"{when}, a dag run of reconcile looks at what was due in it. Nothing is sent without an answer."


def answer_needed(
    plan: Plan, run_id: str, expires: datetime, links: Links, *, again: bool = False
) -> Message:
    """The question of a plan; ``again``: the reminder."""
    asked = sorted(
        (d for d in plan.decisions if d.asks),
        key=lambda d: (d.reach is not Reach.INBOX, d.send_by or expires),
    )
    inbox = [d for d in asked if d.reach is Reach.INBOX]
    patrons = sum(d.audience or 0 for d in inbox)
    reach = f" {len(inbox)} of them can reach an inbox, of about {patrons:,} patrons in all." if inbox else ""
    lines = [
        f"{plan.organization}, {describe_window(plan.window, plan.zone)}: {_items(len(asked))} may be repaired.{reach}"
    ]
    first = min((d.send_by for d in asked if d.send_by), default=None)
    if first is not None and first < expires:
        lines.append(f"The first must not be sent any more after {local(first, plan.zone)}.")
    lines.append(
        f"Without an answer by {local(expires, plan.zone)} nothing is done, and every item is left to a person."
    )
    start = "Still no answer" if again else "Answer needed"
    return Message(
        title=f"{start}: what may be done for {_items(len(asked))} of {plan.organization}?",
        lines=tuple(lines),
        items=few(tuple(_asked(d, plan.zone) for d in asked)),
        links=(links.question(run_id), links.outages(plan.window.outage_ids)),
        expires=expires,
    )


def _asked(decision: Decision, zone: str) -> str:
    due = f", due {local(decision.due, zone)}" if decision.due else ""
    return f"«{decision.name}» ({decision.item_id}){due}: {decision.reason}"


def finished(report: Report, run_id: str, path: str, links: Links) -> Message:
    """How a dag run ended, in the paragraph of its report that is for colleagues."""
    counts = report.counts
    told = ", ".join(f"{counts[end]} {words}" for end, words in END_WORDS.items() if end in counts)
    people = [row for row in report.rows if row.outcome in FOR_A_PERSON]
    return Message(
        title=f"Reconcile of {report.organization} has ended: {told or 'nothing to do'}",
        lines=(
            summary(report),
            *(
                (f"{len(report.failures)} did not end as they should; look at them first.",)
                if report.failures
                else ()
            ),
            f"Report: {path}",
        ),
        items=few(tuple(_named(row) for row in people)),
        links=(
            links.run(run_id),
            links.log(RECONCILE, run_id, "report", "The report in the log"),
        ),
    )


def needs_person(rows: Sequence[Row], organization: str, run_id: str, links: Links) -> Message:
    """Items that wait for a person, each with the first thing to do."""
    one = rows[0] if len(rows) == 1 else None
    return Message(
        title=f"{_items(len(rows))} of {organization} {'needs' if one else 'need'} a person",
        lines=(_told(one), *steps_of(one)) if one else (),
        items=() if one else few(tuple(f"{_told(row)} {steps_of(row)[0]}" for row in rows)),
        links=(
            links.item(one.key) if one else links.outages(),
            links.log(RECONCILE, run_id, "report", "The report in the log"),
        ),
    )


def _named(row: Row) -> str:
    return f"«{row.name}» ({row.item_id}): {row.detail or row.reason}"


def _told(row: Row) -> str:
    said = _named(row)
    return said if said.endswith((".", "!", "?")) else f"{said}."


def alarms(found: Sequence[Alarm], organization: str, zone: str, links: Links) -> Message:
    """What the guard found, each as it told it."""
    kinds = [*dict.fromkeys(alarm.kind for alarm in found)]
    what = kinds[0] if len(kinds) == 1 else f"{len(found)} alarms"
    keys = [*dict.fromkeys(str(alarm.body.get("item", "")) for alarm in found)]
    return Message(
        title=f"ALARM for {organization}: {what}",
        lines=tuple(f"{local(alarm.at, zone)}: {alarm.body.get('text', alarm.kind)}" for alarm in found),
        links=(links.item(keys[0]) if len(keys) == 1 and keys[0] else links.outages(),),
    )


def silent(who: str, since: datetime | None, organization: str, zone: str, links: Links) -> Message:
    """A DAG that should pass every few minutes does not."""
    what = {
        "guard_repairs": "Nothing is sent meanwhile, and no original that wakes up is stopped.",
        "detect_outages": "No outage is found meanwhile, and no dag run is started.",
    }.get(who, "")
    last = f"passed last {local(since, zone)}" if since else "has never passed"
    return Message(
        title=f"ALARM for {organization}: {who} does not run",
        lines=(
            f"{who} {last}. {what}".strip(),
            "Look whether it is paused, whether its tasks fail, and whether Airflow's scheduler and workers are up.",
        ),
        links=(links.dag(who),),
    )


def plans_only(why: str, organization: str, links: Links) -> Message:
    """The guard runs on a ledger that is not the one to go by."""
    return Message(
        title=f"ALARM for {organization}: the ledger allows plans only",
        lines=("What was repaired is watched by nobody.", why),
        links=(links.dag("guard_repairs"),),
    )


def failed(dag_id: str, run_id: str, task_id: str, why: str, organization: str, links: Links) -> Message:
    """A dag run that ended without a report."""
    return Message(
        title=f"ALARM for {organization}: a dag run of {dag_id} failed",
        lines=(f"Task {task_id} of dag run {run_id} failed: {why}",),
        links=(links.log(dag_id, run_id, task_id),),
    )


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
