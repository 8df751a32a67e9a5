"""Whatever the log and the Console may say of an occurrence: what must hold of every decision (properties)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import (
    DUE,
    HOUR,
    MINUTE,
    NOW,
    START,
    judged,
    mostly,
    outcome,
)

from pro2_reconciliation.domain.jobs import ActivityLog, Audience, Counts
from pro2_reconciliation.domain.matching import match, same_audience
from pro2_reconciliation.domain.words import Choice, Outcome, ProcessType, Reach, Remedy

jobs = st.builds(
    lambda kind, more, audience: f.job(
        kind, **more, **({"audience": audience} if kind is ProcessType.SCHEDULED_TRIGGER else {})
    ),
    st.sampled_from(ProcessType),
    st.fixed_dictionaries(
        {},
        optional={
            "starts_mail": st.sampled_from(["yes", "unknown"]),
            "reentry": st.sampled_from(["many", "unknown"]),
            "tessitura_list": mostly("501", None),
            "usual_partial_share": st.just(0.05),
        },
    ),
    st.builds(
        Audience,
        kind=mostly("exact", "range", "static", "unknown"),
        window_hours=mostly(14, None, 1),
        valid_hours=mostly(9, None, 2),
    ),
)
minutes = st.integers(-60, 240).map(lambda n: START + n * MINUTE)
rows = st.lists(
    st.builds(
        lambda at, how, manual, failed: f.row(
            at, how, manual=manual, counts=failed and Counts(returned=100, failed=failed), raw_status="?"
        ),
        mostly(DUE, minutes),
        st.sampled_from(Outcome),
        mostly(False, True, None),
        st.sampled_from([None, 5, 6]),
    ),
    max_size=2,
    unique_by=lambda row: row.run_id,
)
console_rows = st.lists(
    st.builds(
        lambda at, is_running, quiet: f.running(
            at, running=is_running, progressed=quiet and NOW - quiet * MINUTE
        ),
        mostly(DUE, minutes),
        st.booleans(),
        st.sampled_from([None, 1, 30]),
    ),
    max_size=1,
)
read_at = mostly(NOW, START)
consoles = st.builds(lambda as_of, found: f.console(*found, as_of=as_of), read_at, console_rows)
logs = st.builds(lambda as_of, found: f.log(*found, as_of=as_of), read_at, rows)
worlds = st.fixed_dictionaries(
    {
        "job": jobs,
        "log": mostly(logs, None, ActivityLog(as_of=NOW, rows=())),
        "console": mostly(consoles, None),
        "dues": mostly([DUE], [DUE - HOUR, DUE], [DUE, DUE + HOUR]),
        "following": mostly(DUE + 24 * HOUR, None, NOW + 5 * MINUTE, NOW + HOUR),
        "now": mostly(NOW, DUE + 10 * HOUR),
        "more": st.fixed_dictionaries(
            {
                "entries": st.sampled_from([None, 0, 3]),
                "matched_before": mostly(3, None, 0),
                "usual_share": st.sampled_from([None, 0.05]),
                "services_healthy": mostly(True, False),
                "observation": mostly(f.DEFAULT, None),
            }
        ),
    }
)


def matched(world):
    """The match of the occurrence due at 18:30, with its siblings, as a plan would find it."""
    dues = [f.due(at, following=world["following"]) for at in world["dues"]]
    found = match(
        dues, world["log"].rows if world["log"] else (), {"j-1": world["job"], "j-9": f.job(id="j-9")}
    )
    return found.of(next(one for one in dues if one.due == DUE)), tuple(found.by_key.values())


def decide(world):
    own, siblings = matched(world)
    later = tuple(r for r in world["log"].of("j-1") if r.started > DUE) if world["log"] else ()
    return judged(
        world["job"],
        own.row,
        now=world["now"],
        occurrence=own.occurrence,
        late=own.late,
        by_hand=own.repaired_by_hand,
        siblings=siblings,
        log=world["log"],
        console=world["console"],
        later=later,
        **world["more"],
    )


@settings(max_examples=100, deadline=None)
@given(worlds)
def test_an_action_appears_only_where_nothing_speaks_against_it(world):
    found = decide(world)
    assert found.reason
    assert bool(found.steps) is (found.remedy is Remedy.NEEDS_HUMAN)
    if not found.remedy.acts:
        assert (found.choices, found.stop_first, found.tag) == ((), False, None)
        return
    own, _ = matched(world)
    job, now = world["job"], world["now"]
    assert found.choices[0] is Choice.LEAVE
    assert len(found.choices) > 1
    assert world["more"]["observation"] is not None
    assert own.repaired_by_hand is None
    assert own.row is None or own.row.outcome not in (Outcome.SUCCESS, Outcome.UNKNOWN)
    assert job.process_type not in (ProcessType.SEGMENT_TRANSFER, ProcessType.EADDRESS_CHANGES)
    if own.row is None:
        assert world["log"].as_of == NOW
        assert world["console"].as_of == NOW
        assert found.stop_first
    if found.remedy is Remedy.RUN_NOW:
        assert found.reach is Reach.INBOX
        assert job.audience.kind == "exact"
        assert same_audience(job, DUE, now) is True
        assert job.audience.valid_hours is not None
        assert now < DUE + timedelta(hours=job.audience.valid_hours)
        assert job.reentry == "once" or world["more"]["entries"] == 0
    else:
        assert found.reach is (Reach.DATA if job.starts_mail == "no" else Reach.INBOX)


@settings(max_examples=100, deadline=None)
@given(worlds, st.sampled_from(["row", "hand"]))
def test_a_label_that_nobody_knows_is_a_persons_whatever_else_is_known(world, where):
    strange = f.row(outcome=Outcome.UNKNOWN, manual=where == "hand", raw_status="?")
    found = judged(
        world["job"],
        strange if where == "row" else None,
        by_hand=strange if where == "hand" else None,
        now=world["now"],
        log=world["log"],
        console=world["console"],
        **world["more"],
    )
    assert outcome(found) == ("R1", Remedy.NEEDS_HUMAN)
