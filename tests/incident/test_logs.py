"""The logs of the tasks of an item, as the person on call reads them: what was seen, decided, done and verified.

A whole evening is played through the tasks' own code, with everything approved, but without Airflow's processes.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    TaskDeferred,
)
from tests.incident.harness import Evening, approve_all
from tests.unit.pro2.conftest import Playing, open_for_tasks

from pro2 import flow
from pro2.operators import remedies
from pro2.operators.question import AskOperator
from pro2.sensors.confirm import ConfirmSensor
from pro2.sensors.watch import CampaignSensor, OccurrenceSensor
from pro2_reconciliation.domain.errors import StepOpen
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.repair.actions import Lane

OPERATORS = {
    Lane.STOP_CAMPAIGN: remedies.StopCampaignOperator,
    Lane.STOP_RUN: remedies.StopRunOperator,
    Lane.REPEAT_IMPORT: remedies.RepeatImportOperator,
    Lane.DATA_SYNC: remedies.DataSyncImportOperator,
    Lane.TAG_DRIFT: remedies.TagDriftOperator,
    Lane.RUN_NOW: remedies.RunNowOperator,
    Lane.DUPLICATE_CAMPAIGN: remedies.DuplicateCampaignOperator,
    Lane.SEND_CAMPAIGN: remedies.SendCampaignOperator,
}
LINE = re.compile(r"^\S+Z \[(?P<level>\w+) *\] (?P<said>.*?) +\[(?P<logger>[\w.]+)\]( loc=\S+)?$")
A_TIME = re.compile(r"\d\d:\d\d(?::\d\d)?(?P<zone> [A-Z]{2,4}\b|Z)?")
A_REPR = re.compile(r"[{\[(]['\"{]|': |<\w+[. ]|\w+=['\"<(]|\bNone\b|\bTrue\b|\bFalse\b|object at 0x|_")
"""What a Python value looks like in a sentence; ids of our own have no underscore in them."""


class _Sentences(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@dataclass
class Told:
    """What one task said."""

    task: str
    item_key: str
    lines: list[str] = field(default_factory=list)


@dataclass
class Story:
    plan: Plan
    told: list[Told]

    def of(self, item_id: str) -> str:
        return "\n".join(line for one in self.told if item_id in one.item_key for line in one.lines)


class Night:
    """Runs the tasks one after the other and keeps what each said."""

    def __init__(
        self, evening: Evening, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.evening, self.capture = evening, capture
        self.playing = Playing(evening)
        self.told: list[Told] = []

        async def sleep(seconds: float) -> None:
            evening.clock.sleep(seconds)

        patch.setattr("pro2.triggers.confirm.asyncio.sleep", sleep)

    def task(self, name: str, item_key: str, run: Any) -> Any:
        """What it returns; what it says is kept, by Airflow's own logger and by ours."""
        plain = logging.getLogger("pro2.reconcile")
        ours = _Sentences()
        plain.addHandler(ours)
        plain.setLevel(logging.INFO)
        self.capture.readouterr()
        try:
            return run()
        except (AirflowSkipException, AirflowFailException, StepOpen):
            return None
        finally:
            plain.removeHandler(ours)
            printed = [
                sentence for line in self.capture.readouterr().out.splitlines() if (sentence := said(line))
            ]
            self.told.append(Told(name, item_key, ours.said or printed))

    def lane(self, lane: Lane, steps: list[dict[str, Any]]) -> None:
        for index, step in enumerate(steps):
            context = self.playing.context(
                task_id=lane.value, map_index=index, xcoms={"list_send_campaign": steps}
            )
            key, operator = step["item_key"], OPERATORS[lane](task_id=lane.value, step=step)

            def act(operator: Any = operator, context: Any = context) -> None:
                while True:
                    try:
                        operator.execute(context)
                        return
                    except AirflowRescheduleException:
                        self.evening.clock.sleep(60)  # the guard passes

            self.task(lane.value, key, act)
            self.task(
                f"confirm_{lane.value}", key, lambda step=step, context=context: self.confirm(step, context)
            )

    def confirm(self, step: dict[str, Any], context: Any) -> None:
        try:
            ConfirmSensor(task_id="confirm", step=step).execute(context)
        except TaskDeferred as deferred:
            trigger = deferred.trigger

            async def end() -> None:
                async for _ in trigger.run():
                    return

            asyncio.run(end())


_STORY: list[Story] = []


@pytest.fixture
def story(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Story:
    """Played once; every test reads the same story."""
    if not _STORY:
        monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
        monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
        evening = Evening(tmp_path)
        evening.end_outage()
        open_for_tasks(evening, monkeypatch)
        _STORY.append(tell(Night(evening, capfd, monkeypatch)))
        evening.ledger().close()
    return _STORY[0]


def tell(night: Night) -> Story:
    playing = night.playing
    night.evening.clock.every_minute = night.evening.guard
    xcoms = night.task("take_inventory", "", playing.observed)
    inventory = playing.ledger.inventory(playing.run_id)
    for item in inventory.watch:
        sensor = CampaignSensor if item.kind == "campaign" else OccurrenceSensor
        as_json = item.model_dump(mode="json")

        def watch(sensor: Any = sensor, as_json: Any = as_json) -> None:
            with pytest.raises(TaskDeferred):
                sensor(task_id="watch", item=as_json).execute(playing.context(xcoms=xcoms))

        night.task("watch", item.key, watch)
    plan = night.task("build_plan", "", lambda: playing.plan(xcoms))
    choices = {key: choice.value for key, choice in approve_all(plan).items()}
    event = {
        "chosen_options": [f"Carry out my choices ({plan.hash[:8]})"],
        "params_input": choices,
        "responded_at": night.evening.clock.now(),
        "responded_by_user": {"id": "1", "name": "Ada"},
        "timedout": False,
    }
    given = {"resolve_window": playing.resolved, "build_plan": plan.hash}
    context = playing.context(task_id="ask", xcoms=given)
    night.task("ask", "", lambda: AskOperator(task_id="ask").execute_complete(context, event))
    night.evening.guard()
    clearing = playing.context(task_id="clear")
    night.task("clear", "", lambda: flow.clear(clearing, playing.resolved, plan.hash))
    cleared = flow.cleared_in(clearing)
    for lane in Lane:
        night.lane(lane, flow.steps_of(cleared, lane))
    more = playing.context(task_id="follow_up", xcoms=clearing["ti"].xcoms)
    night.task("follow_up", "", lambda: flow.follow_up(more, playing.resolved, plan.hash))
    return Story(plan, night.told)


def said(line: str) -> str:
    found = LINE.match(line)
    assert found, f"a log line was broken: {line!r}"
    return found["said"]


def without_dags(sentence: str) -> str:
    """Without the names of DAGs and dag runs, which a person knows from Airflow."""
    return re.sub(r"guard_repairs|ask__|hours__", "", sentence)


def lines_of_items(story: Story) -> Iterator[tuple[Told, str]]:
    for one in story.told:
        for line in one.lines:
            if one.item_key:
                yield one, line


def test_each_line_of_an_items_tasks_begins_with_its_name_and_id(story: Story) -> None:
    names = {d.key: d.name for d in story.plan.decisions}
    for one, line in lines_of_items(story):
        assert line.startswith(f"«{names[one.item_key]}» ({one.item_key.partition(':')[2]}): "), one.task


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (
            "take_inventory",
            r"«Opening night invitation» \(103\): was seen pending, 0 of \d.* sent, .*it is watched until",
        ),
        ("build_plan", r"«Family workshop» \(122\): C4 decided, nothing had to be done: sent late by"),
        ("ask", r"«Flash sale» \(108\): Ada chose «hold back», "),
        (
            "clear",
            r"«Donor thank-you» \(105\): was cleared for stopping the original, duplicating it, sending the copy$",
        ),
        ("follow_up", r"«Donors sync» \(j-204@.*\): is asked about again in dag run ask__"),
    ],
)
def test_the_tasks_of_all_items_tell_about_each(story: Story, task: str, sentence: str) -> None:
    lines = [line for one in story.told if one.task == task for line in one.lines]
    assert any(re.match(sentence, line) for line in lines), lines
    for line in lines:
        told = line.partition("): ")[2] if line.startswith("«") else ""
        assert not A_REPR.search(without_dags(told)), line


def test_no_task_of_an_item_is_silent(story: Story) -> None:
    assert len(story.told) > 60
    assert [one.task for one in story.told if not one.lines] == []


def test_no_line_shows_a_python_value(story: Story) -> None:
    for one, line in lines_of_items(story):
        assert not A_REPR.search(without_dags(line.partition("): ")[2])), f"{one.task}: {line}"


def test_each_time_has_its_zone(story: Story) -> None:
    for one in story.told:
        for line in one.lines:
            for time in A_TIME.finditer(line):
                assert time["zone"], f"{one.task}: {line}"


def test_each_line_stays_one_line_whatever_a_name_holds(story: Story) -> None:
    hostile = "{{ conn.pro2.password }} <script>alert(1)</script>"
    assert f"«{hostile}» (119): " in story.of("campaign:119")
    for one in story.told:
        assert all(line.isprintable() for line in one.lines)


def test_a_resend_reads_as_a_story(story: Story) -> None:
    told = [line for one in story.told if one.item_key == "campaign:103" for line in one.lines]
    beginnings = (
        "was unsettled when the inventory was taken, so it is watched until ",
        "C11 decided, a resend was proposed: pending send since ",
        "stopping the original was done: ",
        "stopping the original was not verified yet: ",
        "stopping the original was verified: stopped, zero everywhere, in two reads",
        "C11 decided, a resend was proposed: ",
        "duplicating it was done: draft ",
        "duplicating it was verified: draft ",
        "C11 decided, a resend was proposed: ",
        "sending the copy was done: copy ",
        "sending the copy was verified: copy ",
    )
    sentences = [line.partition("): ")[2] for line in told]
    kept = [s for s in sentences if "not verified yet" not in s or "stopping" in s]
    found = iter(kept)
    for beginning in beginnings:
        assert any(sentence.startswith(beginning) for sentence in found), f"{beginning!r} is not in {told}"
    assert "Ada chose «resend», " in told[1]


def test_what_could_not_be_done_says_why_in_its_own_line(story: Story) -> None:
    told = story.of("campaign:121")
    assert "stopping the original could not be verified: not proven within" in told
    assert "duplicating it was dropped: stop campaign ended badly: C13: not proven within" in told
    assert "nothing had to be verified: sending the copy was dropped" in told
    assert "stopping its run was refused: the dashboard refused to stop it" in story.of("j-207@")
