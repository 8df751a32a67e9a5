"""The rows of the watch bench: medians of what was measured, and what has to be reached."""

from __future__ import annotations

import pytest
from tests.bench.watch import Measured, Waiting, _rows

COST = {"stock": (80.0, 40.0), "labelled": (60.0, 30.0), "lean": (10.0, 10.0)}


def measured(kind: str, number: int, **changes: float) -> Measured:
    """``number`` says which of three runs: the second is the middle one."""
    cpu, wall = COST[kind]
    noise = (number - 1) * 1.5
    plain = {"cpu": cpu + noise, "wall": wall + noise, "requests": 5, "slots": 0, "failed": 0}
    return Measured(**{**plain, **changes})  # type: ignore[arg-type]


def rows(**crowd: float) -> dict[str, bool | None]:
    waiting = [Waiting(kind, number, 100) for number in range(3) for kind in COST]
    many = Waiting("lean", 9, 1000)
    done = {one.dag_id: measured(one.kind, int(one.dag_id.rpartition("_")[2])) for one in waiting}
    done[many.dag_id] = measured("lean", 1, **crowd)
    made = _rows(waiting, many, done)
    assert {row.runs for row in made if row.what.startswith("100 ")} == {3}
    return {row.what: row.met for row in made}


def test_what_is_reached_by_the_medians() -> None:
    met = rows()
    assert (met["100 lean, cpu"], met["100 lean, wall"]) == (True, True)
    assert (met["100 labelled, cpu"], met["100 labelled, wall"]) == (True, True)
    assert met["1,000 lean, workers started"] is True


@pytest.mark.parametrize(("kind", "cost"), [("lean", (10.1, 10.1)), ("labelled", (80.1, 40.1))])
def test_what_is_missed_by_little(
    kind: str, cost: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COST, kind, cost)
    met = rows()
    assert (met[f"100 {kind}, cpu"], met[f"100 {kind}, wall"]) == (False, False)


def test_one_worker_or_one_failed_sensor_is_missed() -> None:
    met = rows(slots=1, failed=1)
    assert (met["1,000 lean, workers started"], met["sensors of ours that failed"]) == (False, False)
