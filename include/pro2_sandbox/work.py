"""What a run of a job does to contacts, tags, lists and automations when it ends well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_sandbox.automations import Automations
from pro2_sandbox.contacts import Contacts
from pro2_sandbox.effects import Effects
from pro2_sandbox.incident import Incident
from pro2_sandbox.incident_jobs import CountsModel, JobModel
from pro2_sandbox.runs import Run
from pro2_sandbox.schedule import Schedule

AUDIENCE = 60


@dataclass
class TessituraList:
    id: str
    name: str
    dynamic: bool
    members: list[int]
    generated: datetime
    used: datetime
    every: timedelta | None = None
    begin: datetime | None = None

    def generated_by(self, now: datetime) -> datetime:
        """When it was generated last, by an import or by Tessitura's own schedule."""
        if self.every is None or self.begin is None or now < self.begin:
            return self.generated
        return max(self.generated, self.begin + (now - self.begin) // self.every * self.every)


class Work:
    """The effects of jobs. Every import regenerates its List Manager list first."""

    def __init__(
        self, incident: Incident, t0: datetime, contacts: Contacts, automations: Automations, effects: Effects
    ) -> None:
        self._contacts = contacts
        self._automations = automations
        self._effects = effects
        self.lists: dict[str, TessituraList] = {}
        for model in incident.tessitura_lists:
            generated = t0 + (timedelta(days=-1) if model.generated is None else model.generated)
            used = generated if model.used is None else t0 + model.used
            members = contacts.constituents[model.id]
            self.lists[model.id] = TessituraList(
                model.id, model.name, model.dynamic, members, generated, used, model.every, t0
            )

    def has_list(self, list_id: str) -> bool:
        return list_id in self.lists

    def done(self, model: JobModel, schedule: Schedule, run: Run, at: datetime) -> CountsModel:
        """The work of one successful run, and its counts."""
        if model.process_type == "scheduled_trigger" and model.automation is not None:
            audience, contacts = self._audience(model, schedule, run.started)
            entered = self._automations.enter(model.automation, contacts, audience, at, run.by)
            return CountsModel(returned=len(contacts), updated=entered)
        if model.tessitura_list is None:
            return CountsModel(returned=model.usual_count, updated=model.usual_count)
        if model.process_type == "data_sync" and model.sync_tag is not None:
            return self._sync(model, model.sync_tag, model.tessitura_list, at)
        return self.import_list(model.tessitura_list, model.tag, at)

    def import_list(self, list_id: str, tag_name: str | None, at: datetime) -> CountsModel:
        members = self._generate(list_id, at)
        if tag_name is not None:
            tag = self._contacts.tag_named(tag_name) or self._contacts.make_tag(tag_name, at)
            self._contacts.tag_many(members, tag)
        return CountsModel(returned=len(members), updated=len(members))

    def _sync(self, model: JobModel, tag_name: str, list_id: str, at: datetime) -> CountsModel:
        members = self._generate(list_id, at)
        tag = self._contacts.tag_named(tag_name) or self._contacts.make_tag(tag_name, at)
        added = self._contacts.tag_many(members, tag)
        removed = 0
        if model.mode == "add_and_remove":
            wanted = set(members)
            for contact in [contact for contact in tag.held if contact not in wanted]:
                self._contacts.remove_relation(tag.held[contact], at, "vendor")
                removed += 1
        return CountsModel(returned=added + removed, updated=added + removed)

    def _generate(self, list_id: str, at: datetime) -> list[int]:
        entry = self.lists[list_id]
        entry.generated = entry.used = at
        return entry.members

    def _audience(self, model: JobModel, schedule: Schedule, at: datetime) -> tuple[str, list[int]]:
        """Whom the trigger picks at this moment: the audience of the last due time, or the same for ever."""
        kind = model.audience.kind if model.audience is not None else "unknown"
        slot = (
            "always"
            if kind == "static"
            else f"{schedule.before(at + timedelta(seconds=1), 1)[0]:%Y-%m-%dT%H:%MZ}"
        )
        amount = min(model.usual_count, AUDIENCE)
        picked = self._contacts.sample(self._contacts.all, amount, f"audience {model.id} {slot}")
        return f"automation:{model.automation}:{slot}", picked
