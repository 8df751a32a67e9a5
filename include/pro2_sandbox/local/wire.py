"""The wire below the client of Airflow's REST API: a token, pages of rows, errors in words.

Reads are repeated when the server fails (SQLite under load answers 500 at times); nothing else is, because
only the caller knows what a second attempt would do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]
PAGE = 100
READ_ATTEMPTS = 4


class AirflowApiError(RuntimeError):
    """Airflow refused, or did not get there in time; the message says what was asked of it."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ApiSession:
    """One user's calls to one Airflow. ``clock`` and ``sleep`` are for tests that move time."""

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._user = {"username": username, "password": password}
        self._session = session or requests.Session()
        self._session.trust_env = False
        self._clock = clock
        self._sleep = sleep
        self._token: str | None = None

    def login(self) -> None:
        """Fetch a token; every later call does so by itself, and again when the token has run out."""
        answer = self._session.post(f"{self.url}/auth/token", json=self._user, timeout=30)
        if answer.status_code != 201:
            raise AirflowApiError(
                f"Airflow refused the login of {self._user['username']!r}: HTTP {answer.status_code} "
                f"{answer.text[:300]}",
                answer.status_code,
            )
        self._token = answer.json()["access_token"]

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: object = None
    ) -> requests.Response:
        """One call under /api/v2 with this user's token; the answer is not judged here."""
        if self._token is None:
            self.login()
        answer = self._send(method, path, params, body)
        if answer.status_code == 401:
            self.login()
            answer = self._send(method, path, params, body)
        return answer

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Read something; a server error or a lost connection is tried again."""
        return checked(self.read(path, params))

    def read(self, path: str, params: Mapping[str, Any] | None = None) -> requests.Response:
        """Like ``get``, with the answer as it came."""
        for attempt in range(1, READ_ATTEMPTS + 1):
            try:
                answer = self.request("GET", path, params=params)
            except requests.RequestException:
                if attempt == READ_ATTEMPTS:
                    raise
            else:
                if answer.status_code < 500 or attempt == READ_ATTEMPTS:
                    return answer
            self._sleep(1.0)
        raise AssertionError("not reached: the last attempt returns or raises")

    def all_rows(self, path: str, key: str, params: Mapping[str, Any] | None = None) -> list[Json]:
        """Every row of a paged list."""
        rows: list[Json] = []
        while True:
            page = self.get(path, {**(params or {}), "limit": PAGE, "offset": len(rows)})
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    def _send(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: object
    ) -> requests.Response:
        return self._session.request(
            method,
            f"{self.url}/api/v2{path}",
            params=dict(params or {}),
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            timeout=30,
        )


def checked(answer: requests.Response) -> Json:
    """The body of a good answer; a bad one raises with its status and text."""
    if not answer.ok:
        raise AirflowApiError(
            f"HTTP {answer.status_code} from {answer.url}: {answer.text[:500]}", answer.status_code
        )
    body: Json = answer.json()
    return body


def quoted(part: str) -> str:
    """One segment of a path, whatever stands in it (a run id may hold colons and pluses)."""
    return quote(part, safe="")
