"""One question holds forty items: the rest is asked about in the next one, and nothing is lost in between."""

from __future__ import annotations

from pathlib import Path

from tests.incident.harness import approve_none
from tests.incident.one_campaign import OneCampaign, open_keys
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Choice, Mode, Reach, Remedy
from pro2_reconciliation.repair.clearing import clear, sanitised
from pro2_reconciliation.repair.open_items import keep_open_items
from pro2_reconciliation.repair.questions import asked_later, asked_now, to_be_asked
from pro2_reconciliation.repair.report import End, make_report


def large(evening: OneCampaign, parent: str | None = None) -> Plan:
    """A plan of 45 campaigns that may be sent again, saved in the ledger."""
    identity = evening.ledger().identity
    offers = [
        f.decision(
            item_id=str(n),
            root=f"campaign:{n}",
            rule="C11",
            remedy=Remedy.RESEND,
            reach=Reach.INBOX,
            choices=(Choice.LEAVE, Choice.RESEND),
            audience=n,
        )
        for n in range(201, 246)
    ]
    made = f.plan(
        *offers,
        ledger_uuid=identity.uuid,
        ledger_epoch=identity.epoch,
        created_at=evening.clock.now(),
        parent=parent,
    )
    plan = to_be_asked(made, Mode.ASK)
    evening.ledger().save_plan(plan, plan.run)
    return plan


def test_what_is_not_shown_is_not_answered_whatever_the_answer_says(tmp_path: Path) -> None:
    evening = OneCampaign(tmp_path)
    plan = large(evening)
    said = dict.fromkeys((d.key for d in plan.decisions), "resend")
    answer = sanitised(asked_now(evening.ledger(), plan), said)
    assert len(answer) == 40
    assert {d.key for d in asked_later(evening.ledger(), plan)} == {f"campaign:{n}" for n in range(241, 246)}
    assert not answer.keys() & {f"campaign:{n}" for n in range(241, 246)}


def test_the_rest_is_asked_about_in_the_next_dag_run_however_many_came_before(tmp_path: Path) -> None:
    evening = OneCampaign(tmp_path)
    ledger, account = evening.ledger(), evening.account()
    first = large(evening)
    second = large(evening, parent=first.hash)
    plan = large(evening, parent=second.hash)
    shown = {d.key for d in asked_now(ledger, plan)}
    ledger.save_answers(plan.hash, {k: c for k, c in approve_none(plan).items() if k in shown}, "Ada")

    cleared = clear(account, plan, Mode.ASK, who="test")
    report = keep_open_items(account, plan, make_report(account, plan, Mode.ASK, not_now=cleared.not_now))

    later = {f"campaign:{n}" for n in range(241, 246)}
    ends = {row.key: row.outcome for row in report.rows}
    assert {key for key, end in ends.items() if end is End.NOT_NOW} == later
    assert {cleared.not_now[key] for key in later} == {
        "one question holds 40 items; the next one asks about it"
    }
    assert open_keys(evening) == set(ends)
    (more,) = evening.goes_on(plan, report)
    assert set(more.keys) == later
