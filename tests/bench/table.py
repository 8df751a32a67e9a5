"""What a bench measured, as rows of one table: ours beside its peer, their ratio, and what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

HEAD = ("bench", "what", "ours", "peer", "ratio", "must reach", "", "runs")


@dataclass(frozen=True)
class Row:
    """``ours`` and ``peer`` in ``unit``; ``peer`` None: there is none. ``met`` None: nothing has to be reached.

    ``per``: how the ratio reads, "peer/ours" (how many times less) or "ours/peer". ``runs``: of how many runs the
    numbers are the medians.
    """

    bench: str
    what: str
    ours: float
    peer: float | None = None
    unit: str = "s"
    per: str = "peer/ours"
    must: str = ""
    met: bool | None = None
    runs: int = 1

    @property
    def ratio(self) -> float | None:
        if self.peer is None:
            return None
        above, below = (self.peer, self.ours) if self.per == "peer/ours" else (self.ours, self.peer)
        return above / below if below else None

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.2f} {self.per}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.met]
        peer = "" if self.peer is None else f"{shown(self.peer)} {self.unit}"
        return (
            self.bench,
            self.what,
            f"{shown(self.ours)} {self.unit}",
            peer,
            ratio,
            self.must,
            verdict,
            str(self.runs),
        )


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def at_most(row: Row, most: float) -> Row:
    """The row with its ratio held against ``most``."""
    return _held(row, f"at most {most:g} times", row.ratio is not None and row.ratio <= most)


def at_least(row: Row, least: float) -> Row:
    return _held(row, f"at least {least:g} times", row.ratio is not None and row.ratio >= least)


def _held(row: Row, must: str, met: bool) -> Row:
    return replace(row, must=must, met=met)


def printed(rows: Sequence[Row]) -> str:
    """The table as text."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    said = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join([said[0], "  ".join("-" * width for width in widths), *said[1:]])
