"""The mutating request of every verb, and nothing else. Only ``steps.py`` calls this, after the intent is written."""

from __future__ import annotations

from collections.abc import Callable

from pro2_reconciliation.domain.errors import Ambiguous, LedgerError, Rejected
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.words import StopAnswer, Verb
from pro2_reconciliation.ledger import ActionRecord
from pro2_reconciliation.repair.account import Account

RENEW_EVERY = 50
"""Contacts between two renewals of the lease: about 15 s at the default pace."""


def perform(
    account: Account,
    decision: Decision,
    action: ActionRecord,
    verb: Verb,
    *,
    even_if_not_stopped: bool = False,
    keep_alive: Callable[[], object] = lambda: None,
) -> str | None:
    """Send the request of one step; returns the remote id or answer worth keeping.

    ``keep_alive`` is called between the requests of a step that needs many, so that its lease does not run out.

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
            return _apply_drift(account, decision, verb, keep_alive)
    return None


def copy_of(action: ActionRecord) -> str:
    """The id of the copy that this action made. Raises ``LedgerError`` when there is none."""
    step = action.step(Verb.COPY_CAMPAIGN)
    if step is None or step.remote_id is None:
        raise LedgerError(f"{action.id} has no copy to send; look at its step copy_campaign")
    return step.remote_id


def _apply_drift(account: Account, decision: Decision, verb: Verb, keep_alive: Callable[[], object]) -> str:
    """Add or remove the sync tag contact by contact; the contact's tags are the proof, so a repeat goes on."""
    from pro2_reconciliation.repair.drift import drift_of

    drift = drift_of(account, decision)
    contacts = drift.to_add if verb is Verb.ADD_TAG else drift.to_remove
    for number, contact_id in enumerate(sorted(contacts, key=lambda c: (len(c), c))):
        if number % RENEW_EVERY == 0:
            keep_alive()
        try:
            if verb is Verb.ADD_TAG:
                account.contacts.add_tag(contact_id, drift.sync_tag_id)
            else:
                account.contacts.remove_tag(contact_id, drift.sync_tag_id)
        except Rejected as error:
            raise Ambiguous(f"contact {contact_id}: {error}", status=error.status) from error
    return str(len(contacts))
