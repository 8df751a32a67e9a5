"""An item's whole story across dag runs, oldest first: seen, decided and why, answered, done, proven, told of.

Everything comes from the ledger; who acted is a person, or a task of Airflow whose log tells more. Raises
``LedgerError`` for an item that no dag run of this ledger knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.observation import Observation
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import ActionRecord, DagRun, Ledger, MoveRecord, State, StepRecord
from pro2_reconciliation.overview.items import item_alone
from pro2_reconciliation.overview.links import PLANNED_BY, REPORTED_BY, SEEN_BY, link_of, link_to
from pro2_reconciliation.overview.picture import Picture, text_of
from pro2_reconciliation.overview.views import Event, Story
from pro2_reconciliation.repair.lost_requests import is_manual

EVER = datetime(1970, 1, 1, tzinfo=UTC)
LOOKED_BACK = timedelta(days=3)
"""A dag run that has no plan after so long never will."""
_SILENT = frozenset({State.PLANNED, State.CLAIMED})
"""Moves that say nothing to a person: the next one does."""
_WORDS = {
    State.CLEARED: "cleared",
    State.DECLINED: "declined",
    State.SKIPPED: "not needed",
    State.INTENDED: "begun",
    State.DONE: "done",
    State.AMBIGUOUS: "unclear",
    State.NOT_DONE: "did not happen",
    State.CONFIRMED: "proven",
    State.FAILED: "refused",
    State.STALE: "dropped",
    State.NEEDS_HUMAN: "needs a person",
    State.CLOSED: "closed",
}


def story(site: Site, ledger: Ledger, item_key: str, now: datetime) -> Story:
    """All that the ledger knows of an item."""
    organization = site.organization
    decided = ledger.decisions_on(organization, item_key)
    planned = {dag_run for _, _, dag_run, _ in decided}
    recent = [run for run in ledger.runs(organization, now - LOOKED_BACK) if run.plan_hash is None]
    runs = {run.id: run for run in (*ledger.runs(organization, only=planned), *recent)}
    picture = Picture.of_runs(site, ledger, now, sorted(runs.values(), key=lambda run: run.begun_at))
    view = item_alone(ledger, picture, item_key, {plan: decision for plan, _, _, decision in decided})
    if view is None:
        raise LedgerError(f"no dag run of this ledger knows the item {item_key!r}; look at the list again")
    told = _Teller(site, ledger, item_key, runs)
    events = [*told.looks_and_decisions(decided), *told.people(), *told.moves(), *told.rest(picture)]
    return Story(item=view, events=tuple(sorted(events, key=lambda event: event.at)))


class _Teller:
    """The events of one item, kind by kind."""

    def __init__(self, site: Site, ledger: Ledger, item_key: str, runs: Mapping[str, DagRun]) -> None:
        self.site = site
        self.ledger = ledger
        self.key = item_key
        self.runs = runs

    def looks_and_decisions(self, decided: list[tuple[str, datetime, str, Decision]]) -> Iterator[Event]:
        looks = self.ledger.first_looks(self.runs, self.key)
        for dag_run, seen in looks.items():
            yield self._seen(seen, dag_run, SEEN_BY)
        answers = self.ledger.answers_to([plan_hash for plan_hash, _, _, _ in decided])
        for plan_hash, at, dag_run, decision in decided:
            seen_then, first = decision.observation, looks.get(dag_run)
            if seen_then and (first is None or first.seen_at != seen_then.seen_at):
                yield self._seen(seen_then, dag_run, PLANNED_BY)
            via = f" via {', '.join(decision.via)}" if decision.via else ""
            remedy = decision.remedy.value.replace("_", " ")
            yield self._by_run(
                dag_run, PLANNED_BY, at, "decided", f"{decision.rule}{via}, {remedy}: {decision.reason}"
            )
            run = self.runs.get(dag_run)
            if decision.asks and run is not None and run.mode is Mode.ASK:
                offered = ", ".join(choice.value for choice in decision.choices)
                yield self._by_run(dag_run, "ask", at, "asked", f"offered: {offered}")
            answer = answers[plan_hash].get(self.key)
            if answer is not None:
                yield Event(at=answer.at, who=answer.who, what="answered", text=answer.choice.value)

    def people(self) -> Iterator[Event]:
        organization = self.site.organization
        for held in self.ledger.hold_traces(organization, self.key):
            yield Event(at=held.at, who=held.who, what="held" if held.held else "released", text=held.why)
        for waived in self.ledger.waivers_of(organization, self.key):
            yield Event(at=waived.at, who=waived.who, what="waived", text=f"not waited for: {waived.why}")
        for one in self.ledger.open_items(organization, closed_since=EVER):
            if one.item_key != self.key:
                continue
            yield Event(at=one.opened_at, who="reconcile", what="opened", text=f"{one.rule}: {one.reason}")
            if one.closed_at is not None:
                yield Event(
                    at=one.closed_at, who=one.closed_by or "", what="closed", text=one.closed_why or ""
                )

    def moves(self) -> Iterator[Event]:
        for action in self.ledger.actions_on(self.site.organization, self.key):
            for step in action.steps:
                for move in step.moves:
                    if move.to_state not in _SILENT and not _repeated(action, step, move):
                        yield self._move(action, step, move)

    def rest(self, picture: Picture) -> Iterator[Event]:
        roots = {action.root for action in self.ledger.actions_on(self.site.organization, self.key)}
        for again in self.ledger.repeats(self.site.organization):
            if again.root in roots:
                yield Event(at=again.at, who=again.who, what="to be repeated", text=again.why)
        for alarm in self.ledger.alarms(self.site.organization):
            if alarm.body.get("item") == self.key:
                yield Event(
                    at=alarm.at,
                    who="guard_repairs",
                    what="alarm",
                    text=text_of(alarm),
                )
        for run in picture.runs:
            for item in picture.items_of(run):
                if item.key == self.key and item.outcome and run.reported_at:
                    outcome = item.outcome.replace("_", " ")
                    yield self._by_run(run.id, REPORTED_BY, run.reported_at, "reported", outcome)

    def _seen(self, seen: Observation, dag_run: str, task: str) -> Event:
        words = [str(seen.state)]
        if seen.still_pending:
            words.append("the wait was waived" if seen.waived else "still so when watching ended")
        if seen.reads > 1 and seen.first_agreed:
            words.append(f"{seen.reads} reads agree since {local(seen.first_agreed, self.site.zone)}")
        words += [seen.note] if seen.note else []
        return self._by_run(dag_run, task, seen.seen_at, "seen", f"{'; '.join(words)} ({seen.source})")

    def _by_run(self, dag_run: str, task: str, at: datetime, what: str, text: str) -> Event:
        run = self.runs.get(dag_run)
        log = link_to(run.dag_id if run else "reconcile", dag_run, task)
        return Event(at=at, who=dag_run, what=what, text=text, log=log)

    def _move(self, action: ActionRecord, step: StepRecord, move: MoveRecord) -> Event:
        verb = step.verb.value.replace("_", " ")
        what = _WORDS[move.to_state]
        if action.by_guard and move.to_state is State.DONE:
            what = "stopped again"
        elif move.to_state is State.INTENDED and is_manual(step):
            what = "asked to press"
        of = "" if action.item_key == self.key else f" of «{action.name}»"
        again = f", try {step.attempt}" if step.attempt > 1 else ""
        made = f" ({move.remote_id})" if move.remote_id else ""
        return Event(
            at=move.at,
            who=move.who,
            what=what,
            text=f"{verb}{of}{again}{made}: {move.why}",
            log=link_of(move.who),
        )


def _repeated(action: ActionRecord, step: StepRecord, move: MoveRecord) -> bool:
    """An action is cleared, declined or skipped as a whole: said once, of its first step."""
    first = action.steps[0]
    with_the_first = any(one.to_state is move.to_state and one.at == move.at for one in first.moves)
    return move.from_state is State.PLANNED and step.id != first.id and with_the_first
