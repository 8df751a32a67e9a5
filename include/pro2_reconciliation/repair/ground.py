"""What a step stands on: what it takes for granted of the account, and what of that nobody has seen yet (ADR 0014).

Looked at right before a step, by what is seen of its campaign then; a plan says beforehand what it will probably be.
What a person presses for that reason is told why, and how it ends. What steps show afterwards is noted here as well:
a confirmed one refreshes what it rested on, one that did not do what it should makes that unproven. It raises what the
ports and the ledger raise; nothing was sent then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pro2_reconciliation.domain.capability import MEANING, RESTS_ON, Capability, rests_on
from pro2_reconciliation.domain.drill import DRILL
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ActionRecord, Seen, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.actions import TAG_VERBS, verbs_of

RESTED_ON, UNPROVEN = "rested_on", "unproven"
"""In the details of an intent: what a request of ours took for granted, or why a person was asked instead."""
ACCEPT = 'python -m pro2_reconciliation capabilities accept {} --why "..."'
FEW = 2
"""So many capabilities are named before the fact; a list of all would hide what is asked."""


@dataclass(frozen=True)
class Ground:
    """``missing`` is the part of ``rests`` that is not proven; both are empty where nobody has to know."""

    rests: frozenset[Capability] = frozenset()
    missing: frozenset[Capability] = frozenset()


def ground_of(account: Account, decision: Decision, verb: Verb) -> Ground:
    """What a request of ``verb`` stands on now. A stop costs one look at its campaign, if any stop is proven.

    A drill is how it is proven; what a connection leaves to a person takes nothing for granted. A tag has a gate:
    it is written contact by contact, which nobody is asked to press.
    """
    if not account.only_proven or decision.rule == DRILL or verb in account.manual:
        return Ground()
    if verb in TAG_VERBS:
        return Ground(RESTS_ON[verb])
    proven, status = account.proven(), None
    if verb is Verb.STOP_CAMPAIGN and proven & RESTS_ON[verb]:
        campaign = account.campaigns.get(decision.item_id)
        status = campaign.status if campaign else None
    rests = rests_on(verb, status=status, segment=decision.fingerprint.segment_id)
    return Ground(rests, rests - proven)


def noted_of(ground: Ground) -> dict[str, list[str]]:
    """What the intent of a step keeps of its ground: why a person is asked, else what our request rests on."""
    key, which = (UNPROVEN, ground.missing) if ground.missing else (RESTED_ON, ground.rests)
    return {key: [one.value for one in _sorted(which)]} if which else {}


def unproven_tags(account: Account) -> str | None:
    """Why no tag may be written; None where it may."""
    missing = RESTS_ON[Verb.ADD_TAG] - account.proven()
    if not missing:
        return None
    return (
        f"{_not_seen(missing)}, and nobody is asked to press that: the drift's CSV names the contacts. "
        f"{_how(missing)}"
    )


def pressed_beforehand(account: Account, decision: Decision) -> str:
    """Which steps a person will be asked to press, as far as the plan knows, and which nobody; empty for none."""
    if not decision.remedy.acts:
        return ""
    proven = account.proven()
    reading = decision.observation.reading if decision.observation else None
    status = reading.campaign.status if reading and reading.campaign else None
    found: list[str] = []
    missing: set[Capability] = set()
    for verb in verbs_of(decision, decision.remedy):
        if verb in TAG_VERBS:
            return unproven_tags(account) or ""
        unseen = rests_on(verb, status=status, segment=decision.fingerprint.segment_id) - proven
        if verb in account.manual or unseen:
            found.append(verb.value.replace("_", " "))
            missing |= frozenset() if verb in account.manual else unseen
    if not found:
        return ""
    few = ", ".join(_sorted(missing)) if len(missing) <= FEW else f"{len(missing)} things, see capabilities"
    return f"a person is asked to press {', '.join(found)}" + (f" (not seen yet: {few})" if missing else "")


def because(account: Account, step: StepRecord) -> str:
    """Why a person presses this step, and how that ends; from its intent, as it is read by whoever asks."""
    intent = step.move_to(State.INTENDED)
    noted = (intent.details or {}).get(UNPROVEN) if intent else None
    missing = [one for one in Capability if noted and one.value in noted]
    if not missing:
        return (
            "You are asked because its connection says actions: manual."
            if step.verb in account.manual
            else ""
        )
    return f"You are asked because {_not_seen(missing)}. {_how(missing)}"


def _not_seen(missing: Iterable[Capability]) -> str:
    return f"it was not seen yet that {' and that '.join(MEANING[one] for one in _sorted(missing))}"


def _how(missing: Iterable[Capability]) -> str:
    names = " ".join(one.value for one in _sorted(missing))
    return f"Once somebody saw it do so: {ACCEPT.format(names)}"


def _sorted(some: Iterable[Capability]) -> list[Capability]:
    given = set(some)
    return [one for one in Capability if one in given]


# ------------------------------------------------------------------------------------- what steps show afterwards


def confirmed(account: Account, action: ActionRecord, step: StepRecord, why: str) -> None:
    """A step of ours is proven: what it rested on is seen anew, as of its intent. Nothing becomes proven by it.

    A confirmed copy is a draft; that it keeps everything else shows its send, before which both were compared.
    """
    rests = dict.fromkeys(_rested_on(step), step)
    if step.verb is Verb.COPY_CAMPAIGN:
        rests = {one: step for one in rests if one is Capability.COPY_IS_A_DRAFT}
    copy = action.step(Verb.COPY_CAMPAIGN)
    if step.verb is Verb.SEND_CAMPAIGN and copy is not None:
        rests |= dict.fromkeys(_rested_on(copy), copy)
    evidence = f"{_named(action)}, {step.verb.value.replace('_', ' ')}: {why}"[:500]
    looks = [
        Seen(one, True, evidence, account.owner, action.plan_hash, at)
        for one, by in rests.items()
        if (at := by.when(State.INTENDED)) is not None
    ]
    if looks:
        account.ledger.note_capabilities(account.organization, looks, while_proven=True)


def disproved(account: Account, action: ActionRecord, capability: Capability, why: str) -> bool:
    """The account was seen not to do it: from now on a person presses what rests on it. Out: whether that is news."""
    if capability not in account.ledger.proven(account.organization):
        return False
    evidence = f"{_named(action)}: {why}"[:500]
    look = Seen(capability, False, evidence, account.owner, action.plan_hash, account.now())
    account.ledger.note_capabilities(account.organization, [look])
    return True


def _rested_on(step: StepRecord) -> list[Capability]:
    """What a request of ours took for granted; nothing of a step that a person pressed."""
    intent = step.move_to(State.INTENDED)
    noted = (intent.details or {}).get(RESTED_ON) if intent else None
    return [one for one in Capability if noted and one.value in noted]


def _named(action: ActionRecord) -> str:
    return f"«{action.name}» ({action.item_id})"
