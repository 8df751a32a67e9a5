"""What a data sync left undone: compared only where it can be trusted, and applied to each contact once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.claims import every_action
from tests.incident.drifting import Follows
from tests.incident.harness import Evening

from pro2_reconciliation.domain.errors import Ambiguous, Rejected
from pro2_reconciliation.domain.jobs import ActivityLog, Console, ConsoleRow
from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Remedy, Verb
from pro2_reconciliation.ledger import Ledger, State
from pro2_reconciliation.repair.drift import drift_of, drift_table, old_tags
from pro2_reconciliation.repair.outage_ends import OutageEnds
from pro2_reconciliation.repair.proofs import PROVEN, Proof
from pro2_reconciliation.repair.report import End, Report
from pro2_reconciliation.repair.step_result import ELSEWHERE
from pro2_reconciliation.repair.steps import LEASE_SECONDS, carry_out

SYNC = "occurrence:j-204"


@pytest.fixture
def follows(tmp_path: Path) -> Follows:
    return Follows(tmp_path)


def tagged(evening: Evening, kind: str) -> Counter[str]:
    return Counter(e["detail"]["contact"] for e in evening.effects() if e["kind"] == kind)


class Killed(BaseException):
    """The worker is gone: nothing is written after it, not even a move in the ledger."""


class Breaking:
    """Contacts whose connection breaks off, or whose worker dies, after so many writes, each of which arrived."""

    def __init__(self, contacts: Any, after: int, error: BaseException | None = None) -> None:
        self._contacts = contacts
        self._left = after
        self._error = error or Ambiguous("the connection broke off")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._contacts, name)

    def add_tag(self, *args: Any, **options: Any) -> bool:
        return self._then(self._contacts.add_tag(*args, **options))

    def remove_tag(self, *args: Any, **options: Any) -> bool:
        return self._then(self._contacts.remove_tag(*args, **options))

    def _then(self, written: bool) -> bool:
        self._left -= 1
        if not self._left:
            raise self._error
        return written


def test_each_contact_is_tagged_once_although_the_first_try_broke_off(follows: Follows) -> None:
    evening = follows.evening
    account = evening.account("ask__1")
    breaking = Breaking(account.contacts, after=2)
    _, report = follows.ask("ask__1", account=evening.account("ask__1", contacts=breaking))
    ends = {row.item_id.rpartition("+")[2]: row.outcome for row in report.rows if "+" in row.item_id}
    assert ends["add"] is End.VERIFIED
    added = tagged(evening, "tag_added")
    assert len(added) > 2
    assert set(added.values()) == {1}


@pytest.mark.parametrize(
    ("remedy", "verb", "effect"),
    [(Remedy.ADD_TAG, Verb.ADD_TAG, "tag_added"), (Remedy.REMOVE_TAG, Verb.REMOVE_TAG, "tag_removed")],
)
def test_a_killed_run_goes_on_with_the_others(
    follows: Follows, monkeypatch: pytest.MonkeyPatch, remedy: Remedy, verb: Verb, effect: str
) -> None:
    evening = follows.evening
    plans: list[Plan] = []

    def answer(plan: Plan) -> dict[str, Choice]:
        plans.append(plan)
        return {follows.proposal(plan, remedy).key: Choice(follows.proposal(plan, remedy).choices[1])}

    account = evening.account("ask__1")
    breaking = Breaking(account.contacts, after=2, error=Killed())
    dying = evening.account("ask__1", contacts=breaking)
    with monkeypatch.context() as dead:
        dead.setattr(Ledger, "release", lambda *_: None)  # a dead worker gives no lease back
        with pytest.raises(Killed):
            follows.ask("ask__1", account=dying, answer=answer)
    (plan,) = plans
    wanted = follows.proposal(plan, remedy).audience or 0
    assert 0 < sum(tagged(evening, effect).values()) == 2 < wanted

    account = evening.account("ask__1, second try")
    (action,) = [a for a in every_action(account.ledger, account.organization) if a.remedy is remedy]
    at_once = carry_out(account, plan, action.id, verb)
    assert at_once.state == ELSEWHERE
    assert 0 < at_once.wait_seconds <= LEASE_SECONDS  # his lease
    evening.clock.sleep(at_once.wait_seconds)
    result = carry_out(account, plan, action.id, verb)

    assert result.state == State.DONE
    assert sum(tagged(evening, effect).values()) == wanted
    assert set(tagged(evening, effect).values()) == {1}
    assert Proof(account, plan, action.id, verb).look().state == PROVEN


def written_after(follows: Follows, meanwhile: Any, remedy: Remedy) -> tuple[Report, Counter[str]]:
    """Everything is approved, and then something happens before the first step."""

    def answer(plan: Plan) -> dict[str, Choice]:
        meanwhile(plan)
        return {d.key: Choice(d.choices[1]) for d in plan.decisions if d.remedy is remedy}

    _, report = follows.ask("ask__1", answer=answer)
    return report, tagged(
        follows.evening, {Remedy.ADD_TAG: "tag_added", Remedy.REMOVE_TAG: "tag_removed"}[remedy]
    )


def test_more_contacts_than_were_agreed_to_are_not_written_but_asked_about_anew(follows: Follows) -> None:
    """Nothing was intended, so the ledger takes the new question's answer."""
    contacts, untagged = follows.evening.world.contacts, []

    def somebody_untags_one_more(plan: Plan) -> None:
        proposal = follows.proposal(plan, Remedy.ADD_TAG)
        tag, unique = (
            contacts.tag_named(str(proposal.fingerprint.subject)),
            contacts.tag_named(str(proposal.tag)),
        )
        assert tag is not None
        assert unique is not None
        relation = next(r for contact, r in tag.held.items() if contact in unique.held)
        contacts.remove_relation(relation, follows.evening.world.now, "person")
        untagged.append(proposal)

    report, written = written_after(follows, somebody_untags_one_more, Remedy.ADD_TAG)
    ends = {row.item_id: row for row in report.rows if row.decision == "add_tag"}
    held_up = ends.pop(untagged[0].item_id)
    assert held_up.outcome is End.STALE
    assert (
        f"{untagged[0].audience + 1} contacts differ by now, and {untagged[0].audience} were"
        in held_up.detail
    )
    assert sum(written.values()) == sum(row.audience or 0 for row in ends.values())

    plan, again = follows.ask("ask__2")
    asked = follows.proposal(plan, Remedy.ADD_TAG)
    assert (asked.item_id, asked.audience) == (untagged[0].item_id, untagged[0].audience + 1)
    assert next(row for row in again.rows if row.key == asked.key).outcome is End.VERIFIED
    assert set(tagged(follows.evening, "tag_added").values()) == {1}


def test_a_comparison_that_cannot_be_trusted_any_more_is_stale_and_nothing_is_written(
    follows: Follows,
) -> None:
    class Forgetful:
        """The List Manager forgets when the list was generated, after the question."""

        known = True

        def generated_at(self, list_id: str) -> datetime | None:
            return usual.generated_at(list_id) if self.known else None

    lists, usual = Forgetful(), follows.evening.account("x").lists

    def answer(plan: Plan) -> dict[str, Choice]:
        lists.known = False
        return {d.key: Choice(d.choices[1]) for d in plan.decisions if d.remedy is Remedy.ADD_TAG}

    account = follows.evening.account("ask__1", lists=lists)
    _, report = follows.ask("ask__1", account=account, answer=answer)
    rows = [row for row in report.rows if row.decision == "add_tag"]
    assert {row.outcome for row in rows} == {End.STALE}
    assert all("does not say when it was generated" in row.detail for row in rows)
    assert tagged(follows.evening, "tag_added") == Counter()


def test_a_removal_that_grew_above_the_policys_share_is_not_done(follows: Follows) -> None:
    contacts = follows.evening.world.contacts

    def most_holders_leave(plan: Plan) -> None:
        proposal = follows.proposal(plan, Remedy.REMOVE_TAG)
        job = follows.evening.account("x").site.jobs_by_id[proposal.item_id.partition("@")[0]]
        tag, unique = contacts.tag_named(str(job.sync_tag)), contacts.tag_named(str(proposal.tag))
        assert tag is not None
        assert unique is not None
        for contact, relation in list(tag.held.items()):
            if contact in unique.held:
                contacts.remove_relation(relation, follows.evening.world.now, "person")

    report, written = written_after(follows, most_holders_leave, Remedy.REMOVE_TAG)
    (row,) = [row for row in report.rows if row.decision == "remove_tag"]
    assert (row.outcome, written) == (End.STALE, Counter())
    assert "100.0% is more than the 10.0%" in row.detail


def test_a_large_tag_does_not_cost_the_lease(follows: Follows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading two tags at one page a minute takes longer than a lease; it is renewed while pages come."""
    evening = follows.evening
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    account = evening.account("ask__1")

    class Slow(Breaking):
        def holders(self, tag_id: str, each_page: Any = lambda: None) -> set[str]:
            def page() -> None:
                each_page()
                evening.clock.at += timedelta(seconds=LEASE_SECONDS * 0.6)

            found: set[str] = self._contacts.holders(tag_id, page)
            return found

    slow = evening.account("ask__1", contacts=Slow(account.contacts, after=-1))
    begun = evening.clock.at
    _, report = follows.ask("ask__1", account=slow)
    assert evening.clock.at - begun > timedelta(seconds=5 * LEASE_SECONDS)
    assert {row.outcome for row in report.rows if "+" in row.item_id} == {End.VERIFIED}
    assert plan.decisions


def test_what_a_colleague_tagged_meanwhile_is_not_tagged_again(follows: Follows) -> None:
    evening = follows.evening
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    account = evening.account("colleague")
    drift = drift_of(account, proposal)
    by_hand = min(drift.to_add)
    contacts = evening.world.contacts
    contacts.add_tag(int(by_hand), contacts.tags[int(drift.sync_tag_id)], evening.world.now, "person")
    follows.ask("ask__1")
    assert by_hand not in tagged(evening, "tag_added")


def test_a_list_that_is_older_than_the_outage_is_not_compared_with(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    account = follows.evening.account("test")
    job = account.site.jobs_by_id[proposal.item_id.partition("@")[0]]
    made = follows.evening.world.work.lists[str(job.tessitura_list)]
    made.generated, made.every = follows.evening.window().start, None
    with pytest.raises(Rejected, match=r"before the outage ended .* CST; generate it in Tessitura"):
        drift_of(account, proposal)
    again, report = follows.ask("ask__1")
    assert [
        row.outcome for row in report.rows if row.item_id.startswith(f"{job.id}@") and "+" in row.item_id
    ] == [End.NEEDS_HUMAN]
    assert again.hash != plan.hash


def test_a_list_of_unknown_age_is_not_compared_with(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})

    class Ageless:
        def generated_at(self, list_id: str) -> datetime | None:
            return None

    account = follows.evening.account("test", lists=Ageless())
    with pytest.raises(Rejected, match="does not say when it was generated"):
        drift_of(account, follows.proposal(plan, Remedy.ADD_TAG))


def test_an_import_that_is_not_whole_is_not_compared_with(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    contacts = follows.evening.world.contacts
    tag = contacts.tag_named(str(proposal.tag))
    assert tag is not None
    contacts.remove_relation(next(iter(tag.held.values())), follows.evening.world.now, "person")
    with pytest.raises(Rejected, match="it is not whole"):
        drift_of(follows.evening.account("test"), proposal)


def test_a_later_run_of_the_sync_overtakes_the_import(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    follows.evening.clock.at += timedelta(days=1, hours=1)
    with pytest.raises(Rejected, match="import its list again before comparing"):
        drift_of(follows.evening.account("test"), proposal)


def test_a_sync_that_runs_while_the_tags_are_read_is_waited_for_and_then_refused(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    account = follows.evening.account("test")
    job_id = proposal.item_id.partition("@")[0]
    looks = []

    class Running:
        """The Activity Log has no row yet; the Console shows it."""

        def __init__(self, times: int) -> None:
            self.times = times

        def activity(self, since: datetime, until: datetime) -> ActivityLog:
            found: ActivityLog = account.dashboard.activity(since, until)
            return found

        def console(self) -> Console:
            looks.append(1)
            row = ConsoleRow(organization="playhouse", run_id="r-9", job_id=job_id, running=True)
            return Console(as_of=account.now(), rows=(row,) if len(looks) <= self.times else ())

    once = drift_of(follows.evening.account("test", dashboard=Running(1)), proposal)
    assert (len(looks), len(once.to_add)) == (2, proposal.audience)
    with pytest.raises(Rejected, match="compare when it is quiet"):
        drift_of(follows.evening.account("test", dashboard=Running(9)), proposal)


def test_a_log_that_is_too_old_to_show_a_run_is_not_trusted(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    account = follows.evening.account("test")

    class Yesterday:
        def activity(self, since: datetime, until: datetime) -> ActivityLog:
            log = account.dashboard.activity(since, until)
            return log.model_copy(update={"as_of": account.now() - timedelta(minutes=10)})

    with pytest.raises(Rejected, match=r"whether job .* ran since cannot be seen"):
        drift_of(
            follows.evening.account("test", dashboard=Yesterday()), follows.proposal(plan, Remedy.ADD_TAG)
        )


def test_a_list_that_is_older_than_the_outage_is_not_imported(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()
    for entry in evening.world.work.lists.values():
        entry.every = None
    plan, report = evening.reconcile()
    rows = [row for row in report.rows if row.rule == "R14"]
    assert {row.item_id.partition("@")[0] for row in rows} == {"j-204", "j-217"}
    assert {row.outcome for row in rows} == {End.NEEDS_HUMAN}
    assert all("before the outage ended Thu 19 Nov 18:05 CST" in row.reason for row in rows)
    assert rows[0].steps[0].startswith("Generate List Manager list 502 in Tessitura")
    assert not [e for e in evening.effects() if e["kind"] == "import"]
    assert not [d for d in plan.decisions if d.remedy is Remedy.DATA_SYNC]


def test_a_list_that_is_older_by_the_time_of_the_import_makes_it_stale(tmp_path: Path) -> None:
    evening = Evening(tmp_path)
    evening.end_outage()

    def tessitura_is_restored(plan: Plan) -> dict[str, Choice]:
        for entry in evening.world.work.lists.values():
            entry.every = None
        return {d.key: Choice.REPROCESS for d in plan.decisions if d.remedy is Remedy.DATA_SYNC}

    _, report = evening.reconcile(answer=tessitura_is_restored)
    rows = [row for row in report.rows if row.decision == "data_sync"]
    assert rows
    assert {row.outcome for row in rows} == {End.STALE}
    assert not [e for e in evening.effects() if e["kind"] == "import"]


def test_a_night_later_a_list_need_not_be_younger_than_the_night(follows: Follows) -> None:
    """The nightly window is no outage: what counts is the end of the outage that the sync was caught by."""
    evening = follows.evening
    account = evening.account("nightly")
    due = next(d.due for d in follows.first.decisions if d.remedy is Remedy.DATA_SYNC)
    assert due is not None
    night = Window(start=due - timedelta(days=1), end=evening.clock.at + timedelta(hours=5), source="nightly")
    assert OutageEnds(account, night, {}).of("occurrence:j-1", due) == due
    assert OutageEnds(account, evening.window(), {}).of("occurrence:j-1", due) == evening.window().end


def test_the_table_of_a_drift_names_each_contact_with_its_address(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    account = follows.evening.account("test")
    rows = drift_table(account, proposal, drift_of(account, proposal))
    assert len(rows) == proposal.audience
    assert {(mail, todo) for contact, mail, todo in rows} == {
        (f"patron{contact}@example.org", "add") for contact, _, _ in rows
    }
    sync_tag = proposal.fingerprint.subject
    segment = f"segment «Tag exists: {proposal.tag}» AND «Tag does not exist: {sync_tag}»"
    assert proposal.steps == (f"Compare them in Pro2: {segment}",)
    assert proposal.reason.endswith(f"; they are the {segment} in Pro2")
    other = follows.proposal(plan, Remedy.REMOVE_TAG)
    assert f"«Tag exists: {other.fingerprint.subject}» AND «Tag does not exist: {other.tag}»" in other.reason


def test_our_tags_are_named_for_deletion_after_thirty_days(follows: Follows) -> None:
    account = follows.evening.account("test")
    assert old_tags(account) == []
    follows.evening.clock.at += timedelta(days=31)
    assert len(old_tags(account)) == len(follows.keys)
    assert all(name.startswith("reconcile ") for name in old_tags(account))
