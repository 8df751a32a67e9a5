"""The mutating request of every verb, and what is noted before it. Only ``steps.py`` calls this."""

from __future__ import annotations

from collections.abc import Callable

from pro2_reconciliation.domain.drift import Drift
from pro2_reconciliation.domain.errors import Ambiguous, LedgerError, Rejected, RequestError
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.schedule import previous
from pro2_reconciliation.domain.words import StopAnswer, Verb
from pro2_reconciliation.ledger import ActionRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.inventory import HISTORY
from pro2_reconciliation.repair.observing import LOG_LEAD

RENEW_EVERY = 50
"""Contacts between two renewals of the lease: about 40 s at the default pace, two or three requests each."""

HELD_BEFORE = "held_before"
"""In the details of the intent of a Repeat Import: tag to how many held it before, as the proof compares."""


def noted_before(account: Account, decision: Decision, verb: Verb) -> dict[str, dict[str, int]]:
    """What the proof of a verb compares with later, for the details of its intent; empty where it is not known.

    Only Repeat Import has some: "the tag's count not lower than before" (docs/lost-requests.md).
    """
    if verb is not Verb.REPEAT_IMPORT:
        return {}
    try:
        tag = _last_tag(account, decision)
        tag_id = account.contacts.tag_id(tag) if tag else None
        return {HELD_BEFORE: {tag: account.contacts.holder_count(tag_id)}} if tag and tag_id else {}
    except RequestError:
        return {}


def _last_tag(account: Account, decision: Decision) -> str | None:
    """The tag of the job's newest row that has one; the log is read back only as far as that takes."""
    job_id, now = decision.item_id.partition("@")[0], account.now()
    before = previous(account.site.jobs_by_id[job_id], decision.due or now, 1)
    span = now - (before[0].due if before else decision.due or now) + LOG_LEAD
    while True:
        span = min(span, HISTORY)
        tags = [row.tag for row in account.dashboard.activity(now - span, now).of(job_id) if row.tag]
        if tags or span == HISTORY:
            return tags[-1] if tags else None
        span *= 4


def perform(
    account: Account,
    decision: Decision,
    action: ActionRecord,
    verb: Verb,
    *,
    drift: Drift | None = None,
    even_if_not_stopped: bool = False,
    keep_alive: Callable[[], object] = lambda: None,
) -> str | None:
    """Send the request of one step; returns the remote id or answer worth keeping.

    ``keep_alive`` is called between the requests of a step that needs many, so that its lease does not run out.
    ``drift``: what was found before the intent, of the two verbs that write tags.

    Raises the errors of the ports; ``Rejected`` when a run refuses to stop and nobody chose to go on regardless.
    """
    job_id = decision.item_id.partition("@")[0]
    match verb:
        case Verb.STOP_CAMPAIGN:
            account.campaigns.stop(decision.item_id)
        case Verb.COPY_CAMPAIGN:
            return account.campaigns.copy(decision.item_id)
        case Verb.SEND_CAMPAIGN:
            copy_id = copy_of(action)
            account.campaigns.send(copy_id)
            return copy_id
        case Verb.STOP_RUN:
            answer = account.dashboard.stop_run(job_id)
            if answer is StopAnswer.REFUSED and not even_if_not_stopped:
                raise Rejected("the dashboard refused to stop it")
            return answer.value
        case Verb.RUN_NOW:
            account.dashboard.run_now(job_id)
        case Verb.REPEAT_IMPORT:
            account.dashboard.repeat_import(job_id)
        case Verb.IMPORT_LIST:
            job = account.site.jobs_by_id[job_id]
            if job.tessitura_list is None or decision.tag is None:
                raise Rejected(f"job {job_id!r} has no List Manager list; set tessitura_list in jobs.yaml")
            account.dashboard.import_list(job.tessitura_list, decision.tag, f"Reconcile {job.name}")
            return decision.tag
        case Verb.ADD_TAG | Verb.REMOVE_TAG:
            if drift is None:
                raise LedgerError(f"{action.id}: nobody compared its tags; clear the plan again")
            return _apply_drift(account, drift, verb, keep_alive)
    return None


def copy_of(action: ActionRecord) -> str:
    """The id of the copy that this action made. Raises ``LedgerError`` when there is none."""
    step = action.step(Verb.COPY_CAMPAIGN)
    if step is None or step.remote_id is None:
        raise LedgerError(f"{action.id} has no copy to send; look at its step copy_campaign")
    return step.remote_id


def _apply_drift(account: Account, drift: Drift, verb: Verb, keep_alive: Callable[[], object]) -> str:
    """Add or remove the sync tag contact by contact; returns how many were written.

    Each contact's tags are read once more before it is written: a run that was killed goes on with the others, and
    nobody gets a tag twice.
    """
    contacts = drift.to_add if verb is Verb.ADD_TAG else drift.to_remove
    written = 0
    for number, contact_id in enumerate(sorted(contacts, key=lambda c: (len(c), c))):
        if number % RENEW_EVERY == 0:
            keep_alive()
        try:
            if verb is Verb.ADD_TAG:
                written += account.contacts.add_tag(
                    contact_id, drift.sync_tag_id, holding=drift.unique_tag_id
                )
            else:
                written += account.contacts.remove_tag(
                    contact_id, drift.sync_tag_id, lacking=drift.unique_tag_id
                )
        except Rejected as error:
            raise Ambiguous(f"contact {contact_id}: {error}", status=error.status) from error
    return str(written)
