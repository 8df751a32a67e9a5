"""What the guard tells: each event of an original once, with ids, counts and times.

How many patrons had the mail twice cannot be read from counters, only bounded by them: at most as many as the smaller
of both sends, at least as many as both together exceed the audience. A counter of a send that is under way or over and
shows nothing is no bound at all (analytics may be off), and the sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import CampaignReading
from pro2_reconciliation.domain.errors import RequestError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.states import GOING, WENT
from pro2_reconciliation.domain.words import CampaignStatus, Verb
from pro2_reconciliation.ledger import ActionRecord, Alarm, State, StepRecord
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.checks import read_campaign
from pro2_reconciliation.repair.lost_requests import is_manual


class Twice(Value):
    """Bounds for how many patrons had the mail from both; ``final`` when neither is going any more."""

    original: int
    copied: int
    audience: int
    at_least: int
    at_most: int
    final: bool
    silent: bool

    def words(self, copy_id: str) -> str:
        of = f" of {self.audience}" if self.audience else ""
        counted = f"Pro2 counts {self.original} mails of it and {self.copied} of its copy {copy_id}{of}"
        if self.at_least == self.at_most:
            bounds = f"{self.at_most} patrons had it twice"
        else:
            bounds = f"at least {self.at_least} and at most {self.at_most} patrons had it twice"
        silent = ", a count of 0 proves nothing here" if self.silent else ""
        return f"{counted}: {bounds}{'' if self.final else ' so far'}{silent}"


def twice(original: CampaignReading, copy: CampaignReading) -> Twice:
    """What both counters allow to conclude."""
    first, second = _counted(original), _counted(copy)
    audience = max(_audience(original), _audience(copy))
    status = original.campaign.status if original.campaign else CampaignStatus.UNKNOWN
    of_copy = copy.campaign.status if copy.campaign else CampaignStatus.UNKNOWN
    silent = (not first and status in WENT) or (not second and of_copy in WENT)
    most = [count if count or not silent else audience for count in (first, second)]
    return Twice(
        original=first,
        copied=second,
        audience=audience,
        at_least=max(0, first + second - audience) if audience else 0,
        at_most=min(most),
        final=status not in GOING and of_copy not in GOING,
        silent=silent,
    )


def _counted(reading: CampaignReading) -> int:
    return max((c.send_amt for c in (reading.campaign, reading.report) if c is not None), default=0)


def _audience(reading: CampaignReading) -> int:
    return max((c.total_amt for c in (reading.campaign, reading.report) if c is not None), default=0)


@dataclass
class Alarms:
    """The alarms that the ledger knows, and a way to add to them. One event of one item is told once.

    ``told``: the sentences of this pass.
    """

    account: Account
    known: list[Alarm]
    told: list[str] = field(default_factory=list)

    def events(self, action: ActionRecord) -> dict[str, Alarm]:
        """What was told of an original, by event."""
        return {
            str(alarm.body.get("event", alarm.kind)): alarm
            for alarm in self.known
            if alarm.body.get("item") == action.item_key
        }

    def tell(
        self,
        action: ActionRecord,
        event: str,
        kind: str,
        text: str,
        *,
        reading: CampaignReading | None = None,
        other: str | None = None,
    ) -> str | None:
        """Record an event unless it was told before; its sentence, or None.

        ``other``: the id of the copy, or of the run; with a ``reading`` the counts of both are added.
        """
        if event in self.events(action):
            return None
        counts: dict[str, object] = {}
        if reading is not None and reading.campaign is not None:
            counts["original_sent"] = _counted(reading)
            counts["final"] = reading.campaign.status not in GOING
            copy = self._copy(other)
            if copy is not None and other is not None:
                both = twice(reading, copy)
                text = f"{text}. {both.words(other)}, read {local(self.account.now(), self.account.zone)}"
                counts |= {
                    "copy_sent": both.copied,
                    "twice_at_least": both.at_least,
                    "twice_at_most": both.at_most,
                    "final": both.final,
                }
        body = {"item": action.item_key, "action": action.id, "event": event, "other": other}
        alarm = self.account.ledger.alarm(self.account.organization, kind, {**body, **counts, "text": text})
        self.known.append(alarm)
        self.told.append(text)  # what is in the ledger is told, whatever the rest of the look runs into
        return text

    def _copy(self, copy_id: str | None) -> CampaignReading | None:
        """A copy that cannot be read leaves the alarm without counts, never without the alarm."""
        if copy_id is None:
            return None
        try:
            reading = read_campaign(self.account, copy_id)
        except RequestError:
            return None
        return reading if reading.campaign is not None else None


def unfinished(events: dict[str, Alarm]) -> bool:
    """Whether counts were told that were still growing, and not yet how they ended."""
    woke = [alarm for event, alarm in events.items() if event.startswith("woke")]
    return bool(woke) and not _final(woke) and not any(event == f"count {len(woke)}" for event in events)


def _final(alarms: Iterable[Alarm]) -> bool:
    return bool([*alarms][-1].body.get("final", True))


def is_asked(send: StepRecord | None) -> bool:
    """A person was asked to send the copy, and may or may not have done it."""
    return send is not None and is_manual(send) and send.when(State.DONE) is None


def named(action: ActionRecord) -> str:
    return f"«{action.name}» ({action.item_id})"


def copy_id_of(action: ActionRecord) -> str | None:
    step = action.step(Verb.COPY_CAMPAIGN)
    return step.remote_id if step else None


def kind_of(copy_id: str | None, send: StepRecord | None) -> str:
    if copy_id is None:
        return "a held back campaign woke"
    if is_asked(send):
        return "original woke while a person was asked to send its copy"
    return "original woke after its copy was sent"


def and_the_copy(copy_id: str | None, send: StepRecord | None) -> str:
    if copy_id is None:
        return ""
    if is_asked(send):
        return f"; a person was asked to send its copy {copy_id}: do NOT send it any more"
    return f" and its copy {copy_id} was sent"
