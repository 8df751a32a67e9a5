"""The sandbox in a process of its own, as the demo and the system tests use it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from pro2_sandbox.local.processes import Child, clean_environment, free_port, wait_until


class SandboxProcess(Child):
    """The stand-in for a Pro2 account, in a process of its own, with one incident playing."""

    def __init__(
        self, incident: Path, *, log: Path, port: int | None = None, arguments: Sequence[str] = ()
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "pro2_sandbox", "--incident", str(incident)]
        command += ["--port", str(self.port), *arguments]
        super().__init__("The sandbox", command, log, clean_environment({}))

    def wait_ready(self, timeout: float = 30.0) -> SandboxProcess:
        """Wait until the clock of the incident answers."""
        try:
            wait_until(
                lambda: self._answers("/sandbox/clock"),
                timeout=timeout,
                what=f"An answer of the sandbox at {self.url}/sandbox/clock",
                complain=self.last_words,
            )
        except BaseException:
            self.stop()
            raise
        return self

    def __enter__(self) -> SandboxProcess:
        return self.wait_ready()

    def get(self, path: str, timeout: float = 10.0) -> requests.Response:
        """GET a path of the sandbox; anything but a good answer raises."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(self.url + path, timeout=timeout)
        answer.raise_for_status()
        return answer

    def do(self, deed: Mapping[str, str]) -> bool:
        """Let a person do something in the sandbox's Pro2; whether the account let him."""
        with requests.Session() as session:
            session.trust_env = False
            return session.post(f"{self.url}/sandbox/people", json=dict(deed), timeout=10.0).ok

    def _answers(self, path: str) -> bool:
        self.must_run()
        try:
            return self.get(path, timeout=2).ok
        except requests.RequestException:
            return False
