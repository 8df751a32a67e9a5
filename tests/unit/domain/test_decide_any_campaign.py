"""Whatever Pro2 may show of a campaign: what must hold of every decision (properties)."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain import factories as f
from tests.unit.domain.factories import COUNTERS, DUE, HOUR, MINUTE, NOW, SECOND, START, decided, mostly

from pro2_reconciliation.domain.campaigns import CampaignReading, CampaignReport
from pro2_reconciliation.domain.lineage import live
from pro2_reconciliation.domain.observation import CampaignState
from pro2_reconciliation.domain.policy import CampaignPolicy, Policy
from pro2_reconciliation.domain.words import CampaignStatus, Choice, Reach, Remedy

SEND_BY = DUE + 12 * HOUR
ALONE = Policy(campaigns=(CampaignPolicy(match="Season*", leave_alone=True),))


def with_status(status: CampaignStatus, *, report=None, **more) -> CampaignReading:
    return f.reading(f.campaign(status=status, **more), **report or {})


def outcome(decision):
    return decision.rule, decision.remedy


PENDING = [CampaignStatus.SCHEDULED, CampaignStatus.SENDING]
counters = mostly({}, st.dictionaries(st.sampled_from(COUNTERS), st.integers(1, 3), min_size=1))
campaigns = st.builds(
    lambda left, more: f.campaign(**left, **more),
    counters,
    st.fixed_dictionaries(
        {
            "status": mostly(st.sampled_from(PENDING), st.sampled_from(CampaignStatus)),
            "due": mostly(DUE, None, NOW, NOW + HOUR),
            "type": mostly("single", "split"),
            "recurring": mostly(False, True),
            "series_id": mostly("0", "", "12"),
            "total_amt": mostly(500, 0, 499),
            "modified": st.sampled_from([None, START - SECOND, START]),
        }
    ),
)


def readings(at):
    return st.builds(
        lambda one, report, seconds: CampaignReading(
            campaign=one,
            report=None if report is None else CampaignReport(campaign_id="103", **report),
            read_at=at + timedelta(seconds=seconds),
        ),
        mostly(campaigns, None),
        mostly(counters, None),
        st.integers(0, 1),
    )


observations = st.builds(
    lambda state, ended, waived: f.watched(state, still_pending=ended, waived=waived),
    mostly(CampaignState.PENDING, st.sampled_from(CampaignState)),
    mostly(True, False),
    mostly(False, True),
)
others = st.lists(campaigns.map(lambda one: one.model_copy(update={"id": "104"})), min_size=1, max_size=2)
worlds = st.fixed_dictionaries(
    {
        "second": readings(NOW),
        "first": mostly(readings(NOW - 30 * MINUTE), readings(NOW - 5 * MINUTE), None),
        "observation": mostly(observations, None),
        "health": mostly(st.sampled_from(["open", "unproven"]), "closed"),
        "now": st.sampled_from([NOW, SEND_BY - SECOND, SEND_BY]),
        "suspects": mostly((), others),
        "look_alikes": mostly((), others),
        "root": mostly(None, "99"),
    }
)


def anything_left(seen: CampaignReading | None) -> bool:
    parts = [seen.campaign, seen.report] if seen else []
    return any(any(part.counters.values()) for part in parts if part)


@settings(max_examples=120, deadline=None)
@given(worlds)
def test_an_action_appears_only_where_nothing_speaks_against_it(world):
    found = decided(**world)
    assert found.reason
    if not found.remedy.acts:
        assert found.choices == ()
        return
    second, first = world["second"], world["first"]
    assert not anything_left(second)
    assert not anything_left(first)
    assert second.report
    assert first.report
    assert second.read_at - first.read_at >= 5 * MINUTE
    assert world["health"] != "closed"
    assert world["observation"].state == CampaignState.PENDING
    assert second.campaign.status in PENDING
    assert second.campaign.type == "single"
    assert not second.campaign.recurring
    assert not second.campaign.from_automation
    assert world["root"] is None
    assert not any(live(one) for one in (*world["suspects"], *world["look_alikes"]))
    assert found.remedy is (
        Remedy.RESEND if world["now"] < second.campaign.due + 12 * HOUR else Remedy.HOLD_BACK
    )
    assert found.reach is (Reach.INBOX if found.remedy is Remedy.RESEND else Reach.DATA)
    assert found.choices[0] is Choice.LEAVE
    assert len(found.choices) > 1


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_what_is_left_to_a_person_says_what_to_do(world):
    found = decided(**world)
    assert bool(found.steps) is (found.remedy is Remedy.NEEDS_HUMAN)


@settings(max_examples=60, deadline=None)
@given(worlds)
def test_leave_alone_never_makes_an_action_appear(world):
    usual, alone = decided(**world), decided(**world, policy=ALONE)
    assert not alone.remedy.acts
    assert alone.choices == ()
    assert alone.remedy is (Remedy.NEEDS_HUMAN if usual.remedy.acts else usual.remedy)


@settings(max_examples=30, deadline=None)
@given(worlds)
def test_an_unknown_status_is_a_persons_unless_it_is_none_of_ours(world):
    one = f.campaign(status=CampaignStatus.UNKNOWN)
    world = {**world, "second": world["second"].model_copy(update={"campaign": one})}
    found = decided(**world)
    assert found.remedy is Remedy.NEEDS_HUMAN or "repaired by hand" in found.reason
