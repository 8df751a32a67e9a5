"""``python -m pro2_reconciliation``: what a person says at a desk stands in the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import pytest
from tests.unit.ledger import long_ago

from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Ledger, Stage


@pytest.fixture
def desk(new_ledger: Path, tmp_path: Path) -> list[str]:
    config = tmp_path / "config"
    config.mkdir()
    (config / "jobs.yaml").write_text("organization: playhouse\nzone: America/Chicago\njobs: []\n")
    copyfile(new_ledger, tmp_path / "ledger.db")
    return ["--ledger", f"sqlite:///{tmp_path}/ledger.db", "--config", str(config), "--who", "kim"]


def ledger_of(desk: list[str]) -> Ledger:
    return Ledger.open(desk[1], clock=lambda: datetime.now(UTC))


def test_the_kill_switch_names_who_and_why(desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*desk, "switch", "everything", "--why", "odd mails"]) == 0

    record = ledger_of(desk).switch("playhouse")
    assert (record.stage, record.who, record.why) == (Stage.EVERYTHING, "kim", "odd mails")
    told = capsys.readouterr().out
    assert "«everything», by kim: odd mails" in told
    assert "The guard does not stop an original that wakes either" in told
    main([*desk, "switch", "off", "--why", "it was nothing"])
    assert "The guard" not in capsys.readouterr().out


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

    told = capsys.readouterr().err
    assert f"There is no ledger at sqlite:///{missing}" in told
    assert "This place is named by --ledger." in told
    assert not missing.exists()


class TestTheLedgerItself:
    def test_is_adopted_with_a_name_and_a_reason_and_the_status_says_so(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        main([*desk, "status"])
        assert "Plans only: The ledger " in capsys.readouterr().out

        assert main([*desk, "adopt", "--why", "first start"]) == 0

        told = capsys.readouterr().out
        identity = ledger_of(desk).identity
        assert f"The ledger {identity.uuid} at sqlite:///" in told
        assert f"adopted by kim, epoch 2, for processes on host {identity.host} only" in told
        assert "nothing has moved in it yet" in told
        main([*desk, "status"])
        told = capsys.readouterr().out
        assert f"on host {identity.host} by kim: first start" in told
        assert "Plans only" not in told

    def test_is_begun_only_where_somebody_says_so(
        self, desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        other = ["--ledger", f"sqlite:///{tmp_path}/new/other.db", *desk[2:]]
        assert main([*other, "adopt", "--why", "first start"]) == 2
        assert "There is no ledger at" in capsys.readouterr().err
        for begun in (True, False):
            assert main([*other, "adopt", "--create", "--why", "first start"]) == 0
            assert ("A new ledger was begun, named by --ledger" in capsys.readouterr().out) == begun
        assert ledger_of(other).identity.adopted_by == "kim"

    def test_needs_a_reason(self, desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*desk, "adopt", "--why", " "]) == 2
        assert "adopt needs a reason that others can read later" in capsys.readouterr().err

    def test_has_nothing_to_repeat_where_nothing_was_done(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*desk, "repeat", "campaign:103", "--why", "once more"]) == 2
        assert "Nothing was ever done to campaign:103" in capsys.readouterr().err


class TestOutages:
    """What a person says about outages; the next detection pass takes it up."""

    EVENING = ("--from", "2026-11-19T18:00", "--to", "2026-11-19T21:05")

    def test_a_declared_outage_has_local_times_and_a_name(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*desk, "declare", "dashboard", *self.EVENING, "--why", "the vendor phoned"]) == 0
        (said,) = ledger_of(desk).declarations("playhouse")
        assert (said.start, said.who) == (datetime(2026, 11, 20, tzinfo=UTC), "kim")
        main([*desk, "status"])
        told = capsys.readouterr().out
        assert "Declaration 1: dashboard down Thu 19 Nov 18:00 CST" in told
        assert "by kim: the vendor phoned" in told

    def test_one_that_lasts_can_be_ended_and_taken_back(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        main([*desk, "declare", "sending", "--from", "2026-11-19T18:00", "--why", "it hangs"])
        assert main([*desk, "ended", "1", "--at", "2026-11-19T21:05"]) == 0
        (said,) = ledger_of(desk).declarations("playhouse")
        assert said.end == datetime(2026, 11, 20, 3, 5, tzinfo=UTC)
        assert main([*desk, "withdraw", "1"]) == 0
        assert ledger_of(desk).declarations("playhouse")[0].withdrawn_by == "kim"
        assert main([*desk, "withdraw", "1"]) == 2
        assert "there is no declaration 1" in capsys.readouterr().err

    def test_a_suspected_outage_is_confirmed_by_its_id(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        start = datetime(2026, 11, 20, tzinfo=UTC)
        outage = Outage(id="3f2a", organization="playhouse", service=Service.SENDING, start=start)
        ledger_of(desk).replace_outages("playhouse", [outage], "a test")
        assert main([*desk, "confirm", "3f2a"]) == 0
        (said,) = ledger_of(desk).declarations("playhouse")
        assert (said.start, said.end, said.service) == (start, None, Service.SENDING)
        assert main([*desk, "confirm", "typo"]) == 2
        assert "outage 'typo' is not known; known are: 3f2a" in capsys.readouterr().err

    def test_what_is_no_time_is_refused(self, desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main([*desk, "declare", "sending", "--from", "yesterday", "--why", "x"]) == 2
        assert "'yesterday' is not a time; write 2026-11-19T18:00" in capsys.readouterr().err


class TestPruning:
    @pytest.fixture
    def old(self, desk: list[str]) -> list[str]:
        times = long_ago.Times()
        long_ago.tell(Ledger.open(desk[1], clock=times))
        return desk

    def test_nothing_is_deleted_before_it_is_said_twice(
        self, old: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        for more, word, left in (([], "Would delete 2 plans", 5), (["--yes"], "Deleted 2 plans", 3)):
            assert main([*old, "prune", "--older-than", "120", *more]) == 0
            assert word in capsys.readouterr().out
            assert len(ledger_of(old).plans_made("playhouse")) == left
        main([*old, "prune", "--older-than", "120", "--yes"])
        assert "Nothing of playhouse made before" in capsys.readouterr().out

    @pytest.mark.parametrize("days", ["0", "-3", "59", "119", "1e9", "nan"])
    def test_what_the_files_of_reports_still_need_is_not_pruned(
        self, old: list[str], days: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Their age is looked up by the plan; without it a file with addresses would stay for ever."""
        assert main([*old, "prune", "--older-than", days, "--yes"]) == 2
        assert "give 120 days or more" in capsys.readouterr().err
        assert len(ledger_of(old).plans_made("playhouse")) == 5


@pytest.mark.parametrize("how", ["jsonl", "csv"])
def test_the_whole_ledger_is_written_as_files(
    desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    ledger_of(desk).set_switch("playhouse", Stage.EVERYTHING, "kim", '=HYPERLINK("x")')
    folder = tmp_path / "left"

    assert main([*desk, "export", "--out", str(folder), *(["--csv"] if how == "csv" else [])]) == 0

    assert f"{folder} holds " in capsys.readouterr().out
    names = {path.name for path in folder.iterdir()}
    assert {f"{table}.{how}" for table in ("identity", "move", "plan", "switch", "shadow_verdict")} <= names
    assert folder.stat().st_mode & 0o777 == 0o700
    text = (folder / f"switch.{how}").read_text(encoding="utf-8")
    if how == "jsonl":
        (row,) = map(json.loads, text.splitlines())
        assert (row["stage"], row["who"], row["why"]) == ("everything", "kim", '=HYPERLINK("x")')
        assert row["at"].endswith("Z")
    else:
        head, row = text.splitlines()
        assert '"organization"' in head
        assert "\"'=HYPERLINK" in row


def test_an_export_leaves_a_folder_that_is_there_alone(
    desk: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*desk, "export", "--out", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_capabilities_are_listed_before_anybody_looked(
    desk: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*desk, "capabilities"]) == 0
    assert "not proven: v1 stops a campaign that is scheduled (status 1)" in capsys.readouterr().out


class TestWhatAPersonSaw:
    def test_is_accepted_with_name_and_reason_and_taken_back(
        self, desk: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*desk, "capabilities", "accept", "run_now", "stop_run", "--why", "ran once"]) == 0
        kept = ledger_of(desk).capabilities("playhouse")[Capability.RUN_NOW]
        assert (kept.proven, kept.who, kept.evidence) == (True, "kim", "accepted: ran once")
        assert ledger_of(desk).proven("playhouse") == {Capability.RUN_NOW, Capability.STOP_RUN}

        assert main([*desk, "capabilities", "withdraw", "run_now", "--why", "yesterday's audience"]) == 0
        assert ledger_of(desk).proven("playhouse") == {Capability.STOP_RUN}
        capsys.readouterr()
        main([*desk, "capabilities"])
        told = capsys.readouterr().out
        assert (
            "Run Now runs, and contacts enter the automation (withdrawn: yesterday's audience, kim)" in told
        )
        assert "withdrawn" in told.partition("(withdrawn")[0].splitlines()[-1]
        assert (
            "A person presses: stop campaign, copy campaign, send campaign, run now, repeat import, " in told
        )
        assert "and no tag is written." in told

    def test_is_all_of_it_at_the_sandbox(self, desk: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        main([*desk, "capabilities", "accept", "all", "--why", "the sandbox"])
        assert ledger_of(desk).proven("playhouse") == frozenset(Capability)
        capsys.readouterr()
        main([*desk, "capabilities"])
        assert "A person presses" not in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("said", "answer"),
        [
            (
                ["accept", "everything", "--why", "x"],
                "everything is no capability; known are: stop_scheduled, ",
            ),
            (["accept", "run_now", "--why", "  "], "capabilities accept needs a reason"),
            (["withdraw", "run_now", "--why", ""], "capabilities withdraw needs a reason"),
        ],
    )
    def test_is_refused_in_a_sentence_and_nothing_is_written(
        self, desk: list[str], capsys: pytest.CaptureFixture[str], said: list[str], answer: str
    ) -> None:
        assert main([*desk, "capabilities", *said]) == 2
        assert answer in capsys.readouterr().err
        assert ledger_of(desk).capabilities("playhouse") == {}
