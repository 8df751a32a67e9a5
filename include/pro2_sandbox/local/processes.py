"""Subprocesses that do not outlive us, and that never outlive us unseen.

Every child gets a process group and a log file of its own. Its whole tree is ended by process identity (pid
AND start time), never by name, so a recycled pid or somebody else's process is not touched. What a crashed
run left behind is known from a small file it wrote, and is ended by the next run.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType

import psutil  # type: ignore[import-untyped]

INHERITED_AND_UNWANTED = ("AIRFLOW", "_AIRFLOW", "PRO2_")
"""Beginnings of variables that a local run must not inherit: the connection of a real account, for one."""


class LocalRunError(RuntimeError):
    """Something on this machine did not come up, or ended too early; the message says what to look at."""


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> int:
    """The same port. Raises ``LocalRunError`` if somebody listens on it on the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LocalRunError(f"port {port} cannot be used ({error}); give another one") from None
    return port


def clean_environment(extra: Mapping[str, str], base: Mapping[str, str] | None = None) -> dict[str, str]:
    """``base`` (this process's environment) without Airflow's and our own settings, and then ``extra``.

    Loopback is taken out of any proxy, or the parts of a local Airflow could not reach each other.
    """
    start = os.environ if base is None else base
    kept = {name: value for name, value in start.items() if not name.startswith(INHERITED_AND_UNWANTED)}
    spared = [host for host in kept.get("NO_PROXY", kept.get("no_proxy", "")).split(",") if host]
    no_proxy = ",".join(dict.fromkeys([*spared, "127.0.0.1", "localhost"]))
    return {**kept, "NO_PROXY": no_proxy, "no_proxy": no_proxy, **extra}


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a log, or words that say there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(no log was written)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


class Child:
    """One subprocess in a group of its own, with its output in a file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the commands are ours
                list(command),
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def last_words(self) -> str:
        return f"The end of its log:\n{tail(self.log)}"

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def reap(self) -> None:
        """Take note of its end, so that it is not a zombie for as long as we live."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)

    def must_run(self) -> None:
        """Complain, with the end of the log, when the process has ended."""
        if (code := self._process.poll()) is not None:
            raise LocalRunError(f"{self.name} ended with exit code {code}. {self.last_words()}")

    def wait(self, timeout: float) -> None:
        """Wait for a process that is meant to end, and to end well."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LocalRunError(
                f"{self.name} was not done after {timeout:.0f} s. {self.last_words()}"
            ) from None
        if code != 0:
            raise LocalRunError(f"{self.name} ended with exit code {code}. {self.last_words()}")

    def stop(self, grace: float = 10.0) -> None:
        stop_all([self], grace)

    def kill(self) -> None:
        """SIGKILL to its whole tree, with nobody asked before."""
        if self.running:
            _kill(_family(psutil.Process(self.pid)))
        self.reap()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()


def stop_all(children: Sequence[Child], grace: float = 10.0) -> None:
    """SIGTERM to each child at once, then SIGKILL to whatever of their trees is left after ``grace``."""
    roots, everyone = [], []
    for child in children:
        if child.running:
            roots.append(psutil.Process(child.pid))
            everyone += _family(roots[-1])
        else:
            orphans = _left_of({"pid": child.pid, "started": 0.0})
            roots += orphans
            everyone += orphans
    _end(roots, everyone, grace)
    for child in children:
        child.reap()


def _end(roots: Sequence[psutil.Process], everyone: Sequence[psutil.Process], grace: float) -> None:
    """The roots are asked, for they end their own children in good order; what outlives them is killed."""
    try:
        for process in roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(roots, timeout=grace)
        _, alive = psutil.wait_procs(everyone, timeout=0.5)
    except BaseException:  # a second Ctrl-C while we wait: no patience left, but nothing stays behind either
        _kill(everyone)
        raise
    _kill(alive)
    psutil.wait_procs(alive, timeout=2)


def _family(root: psutil.Process) -> list[psutil.Process]:
    family = {root.pid: root, **{member.pid: member for member in session_members(root.pid)}}
    with contextlib.suppress(psutil.NoSuchProcess):
        family.update({process.pid: process for process in root.children(recursive=True)})
    return list(family.values())


def session_members(leader: int) -> list[psutil.Process]:
    """Processes of the session that ``leader`` began, orphans of a killed leader included."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader:
                members.append(process)
    return members


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # psutil compares the start time before it kills
            process.kill()


class RunFile:
    """Who runs in a folder: written when processes start there, so that a later run can clear up after it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pids: Sequence[int]) -> None:
        people = {"owner": _identity(os.getpid()), "children": [_identity(pid) for pid in pids]}
        self.path.write_text(json.dumps(people), encoding="utf-8")

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def end_leftovers(self) -> int:
        """End what a crashed run left here; its number. A run that is still alive is refused in words.

        A child is known by pid and start time. When it is gone its orphans are known by its session, whose
        number the kernel gives to nobody else while one of them lives.
        """
        try:
            people = json.loads(self.path.read_text(encoding="utf-8"))
            owner, children = people["owner"], people["children"]
            left = [process for child in children for process in _left_of(child)]
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        if left and _is_still(owner):
            raise LocalRunError(
                f"{self.path.parent} is in use by process {owner['pid']}. Stop that one first, or use another"
            )
        _end(left, left, grace=10.0)
        self.clear()
        return len(left)


def _left_of(child: dict[str, float]) -> list[psutil.Process]:
    pid = int(child["pid"])
    if _is_still(child):
        return _family(psutil.Process(pid))
    if psutil.pid_exists(pid) and not _is_zombie(pid):
        return []  # somebody else has that number now
    return [process for process in session_members(pid) if process.pid != pid]


def _is_zombie(pid: int) -> bool:
    try:
        zombie: bool = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return zombie
    except psutil.Error:
        return True


def _identity(pid: int) -> dict[str, float]:
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "started": 0.0}


def _is_still(identity: object) -> bool:
    """Whether the very process that was written down is still alive: same pid and same start time."""
    if not isinstance(identity, dict):
        return False
    try:
        process = psutil.Process(int(identity["pid"]))
        same: bool = abs(process.create_time() - float(identity["started"])) < 0.05
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, ValueError, TypeError):
        return False


@contextlib.contextmanager
def signals_exit() -> Iterator[None]:
    """Let SIGTERM and a closed terminal unwind the stack like Ctrl-C, so that every ``with`` clears up."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    try:
        before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # only the main thread may set a handler; elsewhere the caller's own applies
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_until(
    done: Callable[[], bool], *, timeout: float, what: str, complain: Callable[[], str] = str
) -> float:
    """Ask until the answer is yes; the seconds it took. Fails with ``what`` and what ``complain`` adds."""
    begin = time.monotonic()
    while not done():
        if time.monotonic() - begin > timeout:
            raise LocalRunError(f"{what} did not happen within {timeout:.0f} s. {complain()}".rstrip())
        time.sleep(0.2)
    return time.monotonic() - begin
