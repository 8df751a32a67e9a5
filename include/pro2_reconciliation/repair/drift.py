"""The drift of a data sync after its import: who should hold the sync tag and does not, and the other way round.

A = holders of the import's unique tag (who should have it), B = holders of the sync tag. B is read after A, and both
again when a run of the sync lies in between. Refused, in words: a list that Tessitura generated before the outage's
end or at a time nobody knows, an A that is empty or smaller than what the import brought, an A that a later run of
the sync has overtaken, a removal above the policy's share (rule R14, ADR 0006). Only ids and counts leave this
module; the addresses of a drift are fetched for its CSV alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from pro2_reconciliation.domain.drift import Drift, drift_between
from pro2_reconciliation.domain.errors import Rejected, RequestError
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Fingerprint
from pro2_reconciliation.domain.words import Choice, ItemKind, Outcome, Reach, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State
from pro2_reconciliation.repair.account import Account

SUFFIX = {Remedy.ADD_TAG: "+add", Remedy.REMOVE_TAG: "+remove"}
READS = 3
"""So often A and B are read while runs of the sync come in between."""
TAG_PREFIX = "reconcile "
"""How the unique tag of every import of ours begins."""
HISTORY = timedelta(days=30)
"""How long after its import a drift is still worth applying; older tags are for deletion."""


def unique_tag(occurrence: Occurrence) -> str:
    """The tag of a data sync's import: made of the occurrence, so that a repeat finds its own."""
    return f"{TAG_PREFIX}{occurrence.job_id} {occurrence.due:%Y-%m-%d %H:%M}Z"


def drift_of(account: Account, decision: Decision) -> Drift:
    """Read A, then B, and compare.

    Raises ``Rejected`` with the reason when what would be compared cannot be trusted, and the errors of the ports.
    """
    job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
    unique = account.contacts.tag_id(decision.tag or "")
    sync = account.contacts.tag_id(job.sync_tag or "")
    if unique is None or sync is None:
        raise Rejected(f"job {job.id!r}: tag {decision.tag!r} or {job.sync_tag!r} does not exist in Pro2")
    _require_fresh_list(account, job, decision.fresh_since)
    brought = _import_row(account, decision.tag or "")
    for _ in range(READS):
        began = account.now()
        should = account.contacts.holders(unique)
        have = account.contacts.holders(sync)
        _require_whole(job, decision.tag or "", should, brought)
        runs = _runs_since(account, job, brought.started if brought else began)
        overtaken = [row for row in runs if row.outcome is Outcome.SUCCESS]
        if overtaken:
            raise Rejected(
                f"job {job.id!r} ran {local(overtaken[-1].started, account.zone)}, after the import of "
                f"{decision.tag!r}; import its list again before comparing"
            )
        if not any((row.finished or account.now()) >= began for row in runs):
            mode = job.mode or "add_only"
            return drift_between(should, have, mode, sync_tag_id=sync, unique_tag_id=unique)
    raise Rejected(f"job {job.id!r} runs again and again while its tags are read; compare when it is quiet")


def _require_fresh_list(account: Account, job: Job, since: datetime | None) -> None:
    if since is None or job.tessitura_list is None:
        return
    made = account.lists.generated_at(job.tessitura_list)
    name = f"job {job.id!r}: List Manager list {job.tessitura_list}"
    if made is None:
        raise Rejected(f"{name} does not say when it was generated; look in Tessitura, and compare by hand")
    if made < since:
        raise Rejected(
            f"{name} was generated {local(made, account.zone)}, before the outage ended "
            f"{local(since, account.zone)}; generate it in Tessitura and import it again"
        )


def _require_whole(job: Job, tag: str, should: set[str], brought: ActivityRow | None) -> None:
    if not should:
        raise Rejected(f"job {job.id!r}: nobody holds {tag!r}; the import brought nothing")
    counted = brought.counts.updated if brought and brought.counts else None
    if counted is not None and len(should) < counted:
        raise Rejected(
            f"job {job.id!r}: {len(should)} hold {tag!r}, and the import brought {counted}; it is not whole"
        )


def _import_row(account: Account, tag: str) -> ActivityRow | None:
    rows = account.dashboard.activity(account.now() - HISTORY, account.now()).rows
    done = [row for row in rows if row.tag == tag and row.outcome is Outcome.SUCCESS]
    return max(done, key=lambda row: row.started) if done else None


def _runs_since(account: Account, job: Job, since: datetime) -> list[ActivityRow]:
    rows = account.dashboard.activity(since, account.now()).of(job.id)
    return sorted((row for row in rows if row.started > since), key=lambda row: row.started)


def segment_text(tag: str, sync_tag: str, remedy: Remedy) -> str:
    """The conditions of a segment in Pro2 that shows the same contacts."""
    first, second = (tag, sync_tag) if remedy is Remedy.ADD_TAG else (sync_tag, tag)
    return f"segment «Tag exists: {first}» AND «Tag does not exist: {second}»"


def drift_decisions(account: Account, decisions: Sequence[Decision], ended: datetime) -> list[Decision]:
    """Proposals for every data sync whose import is confirmed: adding and removing, apart, always asked.

    ``ended``: when the outage ended; a list that is older is not compared with.
    """
    found: list[Decision] = []
    for decision in decisions:
        action = _confirmed_import(account, decision)
        if action is None:
            continue
        step = action.step(Verb.IMPORT_LIST)
        job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
        tagged = decision.model_copy(update={"tag": step.remote_id if step else None, "fresh_since": ended})
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
        reason = (
            f"{len(drift.to_remove)} contacts hold «{job.sync_tag}» and should not ({drift.have} hold it)"
        )
        share = drift.removal_share
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
    tag, sync_tag = decision.tag or "", job.sync_tag or ""
    look = segment_text(tag, sync_tag, remedy if choice else Remedy.ADD_TAG)
    steps: tuple[str, ...] = (f"Compare them in Pro2: {look}",)
    if not choice:
        steps += (f"Compare the other way round: {segment_text(tag, sync_tag, Remedy.REMOVE_TAG)}",)
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
        steps=steps,
        audience=contacts,
        due=decision.due,
        tag=decision.tag,
        fresh_since=decision.fresh_since,
        fingerprint=Fingerprint(
            subject=job.sync_tag, segment_id=decision.tag, audience=contacts, remedy=remedy.value
        ),
    )


def drift_table(account: Account, decision: Decision) -> list[tuple[str, str, str]]:
    """The contacts of one proposal as (contact id, e-mail address, "add" or "remove"), for its CSV and nowhere else.

    Raises as ``drift_of``.
    """
    drift = drift_of(account, decision)
    adding = decision.remedy is Remedy.ADD_TAG
    wanted, tag, holders = (
        (drift.to_add, drift.unique_tag_id, drift.should)
        if adding
        else (drift.to_remove, drift.sync_tag_id, drift.have)
    )
    known = account.contacts.addresses(wanted, tag, holders)
    ordered = sorted(wanted, key=lambda one: (len(one), one))
    return [(one, known.get(one, ""), "add" if adding else "remove") for one in ordered]


def old_tags(account: Account) -> list[str]:
    """Our own import tags whose occurrence is more than 30 days old: nothing needs them any more.

    A person deletes them in Pro2 (Contacts, Manage Tags); we never delete anything.
    """
    found = []
    for name in account.contacts.tags_beginning(TAG_PREFIX):
        stamp = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d)Z$", name)
        if stamp and account.now() - datetime.fromisoformat(f"{stamp[1]}+00:00") > HISTORY:
            found.append(name)
    return found
