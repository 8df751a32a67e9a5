"""A resend or hold-back that ended half way: where each campaign stands in Pro2 now, and what to press.

Read when the report is made, so that a person starts from what is, not from what was meant. A campaign that cannot be
read is said to be unreadable; nothing here raises because of that, and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.lineage import is_visible_copy
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.states import WENT
from pro2_reconciliation.domain.words import CampaignStatus, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.lost_requests import floor_of

PASSED = frozenset({State.DONE, State.CONFIRMED, State.SKIPPED})
RESUMABLE = frozenset(
    {State.CLEARED, State.CLAIMED, State.INTENDED, State.AMBIGUOUS, State.NOT_DONE, State.DONE}
)
"""A step in one of these is gone on with by the next reconciliation, as soon as somebody chooses it."""
NEXT = {
    Verb.STOP_CAMPAIGN: "stopping the original",
    Verb.COPY_CAMPAIGN: "making the copy",
    Verb.SEND_CAMPAIGN: "sending the copy",
}


@dataclass(frozen=True)
class HalfDone:
    """``where``: the states of the campaigns, in one sentence. ``press``: the steps that end it."""

    where: str
    press: tuple[str, ...]


def half_done(account: Account, plan: Plan, decision: Decision, action: ActionRecord) -> HalfDone | None:
    """Where an action stands that began and did not end well; None where nothing of ours reached a campaign."""
    if action.remedy not in (Remedy.RESEND, Remedy.HOLD_BACK) or not action.had_effect:
        return None
    step = next((s for s in action.latest if s.state not in PASSED), None)
    step = step or next((s for s in action.latest if s.state is State.DONE), None)
    if step is None:
        return None
    original = _read(account, decision.item_id)
    copies = _copies(account, plan, decision, action)
    states = [f"the original {decision.item_id} {_state(original)}"]
    states += [f"the copy {one} {_state(found)}" for one, found in copies.items()]
    if not copies and action.remedy is Remedy.RESEND:
        states.append("there is no copy of ours")
    where = f"in Pro2 at {local(account.now(), account.zone)}: {', '.join(states)}"
    if step.state in RESUMABLE:
        return HalfDone(where, _resume(decision, action, step))
    return HalfDone(where, _by_hand(decision, action, step, original, copies))


def _read(account: Account, campaign_id: str) -> Campaign | str | None:
    try:
        return account.campaigns.get(campaign_id)
    except RequestError:
        return "cannot be read now"


def _state(found: Campaign | str | None) -> str:
    if isinstance(found, str):
        return found
    if found is None:
        return "is gone"
    status = "a draft" if found.status is CampaignStatus.DRAFT else found.status.value.replace("_", " ")
    return f"is {status}, {found.send_amt} sent"


def _copies(
    account: Account, plan: Plan, decision: Decision, action: ActionRecord
) -> dict[str, Campaign | str | None]:
    """The copy that the ledger knows; where it knows none, every visible one since it was asked for."""
    step = action.step(Verb.COPY_CAMPAIGN)
    if step is None or not step.had_effect:
        return {}
    if step.remote_id is not None:
        return {step.remote_id: _read(account, step.remote_id)}
    try:
        original = account.campaigns.get(decision.item_id)
        young = account.campaigns.newer_than(floor_of(plan, step)) if original else []
        return {c.id: c for c in young if original and is_visible_copy(c, original)}
    except RequestError:
        return {}


def _resume(decision: Decision, action: ActionRecord, step: StepRecord) -> tuple[str, ...]:
    choice = action.remedy.value.replace("_", " ")
    return (
        f"Start reconcile again and choose «{choice}» for it: it goes on with {NEXT[step.verb]}, and looks first "
        "whether that has happened.",
        f"Or finish it by hand: say so first, with `hold {decision.key}`, so that nobody does it twice.",
    )


def _by_hand(
    decision: Decision,
    action: ActionRecord,
    step: StepRecord,
    original: Campaign | str | None,
    copies: dict[str, Campaign | str | None],
) -> tuple[str, ...]:
    name = f"«{decision.name}» ({decision.item_id})"
    look = f"Open {name} in Pro2 and check that it is stopped and shows 0 sent."
    if step.verb is Verb.STOP_CAMPAIGN:
        return (
            f"Open {name} in Pro2 and check whether it is stopped; if it should not go out, stop it.",
            "Check once more after ten minutes that it shows 0 sent.",
        )
    mailed = [one for one, found in copies.items() if isinstance(found, Campaign) and _left(found)]
    if mailed:
        return (
            f"Check in Pro2 how many the copy {', '.join(mailed)} has reached; send nothing of it again.",
            f"Leave {name} stopped.",
        )
    if not copies:
        return (
            look,
            "If it should still go out, duplicate it, compare lists, segment and subject line, and send the copy once; "
            "leave the original stopped.",
        )
    if len(copies) > 1:
        return (
            look,
            f"Keep one of the copies {', '.join(copies)} and delete the others; if it should still go out, send the "
            "one once, and leave the original stopped.",
        )
    (copy,) = copies
    return (
        look,
        f"If it should still go out, open the copy {copy}, check that it shows 0 sent, and send it once; else delete "
        "it. Leave the original stopped.",
    )


def _left(copy: Campaign) -> bool:
    return copy.status in WENT or any(copy.counters.values())
