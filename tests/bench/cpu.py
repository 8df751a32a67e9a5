"""CPU seconds of a process with everything that it ever started, as the kernel counts them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil


def seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes and of their descendants, those that have ended included.

    Who has ended counts at the one that waited for it. A process that nobody waited for is lost, and there are none.
    """
    total = 0.0
    for root in pids:
        for process in _tree(root):
            with contextlib.suppress(psutil.Error):
                spent = process.cpu_times()
                total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
