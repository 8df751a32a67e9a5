"""One operator per remedy. All of them carry out one step through the ledger; none decides anything.

A retry, a cleared task or a second dag run meets the ledger's claim and goes on from what was done. A step that is not
done any more (STALE), or not yet (a closed gate), is skipped with the reason in the log; one that another process is
at is waited for, and a dead one's lease ends; one that went wrong fails without a retry, because only a person can go
on; one of unknown outcome is tried again, which only reads (``pro2/retrying.py``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    TaskAwaitingInput,
)

from pro2.accounts import who_acts
from pro2.links import CAMPAIGN_LINKS, JOB_LINKS
from pro2.steps import answer_step, do_step, named_step, wait_for_turn
from pro2_reconciliation.domain.errors import StepOpen

if TYPE_CHECKING:
    from pro2_reconciliation.repair.step_result import StepResult

LEASE_WAIT, GUARD_WAIT = timedelta(seconds=5), timedelta(seconds=15)
ANSWERS = {"I did it": "done", "Not possible": "not possible", "Skip it": "skip"}
"""The buttons of a manual step, and what each means to the core."""
_FAILED = frozenset({"failed", "needs_human"})
_OPEN = frozenset({"ambiguous", "intended", "not_done"})
"""Left, and not settled: a retry reads what became of it, and never sends what may have landed."""


class StepOperator(BaseOperator):
    """Carries out one cleared step. ``step``: a ClearedStep as JSON, resolved but never rendered."""

    template_fields = ()
    verbs: ClassVar[frozenset[str]] = frozenset()
    refusal_is_an_answer: ClassVar[bool] = False
    operator_extra_links = JOB_LINKS

    def __init__(self, *, step: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step

    def execute(self, context: Any) -> dict[str, Any]:
        from pro2_reconciliation.repair.step_result import GATED
        from pro2_reconciliation.repair.telling import outcome

        self._require_own_verb()
        name = named_step(self.step)
        result = do_step(self.step, who_acts(context), lambda why: self.log.info("%s: %s", name, why))
        story = f"{name}: {outcome(result)}"
        if result.went_on:
            self.log.info(story)
            return result.model_dump(mode="json")
        if result.instruction:
            self._ask_to_press(context, result)
        if result.wait_seconds:  # for the guard's pass; or for a process, dead or alive: its lease ends
            pause = GUARD_WAIT if result.state == GATED else LEASE_WAIT
            self.log.info(
                "%s; that is usual for a minute: it is tried again in %.0f s, for %.0f min at most",
                story,
                pause.total_seconds(),
                max(result.wait_seconds / 60, 1),
            )
            raise AirflowRescheduleException(datetime.now(UTC) + pause)  # type: ignore[no-untyped-call]
        self.log.info(story)
        if result.state in _OPEN:
            self.log.info("%s: the next try only reads what became of it; nothing is sent twice", name)
            raise StepOpen(story)
        if result.state in _FAILED and not self.refusal_is_an_answer:
            raise AirflowFailException(story)
        raise AirflowSkipException(story)

    def _ask_to_press(self, context: Any, result: StepResult) -> NoReturn:
        """Wait for a person, in this mapped task itself; the words are made here, from data, and never rendered."""
        from airflow.sdk.execution_time.hitl import upsert_hitl_detail

        from pro2_reconciliation.domain.oneline import one_line
        from pro2_reconciliation.repair.asking import escaped

        upsert_hitl_detail(
            ti_id=context["ti"].id,
            options=list(ANSWERS),
            params={},  # None is refused by the server
            subject=f"Please do this by hand: {result.verb.value.replace('_', ' ')}, {result.name}",
            body=f"{escaped(result.instruction)}\n\nThen answer. What you say is looked at in Pro2 before it counts.",
        )
        self.log.info(
            "%s: a person was asked to do it, within %.0f min: %s",
            named_step(self.step),
            result.wait_seconds / 60,
            one_line(result.instruction),
        )
        raise TaskAwaitingInput(
            method_name="execute_complete", timeout=timedelta(seconds=result.wait_seconds)
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        """A person answered, or nobody did: then the step stays asked, and a cleared task asks again."""
        from pro2_reconciliation.domain.words import Verb
        from pro2_reconciliation.repair.telling import became

        name = named_step(self.step)
        chosen = (event.get("chosen_options") or [""])[0]
        if "error" in event or event.get("timedout") or chosen not in ANSWERS:
            story = f"{name}: nobody answered in time; the report says what is to be pressed"
            self.log.info(story)
            raise AirflowSkipException(story)
        who = (event.get("responded_by_user") or {}).get("name") or "somebody"
        self.log.info("%s: %s answered «%s»", name, who, chosen)
        record = answer_step(self.step, ANSWERS[chosen], who, who_acts(context))
        story = f"{name}: {became(Verb(self.step['verb']), record.state.value, record.moves[-1].why)}"
        self.log.info(story)
        if record.state.value == "failed" and self.refusal_is_an_answer:
            raise AirflowSkipException(story)
        if record.state.value not in ("done", "confirmed"):
            raise AirflowFailException(story)
        return {
            "action_id": self.step["action_id"],
            "state": record.state.value,
            "remote_id": record.remote_id,
        }

    def _require_own_verb(self) -> None:
        if self.step["verb"] not in self.verbs:
            raise AirflowFailException(
                f"{type(self).__name__} does not do {self.step['verb']!r}; see the lane's list"
            )


class StopCampaignOperator(StepOperator):
    """Stops a pending campaign: status 4 through ActiveCampaign v1 (help.prospect2.com article 715)."""

    verbs = frozenset({"stop_campaign"})
    operator_extra_links = CAMPAIGN_LINKS


class DuplicateCampaignOperator(StepOperator):
    """Makes a draft copy of a stopped campaign; a draft mails nobody."""

    verbs = frozenset({"copy_campaign"})
    operator_extra_links = CAMPAIGN_LINKS


class SendCampaignOperator(StepOperator):
    """Sends the copy, after a last look at original, copy and everything similar.

    The smallest audience goes first, and each send waits until those before it are proven or ended: the scheduler
    starts mapped tasks in any order. ``lane_task_id`` names the task whose list the steps come from.
    """

    verbs = frozenset({"send_campaign"})
    operator_extra_links = CAMPAIGN_LINKS

    def __init__(self, *, lane_task_id: str = "list_send_campaign", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lane_task_id = lane_task_id

    def execute(self, context: Any) -> dict[str, Any]:
        self._require_own_verb()
        ti = context["ti"]
        before = (ti.xcom_pull(task_ids=self.lane_task_id) or [])[: max(ti.map_index, 0)]
        waiting = wait_for_turn(before, who_acts(context))
        if waiting is not None:
            why, seconds = waiting
            self.log.info(
                "%s: it was not its turn: %s; it looks again in %.0f s", named_step(self.step), why, seconds
            )
            raise AirflowRescheduleException(datetime.now(UTC) + timedelta(seconds=seconds))  # type: ignore[no-untyped-call]
        return super().execute(context)


class StopRunOperator(StepOperator):
    """Asks the Integrated Dashboard to stop a hanging or missing run; "refused" is one of its answers (R10b)."""

    verbs = frozenset({"stop_run"})
    refusal_is_an_answer = True


class RunNowOperator(StepOperator):
    """Presses Run Now for a Scheduled Trigger whose audience has not moved."""

    verbs = frozenset({"run_now"})


class RepeatImportOperator(StepOperator):
    """Presses Repeat Import for an Integrated Import."""

    verbs = frozenset({"repeat_import"})


class DataSyncImportOperator(StepOperator):
    """Imports the List Manager list of a Data Sync under a unique tag."""

    verbs = frozenset({"import_list"})


class TagDriftOperator(StepOperator):
    """Adds or removes the sync tag where the import showed a drift; each contact is its own proof."""

    verbs = frozenset({"add_tag", "remove_tag"})
