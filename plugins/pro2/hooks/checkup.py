"""What the Test button says of a connection: that it works, or what is wrong and what to do about it.

A checkup asks a few harmless questions, the ones that the work itself asks, and stops at the first that fails. All
words are ours: an answer is judged and never quoted, since some servers repeat in an error what they were sent. Never
raises; whatever goes wrong is a sentence.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from pro2.hooks import failures
from pro2.hooks.certificates import why_untrusted
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.errors import ConfigurationError, NeverSent, ReconciliationError
from pro2_reconciliation.wire.exchange import Reply, Request, retry_after

log = logging.getLogger("pro2.connections")
SLOW_SECONDS = 3.0
_SECRET_KEY = re.compile(
    r"token|secret|passw|passphrase|api[_-]?key|authorization|bearer|credential", re.IGNORECASE
)
_HTML = re.compile(r"\s*(<!doctype html|<html|<head|<body|<\?xml)", re.IGNORECASE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Look:
    """One question. ``what`` it is about, as a subject; ``is_answer`` tells the JSON that was due from other JSON.

    ``words`` say of a status what it means here and what to do; what they leave out has words for every service.
    ``wanted`` is what to give as the host, for an answer from something else; ``unlike`` the sentence for JSON that
    is no answer, where there is a better one than that.
    """

    request: Request
    what: str
    is_answer: Callable[[Any], bool]
    words: Mapping[int, str]
    wanted: str
    unlike: str = ""


class Hook(Protocol):
    """The part of a ``CarryingHook`` that a checkup needs."""

    @property
    def settings(self) -> Settings: ...
    @property
    def stray_secrets(self) -> tuple[str, ...]: ...
    def carry(self, request: Request) -> Reply: ...
    def looks(self) -> Iterable[Look]: ...
    def remarks(self, answers: list[Any]) -> list[str]: ...


class _Wrong(Exception):
    """A sentence that says what is wrong."""


class _Busy(Exception):
    """The service is there and asks to wait."""


def check(hook: Hook, conn_id: str, *, clock: Callable[[], float] = monotonic) -> tuple[bool, str]:
    """Whether the connection works, and the sentences for the person who pressed Test."""
    good, said = True, []
    secret = ""
    try:
        settings = hook.settings
        secret = settings.secret
        try:
            answers, quickest = _answers(hook, settings, clock)
            said.append("It works.")
            if quickest > SLOW_SECONDS:
                said.append(
                    f"But it is slow: the quickest answer took {quickest:.1f} s. Reconciling asks many questions; see "
                    "whether a proxy or the service itself is overloaded."
                )
            said += hook.remarks(answers)
        except _Busy as busy:
            said.append(f"It works. {busy}")
        said.append(may_change(settings))
        said += _plain_http(settings)
    except _Wrong as wrong:
        good, said = False, [str(wrong)]
    except ReconciliationError as error:
        words = str(error)
        if not words.startswith("there is no connection "):  # that one is read outside of its own form
            words = words.replace(f"connection {conn_id}", "this connection")
        good, said = False, [_capital(words)]
    except Exception as error:  # the button has to say something, whatever it is
        log.exception("The test of a connection broke off")
        good, said = (
            False,
            [f"It could not be tested ({type(error).__name__}): see the log of the API server."],
        )
    said += [stray(name) for name in hook.stray_secrets]
    whole = " ".join(filter(None, said))
    return good, whole.replace(secret, "***") if len(secret) >= 4 else whole


def may_change(settings: Settings) -> str:
    """What the connection may do to the account, and how to change that."""
    if not settings.acts:
        return "It is only read."
    if settings.manual:
        return "What changes something is pressed by a person (actions: manual)."
    if settings.read_only:
        return (
            "It is read-only: nothing will be changed; set read_only to false in its extra to allow repairs."
        )
    return "It may CHANGE things: it is not read-only."


def stray(name: str) -> str:
    """The warning for a secret that stands in the extra."""
    return (
        f"Warning: its extra has {name!r}, which looks like a secret. Everybody who may see connections can read it "
        "there: move it into the password field."
    )


def stray_secrets(extra: Mapping[str, Any], password: str) -> tuple[str, ...]:
    """The keys of an extra under which a secret seems to stand."""
    return tuple(
        str(key)
        for key, value in extra.items()
        if isinstance(value, str)
        and value
        and (_SECRET_KEY.search(str(key)) or (password and password in value))
    )


def _answers(hook: Hook, settings: Settings, clock: Callable[[], float]) -> tuple[list[Any], float]:
    """The JSON of every answer, and the seconds of the quickest; a permit is waited for as well."""
    answers: list[Any] = []
    times: list[float] = []
    for look in hook.looks():
        begun = clock()
        reply = _carried(hook, settings, look)
        if reply.status == 403:  # ActiveCampaign refuses now and then what it allows a moment later
            reply = _carried(hook, settings, look)
        times.append(clock() - begun)
        answers.append(_judged(settings, look, reply))
    return answers, min(times, default=0.0)


def _carried(hook: Hook, settings: Settings, look: Look) -> Reply:
    try:
        return hook.carry(look.request)
    except ConfigurationError:
        raise
    except ReconciliationError as error:
        raise _Wrong(_unreached(error, settings)) from error


def _judged(settings: Settings, look: Look, reply: Reply) -> Any:
    """The JSON of the answer that was due. Raises ``_Wrong`` or ``_Busy``."""
    status, host = reply.status, _host(settings)
    if status == 429:
        seconds = retry_after(reply.headers)
        raise _Busy(
            "But the account is at its limit just now (429): other programs use its requests too. "
            f"Test again in {max(seconds, 1):.0f} s to have everything looked at."
        )
    if 300 <= status < 400:
        raise _Wrong(f"{host} redirects ({status}){_elsewhere(reply, settings)}. Give {look.wanted}.")
    if status in look.words:
        raise _Wrong(f"{look.words[status]}")
    if status in (401, 407):
        raise _Wrong(
            f"{host} does not accept the secret ({status}): paste it into the password field once more."
        )
    if status == 403:
        raise _Wrong(f"{host} refuses {look.what} (403): ask for the right to read it.")
    if status == 404:
        raise _Wrong(f"{host} answers, and does not know {look.what} (404). Give {look.wanted}.")
    if status >= 500:
        raise _Wrong(
            f"{host} answers {status}: the service is down or broken just now. The connection may be right; test again "
            "when it is back."
        )
    if status >= 400:
        raise _Wrong(f"{host} refuses {look.what} ({status}). Give {look.wanted}.")
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        kind = "a web page" if _HTML.match(reply.text) else "something that is no JSON"
        raise _Wrong(
            f"{host} answers the question for {look.what} with {kind}. Give {look.wanted}."
        ) from None
    if not look.is_answer(body):
        raise _Wrong(
            look.unlike or f"{host} answers with JSON, but not as {look.what} does. Give {look.wanted}."
        )
    return body


def _unreached(error: ReconciliationError, settings: Settings) -> str:
    """Why no whole answer came, from the exception of ``requests`` behind it."""
    cause, host = error.__cause__, _host(settings)
    if not isinstance(cause, requests.RequestException):
        return _capital(str(error))  # our own reason: no permit, the ledger of the permits
    why = failures.requests_never_sent(cause) if isinstance(error, NeverSent) else None
    words = {
        failures.NAME: f"The name {host} could not be looked up: check its spelling, and whether this machine resolves "
        "names of the internet (DNS).",
        failures.REFUSED: f"{host} refuses the connection: check host and port, and whether the service is up.",
        failures.SLOW: f"{host} did not take the connection in time: a firewall may keep this machine from it.",
        failures.UNREACHABLE: f"{host} cannot be reached from this machine: check network, or proxy in the extra.",
    }
    if why in words:
        return words[why]
    if isinstance(cause, requests.exceptions.SSLError):
        return why_untrusted(cause, host)
    if isinstance(cause, requests.exceptions.ProxyError):
        return f"The proxy on the way to {host} does not work: check proxy or proxies in the extra, and its login."
    if isinstance(cause, requests.Timeout):
        return (
            f"{host} took the request and did not answer within {settings.timeout:g} s: the service is overloaded, or "
            "raise timeout in the extra."
        )
    return (
        f"{host} closed the connection without a whole answer: see that host and port are those of the API."
    )


def _elsewhere(reply: Reply, settings: Settings) -> str:
    """Where a redirect leads: scheme and host only, the rest may repeat the secret."""
    location = next((value for name, value in reply.headers.items() if name.lower() == "location"), "")
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if not parts.hostname or f"{parts.hostname}{port}" == _host(settings):
        return " to another page of its own"
    return f" to {parts.scheme or 'https'}://{parts.hostname}{port}"


def _host(settings: Settings) -> str:
    parts = urlsplit(settings.base_url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _plain_http(settings: Settings) -> list[str]:
    parts = urlsplit(settings.base_url)
    if parts.scheme != "http" or not settings.secret or parts.hostname in _LOOPBACK:
        return []
    return ["Warning: http:// sends the secret in the clear; use https://."]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
