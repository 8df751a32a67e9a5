"""The person of a site without an API who exports the Activity Log into a folder, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import requests

EVERY = 5.0
DOWN = 503
"""While the dashboard is down nobody can export anything."""


class Exporter:
    """``fetch`` gets a path of the sandbox. A file appears whole, under the name that the dashboard gives it."""

    def __init__(
        self,
        folder: Path,
        fetch: Callable[[str], requests.Response],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._fetch = fetch
        self._clock = clock
        self._next = 0.0

    def keep_up(self) -> None:
        """Export once more if the last export is some seconds old."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + EVERY
        try:
            answer = self._fetch("/sandbox/activity.csv")
        except requests.HTTPError as error:
            if error.response.status_code != DOWN:
                raise
            return
        path = self.folder / answer.headers["X-File-Name"]
        unfinished = path.with_name(f".{path.name}")
        unfinished.write_bytes(answer.content)
        unfinished.rename(path)
