"""What every remedy consists of, as data: its steps in order, and the lane that each step runs in.

The order of the lanes is the safety: stopping can only prevent mail, so it comes first; a send comes last.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.words import Choice, Reach, Remedy, Verb


class Lane(StrEnum):
    """The lanes of ``reconcile`` in the order in which they run; each has one kind of step."""

    STOP_CAMPAIGN = "stop_campaign"
    STOP_RUN = "stop_run"
    REPEAT_IMPORT = "repeat_import"
    DATA_SYNC = "data_sync"
    TAG_DRIFT = "tag_drift"
    RUN_NOW = "run_now"
    DUPLICATE_CAMPAIGN = "duplicate_campaign"
    SEND_CAMPAIGN = "send_campaign"


VERBS: dict[Remedy, tuple[Verb, ...]] = {
    Remedy.RESEND: (Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN),
    Remedy.HOLD_BACK: (Verb.STOP_CAMPAIGN,),
    Remedy.REPEAT_IMPORT: (Verb.REPEAT_IMPORT,),
    Remedy.RUN_NOW: (Verb.RUN_NOW,),
    Remedy.DATA_SYNC: (Verb.IMPORT_LIST,),
    Remedy.ADD_TAG: (Verb.ADD_TAG,),
    Remedy.REMOVE_TAG: (Verb.REMOVE_TAG,),
}
LANE_OF: dict[Verb, Lane] = {
    Verb.STOP_CAMPAIGN: Lane.STOP_CAMPAIGN,
    Verb.STOP_RUN: Lane.STOP_RUN,
    Verb.REPEAT_IMPORT: Lane.REPEAT_IMPORT,
    Verb.IMPORT_LIST: Lane.DATA_SYNC,
    Verb.ADD_TAG: Lane.TAG_DRIFT,
    Verb.REMOVE_TAG: Lane.TAG_DRIFT,
    Verb.RUN_NOW: Lane.RUN_NOW,
    Verb.COPY_CAMPAIGN: Lane.DUPLICATE_CAMPAIGN,
    Verb.SEND_CAMPAIGN: Lane.SEND_CAMPAIGN,
}
REMEDY_OF: dict[Choice, Remedy] = {
    Choice.RESEND: Remedy.RESEND,
    Choice.HOLD_BACK: Remedy.HOLD_BACK,
    Choice.ADD_TAG: Remedy.ADD_TAG,
    Choice.REMOVE_TAG: Remedy.REMOVE_TAG,
}
_REPROCESS = frozenset({Choice.REPROCESS, Choice.REPROCESS_EVEN_IF_NOT_STOPPED})
SENDING_VERBS = frozenset({Verb.SEND_CAMPAIGN, Verb.RUN_NOW})
"""Verbs that must not double: they wait for the guard, and for nobody else's copy."""
IMPORT_VERBS = frozenset({Verb.REPEAT_IMPORT, Verb.IMPORT_LIST})
TAG_VERBS = frozenset({Verb.ADD_TAG, Verb.REMOVE_TAG})
AUTOMATION_VERBS = IMPORT_VERBS | TAG_VERBS
"""These may start automations that mail: where the reach of the decision is an inbox."""


def may_mail(verb: Verb, reach: Reach) -> bool:
    """Whether a request may by itself make a patron receive mail. ``reach`` is that of its decision."""
    return verb in SENDING_VERBS or (reach is Reach.INBOX and verb in AUTOMATION_VERBS)


def waits_for_hours(decision: Decision) -> bool:
    """Whether a step of what the decision offers goes in the sending hours only."""
    return any(may_mail(verb, decision.reach) for verb in VERBS.get(decision.remedy, ()))


class Decided(Protocol):
    """What is needed of a decision: a ``Decision``, or the ledger's short form of it."""

    @property
    def key(self) -> str: ...

    @property
    def rule(self) -> str: ...

    @property
    def remedy(self) -> Remedy: ...


def chosen_remedy(decision: Decided, choice: Choice) -> Remedy | None:
    """The remedy that a choice asks for; None for "leave to me" and "keep watching"."""
    if choice.plain in _REPROCESS:
        return decision.remedy
    return REMEDY_OF.get(choice.plain)


def verbs_of(decision: Decision, remedy: Remedy) -> tuple[Verb, ...]:
    """The steps of a remedy for one decision; a hanging or missing run is stopped first (rule R10)."""
    verbs = VERBS[remedy]
    return (Verb.STOP_RUN, *verbs) if decision.stop_first else verbs
