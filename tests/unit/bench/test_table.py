"""The table of the benches, and what counts as reached."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.bench import __main__ as bench
from tests.bench.table import Row, at_least, at_most, printed

ROW = Row("parse", "reconcile.py", 3.0, 1.0, must="at most 0.2 s more", met=True, runs=5)


def test_a_ratio_reads_as_it_says() -> None:
    assert Row("x", "y", 2, 8).ratio == 4
    assert Row("x", "y", 2, 8, per="ours/peer").ratio == 0.25
    assert Row("x", "y", 2).ratio is None


def test_what_must_be_reached_is_held_against_the_ratio() -> None:
    assert at_least(Row("x", "y", 2, 8), 4).met is True
    assert at_least(Row("x", "y", 2, 8), 4.1).met is False
    assert at_most(Row("x", "y", 6, 5, per="ours/peer"), 1.2).met is True
    assert at_most(Row("x", "y", 7, 5, per="ours/peer"), 1.2).met is False


def test_every_row_is_one_line_under_the_head() -> None:
    lines = printed(
        [Row("parse", "reconcile.py", 0.5, 0.4), Row("core", "match", 1234, unit="MiB")]
    ).splitlines()
    assert len(lines) == 4
    assert "1,234 MiB" in lines[3]
    assert lines[0].split()[-1] == "runs"
    assert printed([ROW]).split()[-1] == "5"


@pytest.mark.parametrize(("met", "status"), [(True, 0), (None, 0), (False, 1)])
def test_a_bench_that_misses_what_it_must_reach_fails(
    met: bool | None,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = Row("parse", "reconcile.py", 3.0, 1.0, must="at most 0.2 s more", met=met)
    monkeypatch.setattr(bench.importlib, "import_module", lambda name: SimpleNamespace(run=lambda: [row]))
    assert bench.main(["parse", "--json", str(tmp_path / "rows.json")]) == status
    [told] = json.loads((tmp_path / "rows.json").read_text())
    assert (told["ours"], told["ratio"]) == (3.0, pytest.approx(1 / 3))
    assert ("missed: parse, reconcile.py" in capsys.readouterr().err) is bool(status)


def made_by(monkeypatch: pytest.MonkeyPatch, **fails: Exception) -> list[str]:
    """Every bench gives one row, those that are named fail so. Filled with the names of those that ran."""
    ran: list[str] = []

    def run(name: str) -> list[Row]:
        ran.append(name)
        if name in fails:
            raise fails[name]
        return [replace(ROW, bench=name)]

    def imported(module: str) -> SimpleNamespace:
        return SimpleNamespace(run=partial(run, module.rpartition(".")[2]))

    monkeypatch.setattr(bench.importlib, "import_module", imported)
    return ran


@pytest.mark.parametrize("arguments", [[], ["all"]])
def test_all_of_them_run_where_none_is_named(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = made_by(monkeypatch)
    assert bench.main(arguments) == 0
    assert ran == list(bench.BENCHES)
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()[2:]] == ran
    assert "cores, Python" in told.err


def test_a_bench_that_fails_is_missed_and_loses_no_row_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_by(monkeypatch, budget=RuntimeError("the sandbox is gone\nand more"))
    assert bench.main(["--json", str(tmp_path / "rows.json")]) == 1
    rows = {row["bench"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert list(rows) == list(bench.BENCHES)
    assert (rows["budget"]["what"], rows["budget"]["met"]) == (
        "failed: RuntimeError: the sandbox is gone",
        False,
    )
    assert "Traceback" in capsys.readouterr().err


def test_a_bench_that_does_not_exist_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        bench.main(["wach"])
    assert refused.value.code == 2
    assert "there is no bench 'wach'; there are budget," in capsys.readouterr().err


@pytest.mark.parametrize(("load", "busy"), [(0.9, False), (1.1, True)])
def test_the_machine_is_said_and_whether_it_is_busy(
    load: float, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(bench.os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert bench.machine().startswith("machine: 2 cores, Python 3.")
    assert ("that is busy" in bench.machine()) is busy
