"""Contacts, their lists and their tags. Addresses are invented from the number of the contact."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random

from pro2_sandbox.effects import By, Effects
from pro2_sandbox.incident import Incident


@dataclass
class Tag:
    """A tag; ``held`` maps a contact to the id of the relation between the two."""

    id: int
    name: str
    created: datetime
    description: str = ""
    held: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ContactList:
    id: str
    name: str
    members: range


class Contacts:
    """The audience of the account: numbered contacts, of which a list holds the first n."""

    def __init__(self, incident: Incident, t0: datetime, effects: Effects) -> None:
        self._effects = effects
        self._relations = count(70_001)
        self._relation: dict[int, tuple[int, int]] = {}
        self._seed = incident.seed
        self.created = t0
        sizes = [entry.members for entry in incident.lists]
        sizes += [entry.members for entry in incident.tessitura_lists]
        sizes += [entry.holders for entry in incident.tags]
        self.all = range(1, max([*sizes, 1]) + 1)
        self.lists = {
            entry.id: ContactList(entry.id, entry.name, range(1, entry.members + 1))
            for entry in incident.lists
        }
        self.constituents = {
            entry.id: self.sample(self.all, entry.members, f"tessitura {entry.id}")
            for entry in incident.tessitura_lists
        }
        self.tags: dict[int, Tag] = {}
        self._tag_ids = count(max((int(entry.id) for entry in incident.tags), default=0) + 1)
        for model in incident.tags:
            tag = Tag(int(model.id), model.name, t0)
            self.tags[tag.id] = tag
            if model.like is not None:
                base = self.constituents[model.like]
                outside = sorted(set(self.all) - set(base))
                chosen = base[model.lacks :] + self.sample(outside, model.extra, f"extra {model.id}")
            else:
                chosen = self.sample(self.all, model.holders, f"tag {model.id}")
            for contact in chosen:
                self._relate(tag, contact)

    def sample(self, of: range | list[int], amount: int, purpose: str) -> list[int]:
        """``amount`` contacts, the same ones for the same seed and purpose, in ascending order."""
        return sorted(Random(f"{self._seed} {purpose}").sample(of, min(amount, len(of))))

    def tag_named(self, name: str) -> Tag | None:
        return next((tag for tag in self.tags.values() if tag.name == name), None)

    def make_tag(self, name: str, at: datetime, description: str = "") -> Tag:
        tag = Tag(next(self._tag_ids), name, at, description)
        self.tags[tag.id] = tag
        return tag

    def tags_of(self, contact: int) -> list[tuple[int, Tag]]:
        """The tags of a contact with the ids of the relations."""
        return [(tag.held[contact], tag) for tag in self.tags.values() if contact in tag.held]

    def add_tag(self, contact: int, tag: Tag, at: datetime, by: By) -> int:
        """The id of the relation; nothing happens where the contact holds the tag already."""
        if contact in tag.held:
            return tag.held[contact]
        self._effects.add(at, "tag_added", tag.name, by, contact=str(contact))
        return self._relate(tag, contact)

    def tag_many(self, contacts: list[int], tag: Tag) -> int:
        """Tag the contacts of an import (one effect is logged by the caller); how many were new."""
        fresh = [contact for contact in contacts if contact not in tag.held]
        for contact in fresh:
            self._relate(tag, contact)
        return len(fresh)

    def remove_relation(self, relation: int, at: datetime, by: By) -> bool:
        """Take a tag away by the id of the relation. False: there is none of this id."""
        found = self._relation.pop(relation, None)
        if found is None:
            return False
        contact, tag_id = found
        tag = self.tags[tag_id]
        del tag.held[contact]
        self._effects.add(at, "tag_removed", tag.name, by, contact=str(contact))
        return True

    def _relate(self, tag: Tag, contact: int) -> int:
        relation = next(self._relations)
        tag.held[contact] = relation
        self._relation[relation] = (contact, tag.id)
        return relation
