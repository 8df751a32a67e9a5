"""The campaigns of the account: sending, stopping, copying, and what a late original does of its own accord.

Mail goes out as time passes: :meth:`Campaigns.settle` works out how far every running send has come, hands that
mail to the truth, and a stop in the middle leaves the campaign half sent. A refusal is :class:`Refusal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from pro2_sandbox.agenda import Agenda
from pro2_sandbox.campaign import (
    COMPLETE,
    DISABLED,
    DRAFT,
    PAUSED,
    REVIEW,
    SCHEDULED,
    SENDING,
    STOPPED,
    Campaign,
    Flow,
)
from pro2_sandbox.contacts import Contacts
from pro2_sandbox.effects import By, Effects
from pro2_sandbox.faults import Fault, Faults
from pro2_sandbox.incident import CampaignModel, Counters, Incident


class Refusal(Exception):
    """The account says no, and nothing happened."""


class Campaigns:
    def __init__(
        self,
        incident: Incident,
        t0: datetime,
        agenda: Agenda,
        contacts: Contacts,
        effects: Effects,
        faults: Faults,
        down: Callable[[str, datetime], bool],
    ) -> None:
        self._down = down
        self._agenda = agenda
        self._contacts = contacts
        self._effects = effects
        self._faults = faults
        self._t0 = t0
        self._keeps_audience = incident.account.copy_keeps_audience
        self.sends = incident.account.sends
        self.all: dict[int, Campaign] = {}
        self._roots: dict[str, str] = {}
        for model in sorted(incident.campaigns, key=lambda model: int(model.id)):
            self._place(model)
        self._last_id = max(self.all, default=100)
        self._at_t0 = {campaign.id: replace(campaign) for campaign in self.all.values()}
        for outage in incident.outages:
            if "sending" in outage.services and outage.start > timedelta(0):
                agenda.at(t0 + outage.start, self._halt)

    # ------------------------------------------------------------------------------------------ pressing

    def stop_campaign(self, campaign: Campaign, at: datetime, by: By) -> None:
        """Status 1 or 2 becomes 4, unless a fault or the campaign's ``stop`` says otherwise.

        Stopping twice is no error.
        """
        if campaign.status in (STOPPED, DISABLED):
            return
        if campaign.status not in (SCHEDULED, SENDING, PAUSED):
            raise Refusal(f"Campaign {campaign.id} cannot be stopped: it is not scheduled and not sending")
        habit = self._habit("stop", campaign)
        how = campaign.stop if habit is None else habit.kind.removeprefix("stop_")
        if how == "ignored":
            self._effects.add(at, "campaign_stop_ignored", str(campaign.id), by)
            return
        self._advance(campaign, at)
        campaign.flow = None
        campaign.status = DISABLED if how == "disables" and campaign.status == SCHEDULED else STOPPED
        campaign.modified = at
        if habit is not None and how == "forgotten":
            campaign.stop = how
            self.wake(campaign, at + timedelta(seconds=habit.delay))
        self._effects.add(at, "campaign_stopped", str(campaign.id), by, send_amt=campaign.delivered)

    def copy(self, campaign: Campaign, at: datetime, by: By) -> Campaign:
        """A draft with its own, highest id. A copy of a copy belongs to the same lineage."""
        self._last_id += 1
        self._roots[str(self._last_id)] = self.root(str(campaign.id))
        made = Campaign(
            id=self._last_id,
            name=f"{campaign.name} (Copy)",
            subject=campaign.subject,
            type=campaign.type,
            list_id=campaign.list_id,
            segment=campaign.segment if self._keeps_audience else "0",
            audience=list(campaign.audience)
            if self._keeps_audience
            else list(self._members(campaign.list_id)),
            lineage=campaign.lineage,
            status=DRAFT,
            source="copy",
            created=at,
            modified=at,
            due=None,
            seconds=campaign.seconds,
        )
        self.all[made.id] = made
        self._effects.add(at, "campaign_copied", str(campaign.id), by, copy=str(made.id))
        return made

    def send_now(self, campaign: Campaign, at: datetime, by: By) -> None:
        """Send at once to everybody who has not had it from this campaign yet."""
        if campaign.status in (SENDING, COMPLETE):
            raise Refusal(f"Campaign {campaign.id} is sending or was sent")
        self._effects.add(at, "campaign_sent", str(campaign.id), by, lineage=campaign.lineage)
        self._start(campaign, at, by)

    def schedule(self, campaign: Campaign, to: datetime, at: datetime, by: By) -> None:
        if campaign.status in (SENDING, COMPLETE):
            raise Refusal(f"Campaign {campaign.id} is sending or was sent")
        campaign.status, campaign.due, campaign.modified = SCHEDULED, to, at
        self._effects.add(at, "rescheduled", str(campaign.id), by, to=to.isoformat())
        self._agenda.at(to, lambda moment: self._go_if_due(campaign, moment))

    def edit(self, campaign: Campaign, subject: str, at: datetime, by: By) -> None:
        campaign.subject, campaign.modified = subject, at
        self._effects.add(at, "edited", str(campaign.id), by, subject=subject)

    # -------------------------------------------------------------------------------- of its own accord

    def settle(self, at: datetime) -> None:
        """Bring every running send up to ``at``."""
        for campaign in self.all.values():
            if campaign.flow is not None:
                self._advance(campaign, at)

    def unschedule(self, campaign: Campaign, at: datetime, by: By) -> None:
        """Back to a draft."""
        if campaign.status != SCHEDULED:
            raise Refusal(f"Campaign {campaign.id} is not scheduled")
        campaign.status, campaign.modified = DRAFT, at
        self._effects.add(at, "unscheduled", str(campaign.id), by)

    def root(self, campaign_id: str) -> str:
        """The campaign that this one is a copy of, directly or not; itself if none."""
        return self._roots.get(campaign_id, campaign_id)

    def restore(self, at: datetime) -> None:
        """Yesterday's state comes back: copies vanish and the account forgets what it sent. Patrons do not."""
        self.settle(at)
        for number in list(self.all):
            old = self._at_t0.get(number)
            if old is None:
                del self.all[number]
            else:
                self.all[number] = replace(old, flow=None)
        self._effects.add(at, "restored", "campaigns", "vendor")

    def release(self, at: datetime) -> None:
        """The review of the account ends: what it held goes out."""
        self.sends = "normally"
        for campaign in self.all.values():
            if campaign.status == REVIEW:
                self._start(campaign, at, "vendor")

    def wake(self, campaign: Campaign, at: datetime) -> None:
        """Have a late original sent at that moment, if it waits then."""
        self._agenda.at(at, lambda moment: self._wake(campaign, moment))

    def _habit(self, on: Literal["stop", "send"], campaign: Campaign) -> Fault | None:
        return self._faults.habit(on, str(campaign.id), self.root(str(campaign.id)))

    def _place(self, model: CampaignModel) -> None:
        def moment(offset: timedelta | None) -> datetime | None:
            return None if offset is None else self._t0 + offset

        members = self._members(model.list)
        campaign = Campaign(
            id=int(model.id),
            name=model.name,
            subject=model.subject or model.name,
            type=model.type,
            list_id=model.list,
            segment=model.segment,
            audience=self._contacts.sample(
                members, model.recipients, f"segment {model.segment} of {model.list}"
            ),
            lineage=model.kin or model.id,
            status=model.status,
            source=model.source,
            created=self._t0 + model.created,
            modified=self._t0 + (model.created if model.modified is None else model.modified),
            due=moment(model.due),
            last_sent=moment(model.sent),
            series=model.series,
            counters=model.counters,
            report=model.report,
            stop=model.stop,
            stuck=model.counters_stuck,
            seconds=model.sends_over_seconds,
            announced=0 if model.status == DRAFT and model.due is None else model.recipients,
            model=model,
        )
        self.all[campaign.id] = campaign
        if model.counters.send_amt:
            self._remember(
                campaign, model.counters.send_amt, moment(model.sent) or moment(model.due) or self._t0
            )
        if model.grows is not None:
            self._remember(campaign, model.grows.at_start, moment(model.due) or self._t0)
            end = self._t0 + model.grows.until
            self._flow(campaign, self._t0, "vendor", model.grows.per_second, end)
        if model.sends_itself is not None:
            self.wake(campaign, self._t0 + model.sends_itself)
        elif model.status == SCHEDULED and campaign.due is not None and campaign.due > self._t0:
            self._agenda.at(campaign.due, lambda at: self._go_if_due(campaign, at))

    def _remember(self, campaign: Campaign, patrons: int, at: datetime) -> None:
        """Mail that had left before T0."""
        self._effects.deliver(campaign.lineage, str(campaign.id), campaign.audience[:patrons])
        self._effects.add(at, "mail", str(campaign.id), "vendor", patrons=patrons, lineage=campaign.lineage)
        campaign.delivered = patrons
        campaign.counters = campaign.counters.model_copy(update={"send_amt": patrons})

    def _wake(self, campaign: Campaign, at: datetime) -> None:
        """The vendor gets round to a late original: unless it was stopped, and the stop was not forgotten."""
        campaign = self.all.get(campaign.id, campaign)
        waiting = campaign.status in (SCHEDULED, SENDING) and campaign.flow is None
        forgotten = campaign.stop == "forgotten" and campaign.status == STOPPED
        if waiting or forgotten:
            self._start(campaign, at, "vendor")

    def _go_if_due(self, campaign: Campaign, at: datetime) -> None:
        campaign = self.all.get(campaign.id, campaign)
        if campaign.status == SCHEDULED and campaign.due == at and not self._down("sending", at):
            self._start(campaign, at, "vendor")

    def _halt(self, at: datetime) -> None:
        """Sending breaks down: what is under way stands still, half sent."""
        self.settle(at)
        for campaign in self.all.values():
            campaign.flow = None

    def _start(self, campaign: Campaign, at: datetime, by: By) -> None:
        campaign.modified = at
        campaign.due = at if campaign.due is None or campaign.source == "copy" else campaign.due
        campaign.announced = len(campaign.audience)
        habit = self._habit("send", campaign)
        how = self.sends if habit is None else habit.kind
        if how in ("held_for_review", "review"):
            campaign.status = REVIEW
            return
        if how == "completes_empty":
            campaign.status, campaign.last_sent = COMPLETE, at
            return
        if how == "stays_pending":
            campaign.status = SCHEDULED
            return
        campaign.stuck = campaign.stuck or how == "counters_stuck"
        end = at + timedelta(seconds=campaign.seconds)
        self._flow(campaign, at, by, (len(campaign.audience) - campaign.delivered) / campaign.seconds, end)

    def _flow(self, campaign: Campaign, at: datetime, by: By, per_second: float, end: datetime) -> None:
        campaign.status = SENDING
        effect = self._effects.add(at, "mail", str(campaign.id), by, patrons=0, lineage=campaign.lineage)
        flow = Flow(at, campaign.delivered, len(campaign.audience), per_second, end, by, effect)
        campaign.flow = flow
        self._agenda.at(
            end, lambda moment: self._advance(campaign, moment) if campaign.flow is flow else None
        )

    def _advance(self, campaign: Campaign, at: datetime) -> None:
        flow = campaign.flow
        if flow is None:
            return
        reached = flow.reached(at)
        if reached > campaign.delivered:
            fresh = campaign.audience[campaign.delivered : reached]
            self._effects.deliver(campaign.lineage, str(campaign.id), fresh)
            flow.effect.detail["patrons"] += len(fresh)
            campaign.delivered = reached
            campaign.last_sent = at
        finished = at >= flow.end
        if not campaign.stuck:
            opens = reached // 10 + 1 if finished else campaign.counters.opens
            shown = Counters(send_amt=reached, opens=opens, clicks=opens // 4 if finished else 0)
            campaign.counters = shown
            campaign.report = None
        if finished:
            campaign.flow = None
            campaign.status, campaign.last_sent = COMPLETE, flow.end

    def _members(self, list_id: str) -> range:
        return self._contacts.lists[list_id].members
