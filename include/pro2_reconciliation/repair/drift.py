"""The drift of a data sync after its import: who should hold the sync tag and does not, and the other way round.

A = holders of the import's unique tag (who should have it), B = holders of the sync tag. B is read after A, and both
again when a run of the sync lies in between. Refused, in words: a list that Tessitura generated before the outage's
end or at a time nobody knows, an A that is empty or smaller than what the import brought, an A that a later run of
the sync has overtaken, a removal above the policy's share (rule R14, ADR 0006). Only ids and counts leave this
module; the addresses of a drift are fetched for its CSV alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

from pro2_reconciliation.domain.drift import Drift, drift_between
from pro2_reconciliation.domain.errors import Rejected, RequestError
from pro2_reconciliation.domain.jobs import ActivityRow, Job, Occurrence
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.plan import Decision, Fingerprint, Plan, Window
from pro2_reconciliation.domain.words import Choice, ItemKind, Outcome, Reach, Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.outage_ends import OutageEnds

SUFFIX = {Remedy.ADD_TAG: "+add", Remedy.REMOVE_TAG: "+remove"}
READS = 3
"""So often A and B are read while runs of the sync come in between."""
TAG_PREFIX = "reconcile "
"""How the unique tag of every import of ours begins."""
SKEW = timedelta(minutes=2)
"""So far may the clocks of the dashboard and of this machine differ."""
TAGS_LAST = timedelta(days=30)
"""How long after its import a drift is still worth applying; older tags are for deletion."""


def unique_tag(occurrence: Occurrence) -> str:
    """The tag of a data sync's import: made of the occurrence, so that a repeat finds its own."""
    return f"{TAG_PREFIX}{occurrence.job_id} {occurrence.due:%Y-%m-%d %H:%M}Z"


def drift_of(account: Account, decision: Decision, keep_alive: Callable[[], object] = lambda: None) -> Drift:
    """Read A, then B, and compare. ``keep_alive`` is called before every page: large tags take minutes.

    Raises ``Rejected`` with the reason when what would be compared cannot be trusted, and the errors of the ports.
    """
    job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
    unique = account.contacts.tag_id(decision.tag or "")
    sync = account.contacts.tag_id(job.sync_tag or "")
    if unique is None or sync is None:
        raise Rejected(f"job {job.id!r}: tag {decision.tag!r} or {job.sync_tag!r} does not exist in Pro2")
    problem = old_list(account, job, decision.fresh_since)
    if problem:
        raise Rejected(
            f"job {job.id!r}: {problem}; generate it in Tessitura, import it again and compare by hand"
        )
    brought = _import_row(account, decision.tag or "")
    if brought is None:
        raise Rejected(
            f"job {job.id!r}: the Activity Log has no successful import under {decision.tag!r} in the last "
            f"{TAGS_LAST.days} days, so nothing says that it is whole; compare by hand"
        )
    _runs_since(
        account, job, brought.started
    )  # what would refuse for certain, before two large tags are read
    account.dashboard.console()
    for _ in range(READS):
        began = account.now()
        should = account.contacts.holders(unique, _page_by_page(account, decision.tag or "", keep_alive))
        have = account.contacts.holders(sync, _page_by_page(account, job.sync_tag or "", keep_alive))
        account.progress.say("")
        _require_whole(job, decision.tag or "", should, brought)
        runs = _runs_since(account, job, brought.started)
        overtaken = [row for row in runs if row.outcome is Outcome.SUCCESS]
        if overtaken:
            raise Rejected(
                f"job {job.id!r} ran {local(overtaken[-1].started, account.zone)}, after the import of "
                f"{decision.tag!r}; import its list again before comparing"
            )
        running = any(row.running for row in account.dashboard.console().of(job.id))
        if not running and not any((row.finished or account.now()) >= began for row in runs):
            mode = job.mode or "add_only"
            return drift_between(should, have, mode, sync_tag_id=sync, unique_tag_id=unique)
    raise Rejected(f"job {job.id!r} runs again and again while its tags are read; compare when it is quiet")


def _page_by_page(account: Account, tag: str, keep_alive: Callable[[], object]) -> Callable[[], object]:
    """``keep_alive``, and a word about how far it is, before every page of a tag's holders."""
    read = count()

    def before_page() -> None:
        keep_alive()
        account.progress.say(f"drift: {next(read):,} pages of contacts with «{tag}» read")

    return before_page


def require_consent(account: Account, decision: Decision, drift: Drift, *, adding: bool) -> None:
    """Raise ``Rejected`` when it is more than a person was shown, or than the policy allows; before the intent."""
    differ = len(drift.to_add if adding else drift.to_remove)
    agreed = decision.audience or 0
    if differ > agreed:
        raise Rejected(f"{differ} contacts differ by now, and {agreed} were agreed to")
    if not adding and drift.removal_share > account.policy.max_removal_share:
        raise Rejected(_too_large(drift, account.policy.max_removal_share))


def _too_large(drift: Drift, most: float) -> str:
    return f"{drift.removal_share:.1%} is more than the {most:.1%} that the policy lets software remove"


def old_list(account: Account, job: Job, since: datetime | None) -> str | None:
    """Why the job's List Manager list is not younger than ``since``, the end of the outage; None if it is.

    Asked when the plan is made, before the import, and before the tags are compared (rule R14, domain facts 6.23).
    Raises the errors of the port.
    """
    if since is None or job.tessitura_list is None:
        return None
    made = account.lists.generated_at(job.tessitura_list)
    name = f"its List Manager list {job.tessitura_list}"
    if made is None:
        return f"{name} does not say when it was generated"
    if made < since:
        return (
            f"{name} was generated {local(made, account.zone)}, before the outage ended "
            f"{local(since, account.zone)}"
        )
    return None


def _require_whole(job: Job, tag: str, should: set[str], brought: ActivityRow) -> None:
    if not should:
        raise Rejected(f"job {job.id!r}: nobody holds {tag!r}; the import brought nothing")
    counted = brought.counts.updated if brought.counts else None
    if counted is not None and len(should) < counted:
        raise Rejected(
            f"job {job.id!r}: {len(should)} hold {tag!r}, and the import brought {counted}; it is not whole"
        )


def _import_row(account: Account, tag: str) -> ActivityRow | None:
    rows = account.dashboard.activity(account.now() - TAGS_LAST, account.now()).rows
    done = [row for row in rows if row.tag == tag and row.outcome is Outcome.SUCCESS]
    return max(done, key=lambda row: row.started) if done else None


def _runs_since(account: Account, job: Job, since: datetime) -> list[ActivityRow]:
    """The runs of the sync since then. Raises ``Rejected`` where the log is too old to show them (invariant 11)."""
    now = account.now()
    log = account.dashboard.activity(since, now)
    if not log.covers(now - SKEW):
        raise Rejected(
            f"the Activity Log is of {local(log.as_of, account.zone)}: whether job {job.id!r} ran since cannot be seen"
        )
    return sorted((row for row in log.of(job.id) if row.started > since), key=lambda row: row.started)


def segment_text(tag: str, sync_tag: str, remedy: Remedy) -> str:
    """The conditions of a segment in Pro2 that shows the same contacts."""
    first, second = (tag, sync_tag) if remedy is Remedy.ADD_TAG else (sync_tag, tag)
    return f"segment «Tag exists: {first}» AND «Tag does not exist: {second}»"


def drift_decisions(
    account: Account, decisions: Sequence[Decision], window: Window, origins: Mapping[str, datetime]
) -> list[Decision]:
    """Proposals for every data sync whose import is confirmed: adding and removing, apart, always asked."""
    found: list[Decision] = []
    ends = OutageEnds(account, window, origins)
    for decision in decisions:
        action = _confirmed_import(account, decision)
        if action is None:
            continue
        step = action.step(Verb.IMPORT_LIST)
        job = account.site.jobs_by_id[decision.item_id.partition("@")[0]]
        since = ends.of(decision.key, decision.due or window.start)
        tagged = decision.model_copy(update={"tag": step.remote_id if step else None, "fresh_since": since})
        try:
            drift = drift_of(account, tagged)
        except RequestError as error:
            found.append(_proposal(tagged, job, Remedy.NEEDS_HUMAN, f"its tags are not compared: {error}", 0))
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
        if drift.removal_share > account.policy.max_removal_share:
            large = f"{reason}: {_too_large(drift, account.policy.max_removal_share)}"
            proposals.append(_proposal(decision, job, Remedy.NEEDS_HUMAN, large, len(drift.to_remove)))
        else:
            proposals.append(_proposal(decision, job, Remedy.REMOVE_TAG, reason, len(drift.to_remove)))
    return proposals


def _proposal(decision: Decision, job: Job, remedy: Remedy, reason: str, contacts: int) -> Decision:
    choice = {Remedy.ADD_TAG: Choice.ADD_TAG, Remedy.REMOVE_TAG: Choice.REMOVE_TAG}.get(remedy)
    tag, sync_tag = decision.tag or "", job.sync_tag or ""
    look = segment_text(tag, sync_tag, remedy if choice else Remedy.ADD_TAG)
    if choice:  # where it is asked and reported, and not only where a person has to go on
        reason = f"{reason}; they are the {look} in Pro2"
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


def with_contacts(plan: Plan) -> list[Decision]:
    """The decisions about a drift whose contacts can be listed: offered, or too many for software to remove."""
    return [d for d in plan.decisions if d.rule == "R14" and "+" in d.item_id and d.audience]


def drift_table(account: Account, decision: Decision, drift: Drift) -> list[tuple[str, str, str]]:
    """The contacts of one decision as (contact id, e-mail address, "add" or "remove"), for the CSV and nowhere else.

    A contact that is gone has no address. Raises the errors of the port.
    """
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
        if stamp and account.now() - datetime.fromisoformat(f"{stamp[1]}+00:00") > TAGS_LAST:
            found.append(name)
    return found
