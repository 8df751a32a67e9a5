"""The fortnight of docs/fortnight.md: it is played as it stands there, and nobody is mailed twice."""

from __future__ import annotations

import re

import pytest
from tests.incident.fortnight import ROOT, Fortnight, played

from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.shadow import Verdict
from pro2_reconciliation.domain.words import Mode, Remedy
from pro2_reconciliation.repair.report import End

PAGE = ROOT / "docs" / "fortnight.md"


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Fortnight:
    return played(tmp_path_factory.mktemp("fortnight"))


def test_the_page_is_what_is_played(fortnight: Fortnight) -> None:
    assert fortnight.log.text() == PAGE.read_text(encoding="utf-8"), (
        "run: scripts/fortnight --out docs/fortnight.md"
    )


def test_nobody_is_mailed_twice_and_no_alarm_rings(fortnight: Fortnight) -> None:
    assert fortnight.house.truth()["mailed_twice"] == []
    assert fortnight.one.alarms == []
    assert fortnight.one.refused == []
    assert [run.run_id for run in fortnight.one.runs if run.failure] == []


def test_nothing_of_ours_happened_before_the_drill(fortnight: Fortnight) -> None:
    drill = re.search(r"^## Day 7,", fortnight.log.text(), flags=re.M)
    assert drill
    before = fortnight.log.text()[: drill.start()]
    assert re.findall(r"\*\* we ", before) == []
    first = min((e["at"] for e in fortnight.house.effects() if e["kind"] != "person_refused"), default="")
    assert first >= (fortnight.t0.isoformat()[:8] + "09")


def test_the_shadow_has_seen_right_and_twice_and_not_needed(fortnight: Fortnight) -> None:
    found = fortnight._kept.verdicts("playhouse")
    verdicts = {one.item_key: one.verdict for one in found if one.remedy is Remedy.RESEND}
    assert verdicts["campaign:302"] is Verdict.RIGHT
    assert verdicts["campaign:303"] is Verdict.TWICE
    assert verdicts["campaign:304"] is Verdict.RIGHT
    assert verdicts["campaign:305"] is Verdict.NOT_NEEDED


def test_the_drill_proved_what_a_drill_can(fortnight: Fortnight) -> None:
    assert {
        Capability.STOP_SCHEDULED,
        Capability.COPY_KEEPS_SEGMENT,
        Capability.SEND_COPY,
    } <= fortnight._kept.proven("playhouse")


def test_the_outage_of_week_two_is_repaired_as_one_person_chose(fortnight: Fortnight) -> None:
    ends = {
        row.item_id.partition("@")[0]: (row.rule, row.outcome)
        for run in fortnight.one.runs
        if run.mode is Mode.ASK
        for row in run.report.rows
    }
    assert ends["311"] == ("C11", End.VERIFIED)
    assert ends["314"] == ("C11", End.NOT_CHOSEN)
    assert ends["312"][0] == "C6"


def test_the_job_that_moved_is_told(fortnight: Fortnight) -> None:
    assert set(fortnight._moved) == {"j-403"}
    assert "the nightly, rule R5: " in fortnight.log.text()
    assert fortnight._moved["j-403"].lines[0] == 'cron: "0 4 * * *"'


def test_what_nobody_has_seen_is_pressed_by_a_person_until_he_says_that_he_has(fortnight: Fortnight) -> None:
    accepted = fortnight.log.text().index("kim: `capabilities accept repeat_import")
    before, after = fortnight.log.text()[:accepted], fortnight.log.text()[accepted:]
    assert "kim is asked to press repeat import of «Ticket buyers import», and does" in before
    assert "we press Repeat Import" not in before
    assert "kim is asked to press" not in after
    assert "we press Repeat Import of j-402" in after
    assert "we stop campaign 311" in before, "the drill proved that"


def test_mode_auto_repeats_the_import_by_itself(fortnight: Fortnight) -> None:
    auto = [run for run in fortnight.one.runs if run.mode is Mode.AUTO]
    assert auto
    ends = {row.item_id.partition("@")[0]: row.outcome for run in auto for row in run.report.rows}
    assert ends["j-402"] is End.VERIFIED


def test_the_log_names_no_place(fortnight: Fortnight) -> None:
    assert not re.search(r"/(work|root|home|tmp)/", fortnight.log.text())
