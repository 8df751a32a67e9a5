"""Automations and who is in them. Entering one that mails sends mail: that is why Run Now can mail twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pro2_sandbox.contacts import Contacts
from pro2_sandbox.effects import By, Effects
from pro2_sandbox.incident import Incident
from pro2_sandbox.incident_jobs import AutomationModel


@dataclass(frozen=True)
class Entry:
    """One contact's way through one automation. ``left`` None: the contact is still in it."""

    id: int
    contact: int
    automation: str
    entered: datetime
    last_step: datetime
    left: datetime | None


class Automations:
    def __init__(self, incident: Incident, t0: datetime, contacts: Contacts, effects: Effects) -> None:
        self._effects = effects
        self.models: dict[str, AutomationModel] = {model.id: model for model in incident.automations}
        self.entries: list[Entry] = []
        for model in incident.automations:
            for index, group in enumerate(model.entries):
                entered = t0 + group.at
                stalled = None if group.stalled is None else t0 + group.stalled
                for contact in contacts.sample(contacts.all, group.count, f"automation {model.id} {index}"):
                    self._add(contact, model.id, entered, stalled or entered, None if stalled else entered)

    def enter(self, automation: str, contacts: list[int], audience: str, at: datetime, by: By) -> int:
        """Contacts enter; whoever was in it before is refused unless the automation allows re-entry."""
        model = self.models[automation]
        known = {entry.contact for entry in self.entries if entry.automation == automation}
        fresh = [contact for contact in contacts if model.multientry or contact not in known]
        for contact in fresh:
            self._add(contact, automation, at, at, at)
        self._effects.add(at, "automation_entered", automation, by, patrons=len(fresh))
        if model.mails and fresh:
            self._effects.deliver(audience, f"automation {automation}", fresh)
            self._effects.add(
                at, "mail", f"automation {automation}", by, patrons=len(fresh), lineage=audience
            )
        return len(fresh)

    def of(self, automation: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.automation == automation]

    def _add(
        self, contact: int, automation: str, entered: datetime, last_step: datetime, left: datetime | None
    ) -> None:
        number = len(self.entries) + 9_001
        self.entries.append(Entry(number, contact, automation, entered, last_step, left))
