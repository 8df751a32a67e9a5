"""What one pass of the guard reads at once for all originals: a few requests, however many there are.

Raises the errors of the ports where an original, or the Activity Log, cannot be read; a list that cannot be read is
made up for by reading each campaign by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.states import STOPPED_STATUSES
from pro2_reconciliation.domain.words import Remedy, Verb
from pro2_reconciliation.ledger import ActionRecord, State
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.checks import read_campaign
from pro2_reconciliation.repair.guard_alarms import Alarms, is_asked
from pro2_reconciliation.repair.guard_stops import wake_of


@dataclass
class Watch:
    """The reads of one pass, with what the ledger holds of earlier alarms and of the guard's own stops."""

    account: Account
    alarms: Alarms
    stops: dict[str, list[ActionRecord]]
    listed: dict[str, Campaign]
    whole_look: bool
    since: datetime
    _log: ActivityLog | None = field(default=None)

    @classmethod
    def over(cls, account: Account, due: list[ActionRecord], own: list[ActionRecord]) -> Watch:
        stops: dict[str, list[ActionRecord]] = {}
        for stop in own:
            stops.setdefault(wake_of(stop)[0], []).append(stop)
        campaigns = [a.item_id for a in due if a.remedy in (Remedy.RESEND, Remedy.HOLD_BACK)]
        try:
            listed = account.campaigns.detailed(campaigns) if campaigns else {}
        except RequestError:
            listed = {}  # each is then read by itself
        dues = [occurrence_due(a) for a in due if a.item_id not in campaigns]
        known = account.ledger.alarms(account.organization)
        return cls(
            account,
            Alarms(account, known),
            stops,
            listed,
            not account.now().minute % 5,
            min([found for found in dues if found], default=account.now()) - timedelta(hours=1),
        )

    def reading(self, action: ActionRecord) -> CampaignReading | None:
        """A fresh read of an original; None where the list shows it at rest with nothing sent.

        The list has no report, so every fifth minute, and while its copy waits or a person may send it, both are read.
        """
        seen = self.listed.get(action.item_id)
        at_rest = seen is not None and seen.status in STOPPED_STATUSES and not seen.mail_left
        close = self.whole_look or copy_waits(action) or is_asked(action.step(Verb.SEND_CAMPAIGN))
        if at_rest and not close and action.root not in self.stops:
            return None
        return read_campaign(self.account, action.item_id)

    def log(self) -> ActivityLog:
        if self._log is None:
            self._log = self.account.dashboard.activity(self.since, self.account.now())
        return self._log


def copy_waits(action: ActionRecord) -> bool:
    """Whether a send of this action is still to come."""
    send = action.step(Verb.SEND_CAMPAIGN)
    return send is not None and send.state in (State.CLEARED, State.CLAIMED, State.NOT_DONE)


def occurrence_due(action: ActionRecord) -> datetime | None:
    """When the occurrence of an action was due; None for what is no occurrence."""
    due = action.item_id.partition("@")[2]
    return datetime.fromisoformat(due) if due else None
