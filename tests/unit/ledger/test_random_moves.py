"""Whatever is tried in whatever order, a step only ever walks along the allowed moves."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ALLOWED_MOVES, State

ATTEMPTS = st.lists(
    st.one_of(
        st.sampled_from(State),
        st.sampled_from(["claim", "intend", "release", "retry", "wait", "register", "register anew"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=ATTEMPTS, salt=st.uuids())
def test_no_sequence_leaves_the_graph(ledger, register, clock, attempts, salt):
    root = f"campaign:{salt}"
    action = register(root=root, verbs=(Verb.SEND_CAMPAIGN,))
    claim = None
    for number, attempt in enumerate(attempts):
        step = ledger.actions_of("playhouse", root)[-1].step(Verb.SEND_CAMPAIGN)
        try:
            if isinstance(attempt, State):
                held = claim if claim is not None and claim.step_id == step.id else None
                ledger.move(step.id, attempt, who="x", why="x", claim=held)
            elif attempt == "claim":
                claim = ledger.claim(step.id, "x", 60) or claim
            elif attempt == "intend" and claim is not None:
                ledger.intend(
                    claim, fingerprint=ledger.action(ledger.step(claim.step_id).action_id).fingerprint
                )
            elif attempt == "release" and claim is not None:
                ledger.release(claim)
            elif attempt == "retry":
                ledger.retry_step(step.id, "x", "x", by_person=True)
            elif attempt == "wait":
                clock.pass_seconds(61)
            elif attempt.startswith("register"):
                fingerprint = "f1" if attempt == "register" else f"f{number}"
                register(root=root, verbs=(Verb.SEND_CAMPAIGN,), fingerprint=fingerprint)
        except LedgerError:
            pass  # refused in words; what counts is where the step is
    generations = ledger.actions_of("playhouse", root)
    for action in generations:
        for step in action.steps:
            walked = [move.to_state for move in step.moves]
            assert walked[0] is State.PLANNED
            assert len(walked) == len(set(walked))
            assert all(to in ALLOWED_MOVES[was] for was, to in pairwise(walked))
    assert sum(action.live for action in generations) <= 1
    assert sum(action.had_effect for action in generations) <= 1
    intents = [step for action in generations for step in action.steps if step.had_effect]
    assert all(step.state in (State.NOT_DONE, State.FAILED) for step in intents[:-1])
