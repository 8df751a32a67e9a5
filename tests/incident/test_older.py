"""What is open since an earlier window is judged by that one, and can be repaired from a later one to its end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.incident.harness import INCIDENTS, Evening, approve_all, approve_none
from tests.incident.one_campaign import RESEND, OneCampaign, open_keys, row
from tests.incident.test_faults_and_gates import COPY, SEND, STOP, between_stop_and_send
from tests.incident.test_repeats import desk

from pro2_reconciliation.domain.plan import Plan, Window
from pro2_reconciliation.domain.words import Choice, Mode, Remedy
from pro2_reconciliation.ledger import Stage
from pro2_reconciliation.repair import reconcile as playing
from pro2_reconciliation.repair.report import End, Report
from pro2_reconciliation.wire.exchange import Request
from pro2_sandbox import Fault, load_incident
from pro2_sandbox.incident import CampaignModel
from pro2_sandbox.incident_jobs import JobModel

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DRAFT, STOPPED, PAUSED, DISABLED = 0, 4, 3, 6


def with_campaign(
    folder: Path, *more: CampaignModel, send_by_hours: float = 12, **changed: Any
) -> OneCampaign:
    """The evening of one campaign, with that one changed, and others beside it."""
    incident = load_incident(INCIDENTS / "worked-example.yaml")
    campaigns = [c.model_copy(update=changed) if c.id == "103" else c for c in incident.campaigns]
    incident = incident.model_copy(update={"campaigns": (*campaigns, *more)})
    return OneCampaign(folder, incident, send_by_hours=send_by_hours, sending_hours=("00:00", "24:00"))


def night(evening: Evening, number: int) -> tuple[Plan, Report]:
    """The nightly of that number after the outage: its window is the day before it."""
    evening.clock.at = evening.window().end + 12 * HOUR + (number - 1) * DAY
    window = Window(start=evening.clock.at - DAY, end=evening.clock.at, source="nightly")
    return evening.reconcile(Mode.PLAN, window=window, dag_run=f"scheduled__{number}")


def later(evening: Evening, hours: float = 6, **options: Any) -> tuple[Plan, Report]:
    """A dag run about another outage, an hour long, that ended so long after the first."""
    evening.clock.at = evening.window().end + hours * HOUR
    window = Window(start=evening.clock.at - HOUR, end=evening.clock.at, source="another", outage_known=True)
    return evening.reconcile(window=window, dag_run=options.pop("dag_run", "outage__2__g1"), **options)


class TestWhatWasHaltedInTheOutage:
    """Rule C14 leaves it to a person, and so it stays: "already before the outage" means its own outage (C2)."""

    @pytest.mark.parametrize("status", [DRAFT, STOPPED, PAUSED, DISABLED])
    def test_stays_open_night_after_night(self, tmp_path: Path, status: int) -> None:
        evening = with_campaign(tmp_path, status=status, modified=-HOUR)
        _, report = evening.reconcile()
        assert (row(report).rule, row(report).outcome) == ("C14", End.NEEDS_HUMAN)
        for number in range(1, 4):
            _, report = night(evening, number)
            assert (row(report).rule, row(report).outcome) == ("C14", End.NEEDS_HUMAN), number
            assert open_keys(evening) == {RESEND}

    def test_stays_open_through_another_outage(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path, status=DISABLED, modified=-HOUR)
        evening.reconcile()
        _, report = later(evening)
        assert row(report).rule == "C14"
        assert open_keys(evening) == {RESEND}

    def test_that_was_halted_before_is_still_nobodys(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path, status=DISABLED, modified=-4 * HOUR)
        _, report = evening.reconcile()
        assert row(report).rule == "C2"
        assert open_keys(evening) == set()

    @pytest.mark.parametrize(
        ("does", "rule"), [("send", "C4"), ("reschedule", "C5"), ("duplicate_and_send", "C6")]
    )
    def test_closes_once_somebody_saw_to_it(self, tmp_path: Path, does: str, rule: str) -> None:
        evening = with_campaign(tmp_path, status=STOPPED, modified=-HOUR)
        evening.reconcile()
        evening.clock.at += HOUR
        deed = {"at": "0", "does": does, "item": "103", "to": "+9d"}
        assert evening.sandbox.call("POST", "/sandbox/people", json=deed).status == 201
        _, report = night(evening, 3)  # nobody looked in between
        assert (row(report).rule, row(report).outcome) == (rule, End.NONE)
        assert open_keys(evening) == set()

    def test_is_in_the_report_although_it_was_deleted_since(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path, status=DISABLED, modified=-HOUR)
        evening.reconcile()
        del evening.world.campaigns.all[103]
        _, report = night(evening, 3)
        assert (row(report).name, row(report).outcome) == ("Opening night invitation", End.NEEDS_HUMAN)
        assert "gone, although it was scheduled for Thu 19 Nov 16:05 CST" in row(report).reason
        assert open_keys(evening) == {RESEND}


class TestACampaignThatNobodyAnsweredAbout:
    def test_is_sent_once_from_a_later_window(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path)
        evening.reconcile(answer=approve_none)
        assert open_keys(evening) == {RESEND}

        plan, report = later(evening)

        assert plan.decision(RESEND).rule == "C11"  # type: ignore[union-attr]
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert open_keys(evening) == set()
        assert evening.truth()["mailed_twice"] == []
        assert evening.truth()["missing"] == []
        assert len([e for e in evening.effects() if e["kind"] == "campaign_sent"]) == 1

    def test_is_held_back_from_a_later_window_when_it_is_too_late(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path)
        evening.reconcile(answer=approve_none)

        plan, report = later(evening, hours=30)

        assert plan.decision(RESEND).rule == "C12"  # type: ignore[union-attr]
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert [e["kind"] for e in evening.effects()] == ["campaign_stopped"]

    def test_is_not_offered_when_a_colleague_has_made_a_draft_since(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path)
        evening.reconcile(answer=approve_none)
        evening.account("colleague").campaigns.copy("103")

        _, report = later(evening)

        assert (row(report).rule, row(report).outcome) == ("C6", End.NEEDS_HUMAN)

    def test_is_not_sent_beside_a_draft_that_a_colleague_made_before_it_was_due(self, tmp_path: Path) -> None:
        """In its outage, but before its time: from a later window on that is a suspect as well."""
        draft = CampaignModel(
            id="104",
            name="Opening night invitation (Copy)",
            list="1",
            recipients=850,
            source="copy",
            status=DRAFT,
            created=-2.5 * HOUR,
            subject="Opening night",
            kin="103",
        )
        evening = with_campaign(tmp_path, draft)
        _, report = evening.reconcile()
        assert row(report).rule == "C6"

        _, report = later(evening)

        assert (row(report).rule, row(report).outcome) == ("C6", End.NEEDS_HUMAN)
        assert evening.effects() == []

    def test_is_not_sent_beside_such_a_draft_that_only_the_last_look_shows(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path)
        evening.reconcile(answer=approve_none)

        def shown_late(plan: Plan) -> dict[str, Choice]:
            made = evening.account("colleague").campaigns.copy("103")
            copy = evening.world.campaigns.all[int(made)]
            copy.created = evening.window().start + timedelta(minutes=30)
            return approve_all(plan)

        _, report = later(evening, answer=shown_late)

        assert row(report).outcome is End.STALE
        assert "somebody made a copy" in row(report).detail
        assert evening.truth()["mailed_twice"] == []


class TestAResendThatIsHalfDone:
    def stopped_only(self, evening: OneCampaign) -> None:
        evening.world.faults.add(Fault(match=COPY, kind="refuse", times=9))
        evening.reconcile()
        evening.world.faults.clear()

    def stopped_and_copied(self, evening: OneCampaign) -> None:
        ledger = evening.ledger()
        between_stop_and_send(evening, lambda: ledger.set_switch("playhouse", Stage.EVERYTHING, "kim", "odd"))
        evening.reconcile()
        ledger.set_switch("playhouse", Stage.OFF, "kim", "it was nothing")

    def refused_to_send(self, evening: OneCampaign) -> None:
        evening.world.faults.add(Fault(match=SEND, kind="refuse", skip=1, times=9))
        evening.reconcile()
        evening.world.faults.clear()

    @pytest.mark.parametrize("how", ["stopped_only", "stopped_and_copied", "refused_to_send"])
    def test_is_gone_on_with_from_a_later_window(self, tmp_path: Path, how: str) -> None:
        evening = with_campaign(tmp_path)
        getattr(self, how)(evening)
        assert open_keys(evening) == {RESEND}

        _, report = later(evening)

        assert (row(report).rule, row(report).outcome) == ("C0", End.VERIFIED), row(report).detail
        assert len([e for e in evening.effects() if e["kind"] == "campaign_copied"]) == 1
        assert evening.truth()["mailed_twice"] == []
        assert evening.truth()["missing"] == []
        assert open_keys(evening) == set()

    def test_is_seen_by_every_night_although_its_dag_run_died_before_the_report(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Died(BaseException):
            """As a SIGKILL."""

        def dies(*_: Any, **__: Any) -> None:
            raise Died

        evening = with_campaign(tmp_path, send_by_hours=100)
        evening.world.faults.add(Fault(match=COPY, kind="refuse", times=9))
        with monkeypatch.context() as patch:
            patch.setattr(playing, "make_report", dies)
            with pytest.raises(Died):
                evening.reconcile()
        assert open_keys(evening) == set()
        evening.world.faults.clear()
        for number in (1, 2, 3):
            _, report = night(evening, number)
            assert (row(report).rule, row(report).outcome) == ("C0", End.PROPOSED), number
        _, report = later(evening, hours=90)
        assert row(report).outcome is End.VERIFIED, row(report).detail
        assert evening.truth()["mailed_twice"] == []


class TestWhatAPersonAskedToBeDoneOnceMore:
    def test_is_decided_anew_by_the_next_dag_run_whatever_its_window(self, tmp_path: Path) -> None:
        evening = with_campaign(tmp_path)
        evening.world.faults.add(Fault(match=STOP, kind="403", times=1))
        evening.reconcile()
        assert desk(evening, "close", RESEND, "--why", "the vendor mended the right") == 0
        assert desk(evening, "repeat", RESEND, "--why", "the vendor mended the right") == 0
        assert open_keys(evening) == set()

        _, report = later(evening)

        assert (row(report).rule, row(report).outcome) == ("C11", End.VERIFIED)
        assert evening.truth()["mailed_twice"] == []
        _, report = later(evening, hours=8, dag_run="outage__3__g1")
        assert RESEND not in {one.key for one in report.rows}, "done once more, and not again"


class TestTheRequests:
    def test_that_read_what_is_open_are_counted_by_pages(self, tmp_path: Path) -> None:
        """Twelve campaigns are open from the first outage: two pages of contents, and what was made since."""
        others = [
            CampaignModel(
                id=str(200 + n),
                name=f"Note {n}",
                list="1",
                recipients=600,
                due=-2 * HOUR,
                subject=f"Note {n}",
            )
            for n in range(11)
        ]
        evening = with_campaign(tmp_path, *others)
        evening.reconcile(answer=approve_none)
        assert len(open_keys(evening)) == 12
        reading: list[list[Request]] = []
        build = playing.build_plan

        def counted(*arguments: Any, **options: Any) -> Plan:
            before = len(evening.pro2.carried)
            plan = build(*arguments, **options)
            reading.append(evening.pro2.carried[before:])
            return plan

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(playing, "build_plan", counted)
            later(evening, answer=approve_none)

        lists = [one for one in reading[0] if (one.form or {}).get("api_action") == "campaign_list"]
        assert len([one for one in lists if "ids" in (one.form or {})]) == 2
        assert len([one for one in lists if "filters[id_greater]" in (one.form or {})]) == 1
        assert [one.path for one in reading[0] if one.path.startswith("api/3/campaigns/")] == []


class TestAnOccurrence:
    def partly_failed(self, folder: Path) -> Evening:
        """An import of few runs, one of which failed for three contacts of ten in the outage (rule R8)."""
        incident = load_incident(INCIDENTS / "evening-outage.yaml")
        job = JobModel.model_validate(
            {
                "id": "j-1",
                "name": "Donors import",
                "process_type": "integrated_import",
                "schedule": {"daily": "-2h"},
                "tessitura_list": "511",
                "history": 3,
                "runs": [
                    {
                        "due": "-2h",
                        "status": "Completed with errors",
                        "counts": {"returned": 400, "updated": 280, "failed": 120},
                    }
                ],
            }
        )
        return Evening(folder, incident.model_copy(update={"jobs": (job,), "people": (), "campaigns": ()}))

    def test_of_an_earlier_outage_is_not_what_is_usual_a_night_later(self, tmp_path: Path) -> None:
        evening = self.partly_failed(tmp_path)
        evening.end_outage()
        _, report = evening.reconcile()
        (key,) = open_keys(evening)
        assert (row(report, key).rule, row(report, key).outcome) == ("R8", End.NEEDS_HUMAN)
        for number in range(1, 4):
            _, report = night(evening, number)
            assert (row(report, key).rule, row(report, key).outcome) == ("R8", End.NEEDS_HUMAN), number
            assert open_keys(evening) == {key}

    def test_of_an_earlier_outage_needs_no_list_that_is_younger_than_a_later_one(
        self, tmp_path: Path
    ) -> None:
        evening = Evening(tmp_path)
        evening.end_outage()
        first, _ = evening.reconcile(answer=approve_none)
        syncs = {d.key: d for d in first.decisions if d.remedy is Remedy.DATA_SYNC}
        assert syncs
        again, _ = later(evening, answer=approve_none)
        carried = [d for d in again.decisions if d.key in syncs and d.remedy is Remedy.DATA_SYNC]
        assert carried
        assert all(d.fresh_since == d.due for d in carried)
