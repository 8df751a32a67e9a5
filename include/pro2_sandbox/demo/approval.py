"""What the demo answers to a question: everything, nothing, or the items that were named."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

LEAVE = "leave to me"
IN_ORDER = (
    "resend",
    "resend now",
    "reprocess",
    "reprocess now",
    "add the tag",
    "add the tag now",
    "remove the tag",
    "remove the tag now",
    "hold back",
)
"""The first of these that an item offers is what approving it means."""
GO = "Carry out my choices"
NOTHING = "Do nothing"


@dataclass(frozen=True)
class Approval:
    """``all`` items, or those named in ``ids``; none of both is nothing."""

    all: bool = False
    ids: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """``all``, ``none``, or ids such as ``103,j-208`` (a job's id means each of its occurrences).

        Raises ``ValueError``.
        """
        word = text.strip().lower()
        if word in ("all", "none"):
            return cls(all=word == "all")
        ids = tuple(part.strip() for part in text.split(",") if part.strip())
        if not ids:
            raise ValueError(f"{text!r} approves nothing; write all, none, or ids such as 103,j-208")
        return cls(ids=ids)

    @property
    def nothing(self) -> bool:
        return not self.all and not self.ids

    def covers(self, item_id: str) -> bool:
        """Whether this item is approved. 103 does not mean 1034, and j-208 means j-208@2026-11-24T00:30:00Z."""
        return self.all or any(item_id == name or item_id.startswith(f"{name}@") for name in self.ids)


@dataclass(frozen=True)
class Answer:
    """What is sent to Airflow: one option, one choice for each item of the form."""

    option: str
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def approved(self) -> dict[str, str]:
        return {key: choice for key, choice in self.choices.items() if choice != LEAVE}


def answer_to(question: Mapping[str, Any], approval: Approval) -> Answer:
    """The answer to one question as the REST API shows it (``options`` and ``params``).

    Raises ``ValueError`` when the question has not the two options that it should have.
    """
    choices = {
        key: _choice(_offered(param)) if approval.covers(item_id(key)) else LEAVE
        for key, param in question["params"].items()
    }
    acts = any(choice != LEAVE for choice in choices.values())
    return Answer(_option(question["options"], GO if acts else NOTHING), choices)


def item_id(key: str) -> str:
    """``103`` of ``campaign:103``."""
    return key.partition(":")[2]


def unasked(approval: Approval, asked: Collection[str]) -> list[str]:
    """The ids that were to be approved and that no question was about; ``asked`` are the keys of all forms."""
    return [
        name for name in approval.ids if not any(Approval(ids=(name,)).covers(item_id(key)) for key in asked)
    ]


def _offered(param: Mapping[str, Any]) -> Sequence[str]:
    return param.get("schema", {}).get("enum") or ()


def _choice(offered: Collection[str]) -> str:
    return next((choice for choice in IN_ORDER if choice in offered), LEAVE)


def _option(options: Sequence[str], wanted: str) -> str:
    for option in options:
        if option == wanted or option.startswith(f"{wanted} ("):
            return option
    raise ValueError(f"the question offers {list(options)!r}, and nothing that begins with {wanted!r}")
