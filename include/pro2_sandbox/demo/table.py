"""Aligned columns for a terminal, as wide as their content and never wider than a reader can follow."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST = 44


def table(head: Sequence[str], rows: Sequence[Sequence[str]], longest: int = LONGEST) -> str:
    """Columns under a head and a line; a text longer than ``longest`` is cut, and says so with an ellipsis."""
    cells = [[shortened(cell, longest) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in (lines[0], "  ".join("-" * w for w in widths), *lines[1:]))


def shortened(text: str, longest: int) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= longest else f"{one_line[: longest - 1]}…"
