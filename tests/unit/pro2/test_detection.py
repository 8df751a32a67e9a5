"""One pass of detection and of the guard, as their DAGs run them."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.domain import factories as f
from tests.unit.pro2.conftest import NOW, Playing

from pro2 import detection
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError
from pro2_reconciliation.domain.outage import Evidence, OutageState
from pro2_reconciliation.domain.words import Choice, Mode, Remedy, Service
from pro2_reconciliation.ledger import Ledger, Stage
from pro2_reconciliation.repair.questions import to_be_asked
from pro2_reconciliation.repair.sources import DeclaredSource, ProbeResult, Reading

DECLARED = """\
probes:
  - {connection: pro2, service: sending}
declared:
  - {service: sending, start: 2026-11-19T18:00, end: 2026-11-19T21:05, reason: the vendor phoned}
"""


@pytest.fixture
def declared(site_folder: Path) -> None:
    (site_folder / "sources.yaml").write_text(DECLARED)


class Looks:
    """A source that answers as it is told."""

    name = "pro2"

    def __init__(self, up: bool | Exception) -> None:
        self.up = up

    def read(self, now: datetime) -> Reading:
        if isinstance(self.up, Exception):
            raise self.up
        return Reading(samples=(ProbeResult(service=Service.SENDING, up=self.up, at=now, probe="pro2"),))


class Says:
    """A source that makes one claim."""

    name = "page"

    def __init__(self, claim: Evidence) -> None:
        self.claim = claim

    def read(self, now: datetime) -> Reading:
        return Reading((self.claim,))


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the probes of this site answer: up, down or an error."""

    def answers(up: bool | Exception) -> None:
        def sources(site: Any, ledger: Any, dropped: list[str]) -> list[Any]:
            return [DeclaredSource(site, ledger), Looks(up)]

        monkeypatch.setattr(detection, "_sources", sources)

    return answers


def outage_id(ledger: Ledger) -> str:
    (found,) = ledger.outages("playhouse")
    return found.id


@pytest.mark.usefixtures("declared")
class TestAPass:
    def test_starts_one_dag_run_for_a_settled_outage_and_asks(
        self, context: Any, ledger: Ledger, probe: Any
    ) -> None:
        probe(True)
        started = detection.detect(context())
        found = outage_id(ledger)
        assert started == [
            {"trigger_run_id": f"outage__{found}__g1", "conf": {"outage": found, "mode": "ask"}}
        ]

    def test_names_the_same_dag_run_again_until_it_has_a_plan(
        self, context: Any, ledger: Ledger, probe: Any
    ) -> None:
        probe(True)
        assert detection.detect(context()) == detection.detect(context())
        ledger.set_outage_state(outage_id(ledger), OutageState.PLANNED)
        assert detection.detect(context()) == []

    @pytest.mark.parametrize("state", ["failed", "success"])
    def test_starts_another_dag_run_after_one_that_ended_without_a_plan_for_it(
        self,
        context: Any,
        ledger: Ledger,
        probe: Any,
        clock: Any,
        caplog: pytest.LogCaptureFixture,
        state: str,
    ) -> None:
        """Its run id is taken for ever; and a site that cannot work yet is not told every five minutes.

        One that ended well may have planned less than the outage, or a person marked it: nothing was planned all the
        same.
        """
        probe(True)
        states: dict[str, str] = {}
        started = []
        for _ in range(12):
            (one,) = detection.detect(context(states=states))
            started.append(one["trigger_run_id"][-2:])
            states[one["trigger_run_id"]] = state
            clock.shift(timedelta(minutes=5))
        assert started == ["g1"] * 3 + ["g2"] * 6 + ["g3"] * 3
        assert "__g1 ended without a plan for its outage; outage__" in caplog.text
        found = outage_id(ledger)
        ledger.set_outage_state(found, OutageState.PLANNED)
        assert detection.detect(context(states=states)) == []

    @pytest.mark.parametrize("state", ["queued", "running"])
    def test_starts_no_other_one_beside_one_that_has_not_ended(
        self, context: Any, ledger: Ledger, probe: Any, clock: Any, state: str
    ) -> None:
        probe(True)
        (first,) = detection.detect(context())
        clock.shift(timedelta(hours=2))
        states = {first["trigger_run_id"]: state}
        assert detection.detect(context(states=states)) == [first]

    def test_starts_nothing_while_a_probe_is_down(self, context: Any, ledger: Ledger, probe: Any) -> None:
        probe(False)
        assert detection.detect(context()) == []

    def test_takes_the_mode_that_the_site_wants(
        self, context: Any, ledger: Ledger, probe: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        probe(True)
        monkeypatch.setenv("PRO2_RECONCILIATION_DETECT_MODE", "auto")
        assert [due["conf"]["mode"] for due in detection.detect(context())] == ["auto"]

    def test_refuses_a_mode_that_is_none_and_says_where_it_stands(
        self, context: Any, ledger: Ledger, probe: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        probe(True)
        monkeypatch.setenv("PRO2_RECONCILIATION_DETECT_MODE", "yes")
        with pytest.raises(ConfigurationError, match="DETECT_MODE is 'yes'; set it to plan, ask or auto"):
            detection.detect(context())

    def test_a_suspicion_is_only_planned(
        self, context: Any, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        end = datetime.now(UTC) - timedelta(minutes=40)
        said = Evidence(
            source="page",
            key="abc",
            service=Service.TESSITURA,
            start=end - timedelta(hours=1),
            end=end,
            confirms=False,
        )
        monkeypatch.setattr(detection, "_sources", lambda *_: [Looks(True), Says(said)])
        assert [due["conf"]["mode"] for due in detection.detect(context())] == ["plan"]

    def test_goes_on_without_a_source_that_cannot_be_read(
        self, context: Any, ledger: Ledger, probe: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING, "pro2.detection")
        probe(ReconciliationError("no answer within 10 s"))
        detection.detect(context())
        assert outage_id(ledger)
        assert "A source could not be read: pro2: no answer within 10 s" in caplog.text

    def test_still_starts_what_is_due_when_no_snapshot_can_be_kept(
        self, context: Any, ledger: Ledger, probe: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A connection that only repairs need is no reason to miss an outage."""
        caplog.set_level(logging.WARNING, "pro2.detection")
        probe(True)
        assert len(detection.detect(context())) == 1
        assert "No snapshot was kept: there is no connection pro2" in caplog.text


def test_a_pass_while_all_is_well_keeps_what_is_scheduled(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing.evening.clock.at = playing.evening.world.t0
    monkeypatch.setattr(detection, "_sources", lambda *_: [Looks(True)])
    detection.detect(playing.context())
    snapshot = playing.ledger.latest_snapshot("playhouse")
    assert snapshot is not None
    assert {campaign["id"] for campaign in snapshot.body["campaigns"]} == {"103", "104"}


def test_what_is_scheduled_is_kept_without_any_probe_and_not_while_sending_is_down(
    playing: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "_sources", lambda *_: [Looks(False)])
    detection.detect(playing.context())
    assert playing.ledger.latest_snapshot("playhouse") is None
    monkeypatch.setattr(detection, "_sources", lambda *_: [])
    detection.detect(playing.context())
    assert playing.ledger.latest_snapshot("playhouse") is not None


def test_a_schedule_that_cannot_be_read_in_time_holds_nothing_up(
    context: Any,
    ledger: Ledger,
    declared: None,
    probe: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(detection, "SNAPSHOT_SECONDS", 0.05)
    monkeypatch.setattr(detection, "open_account", lambda who: None)
    monkeypatch.setattr(detection, "_backlog", lambda *_: 0)
    monkeypatch.setattr(
        "pro2_reconciliation.repair.snapshot.scheduled_snapshot", lambda account: hung.wait(30)
    )
    probe(True)
    assert len(detection.detect(context())) == 1
    hung.set()
    assert "No snapshot was kept: no answer within 0.05 s" in caplog.text


def test_an_outage_that_settles_later_is_started_later(
    context: Any, ledger: Ledger, site_folder: Path, probe: Any, clock: Any
) -> None:
    probe(True)
    (site_folder / "sources.yaml").write_text(DECLARED.replace("21:05", "21:40"))
    assert detection.detect(context()) == []
    clock.shift(timedelta(minutes=6))
    assert len(detection.detect(context())) == 1
    assert ledger.outages("playhouse")[0].service is Service.SENDING


def asked(ledger: Ledger, *campaigns: str, hours_ago: float = 13, **more: Any) -> str:
    """A plan that was asked about; its hash."""
    choices = (Choice.LEAVE, Choice.RESEND)
    plan = f.plan(
        *(
            f.decision(choices=choices, remedy=Remedy.RESEND, item_id=one, root=f"campaign:{one}")
            for one in campaigns or ("103",)
        ),
        ledger_uuid=ledger.identity.uuid,
        ledger_epoch=ledger.identity.epoch,
        created_at=NOW - timedelta(hours=hours_ago),
        **more,
    )
    plan = to_be_asked(plan, Mode.ASK)
    return ledger.save_plan(plan, plan.run)


class TestAQuestionThatNobodyAnswered:
    """Its own dag run could not start the next one: ``ask`` was lost, or Airflow was away."""

    def lapse(self, ledger: Ledger) -> str:
        return asked(ledger)

    def test_starts_a_dag_run_that_asks_again(
        self, context: Any, ledger: Ledger, probe: Any, site_folder: Path
    ) -> None:
        probe(True)
        plan_hash = self.lapse(ledger)
        assert detection.detect(context()) == [
            {"trigger_run_id": f"ask__{plan_hash}", "conf": {"follow_up": plan_hash, "mode": "ask"}}
        ]
        assert ledger.follow_up(plan_hash) == ["campaign:103"]

    def test_starts_nothing_while_the_kill_switch_keeps_detection_from_it(
        self, context: Any, ledger: Ledger, probe: Any, site_folder: Path
    ) -> None:
        probe(True)
        self.lapse(ledger)
        ledger.set_switch("playhouse", Stage.SCHEDULES, "ops", "fire drill")
        assert detection.detect(context()) == []

    def test_is_asked_again_though_what_waited_for_the_hours_was_gone_on_with(
        self, context: Any, ledger: Ledger, probe: Any, site_folder: Path
    ) -> None:
        """One question holds 40 items, and the dag run that was to ask about the rest died."""
        probe(True)
        plan_hash = asked(ledger, "103", "104", hours_ago=2)
        ledger.save_answers(plan_hash, {"campaign:103": Choice.RESEND}, "Ada")
        ledger.save_follow_up(plan_hash, ["campaign:104"])
        asked(ledger, "103", hours_ago=1, run=f"hours__{plan_hash}", parent=plan_hash)
        states = {f"ask__{plan_hash}": "failed"}
        (again,) = detection.detect(context(states=states))
        assert again["trigger_run_id"] == f"ask__{plan_hash}__2"

    def test_gets_one_claim_from_two_passes_at_once(
        self, context: Any, ledger: Ledger, probe: Any, site_folder: Path
    ) -> None:
        probe(True)
        states = {f"ask__{self.lapse(ledger)}": "failed"}
        (first,), (second,) = (detection.detect(context(states=states)) for _ in range(2))
        assert first == second
