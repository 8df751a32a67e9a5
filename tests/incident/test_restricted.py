"""A dag run that its form narrowed: it does less, says what it left out, and loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.harness import INCIDENTS, Evening, approve_all

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.restriction import KINDS, Restriction
from pro2_reconciliation.domain.words import ItemKind, Mode, Remedy
from pro2_reconciliation.repair.checklist import PERSON, checklist
from pro2_reconciliation.repair.clearing import clear
from pro2_reconciliation.repair.colleagues import summary
from pro2_reconciliation.repair.inventory import take_inventory
from pro2_reconciliation.repair.plain import render_text
from pro2_reconciliation.repair.report import End
from pro2_reconciliation.repair.report_page import render

RESENT = "103"
"""A campaign of the evening that is resent when everything is approved."""


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    found = Evening(tmp_path)
    found.end_outage()
    return found


def plan_of(evening: Evening, **restriction: Any) -> Any:
    return evening.reconcile(Mode.PLAN, restriction=Restriction(**restriction))


class TestKindsThatWereNotChosen:
    def test_are_named_one_by_one_and_nothing_else_is_missing(self, evening: Evening) -> None:
        account = evening.account()
        whole = take_inventory(account, evening.window())
        part = take_inventory(account, evening.window(), restriction=Restriction(kinds=("data_sync",)))
        jobs = evening.site.jobs_by_id
        syncs = {o.key for o in whole.occurrences if jobs[o.job_id].process_type == "data_sync"}
        left = {
            (one.kind == "campaign", one.item_id) for one in part.not_looked_at if one.kind != "automation"
        }
        assert {o.key for o in part.occurrences} == syncs
        assert part.readings == {}
        assert left == {(True, i) for i in whole.readings} | {
            (False, o.key) for o in whole.occurrences if o.key not in syncs
        }
        assert whole.automations
        assert part.automations == ()
        assert [one.kind for one in part.not_looked_at].count("automation") == 1

    def test_are_told_on_the_page_in_the_log_and_to_colleagues(self, evening: Evening) -> None:
        _, report = plan_of(evening, kinds=("campaign", "automation"))
        text, page, words = render_text(report), render(report), summary(report)
        for told in (text, page, words):
            assert "Only looked at, as the form says: campaigns, automations." in told
            assert "closes no outage" in told
        assert "«Members sync» (j-201), due" in text
        states = {line.text.partition(":")[0]: line.state for line in checklist(report)}
        assert states["Jobs"] == states["Data Syncs"] == PERSON
        assert all("not looked at, as the form says" in line.note for line in checklist(report)[2:7])
        assert "as the form says" not in checklist(report)[7].note

    def test_are_not_called_nothing_to_do(self, evening: Evening) -> None:
        _, report = plan_of(evening, kinds=("eaddress_changes",))
        assert report.rows == ()
        assert "nothing to do" not in render(report)
        assert "nothing to do" not in summary(report)

    def test_still_tell_whether_the_account_is_held(self, tmp_path: Path) -> None:
        """A Run Now may mail; that all campaigns hang closes its gate, looked at or not."""
        held = Evening(tmp_path, INCIDENTS / "account-review.yaml")
        held.end_outage()
        assert held.reconcile(Mode.PLAN)[0].health == "closed"
        assert plan_of(held, kinds=("scheduled_trigger",))[0].health == "closed"

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_can_be_looked_at_alone(self, evening: Evening, kind: str) -> None:
        plan, report = plan_of(evening, kinds=(kind,))
        kinds = {d.kind for d in plan.decisions}
        alone = {"campaign": ItemKind.CAMPAIGN, "automation": ItemKind.AUTOMATION}.get(
            kind, ItemKind.OCCURRENCE
        )
        assert kinds <= {alone}
        assert kind not in {one.kind for one in plan.not_looked_at}
        assert report.rows or kind in ("segment_transfer", "eaddress_changes")

    def test_a_campaign_says_that_its_audience_was_not_looked_at(self, evening: Evening) -> None:
        jobs = tuple(
            job.model_copy(update={"feeds": (RESENT,)}) if job.id == "j-202" else job
            for job in evening.site.jobs
        )
        evening.site = evening.site.model_copy(update={"jobs": jobs})
        plan, _ = plan_of(evening, kinds=("campaign",))
        reason = plan.decision(f"campaign:{RESENT}").reason
        assert reason.endswith("; whether j-202, which makes its audience, ran was not looked at")
        plan, _ = plan_of(evening, leave_alone=("104",))
        assert "j-202" not in plan.decision(f"campaign:{RESENT}").reason


class TestACampaignThatIsLeftAlone:
    @pytest.mark.parametrize("typed", ["103", "  opening NIGHT   invitation "])
    def test_is_never_offered_and_stays_open_for_a_person(self, evening: Evening, typed: str) -> None:
        name = evening.account().campaigns.get(RESENT).name
        plan, report = evening.reconcile(
            restriction=Restriction(leave_alone=(typed if typed == RESENT else f"  {name.upper()} ",))
        )
        decision = plan.decision(f"campaign:{RESENT}")
        assert (decision.rule, decision.remedy, decision.choices) == ("C11", Remedy.NEEDS_HUMAN, ())
        assert decision.reason.endswith("; left alone in this dag run, as its form says")
        row = next(row for row in report.rows if row.item_id == RESENT)
        assert row.outcome is End.NEEDS_HUMAN
        assert row.key in {item.item_key for item in evening.ledger().open_items("playhouse")}
        assert "«" in render_text(report).partition("Left alone, as the form says: ")[2][:2]
        assert not [e for e in evening.effects() if e["item"] in (RESENT, f"campaign:{RESENT}")]
        assert evening.truth()["mailed_twice"] == []
        others = [row for row in report.rows if row.outcome is End.VERIFIED]
        assert others, "the other campaigns are repaired"

    def test_is_offered_again_by_the_next_dag_run(self, evening: Evening) -> None:
        evening.reconcile(restriction=Restriction(leave_alone=(RESENT,)))
        plan, _ = evening.reconcile(dag_run="run-2")
        assert plan.decision(f"campaign:{RESENT}").remedy is Remedy.RESEND

    def test_is_not_cleared_even_if_the_plan_offered_it(self, evening: Evening) -> None:
        plan, _ = evening.reconcile(Mode.PLAN)
        account = evening.account()
        forged = plan.model_copy(
            update={"restriction": Restriction(leave_alone=("x",), roots=(f"campaign:{RESENT}",))}
        )
        account.ledger.save_plan(forged, "run-1")
        account.ledger.save_answers(forged.hash, approve_all(forged), "Ada")
        cleared = clear(account, forged, Mode.ASK, who="test")
        assert cleared.not_now[f"campaign:{RESENT}"] == "left alone in this dag run, as its form says"
        assert RESENT not in {step.item_key.partition(":")[2] for step in cleared.steps}
        assert cleared.steps

    def test_is_left_alone_with_the_copy_that_we_made(self, evening: Evening) -> None:
        """Either of them may be named: a copy is not another campaign."""
        evening.reconcile()
        account = evening.account()
        copy = next(
            one["detail"]["copy"]
            for one in evening.effects()
            if (one["kind"], one["item"]) == ("campaign_copied", RESENT)
        )
        inventory = take_inventory(account, evening.window(), restriction=Restriction(leave_alone=(copy,)))
        assert inventory.restriction.roots == (f"campaign:{RESENT}",)

    def test_that_nobody_knows_is_refused_with_the_nearest_names(self, evening: Evening) -> None:
        name = evening.account().campaigns.get(RESENT).name
        with pytest.raises(ConfigurationError) as caught:
            plan_of(evening, leave_alone=(name[:-3], "99999", "zzzz"))
        first, second, third = str(caught.value).splitlines()
        assert first.startswith(f"form: leave_alone names '{name[:-3]}', and no campaign")
        assert f"did you mean «{name}» ({RESENT})" in first
        assert "'99999'" in second
        assert "write its id" in third
        assert evening.ledger().plans("playhouse") == []

    def test_may_be_one_that_the_window_did_not_touch(self, evening: Evening) -> None:
        touched = {d.item_id for d in evening.reconcile(Mode.PLAN)[0].decisions}
        other = next(str(i) for i in evening.world.campaigns.all if str(i) not in touched)
        plan, _ = evening.reconcile(Mode.PLAN, dag_run="run-2", restriction=Restriction(leave_alone=(other,)))
        assert plan.restriction.roots == (f"campaign:{other}",)


class TestLimitsOfTheForm:
    def test_are_kept_where_they_are_stricter_than_the_policy(self, evening: Evening) -> None:
        _, report = evening.reconcile(restriction=Restriction(max_sends=1))
        begun = [a for a in every_action(evening.ledger()) if a.remedy is Remedy.RESEND]
        over = [row for row in report.rows if "over the limit of this dag run" in row.detail]
        assert len(begun) == 1
        assert over
        assert all(row.outcome is End.NOT_NOW for row in over)
        keys = {item.item_key for item in evening.ledger().open_items("playhouse")}
        assert {row.key for row in over} <= keys, "nothing is lost"

    def test_never_allow_more_than_the_policy(self, evening: Evening) -> None:
        policy = evening.site.policy.model_copy(update={"max_actions": 1})
        evening.site = evening.site.model_copy(update={"policy": policy})
        plan, _ = evening.reconcile(Mode.PLAN, restriction=Restriction(max_actions=20, max_sends=20))
        account = evening.account()
        account.ledger.save_answers(plan.hash, approve_all(plan), "Ada")
        cleared = clear(account, plan, Mode.ASK, who="test")
        assert len({step.action_id for step in cleared.steps}) == 1


class TestWithoutARestriction:
    def test_a_plan_keeps_the_hash_that_it_always_had(self, evening: Evening) -> None:
        """Plans that wait for an answer while the package is updated are found again."""
        plan, _ = evening.reconcile(Mode.PLAN)
        body = plan.model_dump(mode="json", exclude={"restriction", "not_looked_at"})
        assert type(plan).model_validate(body).hash == plan.hash
        assert plan.model_copy(update={"restriction": Restriction(max_sends=1)}).hash != plan.hash
