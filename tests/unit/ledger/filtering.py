"""What each narrow look has to find, said the long way: read every action and filter. SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from tests.claims import every_action

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import LIVE, RUNNING, ActionKey, Ledger, State
from pro2_reconciliation.ledger.action_tables import StepRow

ITEMS = ("campaign:1", "campaign:11", "occurrence:1@2026-11-24", "occurrence:11@2026-11-24", "automation:1")
"""Ids that begin alike, or are another kind's as well."""
COPY = "campaign:900"
"""An item whose lineage is that of the first."""
VERBS = (Verb.STOP_CAMPAIGN, Verb.SEND_CAMPAIGN)
SETS = (LIVE, {State.INTENDED, State.AMBIGUOUS, State.DONE}, {State.STALE}, {State.CLEARED}, set())


def same_as_filtering_all(ledger: Ledger, organization: str) -> None:
    """Fail unless every narrow look finds exactly what reading all and filtering finds, in the same order."""
    everything = every_action(ledger, organization)
    for states in SETS:
        wanted = [one for one in everything if any(step.state in states for step in one.latest)]
        assert ledger.standing_in(organization, states) == wanted
    assert ledger.standing_in(organization, LIVE) == [one for one in everything if one.live]
    open_words = (RUNNING, State.NEEDS_HUMAN, State.FAILED, State.STALE)
    acted = [one for one in everything if one.had_effect and one.state in open_words]
    assert ledger.open_repairs(organization) == acted
    for names in ([], ITEMS[:1], ITEMS[1:4], (*ITEMS, COPY, "campaign:404")):
        of = [one for one in everything if one.root in names]
        assert ledger.actions_of(organization, *names) == of
        on = [one for one in everything if one.item_key in names or one.root in names]
        assert ledger.actions_on(organization, *names) == on
    with ledger._read() as session:
        told = {row[0]: row[1] for row in session.execute(select(StepRow.id, StepRow.state))}
    assert all(told[step.id] == step.state for one in everything for step in one.steps)


def live_through(ledger: Ledger, organization: str, events: Iterable[tuple[int, int, str]]) -> None:
    """Let things happen to the items in turn: (which item, which verb, what). What is refused does not happen."""
    claims = {}
    for number, (place, at, what) in enumerate(events):
        key = (*ITEMS, COPY)[place]
        known = [one for one in ledger.actions_on(organization, key) if one.item_key == key]
        step = known[-1].step(VERBS[at]) if known else None
        try:
            if step is None or what.startswith("register"):
                _register(ledger, organization, key, what.removeprefix("register") or f"f{number}")
            elif what == "claim":
                claim = ledger.claim(step.id, "x", 60)
                claims |= {step.id: claim} if claim is not None else {}
            elif what == "intend":
                ledger.intend(claims[step.id], fingerprint=known[-1].fingerprint)
            elif what == "retry":
                ledger.retry_step(step.id, "x", "x", by_person=True)
            elif what == "close":
                ledger.close_steps(organization, key, "Ada", "x")
            elif what == "repeat":
                ledger.repeat(organization, key, "Ada", "x")
            elif what == "end":
                ledger.end_rest(known[-1].id, State.SKIPPED, who="x", why="x")
            else:
                ledger.move(step.id, State(what), who="x", why="x", claim=claims.get(step.id))
        except (LedgerError, KeyError):
            pass


EVENTS: Sequence[str] = (
    *("register", "registerf1", "claim", "intend", "retry", "close", "repeat", "end"),
    *(state.value for state in State if state not in (State.PLANNED, State.CLAIMED, State.INTENDED)),
)


def _register(ledger: Ledger, organization: str, item_key: str, fingerprint: str) -> None:
    kind, _, item_id = item_key.partition(":")
    root = ITEMS[0] if item_key == COPY else item_key
    remedy = Remedy.RESEND if kind == "campaign" else Remedy.RUN_NOW
    ledger.register(
        ActionKey(organization, root, remedy, ledger.next_generation(organization, root, remedy)),
        kind=kind,
        item_id=item_id,
        name="Opening night",
        verbs=VERBS,
        fingerprint=fingerprint,
        plan_hash="p1",
        to=State.CLEARED,
        who="clear",
        why="chosen by Ada",
    )
