"""Airflow connections of type ``apprise`` as places to send a message to, each address on its own and in a time limit.

The provider's hook knows how a connection holds its addresses; sending goes past the provider's notifier, which renders
its body as a template and throws away whether anything arrived (ADR 0011). An address holds secrets: what apprise and
urllib3 log while we send is kept from every log, and what we say of a failure is made of words and numbers only.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pro2_reconciliation.ledger import Delivery, DeliveryState
from pro2_reconciliation.repair.delivering import Outcome, Outcomes, left_of
from pro2_reconciliation.repair.messages import Message, as_html, as_markdown, as_text, plain

if TYPE_CHECKING:
    from apprise import NotifyBase, NotifyFormat

THREAD = "pro2-notification"
"""How the names of our sending threads begin."""
LOGGERS = ("apprise", "urllib3.connectionpool")
"""Loggers that name addresses, at one level or another."""
_ANSWERED = re.compile(r"error=(\d{3})\b|\((\d{3}), b['\"]")
_IN_PART = re.compile(r"^Sent |was refused: \d{3}", re.M)
"""Some of it went: a piece, or to one of several recipients."""
_NEVER_LEFT = {
    "Connection refused": "nobody listens at its address",
    "Name or service not known": "its host name is not known",
    "Failed to resolve": "its host name is not known",
    "nodename nor servname": "its host name is not known",
    "getaddrinfo": "its host name is not known",
    "ConnectTimeoutError": "its host cannot be reached",
    "No route to host": "its host cannot be reached",
    "Network is unreachable": "its host cannot be reached",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
}
"""Signs of a message that did not leave, and what we say of them."""
_DOUBTFUL = {
    "timed out": "it did not answer in time",
    "Connection aborted": "it hung up",
    "closed": "it hung up",
}


@dataclass(frozen=True)
class Address:
    """One address of a connection; ``url`` holds its secrets and is never shown."""

    position: str
    url: str

    def __repr__(self) -> str:
        return f"Address({self.position!r})"


def send(deliveries: Sequence[Delivery], seconds: float) -> list[Outcomes]:
    """Try every delivery at every address that is left of it, all at once, within so many seconds in all.

    Out: what became of each, in order. Never raises. A thread that is still at it when the time is over is left
    alone, and nobody waits for it at the end of the process.
    """
    _prepare()
    deadline = time.monotonic() + seconds
    tries: list[dict[str, _Try] | Outcomes] = [_begun(delivery) for delivery in deliveries]
    return [
        {position: one.outcome(deadline) if isinstance(one, _Try) else one for position, one in tried.items()}
        for tried in tries
    ]


def addresses_of(connection: str) -> list[Address]:
    """The addresses of a connection, hidden from now on by Airflow's own masking.

    Raises ``ValueError`` with a sentence if there are none, and whatever Airflow raises if it is not there.
    """
    from airflow.providers.apprise.hooks.apprise import AppriseHook
    from airflow.sdk.log import mask_secret

    hook = AppriseHook(connection)
    found = hook.get_connection(connection)
    if found.conn_type != AppriseHook.conn_type:
        raise ValueError(f"connection {connection} is of type {found.conn_type!r}, not apprise")
    try:
        config = hook.get_config_from_conn(found)
        entries = config if isinstance(config, list) else [config]
        urls = [str(entry["path"]) for entry in entries]
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f'connection {connection} names no address; put {{"config": {{"path": "slack://..."}}}} into its extra'
        ) from None
    for url in urls:
        mask_secret(url)
    return [Address(str(number), url) for number, url in enumerate(urls, start=1)]


def _begun(delivery: Delivery) -> Mapping[str, Any]:
    """A running try for each address that is left, or the one outcome of a connection that cannot be used."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        known = {one.position: one for one in addresses_of(delivery.connection)}
    except ValueError as error:
        return {"": Outcome(DeliveryState.REFUSED, str(error))}
    except AirflowNotFoundException:
        why = f"there is no connection {delivery.connection}; add one of type apprise (docs/notifications.md)"
        return {"": Outcome(DeliveryState.REFUSED, why)}
    except Exception as error:  # whatever Airflow says of a connection that is not there; it may quote it
        why = f"connection {delivery.connection} cannot be read ({type(error).__name__})"
        return {"": Outcome(DeliveryState.REFUSED, why)}
    message = Message.model_validate(delivery.body)
    return {one: _Try(known[one], message) for one in left_of(delivery, tuple(known))}


class _Try:
    """One message on its way to one address, in a thread of its own.

    Whether it leaves is decided once, by whoever comes first: the thread that is ready to send, or the end of the time.
    """

    def __init__(self, address: Address, message: Message) -> None:
        self._address, self._message = address, message
        self._found: Outcome | None = None
        self._decided = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"{THREAD}-{address.position}", daemon=True)
        self._thread.start()

    def outcome(self, deadline: float) -> Outcome:
        """What became of it by then."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._found is not None:
            return self._found
        if self._decided.acquire(blocking=False):
            return Outcome(DeliveryState.REFUSED, "there was no time to send it")
        return Outcome(DeliveryState.UNKNOWN, "it did not answer in time")

    def _run(self) -> None:
        with _Heard() as heard:
            try:
                self._found = self._send(heard)
            except Exception as error:  # whatever a plugin runs into; its words may hold the address
                left = DeliveryState.UNKNOWN if self._decided.locked() else DeliveryState.REFUSED
                self._found = Outcome(left, f"it failed with {type(error).__name__}")

    def _send(self, heard: _Heard) -> Outcome | None:
        from apprise import Apprise, AppriseAsset
        from apprise.common import OverflowMode

        made = Apprise(asset=AppriseAsset(service_timeout=0, async_mode=False, storage_mode="memory"))
        if not made.add(self._address.url) or not len(made):
            return Outcome(
                DeliveryState.REFUSED, f"apprise does not understand address {self._address.position}"
            )
        service = made[0]
        if service.overflow_mode is OverflowMode.UPSTREAM:
            service.overflow_mode = (
                OverflowMode.SPLIT
            )  # what is too long comes in pieces, and not at all else
        title, body, body_format = _rendered(service, self._message)
        if not self._decided.acquire(blocking=False):
            return None
        if made.notify(body=body, title=title, body_format=body_format):
            return Outcome(DeliveryState.SENT)
        return _failure(heard.lines)


def _rendered(service: NotifyBase, message: Message) -> tuple[str, str, NotifyFormat]:
    """Title, body and format as this service shows them best: HTML in a mail, else plain text where it is possible.

    A service without a place for a title gets it as the first line, so that it is escaped like the rest.
    """
    from apprise import NotifyFormat

    wanted = service.resolve_format()
    if wanted is NotifyFormat.MARKDOWN:
        wanted = service.resolve_format(NotifyFormat.TEXT)
    title = plain(message.title)
    if service.title_maxlen <= 0:
        first = message.model_copy(
            update={"lines": (message.title,), "items": (), "links": (), "text": "", "html": ""}
        )
        heads = {NotifyFormat.HTML: as_html, NotifyFormat.MARKDOWN: as_markdown}
        head, title = heads.get(wanted, as_text)(first), ""
    else:
        head = ""
    body = {NotifyFormat.HTML: as_html, NotifyFormat.MARKDOWN: as_markdown}.get(wanted, as_text)(message)
    return title, f"{head}\n\n{body}".strip(), wanted


def _failure(lines: Sequence[str]) -> Outcome:
    """Did it provably not arrive? Read from what apprise says; what says nothing is doubtful."""
    said = "\n".join(lines)
    if _IN_PART.search(said):
        return Outcome(
            DeliveryState.UNKNOWN, "it took a part of it, or took it for some of its recipients only"
        )
    answered = _ANSWERED.search(said)
    if answered:
        return Outcome(DeliveryState.REFUSED, f"it answered {answered[1] or answered[2]}")
    for sign, words in _NEVER_LEFT.items():
        if sign in said:
            return Outcome(DeliveryState.REFUSED, words)
    for sign, words in _DOUBTFUL.items():
        if sign in said:
            return Outcome(DeliveryState.UNKNOWN, words)
    return Outcome(DeliveryState.UNKNOWN, "it did not say that it took it")


class _Heard:
    """What is logged in this thread while it sends."""

    here = threading.local()

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __enter__(self) -> _Heard:
        _Heard.here.lines = self.lines
        return self

    def __exit__(self, *_: object) -> None:
        _Heard.here.lines = None


class _Quiet(logging.Filter):
    """Keeps what our sending threads log from every handler; others' records pass as before."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        if not threading.current_thread().name.startswith(THREAD):
            return record.levelno >= self._level
        lines = getattr(_Heard.here, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())
        return False


def _prepare() -> None:
    """Load every plugin of apprise, here and not in several threads at once, while nobody's time is running.

    And listen, from DEBUG on, to the loggers that name addresses, in our own threads only; once for a process.
    """
    from apprise import Apprise

    Apprise.instantiate("json://localhost")
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _Quiet) for one in logger.filters):
            logger.addFilter(_Quiet(logger.getEffectiveLevel()))
            logger.setLevel(logging.DEBUG)
