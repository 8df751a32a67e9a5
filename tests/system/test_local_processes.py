"""Children end with us, what a crash left behind ends with the next run, and nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pro2_sandbox.local.processes import (
    Child,
    LocalRunError,
    RunFile,
    clean_environment,
    free_port,
    session_members,
    signals_exit,
    stop_all,
    tail,
    wait_until,
)

pytestmark = pytest.mark.system
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid, flush=True); time.sleep(60)",
]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def first_line(path: Path) -> str:
    wait_until(lambda: path.exists() and "\n" in path.read_text(), timeout=10, what="a first line")
    return path.read_text().splitlines()[0]


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", free_port()))


def test_the_settings_of_a_real_airflow_are_not_inherited() -> None:
    real = {
        "AIRFLOW_CONN_PRO2": "live",
        "AIRFLOW__CORE__X": "1",
        "PRO2_RECONCILIATION_CONFIG": "/etc",
        "HOME": "/h",
    }
    made = clean_environment({"AIRFLOW_CONN_PRO2": "sandbox"}, real)
    assert made["AIRFLOW_CONN_PRO2"] == "sandbox"
    assert made["HOME"] == "/h"
    assert "AIRFLOW__CORE__X" not in made
    assert "PRO2_RECONCILIATION_CONFIG" not in made


def test_loopback_is_spared_by_a_proxy() -> None:
    made = clean_environment({}, {"HTTPS_PROXY": "http://proxy", "no_proxy": "example.org,localhost"})
    assert made["NO_PROXY"] == made["no_proxy"] == "example.org,localhost,127.0.0.1"


def test_the_tail_of_a_missing_log_is_words(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log") == "(no log was written)"


def test_a_child_that_ended_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"]
    with Child("The thing", command, tmp_path / "a.log", os.environ) as child:
        with pytest.raises(LocalRunError, match=r"The thing ended with exit code 3[^\n]*\nno such table"):
            child.wait(20)
        with pytest.raises(LocalRunError, match="exit code 3"):
            child.must_run()


def test_a_child_that_takes_too_long_is_told(tmp_path: Path) -> None:
    with (
        Child("The thing", SLEEP, tmp_path / "a.log", os.environ) as child,
        pytest.raises(LocalRunError, match="was not done after 0 s"),
    ):
        child.wait(0.05)


def test_stopping_ends_grandchildren_too(tmp_path: Path) -> None:
    child = Child("A parent", PARENT, tmp_path / "a.log", os.environ)
    grandchild = int(first_line(child.log))
    child.stop()
    assert not alive(child.pid)
    assert not alive(grandchild)


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    child = Child("Stubborn", STUBBORN, tmp_path / "a.log", os.environ)
    first_line(child.log)
    child.stop(grace=0.3)
    assert not alive(child.pid)


def test_orphans_of_a_child_that_crashed_are_ended(tmp_path: Path) -> None:
    child = Child("A parent", PARENT, tmp_path / "a.log", os.environ)
    orphan = int(first_line(child.log))
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not child.running, timeout=10, what="the end of the child")
    assert [process.pid for process in session_members(child.pid)] == [orphan]
    stop_all([child])
    assert not alive(orphan)


class TestLeftovers:
    def run_file(self, folder: Path, owner: dict[str, float], children: list[dict[str, float]]) -> RunFile:
        file = RunFile(folder / "processes.json")
        file.path.write_text(json.dumps({"owner": owner, "children": children}))
        return file

    def test_what_a_crashed_run_left_is_ended(self, tmp_path: Path) -> None:
        child = Child("Left", PARENT, tmp_path / "a.log", os.environ)
        grandchild = int(first_line(child.log))
        identity = {"pid": child.pid, "started": psutil.Process(child.pid).create_time()}
        file = self.run_file(tmp_path, {"pid": 2**22 + 1, "started": 1.0}, [identity])
        assert file.end_leftovers() == 2
        child.reap()
        assert not alive(child.pid)
        assert not alive(grandchild)
        assert not file.path.exists()

    def test_a_recycled_pid_is_left_alone(self, tmp_path: Path) -> None:
        with Child("Somebody else's", SLEEP, tmp_path / "a.log", os.environ) as other:
            started = psutil.Process(other.pid).create_time() - 100
            file = self.run_file(
                tmp_path, {"pid": 2**22 + 1, "started": 1.0}, [{"pid": other.pid, "started": started}]
            )
            assert file.end_leftovers() == 0
            assert other.running

    def test_a_run_that_is_still_alive_is_refused(self, tmp_path: Path) -> None:
        with Child("Running", SLEEP, tmp_path / "a.log", os.environ) as child:
            file = RunFile(tmp_path / "processes.json")
            file.write([child.pid])
            with pytest.raises(LocalRunError, match=f"in use by process {os.getpid()}"):
                file.end_leftovers()
            assert child.running

    @pytest.mark.parametrize("text", [None, "", "{", "{}", '{"owner": 1, "children": [2]}'])
    def test_no_file_or_a_broken_one_ends_nothing(self, tmp_path: Path, text: str | None) -> None:
        file = RunFile(tmp_path / "processes.json")
        if text is not None:
            file.path.write_text(text)
        assert file.end_leftovers() == 0


def test_sigterm_unwinds_the_stack(tmp_path: Path) -> None:
    script = """
import time
from pro2_sandbox.local.processes import signals_exit
try:
    with signals_exit():
        print("in", flush=True)
        time.sleep(60)
finally:
    print("cleared up", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert out == "cleared up\n"
    assert process.returncode == 128 + signal.SIGTERM


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals_exit():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_waiting_in_vain_ends_in_words() -> None:
    begin = time.monotonic()
    with pytest.raises(LocalRunError, match=r"A miracle did not happen within 0 s\. Look up\."):
        wait_until(lambda: False, timeout=0.1, what="A miracle", complain=lambda: "Look up.")
    assert time.monotonic() - begin < 2
