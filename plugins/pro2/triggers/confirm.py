"""Wait in the triggerer until a repair is proven, or its proof failed. Reads the world, writes only the ledger.

The proof is synchronous code of the core; it runs in a thread so that the event loop stays free. A trigger that
is moved to another triggerer starts its proof anew: the first of two reads is then read again.
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
        from pro2_reconciliation.domain.words import Verb
        from pro2_reconciliation.repair.telling import Heartbeat, proven

        proof = await sync_to_async(open_proof)(self.step, self.who)
        name, told = named_step(self.step), Heartbeat()
        while True:
            verdict = await sync_to_async(proof.look)()
            if said := told.news(proven(Verb(self.step["verb"]), verdict), proof.account.now()):
                self.log.info("%s: %s", name, said)
            if verdict.decided:
                break
            await asyncio.sleep(proof.account.policy.poll_seconds)
        if verdict.state == "proven":
            yield TaskSuccessEvent(xcoms={"return_value": verdict.model_dump(mode="json")})
        elif verdict.state == "open":  # not before a newer export; the next dag run looks again
            yield TaskSkippedEvent()
        else:
            yield TaskFailedEvent()
