"""The second actor: somebody who works in Pro2 while we do, at a moment that is named by a request of ours.

An act is named by numbers, so that a seed, or a loop, says all of it. What the account refuses does not happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.playing import Stage

from pro2_sandbox.campaigns import Refusal
from pro2_sandbox.incident import PersonModel
from pro2_sandbox.jobs import Unknown, WrongButton
from pro2_sandbox.timeshift import written

ON_CAMPAIGNS = (
    "duplicate", "duplicate_and_send", "send", "stop", "reschedule_soon", "reschedule_later", "edit", "unschedule",
)  # fmt: skip
ON_JOBS = ("run_now", "repeat_import", "stop_run")


@dataclass(frozen=True)
class Act:
    """Before request ``before`` of ours, a person does something with the ``item``.

    ``103`` is a campaign, ``103+1`` its first copy (nothing happens while there is none), ``j-1`` a job.
    """

    before: int
    does: str
    item: str


class People:
    """Waits on the wire of a stage and acts in time. ``done`` holds the acts that the account let happen."""

    def __init__(self, stage: Stage, acts: Sequence[Act]) -> None:
        self.stage = stage
        self.left = sorted(acts, key=lambda act: act.before)
        self.done: list[Act] = []
        stage.wire.before = self.before

    def before(self, number: int) -> None:
        while self.left and self.left[0].before <= number:
            act = self.left.pop(0)
            if do(self.stage, act):
                self.done.append(act)


def do(stage: Stage, act: Act) -> bool:
    """Do it now; False where the account refuses, or there is no such thing (yet)."""
    item = _item(stage, act.item)
    if item is None:
        return False
    now = stage.world.advance()
    does, _, when = act.does.partition("_") if act.does.startswith("reschedule") else (act.does, "", "")
    to = None
    if when:
        ahead = timedelta(seconds=90) if when == "soon" else timedelta(days=1)
        to = written(now - stage.world.t0 + ahead)
    told = {"at": "0", "does": does, "item": item, "to": to, "subject": "A better subject line"}
    try:
        stage.world.people.act(PersonModel.model_validate(told), now)
    except (Refusal, Unknown, WrongButton):
        return False
    return True


def _item(stage: Stage, reference: str) -> str | None:
    root, plus, number = reference.partition("+")
    if not plus:
        return reference
    copies = [
        str(stamped.effect.detail["copy"])
        for stamped in stage.stamped
        if stamped.effect.kind == "campaign_copied"
        and stage.world.campaigns.root(stamped.effect.item) == root
    ]
    return copies[int(number) - 1] if int(number) <= len(copies) else None
