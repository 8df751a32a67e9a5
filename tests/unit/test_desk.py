"""``python -m pro2_reconciliation``: what a person says at a desk stands in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.ledger import Ledger, Stage


@pytest.fixture
def desk(tmp_path: Path) -> list[str]:
    config = tmp_path / "config"
    config.mkdir()
    (config / "jobs.yaml").write_text("organization: playhouse\nzone: America/Chicago\njobs: []\n")
    found = ["--ledger", f"sqlite:///{tmp_path}/ledger.db", "--config", str(config), "--who", "kim"]
    ledger_of(found)
    return found


def ledger_of(desk: list[str]) -> Ledger:
    return Ledger.open(desk[1], clock=lambda: datetime.now(UTC))


def test_the_kill_switch_names_who_and_why(desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*desk, "switch", "everything", "--why", "odd mails"]) == 0

    record = ledger_of(desk).switch("playhouse")
    assert (record.stage, record.who, record.why) == (Stage.EVERYTHING, "kim", "odd mails")
    assert "«everything», by kim: odd mails" in capsys.readouterr().out


def test_a_held_item_stays_held_until_it_is_released(desk: list[str]) -> None:
    main([*desk, "hold", "campaign:103", "--why", "I call the vendor"])
    assert "campaign:103" in ledger_of(desk).holds("playhouse")

    main([*desk, "release", "campaign:103"])
    assert ledger_of(desk).holds("playhouse") == {}


def test_a_waived_wait_and_a_closed_item_are_in_the_ledger(
    desk: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger_of(desk).open_item(
        "playhouse", "campaign:9", name="A", rule="C14", reason="partly sent", plan_hash="x"
    )
    main([*desk, "waive", "campaign:103", "--why", "we know"])
    main([*desk, "close", "campaign:9", "--why", "sent the rest by hand"])

    assert ledger_of(desk).waived("playhouse", "campaign:103") is not None
    assert ledger_of(desk).open_items("playhouse") == []
    assert "campaign:9 is closed" in capsys.readouterr().out


def test_the_status_names_switch_guard_and_what_is_open(
    desk: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger_of(desk).open_item(
        "playhouse", "campaign:9", name="A", rule="C14", reason="partly sent", plan_hash="x"
    )

    main([*desk, "status"])

    told = capsys.readouterr().out
    assert "Kill switch: off" in told
    assert "guard_repairs has never passed" in told
    assert "«A» (campaign:9), C14: partly sent" in told


def test_a_missing_configuration_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "nowhere"), "status"]) == 2

    assert "is not a directory" in capsys.readouterr().err


def test_a_ledger_that_is_not_there_is_not_made_at_the_desk(
    desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "other.db"

    assert (
        main(["--ledger", f"sqlite:///{missing}", *desk[2:], "switch", "everything", "--why", "odd mails"])
        == 2
    )

    assert f"there is no ledger at {missing}" in capsys.readouterr().err
    assert not missing.exists()
