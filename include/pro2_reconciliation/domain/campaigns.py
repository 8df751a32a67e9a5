"""A campaign as ActiveCampaign shows it, and the one question that matters most: did any mail leave?

Counters are claims: a vendor may switch analytics off while it recovers. So "zero everywhere" asks the campaign
AND its report, and for no time at which it was sent, and a caller asks twice (decisions: table 1).
"""

from __future__ import annotations

from pydantic import Field

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.words import CampaignStatus


class Counted(Value):
    """Counters of a campaign or of its report: numbers of patrons, mails or clicks."""

    send_amt: int = 0
    total_amt: int = 0
    opens: int = 0
    clicks: int = 0
    bounces: int = 0
    unsubscribes: int = 0

    @property
    def counters(self) -> dict[str, int]:
        """The five that speak of mail that left; ``total_amt`` is only an intention."""
        return {
            "send_amt": self.send_amt,
            "opens": self.opens,
            "clicks": self.clicks,
            "bounces": self.bounces,
            "unsubscribes": self.unsubscribes,
        }


class Campaign(Counted):
    """One campaign. ``due`` is ``sdate`` (scheduled or started), ``last_sent`` is ``ldate``; volumes are numbers of
    patrons.

    ``lists``, ``messages`` and ``subject`` are None until the details were read: None means not known, never empty.
    ``unreadable``: what of it cannot be read, in words; its status is UNKNOWN then, and its values are what was clear.
    """

    id: str
    name: str
    type: str = "single"
    status: CampaignStatus
    status_raw: str = ""
    series_id: str = "0"
    due: UtcTime | None = None
    last_sent: UtcTime | None = None
    created: UtcTime | None = None
    modified: UtcTime | None = None
    source: str = ""
    segment_id: str = "0"
    recurring: bool = False
    awaiting_winner: bool = False
    lists: tuple[str, ...] | None = None
    messages: tuple[str, ...] | None = None
    subject: str | None = None
    unreadable: str = ""

    @property
    def from_automation(self) -> bool:
        return self.series_id not in ("", "0")

    @property
    def mail_left(self) -> bool:
        """Whether any sign of the campaign says so; with analytics off, when it was last sent is the only one."""
        return any(self.counters.values()) or self.last_sent is not None


class CampaignReport(Counted):
    """The report totals of a campaign (v1 ``campaign_report_totals``), numbers of patrons."""

    campaign_id: str


class CampaignReading(Value):
    """One read of a campaign with its report. ``campaign`` None: it is gone (404). ``report`` None: unread."""

    campaign: Campaign | None
    report: CampaignReport | None
    read_at: UtcTime

    @property
    def zero_everywhere(self) -> bool:
        """True only if both were read, every counter of both is 0, and the campaign was never sent."""
        if self.campaign is None or self.report is None:
            return False
        return not self.campaign.mail_left and not any(self.report.counters.values())


class Automation(Value):
    """An automation with what an outage may have left behind: counts of contacts (rule A1).

    ``entered``: entered it during the outage. In progress, and no step since the outage ended: ``stalled`` if the last
    one was in the outage or shortly before it, ``waiting`` if it was earlier; a long wait looks the same as being
    stuck. ``whole`` False: there are more in progress than were counted. ``reentry`` None: not known. ``unreadable``:
    why it could not be counted.
    """

    id: str
    name: str
    stalled: int = Field(default=0, ge=0)
    entered: int = Field(default=0, ge=0)
    waiting: int = Field(default=0, ge=0)
    whole: bool = True
    reentry: bool | None = None
    unreadable: str = ""
