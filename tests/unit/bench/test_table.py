"""The table of the benches, and what counts as reached."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.bench import __main__ as bench
from tests.bench.table import Row, at_least, at_most, printed


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
