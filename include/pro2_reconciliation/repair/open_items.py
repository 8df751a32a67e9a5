"""What a report leaves open, and what it closes: nothing that should have happened is lost between two windows.

An open item is read again by every dag run until the world shows it settled, a person closes it, or 30 days have
passed. What was only proposed is open too: nobody else would name it again. It says so, so that people see that no
one has refused it. Raises ``LedgerError``.
"""

from __future__ import annotations

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.ledger import LIVE, OpenItem
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.carried import BY_WORLD, EXPIRED_BY, OF_TAGS, OPEN_FOR, is_proposal, proposal
from pro2_reconciliation.repair.outcome import End
from pro2_reconciliation.repair.report import Report, Row

_STAYS_OPEN = frozenset(
    {End.NEEDS_HUMAN, End.STALE, End.FAILED, End.OPEN, End.NOT_NOW, End.NOT_CHOSEN, End.PROPOSED}
)
"""What is read again every night, until the world shows it settled or a person closes it."""


def keep_open_items(account: Account, plan: Plan, report: Report) -> Report:
    """Open what is left, close what the world settled, and say anew what is proposed by now.

    Out: the report with the items that were open too long, which end here (``OPEN_FOR``).
    """
    known = {item.item_key: item for item in account.ledger.open_items(account.organization)}
    plan_hash = plan.hash  # over all decisions: worked out once, not for each of them
    for row in report.rows:
        item = known.get(row.key)
        if row.outcome in _STAYS_OPEN:
            if _is_news(row, item):
                account.ledger.open_item(
                    account.organization,
                    row.key,
                    name=row.name,
                    rule=row.rule,
                    reason=_reason(row),
                    plan_hash=plan_hash,
                )
        elif item is not None and row.outcome in (End.NONE, End.VERIFIED):
            account.ledger.close_item(account.organization, row.key, BY_WORLD, f"{row.rule}: {row.reason}")
    return report.model_copy(update={"expired": _expire(account, plan)})


def _is_news(row: Row, item: OpenItem | None) -> bool:
    """Whether the ledger has yet to say it: a proposal follows the newest plan, all else says why it was opened."""
    if item is None:
        return not (row.outcome is End.PROPOSED and row.decision in OF_TAGS)
    return is_proposal(item.reason) and (item.rule, item.reason) != (row.rule, _reason(row))


def _reason(row: Row) -> str:
    return proposal(row.decision, row.reason) if row.outcome is End.PROPOSED else row.reason


def _expire(account: Account, plan: Plan) -> tuple[str, ...]:
    """Close what was open for 30 days, unless an action of ours on it lives; a sentence for each of tonight's."""
    ledger, organization, now = account.ledger, account.organization, account.now()
    living = {action.item_key for action in ledger.standing_in(organization, LIVE)}
    for item in ledger.open_items(organization):
        if now - item.opened_at < OPEN_FOR or item.item_key in living:
            continue
        why = (
            f"open since {local(item.opened_at, account.zone)}, for {OPEN_FOR.days} days: nobody closed it and nothing "
            f"settled it. {item.rule}: {item.reason}"
        )
        ledger.close_steps(organization, item.item_key, EXPIRED_BY, why)
        ledger.close_item(organization, item.item_key, EXPIRED_BY, why)
    tonight = ledger.open_items(
        organization, closed_since=plan.created_at
    )  # a report made again names them too
    return tuple(
        f"«{item.name}» ({item.item_key}) is closed: {item.closed_why}"
        for item in tonight
        if item.closed_by == EXPIRED_BY
    )
