"""What a data sync left undone: compared only where it can be trusted, and applied to each contact once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import Evening

from pro2_reconciliation.domain.errors import Ambiguous, Rejected
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Remedy
from pro2_reconciliation.repair.drift import drift_of, drift_table, old_tags
from pro2_reconciliation.repair.report import End

SYNC = "occurrence:j-204"


class Follows:
    """The evening after its imports were confirmed: ``proposals`` are what the follow-up asks about."""

    def __init__(self, folder: Path) -> None:
        self.evening = Evening(folder)
        self.evening.end_outage()
        self.first, _ = self.evening.reconcile(dag_run="outage__1__g1")
        self.keys = tuple(d.key for d in self.first.decisions if d.remedy is Remedy.DATA_SYNC)

    def ask(self, dag_run: str, **options: Any) -> Any:
        return self.evening.reconcile(dag_run=dag_run, only=self.keys, parent=self.first.hash, **options)

    def proposal(self, plan: Plan, remedy: Remedy) -> Decision:
        return next(d for d in plan.decisions if d.remedy is remedy)


@pytest.fixture
def follows(tmp_path: Path) -> Follows:
    return Follows(tmp_path)


def tagged(evening: Evening, kind: str) -> Counter[str]:
    return Counter(e["detail"]["contact"] for e in evening.effects() if e["kind"] == kind)


class Breaking:
    """Contacts whose connection breaks off after so many writes, each of which arrived."""

    def __init__(self, contacts: Any, after: int) -> None:
        self._contacts = contacts
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._contacts, name)

    def add_tag(self, contact_id: str, tag_id: str) -> None:
        self._contacts.add_tag(contact_id, tag_id)
        self._left -= 1
        if not self._left:
            raise Ambiguous("the connection broke off")


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
    assert evening.truth()["missing"] == []


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
    made.generated = follows.evening.window().start
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


def test_the_table_of_a_drift_names_each_contact_with_its_address(follows: Follows) -> None:
    plan, _ = follows.ask("ask__0", answer=lambda plan: {})
    proposal = follows.proposal(plan, Remedy.ADD_TAG)
    rows = drift_table(follows.evening.account("test"), proposal)
    assert len(rows) == proposal.audience
    assert {(mail, todo) for contact, mail, todo in rows} == {
        (f"patron{contact}@example.org", "add") for contact, _, _ in rows
    }
    assert proposal.steps == (
        f"Compare them in Pro2: segment «Tag exists: {proposal.tag}» AND «Tag does not exist: "
        f"{proposal.fingerprint.subject}»",
    )


def test_our_tags_are_named_for_deletion_after_thirty_days(follows: Follows) -> None:
    account = follows.evening.account("test")
    assert old_tags(account) == []
    follows.evening.clock.at += timedelta(days=31)
    assert len(old_tags(account)) == len(follows.keys)
    assert all(name.startswith("reconcile ") for name in old_tags(account))
