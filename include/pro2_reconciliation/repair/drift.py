"""The drift of a data sync after its import: who should hold the sync tag and does not, and the other way round.

A = holders of the import's unique tag (who should have it), B = holders of the sync tag. Add = A - B; remove =
B - A, and only for an add-and-remove sync (domain facts 1.3, rule R14). B is read after A. Only ids and counts
leave this module, never addresses. An empty A, or a removal above the policy's share, proposes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pro2_reconciliation.domain.errors import Rejected, RequestError
from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.plan import Decision, Fingerprint
from pro2_reconciliation.domain.words import Choice, ItemKind, Reach, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State
from pro2_reconciliation.repair.account import Account

SUFFIX = {Remedy.ADD_TAG: "+add", Remedy.REMOVE_TAG: "+remove"}


@dataclass(frozen=True)
class Drift:
    """Contact ids to add the sync tag to and to remove it from; ``should`` and ``have`` are the sizes of A and B."""

    sync_tag_id: str
    should: int
    have: int
    to_add: frozenset[str]
    to_remove: frozenset[str]


def drift_of(account: Account, decision: Decision) -> Drift:
    """Read A, then B, and compare. Raises ``Rejected`` when a tag does not exist or A is empty."""
    job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
    unique = account.contacts.tag_id(decision.tag or "")
    sync = account.contacts.tag_id(job.sync_tag or "")
    if unique is None or sync is None:
        raise Rejected(f"job {job.id!r}: tag {decision.tag!r} or {job.sync_tag!r} does not exist in Pro2")
    should = account.contacts.holders(unique)
    have = account.contacts.holders(sync)
    if not should:
        raise Rejected(f"job {job.id!r}: nobody holds {decision.tag!r}; the import brought nothing")
    remove = have - should if job.mode == "add_and_remove" else set()
    return Drift(sync, len(should), len(have), frozenset(should - have), frozenset(remove))


def drift_decisions(account: Account, decisions: Sequence[Decision]) -> list[Decision]:
    """Proposals for every data sync whose import is confirmed: adding and removing, apart, always asked."""
    found: list[Decision] = []
    for decision in decisions:
        action = _confirmed_import(account, decision)
        if action is None:
            continue
        step = action.step(Verb.IMPORT_LIST)
        job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
        tagged = decision.model_copy(update={"tag": step.remote_id if step else None})
        try:
            drift = drift_of(account, tagged)
        except RequestError as error:
            found.append(_proposal(tagged, job, Remedy.NEEDS_HUMAN, f"the drift cannot be read: {error}", 0))
            continue
        found += _proposals(account, tagged, job, drift)
    return found


def _confirmed_import(account: Account, decision: Decision) -> ActionRecord | None:
    if decision.kind is not ItemKind.OCCURRENCE or decision.rule != "R0":
        return None
    actions = [
        a
        for a in account.ledger.actions_of(account.organization, decision.root)
        if a.remedy is Remedy.DATA_SYNC and a.state == State.CONFIRMED
    ]
    return actions[-1] if actions else None


def _proposals(account: Account, decision: Decision, job: Job, drift: Drift) -> list[Decision]:
    proposals = []
    if drift.to_add:
        reason = (
            f"{len(drift.to_add)} contacts should hold «{job.sync_tag}» and do not ({drift.should} should)"
        )
        proposals.append(_proposal(decision, job, Remedy.ADD_TAG, reason, len(drift.to_add)))
    if drift.to_remove:
        share = len(drift.to_remove) / max(drift.have, 1)
        reason = (
            f"{len(drift.to_remove)} contacts hold «{job.sync_tag}» and should not ({drift.have} hold it)"
        )
        if share > account.policy.max_removal_share:
            proposals.append(
                _proposal(
                    decision,
                    job,
                    Remedy.NEEDS_HUMAN,
                    f"{reason}: {share:.0%} is more than the policy lets software remove",
                    len(drift.to_remove),
                )
            )
        else:
            proposals.append(_proposal(decision, job, Remedy.REMOVE_TAG, reason, len(drift.to_remove)))
    return proposals


def _proposal(decision: Decision, job: Job, remedy: Remedy, reason: str, contacts: int) -> Decision:
    choice = {Remedy.ADD_TAG: Choice.ADD_TAG, Remedy.REMOVE_TAG: Choice.REMOVE_TAG}.get(remedy)
    return Decision(
        kind=ItemKind.OCCURRENCE,
        item_id=decision.item_id + SUFFIX.get(remedy, "+drift"),
        name=f"{job.name}: tag «{job.sync_tag}»",
        root=decision.root,
        rule="R14",
        via=("R0",),
        remedy=remedy,
        reach=Reach.INBOX,
        reason=reason,
        choices=(Choice.LEAVE, choice) if choice else (),
        steps=()
        if choice
        else (f"Compare the holders of «{decision.tag}» and «{job.sync_tag}» in Pro2 by a segment",),
        audience=contacts,
        due=decision.due,
        tag=decision.tag,
        fingerprint=Fingerprint(
            subject=job.sync_tag, segment_id=decision.tag, audience=contacts, remedy=remedy.value
        ),
    )
