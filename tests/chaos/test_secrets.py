"""Tokens and passwords stand in nothing that stays or is shown, patrons' addresses only in the CSV of a drift.

In process: the ports carry the tokens in headers, so a run shows what the core writes; the hooks are tested against
a real server with every failure that names a connection. What Airflow keeps is looked through in tests/system.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import re
import stat
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.full_run import Left, everything_logged, run
from tests.unit.hooks.conftest import IMPATIENT, answers, connect, server

from pro2.accounts import ledger_url
from pro2.hooks.asynchronous import DashboardAsyncHook, Pro2AsyncHook
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.plain import PlainHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.tessitura import TessituraHook
from pro2_reconciliation.__main__ import main
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.wire.exchange import Request, read_json

__all__ = ["answers", "connect", "server"]
SECRET = "hunter2-s3cr3t-t0k3n"
PATRON = re.compile(r"patron\d+@example\.org")
READ = Request("GET", "api/3/users/me", {"filters[x]": "1"})
PRESS = Request("POST", "admin/api.php", form={"api_action": "campaign_status"}, mutating=True)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    return run(tmp_path_factory.mktemp("run"))


def test_the_run_left_something_in_every_place(left: Left) -> None:
    sizes = {where: len(text) for where, text in left.everything() if not where.startswith("bundle")}
    assert min(sizes.values()) > 1000, sizes
    assert len(left.bundles) >= 3 * 8
    endings = {"html", "txt", "csv", "json", "recording.json", "drift.csv", "digest.html"}
    assert {name.partition(".")[2] for name in left.files} == endings
    assert any("POST admin/api.php" in one for one in left.asked)


def test_no_token_stands_in_anything_that_a_run_leaves(left: Left) -> None:
    tokens = left.evening.incident.tokens
    secrets = (tokens.api_token, tokens.dashboard_token, tokens.tessitura_password)
    assert all(len(one) > 5 for one in secrets)
    carried = [
        left.evening.pro2.headers["Api-Token"],
        *(
            one.headers["Authorization"].split()[1]
            for one in (left.evening.dashboard, left.evening.tessitura)
        ),
    ]
    for where, text in [*left.everything(), *left.files.items()]:
        assert not [one for one in (*secrets, *carried) if one in text], where


def test_patrons_addresses_stand_in_the_csv_of_the_drift_and_nowhere_else(left: Left) -> None:
    csv = {name: text for name, text in left.files.items() if name.endswith(".drift.csv")}
    assert sum(len(PATRON.findall(text)) for text in csv.values()) == 18
    for where, text in left.everything():
        assert PATRON.search(text) is None, where
    for name in csv:
        assert stat.S_IMODE((left.reports / name).stat().st_mode) == 0o600


# ---------------------------------------------------------------------------------------------- connections


def tell_all(act: Callable[[], object], secrets: tuple[str, ...] = (SECRET,)) -> str:
    """What a person sees of a failure: its text, its whole traceback, and the log at DEBUG. None of it is secret."""
    records: list[logging.LogRecord] = []
    text = ""
    with everything_logged(records):
        try:
            act()
        except ReconciliationError as error:
            text = str(error)
            shown = "".join(traceback.format_exception(error))
        else:
            shown = ""
    logged = "\n".join(f"{r.getMessage()} {r.exc_text or ''}" for r in records)
    for secret in secrets:
        assert secret not in text
        assert secret not in shown
        assert secret not in logged
    return text


def echo(handler: Any) -> None:
    """A server that repeats in its error what it was sent."""
    sent = json.dumps({"message": f"no such token: {dict(handler.headers)}", "path": handler.path}).encode()
    handler.send_response(401)
    handler.send_header("Content-Length", str(len(sent)))
    handler.end_headers()
    handler.wfile.write(sent)


def ask(hook: Any, request: Request) -> Any:
    return read_json(request, hook.carry(request))


def ask_async(hook: Any, request: Request) -> Any:
    async def go() -> Any:
        async with hook:
            return read_json(request, await hook.acarry(request))

    return asyncio.run(go())


HOOKS: dict[str, tuple[str, Callable[[str], Any], Callable[[Any, Request], Any], dict[str, Any]]] = {
    "pro2": ("pro2", Pro2Hook, ask, {}),
    "dashboard": ("pro2_dashboard", Pro2DashboardHook, ask, {"organization": "playhouse"}),
    "tessitura": ("tessitura", TessituraHook, ask, {}),
    "pro2 in the triggerer": ("pro2", Pro2AsyncHook, ask_async, {}),
    "dashboard in the triggerer": (
        "pro2_dashboard",
        DashboardAsyncHook,
        ask_async,
        {"organization": "playhouse"},
    ),
}
FAILURES = (
    "refused",
    "no such host",
    "not TLS",
    "401",
    "redirect",
    "silence",
    "half",
    "hang up",
    "no JSON",
    "500",
)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", HOOKS)
def test_no_failure_of_a_connection_tells_its_secret(
    name: str, failure: str, server: Any, answers: Any, connect: Any
) -> None:
    kind, hook_of, send, extra = HOOKS[name]
    host = {
        "refused": "http://127.0.0.1:1",
        "no such host": "https://nowhere.invalid",
        "not TLS": server.url.replace("http:", "https:"),
    }.get(failure, server.url)
    server.will(
        {
            "401": echo,
            "redirect": answers.reply(302, "", Location=f"https://elsewhere.invalid/?t={SECRET}"),
            "silence": answers.silence,
            "half": answers.half,
            "hang up": answers.hang_up,
            "no JSON": answers.reply(200, "<html>down</html>"),
            "500": answers.reply(500, "oops"),
        }.get(failure, answers.reply())
    )
    login = "kim:group:hall"
    extra = {**extra, "read_only": False} | (IMPATIENT if failure in ("silence", "not TLS") else {})
    conn_id = connect(kind, host, password=SECRET, login=login, extra=extra)
    secrets = (SECRET, "aHVudGVyMi1zM2NyM3QtdDBrM24", "a2ltOmdyb3VwOmhhbGw6")  # also as Basic carries it
    for request in (READ, PRESS):
        if request.mutating and (send is ask_async or kind == "tessitura"):
            continue  # refused before anything is built
        said = tell_all(lambda request=request: send(hook_of(conn_id), request), secrets)
        assert said, (failure, request.method)
    for one in server.seen:
        assert SECRET not in one.path
        assert SECRET not in one.body


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize(
    "host",
    [
        f"https://kim:{SECRET}@pro2.example.org",
        f"https://pro2.example.org/?key={SECRET}",
        f"kim:{SECRET}@pro2.example.org",
        f"https://[{SECRET}",
        f"https://kim:{SECRET}@[",
    ],
)
def test_a_secret_in_the_host_is_refused_and_not_repeated(name: str, host: str, connect: Any) -> None:
    kind, hook_of, send, extra = HOOKS[name]
    conn_id = connect(kind, host, password="x" * 20, login="kim:group:hall", extra=extra)
    assert conn_id in tell_all(lambda: send(hook_of(conn_id), READ))


@pytest.mark.parametrize("name", [one for one in HOOKS if "tessitura" not in one])
@pytest.mark.parametrize("secret", [f"{SECRET}\nX-Injected: 1", f"{SECRET}\r", f"{SECRET}ü", f"{SECRET}\x00"])
def test_a_password_that_no_header_can_carry_is_refused_and_not_repeated(
    name: str, secret: str, server: Any, connect: Any
) -> None:
    kind, hook_of, send, extra = HOOKS[name]
    conn_id = connect(kind, server.url, password=secret, extra=extra)
    said = tell_all(lambda: send(hook_of(conn_id), READ))
    assert "paste the secret once more" in said
    assert server.seen == []


def test_a_connection_shown_by_python_keeps_its_secret(server: Any, connect: Any) -> None:
    hook = Pro2Hook(connect("pro2", server.url, password=SECRET))
    assert SECRET not in f"{hook.settings!r} {hook!r} {hook.authentication(hook.settings)!r}"


def test_a_probe_of_an_address_that_cannot_be_one_says_so(server: Any) -> None:
    for url in (server.url.replace("http:", "https:"), "http://127.0.0.1:1/x", "http://nowhere.invalid/"):
        assert tell_all(lambda url=url: PlainHook(url, 0.3).carry(Request("GET", "")))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://kim:{SECRET}@127.0.0.1:1/ledger",
        f"postgresql+nothing://kim:{SECRET}@127.0.0.1:1/ledger",
        f"mysql://kim:{SECRET}@127.0.0.1/ledger",
        f"kim:{SECRET}@127.0.0.1",
        f"postgresql://kim:{SECRET}@127.0.0.1:port/ledger",
        f"sqlite:////proc/{SECRET}/ledger.db",
    ],
)
def test_the_ledgers_address_keeps_its_password_also_where_it_is_wrong(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jobs.yaml").write_text("organization: playhouse\nzone: UTC\njobs: []\n")
    secrets = () if url.startswith("sqlite") else (SECRET,)  # a path is no secret
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(["--ledger", url, "--config", str(tmp_path), "status"])
    assert code == 2
    assert said.getvalue().strip()
    assert not [one for one in secrets if one in said.getvalue()]
    told = tell_all(lambda: Ledger.open(url, clock=lambda: datetime.now(UTC)), secrets)
    assert told


def test_the_ledgers_connection_keeps_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "mysql", "login": "kim", "password": SECRET, "host": "db", "schema": "x"}
    monkeypatch.setenv("AIRFLOW_CONN_RECONCILIATION_LEDGER", json.dumps(connection))
    assert "mysql" in tell_all(ledger_url)
