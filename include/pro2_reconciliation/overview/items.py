"""The items of one outage or of one dag run, as they stand now."""

from __future__ import annotations

from datetime import datetime

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview.views import ItemView, Now
from pro2_reconciliation.repair.report import End

_FIXED = {
    Remedy.NONE: End.NONE,
    Remedy.WATCH: End.OPEN,
    Remedy.NEEDS_HUMAN: End.NEEDS_HUMAN,
    Remedy.REPORT: End.REPORTED,
}


def items_of_outage(site: Site, ledger: Ledger, outage_id: str, now: datetime) -> tuple[ItemView, ...]:
    """The items of an outage, each once, from the newest plan that knows it. Raises ``LedgerError`` for an outage
    that is not known.
    """
    outage = ledger.outage(outage_id)
    if outage is None or outage.organization != site.organization:
        raise LedgerError(f"outage {outage_id!r} is not known; look at the list of outages again")
    ids = {outage.id, *outage.aliases}
    plans = [p for p in ledger.plans(site.organization) if ids & set(p.window.outage_ids)]
    found: dict[str, ItemView] = {}
    for plan in plans:
        for item in _items(site, ledger, plan):
            found.setdefault(item.key, item)
    return tuple(found.values())


def items_of_run(site: Site, ledger: Ledger, dag_run: str, now: datetime) -> tuple[ItemView, ...]:
    """The items of one dag run. Raises ``LedgerError`` for a dag run that is not known."""
    for plan in ledger.plans(site.organization):
        if plan.run == dag_run:
            return tuple(_items(site, ledger, plan))
    raise LedgerError(f"dag run {dag_run!r} is not known to this ledger")


def _items(site: Site, ledger: Ledger, plan: Plan) -> list[ItemView]:
    answers, holds = ledger.answers(plan.hash), ledger.holds(site.organization)
    waivers = ledger.waivers(site.organization, plan.window.start)
    opened = {one.item_key: one.opened_at for one in ledger.open_items(site.organization)}
    found = []
    for one in plan.decisions:
        answer, held, waived = answers.get(one.key), holds.get(one.key), waivers.get(one.key)
        found.append(
            ItemView(
                key=one.key,
                kind=one.kind,
                item_id=one.item_id,
                name=one.name,
                rule=one.rule,
                via=one.via,
                observation=str(one.observation.state) if one.observation else "-",
                decision=one.remedy.value,
                reason=one.reason,
                outcome=_outcome(one, answer is not None),
                steps=one.steps,
                choices=one.choices if answer is None else (),
                answer=answer.choice if answer else None,
                answered_by=answer.who if answer else "",
                answered_at=answer.at if answer else None,
                audience=one.audience,
                due=one.due,
                send_by=one.send_by,
                observed_at=one.observation.seen_at if one.observation else None,
                held_by=held.who if held else "",
                waived_by=waived.who if waived else "",
                open_since=opened.get(one.key),
                dag_run=plan.run,
                plan_hash=plan.hash,
                pro2_url=site.policy.link_to(one.kind, one.item_id),
            )
        )
    return found


def _outcome(one: Decision, answered: bool) -> str:
    if one.remedy in _FIXED:
        return _FIXED[one.remedy].value
    return Now.UNDER_WAY.value if answered else Now.ASKED.value
