"""Wait in the triggerer until a repair is proven, or its proof failed. Reads the world, writes only the ledger.

The proof is synchronous code of the core; it runs in a thread so that the event loop stays free. A trigger that
is moved to another triggerer starts its proof anew: the first of two reads is then read again. A ledger whose
database is away for a while is waited for: what was done is no failure because nobody can write down that it is proven.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)
from asgiref.sync import sync_to_async

from pro2.organization import of_id, speak_for

LOOK_AGAIN_SECONDS, LOOKS_IN_VAIN = 15.0, 60
"""So often in a row the ledger's database may be away; then the task fails, and is tried again."""


class ConfirmTrigger(BaseTrigger):
    """``step``: a ClearedStep as JSON; ``who`` names the task in the ledger."""

    def __init__(self, *, step: dict[str, Any], who: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.step = step
        self.who = who

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("pro2.triggers.confirm.ConfirmTrigger", {"step": self.step, "who": self.who})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from pro2.steps import named_step, open_proof
        from pro2_reconciliation.domain.actor import Actor
        from pro2_reconciliation.domain.errors import LedgerUnavailable
        from pro2_reconciliation.domain.oneline import one_line
        from pro2_reconciliation.domain.words import Verb
        from pro2_reconciliation.repair.telling import Heartbeat, proven

        actor = Actor.parse(self.who)
        speak_for(of_id(actor.dag_id if actor else ""))
        name, told = named_step(self.step), Heartbeat()
        proof, in_vain = None, 0
        while True:
            try:
                proof = proof or await sync_to_async(open_proof)(self.step, self.who)
                verdict = await sync_to_async(proof.look)()
            except LedgerUnavailable as error:
                in_vain += 1
                if in_vain > LOOKS_IN_VAIN:
                    raise
                why = one_line(str(error))
                self.log.warning("%s: it is looked at again in %.0f s: %s", name, LOOK_AGAIN_SECONDS, why)
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
                continue
            in_vain = 0
            if said := told.news(proven(Verb(self.step["verb"]), verdict), proof.account.now()):
                self.log.info("%s: %s", name, said)
            if verdict.decided:
                break
            await asyncio.sleep(proof.pause())
        if verdict.state == "proven":
            yield TaskSuccessEvent(xcoms={"return_value": verdict.model_dump(mode="json")})
        elif verdict.state == "open":  # not before a newer export; the next dag run looks again
            yield TaskSkippedEvent()
        else:
            yield TaskFailedEvent()
