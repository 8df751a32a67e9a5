"""Evenings for the page: one that was reconciled in part, one whose question waits, one that lasts, one with a
thousand items. Each is played in process, or put into the ledger as a dag run would.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.full_run import named
from tests.chaos.test_hostile_names import rename
from tests.incident.harness import Evening, approve_all
from tests.incident.overview.looking import wakes_after

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, ItemKind, Mode, Reach, Remedy, Service
from pro2_reconciliation.ledger import Seen
from pro2_reconciliation.overview import commands
from pro2_reconciliation.repair.asking import question
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.shadowing import compare

OUTAGE = "3f2a91c4"
LEFT = ("103", "105")
"""Campaigns that the person keeps to himself."""


def _some(plan: Plan) -> Mapping[str, Choice]:
    """Everything is approved but two campaigns: one left, one held back."""
    chosen = dict(approve_all(plan))
    for key, choice in ((f"campaign:{LEFT[0]}", Choice.LEAVE), (f"campaign:{LEFT[1]}", Choice.HOLD_BACK)):
        if key in chosen:
            chosen[key] = choice
    return chosen


def put_outages(evening: Evening, state: OutageState = OutageState.PLANNED, *, lasts: bool = False) -> None:
    """The outage of the incident with its evidence, a suspected one of the day before, and one that is closed."""
    ledger, window = evening.ledger(), evening.window()
    organization, end = evening.site.organization, None if lasts else window.end
    claims = (
        Evidence(
            source="probe:pro2",
            key="p1",
            service=Service.SENDING,
            start=window.start,
            end=end,
            detail="HTTP 503",
        ),
        Evidence(
            source="feed:activecampaign_status",
            key="f1",
            service=Service.SENDING,
            start=window.start + timedelta(minutes=5),
            end=end,
            detail="Delays in campaign sending",
            confirms=False,
        ),
        Evidence(
            source="activity",
            key="a1",
            service=Service.SENDING,
            start=window.start + timedelta(minutes=12),
            end=end,
            detail="9 jobs failed or have no trace",
        ),
    )
    day = timedelta(days=1)

    def outage(identity: str, back: timedelta, minutes: int, **more: Any) -> Outage:
        start = window.start - back
        return Outage(
            id=identity,
            organization=organization,
            start=start,
            end=start + timedelta(minutes=minutes),
            **more,
        )

    weak = Evidence(
        source="feed:activecampaign_status",
        key="f0",
        service=Service.SENDING,
        start=window.start - day,
        end=window.start - day + timedelta(minutes=17),
        detail="Elevated API errors",
        confirms=False,
    )
    ledger.replace_outages(
        organization,
        [
            outage("77aa0e12", 12 * day, 200, service=Service.TESSITURA, state=OutageState.CLOSED),
            outage("c01d5eed", day, 17, service=Service.SENDING, state=OutageState.SETTLED, evidence=(weak,)),
            Outage(
                id=OUTAGE,
                organization=organization,
                service=Service.SENDING,
                start=window.start,
                end=end,
                state=OutageState.OPEN if lasts else state,
                evidence=claims,
            ),
        ],
        "put by the test",
    )


def reconciled(folder: Path, *, hostile: bool = False) -> Evening:
    """Answered in part and carried out; a second outage is only suspected."""
    evening = Evening(folder, named(rename)) if hostile else Evening(folder)
    evening.end_outage()
    put_outages(evening)
    evening.reconcile(
        answer=_some,
        window=evening.window().model_copy(update={"outage_ids": (OUTAGE,), "source": f"outage {OUTAGE}"}),
        dag_run=f"outage__{OUTAGE}__g1",
    )
    ledger, organization = evening.ledger(), evening.site.organization
    ledger.hold(organization, f"campaign:{LEFT[0]}", "Ada", "I send it by hand after the show")
    ledger.declare(
        organization,
        Service.TESSITURA,
        evening.window().start - timedelta(days=12),
        None,
        "Uma",
        "told by phone",
    )
    ledger.beat(GUARD)
    return evening


def woken(folder: Path) -> Evening:
    """Everything was approved and done; then an original that was stopped goes out, and the guard stops it again."""
    evening = Evening(folder, wakes_after(timedelta(hours=3)))
    evening.end_outage()
    put_outages(evening)
    evening.reconcile(
        answer=approve_all,
        window=evening.window().model_copy(update={"outage_ids": (OUTAGE,), "source": f"outage {OUTAGE}"}),
        dag_run=f"outage__{OUTAGE}__g1",
    )
    evening.clock.at = evening.world.t0 + timedelta(hours=3, seconds=1)
    evening.guard()
    evening.ledger().beat(GUARD)
    return evening


def asked(folder: Path, *, hostile: bool = False) -> tuple[Evening, dict[str, Any]]:
    """An evening whose question waits, with the question as Airflow's API tells it."""
    evening = Evening(folder, named(rename)) if hostile else Evening(folder)
    evening.end_outage()
    put_outages(evening)
    run = f"outage__{OUTAGE}__g1"
    plan, _ = evening.reconcile(
        Mode.PLAN, window=evening.window().model_copy(update={"outage_ids": (OUTAGE,)}), dag_run=run
    )
    evening.ledger().beat(GUARD)
    return evening, as_airflow_tells(plan, run, evening)


def as_airflow_tells(plan: Plan, run: str, evening: Evening) -> dict[str, Any]:
    """The question of a plan, as ``GET .../hitlDetails`` answers."""
    form = question(plan)
    params = {
        select.key: {
            "value": select.safe,
            "description": select.facts,
            "schema": {"type": "string", "enum": list(select.choices), "title": select.title},
        }
        for select in form.selects
    }
    go, nothing = f"Carry out my choices ({plan.hash[:8]})", f"Do nothing ({plan.hash[:8]})"
    return {
        "options": [go, nothing],
        "defaults": [nothing],
        "subject": form.subject,
        "body": form.body,
        "params": params,
        "created_at": evening.clock.now().isoformat(),
        "response_received": False,
        "responded_by_user": None,
        "responded_at": None,
        "params_input": {},
        "task_instance": {"dag_id": "reconcile", "dag_run_id": run, "task_id": "ask", "map_index": -1},
    }


def trusted(folder: Path) -> Evening:
    """Three days after an outage about which a plan only proposed; a drill was done, kim said what else she saw."""
    evening = Evening(folder)
    evening.end_outage()
    put_outages(evening)
    evening.reconcile(
        Mode.PLAN, window=evening.window().model_copy(update={"outage_ids": (OUTAGE,)}), dag_run="manual__1"
    )
    evening.clock.every_minute = None
    campaigns, at = evening.world.campaigns, evening.world.advance()
    campaigns.send_now(campaigns.copy(campaigns.all[103], at, "person"), at, "person")
    evening.clock.at += timedelta(hours=80)
    compare(evening.account("nightly"))
    ledger, organization, zone = evening.ledger(), evening.site.organization, evening.site.zone
    drilled = {
        Capability.STOP_SCHEDULED: "campaign 390: stopped, zero everywhere, in two reads",
        Capability.COPY_IS_A_DRAFT: "copy 392 was a draft before anybody sent it",
        Capability.COPY_KEEPS_LISTS: "campaign 390 and its copy 392: lists 9 and 9",
        Capability.COPY_KEEPS_MESSAGE: "campaign 390 and its copy 392: subject line the same, 1 and 1 messages",
        Capability.SEND_COPY: "copy 392: 8 of 8 sent",
        Capability.STAYS_STOPPED: "campaign 390 is stopped and counts nothing, Mon 23 Nov 10:06 CST",
    }
    ledger.note_capabilities(
        organization,
        [Seen(one, True, told, "kim", "drill", evening.clock.at) for one, told in drilled.items()],
    )
    why = "had the API repeat the test import on 23 Nov, it ran once"
    commands.accept_capabilities(ledger, organization, zone, ["repeat_import"], who="kim", why=why)
    why = "the test job ran with yesterday's audience"
    commands.withdraw_capabilities(ledger, organization, zone, ["run_now"], who="Ada", why=why)
    ledger.beat(GUARD)
    return evening


def lasting(folder: Path) -> Evening:
    """The outage lasts; what was scheduled is known from before it, and the guard is silent."""
    evening = Evening(folder)
    ledger, organization = evening.ledger(), evening.site.organization
    now, start = evening.clock.at, evening.window().start
    evening.clock.at = start - timedelta(minutes=10)
    ledger.add_snapshot(
        organization,
        {
            "campaigns": [
                {
                    "id": one.id,
                    "name": one.name,
                    "due": evening.offset(one.due).isoformat(),
                    "audience": one.recipients,
                }
                for one in evening.incident.campaigns
                if one.due is not None and evening.offset(one.due) > start
            ],
            "occurrences": [],
        },
    )
    evening.clock.at = now
    put_outages(evening, lasts=True)
    ledger.add_sample(organization, Service.DASHBOARD, up=True, detail="200", probe="dashboard")
    ledger.beat(GUARD, now - timedelta(minutes=25))
    return evening


MANY = 1000
_REMEDIES = (Remedy.NONE, Remedy.NEEDS_HUMAN, Remedy.RESEND, Remedy.WATCH, Remedy.RUN_NOW)


def thousand(folder: Path) -> Evening:
    """An outage with a thousand items, half campaigns and half occurrences, planned and not answered."""
    evening = Evening(folder)
    evening.end_outage()
    put_outages(evening)
    window = evening.window().model_copy(update={"outage_ids": (OUTAGE,)})
    ledger, organization = evening.ledger(), evening.site.organization
    identity, run = ledger.identity, f"outage__{OUTAGE}__g1"
    length = window.end - window.start
    decisions = tuple(
        Decision(
            kind=ItemKind.CAMPAIGN if n % 2 else ItemKind.OCCURRENCE,
            item_id=str(5000 + n) if n % 2 else f"j-{n}@2026-11-19T22:00:00Z",
            name=f"Spring season, letter {n} of {MANY}",
            root=f"item:{n}",
            rule=f"C{n % 15}",
            remedy=_REMEDIES[n % len(_REMEDIES)],
            reach=Reach.INBOX,
            reason=f"made up for the test, number {n}",
            audience=n * 7 % 9000,
            due=window.start + length * n / MANY,
        )
        for n in range(MANY)
    )
    plan = Plan(
        organization=organization,
        zone=evening.site.zone,
        window=window,
        created_at=evening.clock.now(),
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        run=run,
        decisions=decisions,
    )
    ledger.begin_run(organization, run, window=window, mode=Mode.PLAN)
    ledger.save_plan(plan, run)
    ledger.beat(GUARD)
    return evening
