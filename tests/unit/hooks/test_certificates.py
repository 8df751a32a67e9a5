"""What a Test says of TLS, with certificates that are made up for each case and a server that shows them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from pro2.hooks.status_feed import StatusFeedHook

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
Show = Callable[[Any], str]


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"incidents": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up in the middle of the handshake."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def show() -> Iterator[Show]:
    """Serve with a certificate, without TLS for None; the address."""
    running: list[tuple[Quiet, threading.Thread]] = []

    def serve(certificate: Any) -> str:
        server = Quiet(("127.0.0.1", 0), Page)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        running.append((server, thread))
        return f"https://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def said(connect: Any, host: str, **extra: Any) -> tuple[bool, str]:
    good, words = StatusFeedHook(
        connect("status_feed", host, password=None, extra={"timeout": 10, **extra})
    ).test_connection()
    return good, words


def test_a_certificate_that_is_trusted(
    connect: Any, show: Show, authority: trustme.CA, authority_file: str
) -> None:
    host = show(authority.issue_cert("127.0.0.1").configure_cert)
    assert said(connect, host, verify=authority_file)[0]


def test_one_that_nobody_vouches_for(connect: Any, show: Show, authority: trustme.CA) -> None:
    host = show(authority.issue_cert("127.0.0.1").configure_cert)
    good, words = said(connect, host)
    assert not good
    assert words.startswith(
        f"The TLS certificate of {host.removeprefix('https://')} is signed by nobody whom this"
    )
    assert "into the extra as verify" in words


def test_one_that_has_expired(connect: Any, show: Show, authority: trustme.CA, authority_file: str) -> None:
    old = authority.issue_cert("127.0.0.1", not_before=NOW - 9 * DAY, not_after=NOW - DAY)
    good, words = said(connect, show(old.configure_cert), verify=authority_file)
    assert not good
    assert "has expired: its operator has to renew it" in words


def test_one_that_is_not_valid_yet(
    connect: Any, show: Show, authority: trustme.CA, authority_file: str
) -> None:
    young = authority.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 9 * DAY)
    assert (
        "is not valid yet: check the clock of this machine"
        in said(connect, show(young.configure_cert), verify=authority_file)[1]
    )


@pytest.mark.parametrize("name", ["status.example.org", "127.0.0.2"])
def test_one_for_another_name(
    connect: Any, show: Show, authority: trustme.CA, authority_file: str, name: str
) -> None:
    host = show(authority.issue_cert(name).configure_cert)
    assert (
        "is for another name: check the spelling of the host" in said(connect, host, verify=authority_file)[1]
    )


def test_one_that_signed_itself(connect: Any, show: Show, tmp_path: Path) -> None:
    alone = trustme.CA()
    pem = tmp_path / "alone.pem"
    alone.private_key_pem.write_to_path(str(pem))
    alone.cert_pem.write_to_path(str(pem), append=True)
    host = show(lambda context: context.load_cert_chain(pem))
    assert (
        "is self-signed: put the path of that certificate into the extra as verify" in said(connect, host)[1]
    )


def test_a_port_without_tls(connect: Any, show: Show) -> None:
    host = show(None)
    good, words = said(connect, host)
    assert not good
    assert words.startswith(
        f"{host.removeprefix('https://')} does not speak TLS on this port: check the port"
    )


def test_a_port_that_wants_tls(connect: Any, show: Show, authority: trustme.CA) -> None:
    host = show(authority.issue_cert("127.0.0.1").configure_cert).replace("https:", "http:")
    good, words = said(connect, host)
    assert not good
    assert "closed the connection without a whole answer" in words
