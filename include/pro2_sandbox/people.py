"""People who work in Pro2 at scripted times, and what the vendor does to the whole account."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from pro2_sandbox.agenda import Agenda
from pro2_sandbox.campaigns import Campaigns, Refusal
from pro2_sandbox.effects import Effects
from pro2_sandbox.incident import Incident, PersonModel, VendorModel
from pro2_sandbox.jobs import Jobs, Unknown


class People:
    """Makes the appointments. What the account refuses is logged as an effect ``person_refused``."""

    def __init__(
        self,
        incident: Incident,
        t0: datetime,
        agenda: Agenda,
        campaigns: Campaigns,
        jobs: Jobs,
        effects: Effects,
    ) -> None:
        self._t0 = t0
        self._campaigns = campaigns
        self._jobs = jobs
        self._effects = effects
        for person in incident.people:
            agenda.at(t0 + person.at, partial(self._act, person))
        for event in incident.vendor:
            agenda.at(t0 + event.at, partial(self._vendor, event))

    def act(self, person: PersonModel, at: datetime) -> None:
        """Do it at once. Raises what the account answers: ``Refusal``, ``Unknown``, ``WrongButton``."""
        match person.does:
            case "run_now":
                self._jobs.run_now(person.item, at, "person")
            case "repeat_import":
                self._jobs.repeat_import(person.item, at, "person")
            case "stop_run":
                self._jobs.stop(person.item, None, at, "person")
            case "import":
                name = f"Import of list {person.item}"
                self._jobs.import_list(person.item, person.tag or "by hand", name, at, "person")
            case _:
                self._campaign(person, at)

    def _act(self, person: PersonModel, at: datetime) -> None:
        try:
            self.act(person, at)
        except Refusal as error:
            self._effects.add(at, "person_refused", person.item, "person", why=str(error))

    def _campaign(self, person: PersonModel, at: datetime) -> None:
        if not person.item.isdigit() or int(person.item) not in self._campaigns.all:
            raise Unknown(f"No campaign {person.item}")
        campaign = self._campaigns.all[int(person.item)]
        match person.does:
            case "stop":
                self._campaigns.stop_campaign(campaign, at, "person")
            case "send":
                self._campaigns.send_now(campaign, at, "person")
            case "unschedule":
                self._campaigns.unschedule(campaign, at, "person")
            case "reschedule":
                to = self._t0 + (person.to or timedelta(days=1))
                self._campaigns.schedule(campaign, to, at, "person")
            case "edit":
                self._campaigns.edit(campaign, person.subject or f"{campaign.subject} (new)", at, "person")
            case "duplicate" | "duplicate_and_send":
                made = self._campaigns.copy(campaign, at, "person")
                if person.does == "duplicate_and_send":
                    self._campaigns.send_now(made, at, "person")

    def _vendor(self, event: VendorModel, at: datetime) -> None:
        match event.does:
            case "restore":
                self._campaigns.restore(at)
            case "review":
                self._campaigns.sends = "held_for_review"
            case "release":
                self._campaigns.release(at)
