"""A ledger with nights of long ago: of one nothing came, on one something was done, one is still open; and last night.

A module of its own, so that SQLite and PostgreSQL are asked the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.plan import Decision, Plan, Window
from pro2_reconciliation.domain.words import Choice, ItemKind, Remedy, Service, Verb
from pro2_reconciliation.ledger import ActionKey, ActionRecord, Ledger, State

NOW = datetime(2026, 11, 24, 21, 5, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=200)
BEFORE = NOW - timedelta(days=120)
ACTED, QUIET, OPEN, LAST, CHILD = "outage__3f2a__g1", "scheduled__1", "scheduled__2", "scheduled__3", "ask__9"
KEY = ActionKey("playhouse", "campaign:103", Remedy.RESEND, 1)


def resend(ledger: Ledger, plan_hash: str) -> ActionRecord:
    """Register the resend of campaign 103, as ``clear`` does."""
    return ledger.register(
        KEY,
        kind="campaign",
        item_id="103",
        name="Opening night",
        verbs=(Verb.STOP_CAMPAIGN, Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN),
        fingerprint="f1",
        plan_hash=plan_hash,
        to=State.CLEARED,
        who="clear",
        why="chosen by Ada",
    )


def tell(ledger: Ledger) -> dict[str, str]:
    """Write all of it; the hash of each dag run's plan by the dag run."""
    hashes: dict[str, str] = {}
    for run, at, parent in (
        (ACTED, LONG_AGO, None),
        (QUIET, LONG_AGO, None),
        (OPEN, LONG_AGO, None),
        (CHILD, LONG_AGO + timedelta(hours=1), QUIET),
        (LAST, NOW - timedelta(days=1), None),
    ):
        plan = _plan(ledger, run, at, hashes.get(parent or ""))
        ledger.save_inventory(run, _inventory(plan))
        hashes[run] = ledger.save_plan(plan, run)
    ledger.save_answers(hashes[QUIET], {"campaign:103": Choice.LEAVE}, "Ada")
    ledger.save_follow_up(hashes[QUIET], ["campaign:103"])
    ledger.note_attempt("playhouse", "ask__1", hashes[QUIET], 2, "the first ended without a plan")
    ledger.open_item(
        "playhouse", "campaign:9", name="A", rule="C14", reason="partly sent", plan_hash=hashes[OPEN]
    )
    step = resend(ledger, hashes[ACTED]).steps[0]
    claim = ledger.claim(step.id, "task", 60)
    assert claim is not None
    ledger.intend(claim, fingerprint="f1")
    ledger.move(step.id, State.DONE, who="task", why="answered", claim=claim)
    ended = Outage(
        id="3f2a",
        organization="playhouse",
        service=Service.SENDING,
        start=LONG_AGO,
        end=LONG_AGO + timedelta(hours=3),
        state=OutageState.CLOSED,
    )
    ledger.replace_outages("playhouse", [ended], "long ago")
    ledger.replace_outages("opera", [], "nothing")
    return hashes


def _plan(ledger: Ledger, run: str, at: datetime, parent: str | None) -> Plan:
    decision = Decision(
        kind=ItemKind.CAMPAIGN,
        item_id="103",
        name="Opening night",
        root="campaign:103",
        rule="C11",
        remedy=Remedy.RESEND,
        reason="pending",
        choices=(Choice.LEAVE, Choice.RESEND),
    )
    identity = ledger.identity
    return Plan(
        organization="playhouse",
        zone="America/Chicago",
        window=Window(start=at - timedelta(hours=4), end=at),
        created_at=at,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        run=run,
        decisions=(decision,),
        parent=parent,
    )


def _inventory(plan: Plan) -> Inventory:
    seen = Observation(
        kind="campaign", item_id="103", name="N", state="pending", seen_at=plan.created_at, source="test"
    )
    return Inventory(
        organization=plan.organization,
        zone=plan.zone,
        window=plan.window,
        taken_at=plan.created_at,
        readings={},
        occurrences=(),
        observations={seen.key: seen},
        watch=(),
    )


class Times:
    """A clock that stands wherever it is put."""

    def __init__(self) -> None:
        self.time = LONG_AGO

    def __call__(self) -> datetime:
        return self.time


def pruning_keeps_what_prevents_a_second_mail(ledger: Ledger, clock: Times) -> None:
    """The whole story, asked of one database."""
    hashes = tell(ledger)
    clock.time = NOW
    ledger.adopt("Ada", "first start")
    picture, identity = ledger.picture(), ledger.identity

    counted = ledger.prune("playhouse", BEFORE, delete_it=False)
    assert (counted.plans, counted.answers, counted.plan_items) == (2, 1, 2)
    assert ledger.plan(hashes[QUIET]) is not None, "counting deletes nothing"
    assert ledger.prune("opera", BEFORE, delete_it=True).rows == 0

    assert ledger.prune("playhouse", BEFORE, delete_it=True) == counted
    assert {run for run, one in hashes.items() if ledger.plan(one)} == {ACTED, OPEN, LAST}
    assert {run.id for run in ledger.runs("playhouse")} == {ACTED, OPEN, LAST}
    assert ledger.follow_up(hashes[QUIET]) == []
    assert ledger.attempts("playhouse", "ask__1") == []
    assert ledger.inventory(ACTED).organization == "playhouse"

    assert resend(ledger, hashes[LAST]).plan_hash == hashes[ACTED], "the claim of long ago still stands"
    assert ledger.claim(ledger.action(KEY.id).steps[0].id, "another", 60) is None  # type: ignore[union-attr]
    assert [one.id for one in ledger.outages("playhouse")] == ["3f2a"]
    assert [one.item_key for one in ledger.open_items("playhouse")] == ["campaign:9"]
    now = ledger.picture()
    assert not picture.more_than(now), "a witness takes a pruned ledger for the same"
    assert ledger.identity == identity
    assert ledger.prune("playhouse", BEFORE, delete_it=True).rows == 0
