"""The POST route: what a person says to the ledger on the page, each with name and reason.

The commands are those of the desk; here stands who may say which, and what shape a body must have. Fails with 404 for
no such command, 403 for who may not, 422 for a body that cannot be meant; nothing was written then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pro2.web.opened import Opened
from pro2.web.people import Person, PersonDep
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.overview import commands

log = logging.getLogger("pro2.web")
Text = Annotated[str, Field(max_length=1000)]
Needed = Annotated[str, Field(min_length=1, max_length=1000)]


class Said(BaseModel):
    """A body: exactly the keys that the command takes."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reason(Said):
    why: Needed


class OfItem(Said):
    item: Needed


class OfItemWithReason(OfItem, Reason):
    pass


class Declare(Reason):
    service: Needed
    start: Needed
    end: Text = ""


class EndDeclaration(Said):
    number: int
    at: Needed


class Withdraw(Said):
    number: int


class Confirm(Reason):
    outage_id: Needed


class Switch(Reason):
    stage: Needed


class Adopt(Reason):
    epoch: int


@dataclass(frozen=True)
class Command:
    """``what``: the sentence "NAME may not ..." goes on with it."""

    do: Callable[..., str]
    body: type[Said]
    what: str
    admin: bool = False

    def allow(self, person: Person) -> None:
        """Refuse (403) who may not say this."""
        if self.admin:
            person.must_be_admin(self.what)
        else:
            person.must_act(self.what)


COMMANDS = {
    "declare": Command(commands.declare, Declare, "declare an outage"),
    "end_declaration": Command(commands.end_declaration, EndDeclaration, "end a declared outage"),
    "withdraw": Command(commands.withdraw, Withdraw, "withdraw a declaration"),
    "confirm": Command(commands.confirm, Confirm, "confirm an outage"),
    "waive": Command(commands.waive, OfItemWithReason, "end the wait for an item"),
    "hold": Command(commands.hold, OfItemWithReason, "keep an item"),
    "release": Command(commands.release, OfItem, "give an item back"),
    "close": Command(commands.close, OfItemWithReason, "close an item"),
    "switch": Command(commands.switch, Switch, "turn the kill switch", admin=True),
    "adopt": Command(commands.adopt, Adopt, "adopt a ledger", admin=True),
}


def say_route(opened: Opened) -> APIRouter:
    """``POST api/commands/{name}``: one command, one sentence back as ``{"said": "..."}``."""
    router = APIRouter(prefix="/api")

    @router.post("/commands/{name}")
    def command(name: str, person: PersonDep, body: Annotated[Any, Body()]) -> dict[str, str]:
        found = COMMANDS.get(name)
        if found is None:
            raise HTTPException(
                404, f"there is no command {one_line(name, 40)!r}; known are: {', '.join(COMMANDS)}"
            )
        found.allow(person)
        try:
            given = found.body.model_validate(body)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None
        site = opened.site()
        said = found.do(opened.ledger(), site.organization, site.zone, **given.model_dump(), who=person.name)
        log.info("%s on the page Outages, by %s: %s", name, person.name, one_line(said))
        return {"said": said}

    return router
