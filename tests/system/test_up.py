"""``scripts/up`` as a person uses it: it prints where to log in, the login works, Ctrl-C leaves nothing behind."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from pro2_sandbox.local.processes import wait_until

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
COMES_UP, ENDS = 180, 40


class Terminal:
    """A terminal in which ``scripts/up`` runs; what it prints goes into a file."""

    def __init__(self, folder: Path) -> None:
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                ["scripts/up", "--root", str(folder)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # a shell starts what it runs in the background deaf to Ctrl-C, and that is inherited
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def started(self) -> list[psutil.Process]:
        """It and every process below it, at this moment."""
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def says(self, sentence: str) -> bool:
        assert self.process.poll() is None, self.printed
        return sentence in self.printed


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    shutil.copytree(ROOT / "dags", tmp_path / "dags")
    made = Terminal(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.terminate()  # it ends all that it started
        made.process.wait(ENDS)


def test_it_prints_address_and_logins_plays_an_outage_and_ends_with_ctrl_c(terminal: Terminal) -> None:
    wait_until(lambda: terminal.says("until Ctrl-C"), timeout=COMES_UP, what="the welcome")
    url = re.search(r"^Airflow  (http://127\.0\.0\.1:\d+)$", terminal.printed, re.M)
    logins = re.findall(r"^  (viewer|user|admin)\s+(\S+)  may ", terminal.printed, re.M)
    assert url
    assert [user for user, _ in logins] == ["viewer", "user", "admin"]
    for user, password in logins:
        body = {"username": user, "password": password}
        assert requests.post(f"{url[1]}/auth/token", json=body, timeout=20).status_code == 201, user
    sandbox = re.search(r"^Pro2     (http://\S+) ", terminal.printed, re.M)
    assert sandbox
    clock = requests.get(f"{sandbox[1]}/sandbox/clock", timeout=20).json()
    assert clock["t0"]
    down = re.search(r"^  sending and dashboard down from .* until [\d:]+ [A-Z]+$", terminal.printed, re.M)
    assert down, "a fresh incident says when it happens"

    started = terminal.started()
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(ENDS) == 0
    assert terminal.printed.rstrip().endswith("Stopped; everything that was started has ended")
    _, left = psutil.wait_procs(started, timeout=5)
    assert left == []
    with pytest.raises(requests.ConnectionError):
        requests.get(url[1], timeout=2)
