"""Look again at what waits for the world: a newer export, a person who pressed after the question had ended, or a dag
run that died before it could prove what it had done.

The first thing of every reconciliation, in every mode, and the last thing before its report: it reads, and writes only
the ledger. Nothing is asked and nothing is sent. What cannot be read or is unknown to this ledger stays as it is; the
next dag run looks again.
"""

from __future__ import annotations

from pro2_reconciliation.domain.errors import LedgerError, RequestError
from pro2_reconciliation.domain.words import ItemKind, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.lost_requests import find_out, floor_of, is_manual
from pro2_reconciliation.repair.manual import ANSWER_LEASE_SECONDS, asker, seen_done
from pro2_reconciliation.repair.proofs import LOGGED, Proof
from pro2_reconciliation.repair.steps import LEASE_SECONDS

LAST_STEPS = LOGGED | {Verb.SEND_CAMPAIGN}
"""With these an action is over, and nobody would choose it again only to have it proven."""
_WAITING = frozenset({State.INTENDED, State.AMBIGUOUS, State.DONE})


def settle_waiting(account: Account) -> list[str]:
    """Settle the steps that wait for nothing but a look; returns a sentence for each that moved."""
    told = []
    for action in account.ledger.standing_in(account.organization, _WAITING):
        if action.kind == ItemKind.OCCURRENCE and not account.knows_job(action.item_id):
            continue  # its job left the catalog: nothing can be read of it
        for step in action.latest:
            was = step.state
            if was not in _WAITING:
                continue
            try:
                if was is State.INTENDED and is_manual(step):
                    _was_it_pressed(account, action, step)
                elif was is not State.DONE and step.verb in LAST_STEPS:
                    _did_it_arrive(account, action, step)
                if account.ledger.step(step.id).state is State.DONE and step.verb in LAST_STEPS:
                    _is_it_proven(account, action, step)
            except LedgerError:
                continue  # somebody else is at it, or its plan is not in this ledger
            now = account.ledger.step(step.id)
            if now.state is not was:
                told.append(
                    f"«{action.name}» ({action.item_id}): {step.verb.value} {now.state}: {now.moves[-1].why}"
                )
    return told


def _was_it_pressed(account: Account, action: ActionRecord, step: StepRecord) -> None:
    """A question that still waits for its person is left alone: his answer says more."""
    plan = account.ledger.plan(action.plan_hash)
    decision = plan.decision(action.item_key) if plan else None
    if plan is None or decision is None:
        return
    claim = account.ledger.claim(step.id, asker(account.owner), ANSWER_LEASE_SECONDS)
    if claim is None:
        return
    try:
        state, why, remote = seen_done(account, decision, action, step, floor_of(plan, step))
        if state is State.DONE:
            account.ledger.move(step.id, state, who=account.owner, why=why, claim=claim, remote_id=remote)
    finally:
        account.ledger.release(claim)


def _did_it_arrive(account: Account, action: ActionRecord, step: StepRecord) -> None:
    """A request of ours whose worker died: that it arrived may be seen at once; that it did not is left alone here."""
    plan = account.ledger.plan(action.plan_hash)
    decision = plan.decision(action.item_key) if plan else None
    if plan is None or decision is None or is_manual(step):
        return
    claim = account.ledger.claim(step.id, account.owner, LEASE_SECONDS)
    if claim is None:
        return
    try:
        found = find_out(account, decision, action, step, floor_of(plan, step))
        if found.state is State.DONE:
            account.ledger.move(
                step.id, found.state, who=account.owner, why=found.why, claim=claim, remote_id=found.remote_id
            )
    except RequestError:
        return
    finally:
        account.ledger.release(claim)


def _is_it_proven(account: Account, action: ActionRecord, step: StepRecord) -> None:
    plan = account.ledger.plan(action.plan_hash)
    if plan is not None:
        Proof(account, plan, action.id, step.verb).look()
