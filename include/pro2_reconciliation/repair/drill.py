"""The drill: stop, duplicate and send a canary to a few named colleagues, and note what the account was seen to do.

It goes the way of every repair: a plan, an answer, the gates, intents in the ledger, a proof of each step. Only two
things differ: the canary is scheduled and not overdue, and nobody but the named addresses may be on its lists. What
a canary is says ``canary.py``. Raises what the ports raise, and ``LedgerError``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.capability import MEANING, Capability
from pro2_reconciliation.domain.decide import fingerprint_of
from pro2_reconciliation.domain.drill import DRILL, NOT_BY_A_DRILL
from pro2_reconciliation.domain.errors import LedgerError, Rejected
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import (
    CampaignStatus,
    Choice,
    ItemKind,
    Mode,
    Reach,
    Remedy,
    Service,
    Verb,
)
from pro2_reconciliation.ledger import ActionRecord, Seen, Stage, State
from pro2_reconciliation.repair import noting
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.canary import Canary
from pro2_reconciliation.repair.checks import read_campaign
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.effects import copy_of
from pro2_reconciliation.repair.gates import closed_gate
from pro2_reconciliation.repair.reconcile import run_lanes


@dataclass(frozen=True)
class Drilled:
    """What a drill showed. ``unproven``: capability to why it was not proven, what a drill cannot prove included.

    ``why``: what kept the drill from going to its end, empty if it did.
    """

    plan_hash: str
    seen: tuple[Seen, ...]
    unproven: Mapping[Capability, str]
    copy_id: str | None = None
    why: str = ""


def plan_of(account: Account, canary: Canary, run: str) -> Plan:
    """The plan of one drill: one decision, to resend the canary."""
    campaign, identity, now = canary.campaign, account.ledger.identity, account.now()
    decision = Decision(
        kind=ItemKind.CAMPAIGN,
        item_id=campaign.id,
        name=campaign.name,
        root=f"campaign:{campaign.id}",
        rule=DRILL,
        remedy=Remedy.RESEND,
        reach=Reach.INBOX,
        reason=f"a drill to {canary.audience} colleagues",
        choices=(Choice.LEAVE, Choice.RESEND),
        audience=canary.audience,
        due=campaign.due,
        send_by=account.policy.send_by(campaign),
        fingerprint=fingerprint_of(campaign, Remedy.RESEND),
    )
    return Plan(
        organization=account.organization,
        zone=account.zone,
        window=Window(start=now, end=now + timedelta(minutes=1), source="drill", services=(Service.SENDING,)),
        created_at=now,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        run=run,
        decisions=(decision,),
    )


def drill(
    account: Account, canary: Canary, who: str, *, say: Callable[[str], object] = lambda _: None
) -> Drilled:
    """Stop, duplicate and send the canary, each proven; note what was seen in the ledger. ``say`` is told each step.

    Takes as long as its proofs: about a quarter of an hour with the vendor's times. Raises ``Rejected``, with nothing
    written, where no step could leave: a canary that was begun is used up.
    """
    ledger, organization = account.ledger, account.organization
    _refuse_to_begin(account)
    plan = plan_of(account, canary, f"drill__{account.now():%Y-%m-%dT%H:%M:%S}")
    noting.begun(ledger, organization, plan.run, plan.window, Mode.ASK, reason="a drill")
    ledger.save_plan(plan, plan.run)
    (decision,) = plan.decisions
    ledger.save_answers(plan.hash, {decision.key: Choice.RESEND}, who)
    cleared = clear(account, plan, Mode.ASK, who=who)
    if not cleared.steps:
        why = cleared.not_now.get(decision.key, "it was not cleared")
        return Drilled(plan.hash, (), _unproven((), why), why=why)
    say(f"Drill on «{canary.campaign.name}» ({canary.campaign.id}), to {canary.audience} colleagues begins")
    run_lanes(account, plan, cleared)
    action = ledger.action(cleared.steps[0].action_id)
    if action is None:
        raise LedgerError("the ledger lost the action of this drill; look at the canary in Pro2")
    for step in action.latest:
        say(f"{step.verb.value.replace('_', ' ')}: {step.state.value}, {step.moves[-1].why}")
    seen = tuple(_seen(account, plan, canary, action, who))
    ledger.note_capabilities(organization, seen)
    worst = next((step for step in action.latest if step.state is not State.CONFIRMED), None)
    why = (
        f"{worst.verb.value.replace('_', ' ')} is {worst.state.value}: {worst.moves[-1].why}" if worst else ""
    )
    if worst is not None and worst.state is State.CLEARED:
        gate = _held(account, plan, action, worst.verb)
        why = f"{worst.verb.value.replace('_', ' ')} waits: {gate or why}"
    return Drilled(
        plan.hash,
        seen,
        _unproven(seen, why),
        copy_of(action) if _done(action, Verb.COPY_CAMPAIGN) else None,
        why,
    )


def why_not_now(account: Account) -> str | None:
    """What keeps every drill from beginning, with the next step: a read-only connection or the kill switch."""
    refusal = account.refusal_of((Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN))
    if refusal is not None:
        return refusal
    switch = account.ledger.switch(account.organization)
    if switch.stage is Stage.EVERYTHING:
        return (
            f"the kill switch is on ({switch.who}: {switch.why}); switch it off to drill: "
            'python -m pro2_reconciliation switch off --why "..."'
        )
    return None


def _refuse_to_begin(account: Account) -> None:
    why = why_not_now(account)
    if why is not None:
        raise Rejected(f"{why}. Nothing was begun")


def _held(account: Account, plan: Plan, action: ActionRecord, verb: Verb) -> str:
    gate = closed_gate(account, plan, plan.decisions[0], action, verb)
    return gate.why if gate else ""


def _done(action: ActionRecord, verb: Verb) -> bool:
    step = action.step(verb)
    return step is not None and step.state in (State.DONE, State.CONFIRMED)


def _seen(account: Account, plan: Plan, canary: Canary, action: ActionRecord, who: str) -> Iterator[Seen]:
    """What the steps of a drill showed, each with its proof. A step that never was shows nothing."""

    def look(capability: Capability, proven: bool, evidence: str) -> Seen:
        return Seen(capability, proven, evidence[:500], who, plan.hash, account.now())

    original = canary.campaign
    stop, send = action.step(Verb.STOP_CAMPAIGN), action.step(Verb.SEND_CAMPAIGN)
    if stop is not None and stop.had_effect:
        proven = stop.state is State.CONFIRMED
        yield look(Capability.STOP_SCHEDULED, proven, f"campaign {original.id}: {stop.moves[-1].why}")
    if _done(action, Verb.COPY_CAMPAIGN):
        sent = send is not None and send.had_effect
        yield from _copied(account, original, copy_of(action), sent, look)
    if send is not None and send.had_effect:
        proven = send.state is State.CONFIRMED
        copy = f"copy {copy_of(action)}: "
        yield look(Capability.SEND_COPY, proven, copy + send.moves[-1].why.removeprefix(copy))
        if proven:
            after = read_campaign(account, original.id)
            status = after.campaign.status.value if after.campaign else "gone"
            yield look(
                Capability.STAYS_STOPPED,
                after.zero_everywhere,
                f"campaign {original.id} is {status} and counts nothing, {local(after.read_at, account.zone)}"
                if after.zero_everywhere
                else f"campaign {original.id} is {status}, and mail left it",
            )


def _copied(
    account: Account,
    original: Campaign,
    copy_id: str | None,
    sent: bool,
    look: Callable[[Capability, bool, str], Seen],
) -> Iterator[Seen]:
    copy = account.campaigns.detailed([copy_id]).get(copy_id) if copy_id else None
    if copy is None:
        return
    pair = f"campaign {original.id} and its copy {copy.id}"
    draft = sent or copy.status is CampaignStatus.DRAFT  # what is no draft is not sent (``checks.py``)
    was = "was a draft" if draft else f"is {copy.status.value}"
    yield look(Capability.COPY_IS_A_DRAFT, draft, f"copy {copy.id} {was} before anybody sent it")
    lists = f"{pair}: lists {', '.join(original.lists or ())} and {', '.join(copy.lists or ())}"
    yield look(Capability.COPY_KEEPS_LISTS, copy.lists == original.lists, lists)
    if original.segment_id not in ("", "0"):
        kept = copy.segment_id == original.segment_id
        yield look(
            Capability.COPY_KEEPS_SEGMENT,
            kept,
            f"{pair}: segments {original.segment_id} and {copy.segment_id}",
        )
    kept = copy.subject == original.subject and len(copy.messages or ()) == len(original.messages or ())
    yield look(
        Capability.COPY_KEEPS_MESSAGE,
        kept,
        f"{pair}: subject line {'the same' if copy.subject == original.subject else 'another'}, "
        f"{len(original.messages or ())} and {len(copy.messages or ())} messages",
    )


def _unproven(seen: tuple[Seen, ...], why: str) -> dict[Capability, str]:
    """What this drill did not prove, and why."""
    proven = {one.capability for one in seen if one.proven}
    failed = {one.capability: one.evidence for one in seen if not one.proven}
    copied = any(one.capability is Capability.COPY_IS_A_DRAFT for one in seen)
    found = {}
    for one in Capability:
        if one not in proven:
            never = NOT_BY_A_DRILL.get(one) if copied or one is not Capability.COPY_KEEPS_SEGMENT else None
            reason = failed.get(one) or never or why or "this drill did not show it"
            found[one] = f"{MEANING[one]}: {reason}"
    return found
