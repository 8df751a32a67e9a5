"""What ends a step instead of holding it: each thing of ``gate_page.ENDINGS`` happens right before each of its steps.

No request leaves for that step or a later one, the report gives the reason, and the next dag run does what can still be
done: once, or with a person. The oracle is the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.chaos.closing import CHAINS, RESEND, Chain, Gated
from tests.chaos.faulty import CAMPAIGN, IMPORT

from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.words import Remedy, Service, Verb
from pro2_reconciliation.ledger import ActionKey, State
from pro2_reconciliation.repair.clearing import ClearedStep
from pro2_reconciliation.repair.gate_page import ENDINGS
from pro2_reconciliation.repair.report import End

BY_NAME = {one.name: one for one in ENDINGS}
PRESSES = {"repeat import": "repeat_import", "run now": "run_now"}


def edited(evening: Gated) -> None:
    evening.edit("103", subject="Another subject line")


def the_drift_grew(evening: Gated) -> None:
    """Somebody else writes one of the two tags of one more contact, so that more differ than were agreed to."""
    contacts, now = evening.world.contacts, evening.world.advance()
    members = contacts.tag_named("Members")
    imported = next(tag for tag in contacts.tags.values() if tag.name.startswith("reconcile"))
    assert members is not None
    other = min(set(contacts.all) - set(members.held) - set(imported.held))
    contacts.add_tag(other, imported if evening.chain.verbs == (Verb.ADD_TAG,) else members, now, "person")


def too_late(evening: Gated) -> None:
    evening.clock.sleep(timedelta(hours=13).total_seconds())


def somebody(evening: Gated) -> None:
    does = PRESSES.get(evening.chain.name, "duplicate")
    item = evening.chain.item.partition(":")[2]
    if evening.chain.name == "data sync":
        does = "run_now"
    evening.sandbox.call("POST", "/sandbox/people", json={"does": does, "item": item})
    evening.clock.sleep(1)


def shorter(evening: Gated) -> None:
    """The outage is found to have ended long before anything of this was due."""
    start = evening.offset(timedelta(hours=-9))
    known = Outage(
        id="o1", organization="playhouse", service=Service.SENDING, start=start, state=OutageState.SETTLED,
        end=start + timedelta(minutes=5),
    )  # fmt: skip
    evening.ledger().replace_outages("playhouse", [known], "a test")


def held_back(evening: Gated) -> None:
    key = ActionKey("playhouse", CAMPAIGN, Remedy.HOLD_BACK, 1)
    evening.ledger().register(
        key, kind="campaign", item_id="103", name="Opening night", verbs=(Verb.STOP_CAMPAIGN,), fingerprint="f",
        plan_hash="p", to=State.CLEARED, who="kim", why="C11",
    )  # fmt: skip


def the_feed_went_wrong(evening: Gated) -> None:
    key = ActionKey("playhouse", evening.key(IMPORT), Remedy.REPEAT_IMPORT, 1)
    ledger = evening.ledger()
    action = ledger.register(
        key, kind="occurrence", item_id=evening.key(IMPORT).partition(":")[2], name="Buyers import",
        verbs=(Verb.REPEAT_IMPORT,), fingerprint="f", plan_hash="p", to=State.CLEARED, who="kim", why="R12",
    )  # fmt: skip
    claim = ledger.claim(action.steps[0].id, "kim", 60)
    assert claim is not None
    ledger.intend(claim, fingerprint="f")
    ledger.move(claim.step_id, State.FAILED, who="kim", why="403", claim=claim)


HAPPENS: dict[str, tuple[Callable[[Gated], object], str]] = {
    "consent": (edited, "changed since the question was asked"),
    "drift": (the_drift_grew, "contacts differ by now, and"),
    "send_by": (too_late, "it is too late to send"),
    "somebody acted": (somebody, ""),
    "shorter outage": (shorter, "the outage was found to be shorter"),
    "held back": (held_back, "it was held back meanwhile (kim)"),
    "bad feed": (the_feed_went_wrong, "the job j-import, which makes its audience, ended failed"),
    "audience": (too_late, "its audience window has expired"),
}


def cells() -> list[tuple[str, Chain, Verb]]:
    found = []
    for name in HAPPENS:
        for chain in (one for one in CHAINS if not one.harmless and one.name != "hold back"):
            first = chain.verbs[0]
            found += [
                (name, chain, verb)
                for verb in chain.verbs
                if verb in BY_NAME[name].verbs and (name != "shorter outage" or verb is first)
            ]
    return found


@pytest.mark.parametrize(("name", "chain", "when"), cells(), ids=str)
def test_what_ends_a_step_lets_nothing_through_and_is_told(
    tmp_path: Path, name: str, chain: Chain, when: Verb
) -> None:
    evening, (happens, says) = Gated(tmp_path, chain), HAPPENS[name]
    if name == "shorter outage":
        evening.outage_ids = ("o1",)
    if name == "bad feed":
        evening.feeding("j-import", "103")
    evening.prepare()
    done: list[object] = []

    def before(step: ClearedStep) -> None:
        if step.verb is when and not done:
            done.append(True)
            happens(evening)

    evening.before = before
    evening.go("outage__1__g1")
    evening.before = lambda step: None
    assert done, "the evening never came to this step"

    row = evening.row()
    assert tuple(evening.acted()) == chain.verbs[: chain.verbs.index(when)]
    assert row.outcome is End.STALE, (row.outcome, row.detail)
    assert says in row.detail, row.detail
    mailed = evening.truth()["mailed_twice"]

    evening.go("manual__2")
    assert evening.doubled() == {}
    assert evening.truth()["mailed_twice"] == mailed == []
    again = evening.row()
    assert again.outcome is not End.FAILED, again.detail
    assert again.reason


def test_an_import_that_a_colleague_repeated_and_that_is_over_is_not_repeated(tmp_path: Path) -> None:
    """Nothing runs any more, so only the Activity Log tells."""
    chain = next(one for one in CHAINS if one.name == "repeat import")
    evening, pressed = Gated(tmp_path, chain), []

    def before(step: ClearedStep) -> None:
        if step.verb is Verb.REPEAT_IMPORT and not pressed:
            pressed.append(True)
            somebody(evening)
            evening.clock.sleep(60)

    evening.before = before
    evening.go("outage__1__g1")
    assert pressed
    assert tuple(evening.acted()) == (Verb.STOP_RUN,)
    assert evening.row().outcome is End.STALE
    assert "a person reprocessed it at" in evening.row().detail


@pytest.mark.parametrize("when", RESEND.verbs, ids=str)
def test_an_edit_is_asked_about_anew_before_the_stop_and_left_to_a_person_after_it(
    tmp_path: Path, when: Verb
) -> None:
    evening = Gated(tmp_path)
    evening.before = lambda step: (
        edited(evening)
        if step.verb is when and evening.world.campaigns.all[103].subject == "Opening night"
        else None
    )
    evening.go("outage__1__g1")
    evening.before = lambda step: None
    evening.go("manual__2")
    row = evening.row()
    if when is Verb.STOP_CAMPAIGN:
        assert row.outcome is End.VERIFIED, row.detail
        assert tuple(evening.acted()) == RESEND.verbs
    else:
        assert row.outcome in (End.NEEDS_HUMAN, End.STALE), row.detail
        assert row.steps


def test_everything_that_ends_a_step_is_played() -> None:
    assert set(HAPPENS) == set(BY_NAME)
    for name, one in BY_NAME.items():
        assert {verb for found, _, verb in cells() if found == name} == set(one.verbs) - (
            _LATER if name == "shorter outage" else set()
        ), name


_LATER = {Verb.COPY_CAMPAIGN, Verb.SEND_CAMPAIGN, Verb.RUN_NOW, Verb.REPEAT_IMPORT}
"""Steps with one before them: by then something of the action has had its effect."""
