"""A plan's hash says what was decided and shown, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import END, HOUR, MINUTE, NOW, SECOND, START

from pro2_reconciliation.domain.plan import Fingerprint, Plan, Window
from pro2_reconciliation.domain.words import Choice, ItemKind, Reach, Remedy

OFFER = f.decided()
PLAN = f.plan(OFFER, f.judged())


def test_the_hash_survives_the_way_through_json():
    again = Plan.model_validate(json.loads(json.dumps(PLAN.model_dump(mode="json"))))
    assert again.hash == PLAN.hash
    assert again.decision(OFFER.key).choices == OFFER.choices
    assert Plan.model_validate_json(PLAN.model_dump_json()).hash == PLAN.hash


def test_the_hash_is_short_and_the_id_is_made_of_it():
    assert len(PLAN.hash) == 16
    assert int(PLAN.hash, 16)
    assert PLAN.id == f"plan-{PLAN.hash}"


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": NOW + HOUR},
        {"decisions": (OFFER.model_copy(update={"observation": f.watched(seen_at=NOW)}), PLAN.decisions[1])},
    ],
)
def test_when_and_by_which_look_it_was_made_is_not_in_the_hash(change):
    assert PLAN.model_copy(update=change).hash == PLAN.hash


@pytest.mark.parametrize(
    "change",
    [
        {"run": "manual__2"},
        {"organization": "opera"},
        {"ledger_uuid": "u-2"},
        {"ledger_epoch": 2},
        {"window": Window(start=START, end=END + SECOND)},
        {"decisions": ()},
        {"decisions": PLAN.decisions[:1]},
    ],
)
def test_another_dag_run_ledger_window_or_list_is_another_plan(change):
    assert PLAN.model_copy(update=change).hash != PLAN.hash


CHANGES = {
    "item_id": "104",
    "name": "Season closer",
    "root": "campaign:99",
    "rule": "C12",
    "via": ("R10",),
    "remedy": Remedy.HOLD_BACK,
    "reach": Reach.DATA,
    "reason": "another",
    "choices": (Choice.LEAVE,),
    "steps": ("Look",),
    "audience": 1,
    "due": NOW,
    "send_by": NOW,
    "feeds": ("j-1",),
    "stop_first": True,
    "covers": ("x",),
    "tag": "t",
    "fresh_since": NOW,
    "kind": ItemKind.OCCURRENCE,
    "fingerprint": Fingerprint(subject="Other"),
}


def test_every_field_of_a_decision_but_its_observation_is_listed():
    assert set(CHANGES) | {"observation"} == set(type(OFFER).model_fields)


@pytest.mark.parametrize("field", CHANGES)
def test_a_plan_changes_with_any_part_of_any_decision(field):
    changed = OFFER.model_copy(update={field: CHANGES[field]})
    assert f.plan(changed, PLAN.decisions[1]).hash != PLAN.hash


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text())
def test_any_text_gives_a_hash_of_its_own(one, other):
    hashes = {f.plan(f.decision(name=one)).hash, f.plan(f.decision(name=other)).hash}
    assert len(hashes) == len({one, other})


def test_a_fingerprint_changes_with_all_that_consent_is_bound_to():
    changes = {
        "subject": "x",
        "lists": ("9",),
        "segment_id": "5",
        "messages": ("9",),
        "audience": 3,
        "remedy": "hold_back",
    }
    assert set(changes) == set(Fingerprint.model_fields)
    digests = {OFFER.fingerprint.model_copy(update={k: v}).digest for k, v in changes.items()}
    assert len(digests | {OFFER.fingerprint.digest}) == len(changes) + 1


def test_lists_that_were_not_read_are_not_the_same_as_no_lists():
    assert Fingerprint(lists=None).digest != Fingerprint(lists=()).digest


def test_a_decision_is_found_by_its_key():
    assert PLAN.decision("campaign:103") is OFFER
    assert PLAN.decision("campaign:104") is None


def test_a_window_is_half_open():
    assert START in f.WINDOW
    assert END - SECOND in f.WINDOW
    assert END not in f.WINDOW
    assert START - MINUTE not in f.WINDOW
    assert "yesterday" not in f.WINDOW
