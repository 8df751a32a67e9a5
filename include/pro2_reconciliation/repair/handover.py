"""What one more question is needed for: drift, STALE items, closed gates, consent in mode ``auto``."""

from __future__ import annotations

from collections.abc import Mapping

from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import ItemKind, Mode, Remedy, Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import TAG_VERBS, VERBS
from pro2_reconciliation.repair.drift import drift_of
from pro2_reconciliation.repair.report import End, make_report


def follow_up_keys(account: Account, plan: Plan, mode: Mode, not_now: Mapping[str, str]) -> list[str]:
    """Keys of the items that a further dag run has to look at and ask about. A drift that is empty asks nothing."""
    keys: list[str] = []
    report = make_report(account, plan, mode, not_now=not_now)
    for row, decision in zip(report.rows, plan.decisions, strict=True):
        drifted = decision.remedy is Remedy.DATA_SYNC and row.outcome is End.VERIFIED
        verbs = TAG_VERBS if drifted else VERBS.get(decision.remedy, ())
        if account.refusal_of(verbs):
            continue  # asking again opens no read-only connection
        if drifted and not _drifts(account, decision):
            continue
        unasked = mode is Mode.AUTO and row.outcome is End.PROPOSED
        if drifted or unasked or row.outcome in (End.NOT_NOW, End.STALE):
            # a proposal about a tag belongs to its occurrence, which is what an inventory knows
            keys.append(decision.root if decision.kind is ItemKind.OCCURRENCE else decision.key)
    return list(dict.fromkeys(keys))


def _drifts(account: Account, decision: Decision) -> bool:
    for action in account.ledger.actions_of(account.organization, decision.root):
        step = action.step(Verb.IMPORT_LIST)
        if step is not None and step.state is State.CONFIRMED and step.remote_id:
            try:
                drift = drift_of(account, decision.model_copy(update={"tag": step.remote_id}))
            except RequestError:
                return True
            return bool(drift.to_add or drift.to_remove)
    return False
