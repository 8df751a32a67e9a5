"""What a failure of the transport means: did the request leave this machine?

``NeverSent`` only where that is certain: the two tables name those exceptions, one for ``requests``, one for
``aiohttp``. Everything else may have reached the service; what that means for a read and for a mutating request
says the table of :mod:`pro2_reconciliation.wire.exchange`. The messages name the connection and the host, never a
secret, and say what to look at.
"""

from __future__ import annotations

import ssl

import aiohttp
import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as Urllib3SSLError

from pro2_reconciliation.domain.errors import NeverSent, ReadOnly, RequestError
from pro2_reconciliation.wire.exchange import Fate, Request, meaning

NAME = "the name of its host could not be looked up"
REFUSED = "its host refused the connection"
SLOW = "its host did not take the connection in time"
CERTIFICATE = "the certificate of its host was not accepted (TLS)"
UNREACHABLE = "its host could not be reached"


def never_sent(request: Request, conn_id: str, why: str) -> NeverSent:
    return NeverSent(f"{request.method} {request.path} was not sent: connection {conn_id}: {why}")


def read_only(request: Request, conn_id: str) -> ReadOnly:
    return ReadOnly(
        f"{request.method} {request.path} was not sent: connection {conn_id} is read-only; "
        'to let it act, set {"read_only": false} in its extra'
    )


def lost(request: Request, conn_id: str, why: str) -> RequestError:
    """The error for an answer that did not come, by verb."""
    what = f"{request.method} {request.path} over connection {conn_id}: {why}"
    error = meaning(Fate.LOST, mutating=request.mutating) or RequestError
    if request.mutating:
        return error(f"{what}; it may have taken effect, so read before anything else")
    return error(what)


REQUESTS: tuple[tuple[type[Exception], type[Exception], type[Exception], str | None], ...] = (
    # an exception of requests, urllib3's reason for it, that one's own cause; why nothing was sent, None: not certain
    (requests.ConnectTimeout, Exception, Exception, SLOW),
    (requests.exceptions.ProxyError, Exception, Exception, None),
    (requests.exceptions.SSLError, Urllib3SSLError, ssl.SSLCertVerificationError, CERTIFICATE),
    (requests.ConnectionError, NameResolutionError, Exception, NAME),
    (requests.ConnectionError, NewConnectionError, ConnectionRefusedError, REFUSED),
    (requests.ConnectionError, NewConnectionError, Exception, UNREACHABLE),
)
AIOHTTP: tuple[tuple[type[Exception], type[Exception], str | None], ...] = (
    # an exception of aiohttp, the system's error behind it; why nothing was sent, None: not certain
    (aiohttp.ConnectionTimeoutError, Exception, SLOW),
    (aiohttp.ClientProxyConnectionError, Exception, None),
    (aiohttp.ClientConnectorDNSError, Exception, NAME),
    (aiohttp.ClientConnectorCertificateError, Exception, CERTIFICATE),
    (aiohttp.ClientConnectorSSLError, Exception, CERTIFICATE),
    (aiohttp.ClientConnectorError, ConnectionRefusedError, REFUSED),
    (aiohttp.ClientConnectorError, Exception, UNREACHABLE),
)
"""The first row that fits counts; an exception without one may have reached the service."""


def requests_never_sent(error: requests.RequestException) -> str | None:
    """Why no connection came about, in words; None if one did, or if that is not certain.

    Only the exception's own structure counts. Its ``__context__`` may hold an older error of the caller, and
    a refused connection found there would make a request that landed look unsent.
    """
    nothing = Exception()
    reason = getattr(error.args[0], "reason", None) if error.args else None
    inner = reason.args[0] if isinstance(reason, Urllib3SSLError) and reason.args else None
    chain = (error, reason or nothing, inner or getattr(reason, "__cause__", None) or nothing)
    for *kinds, why in REQUESTS:
        if all(isinstance(found, kind) for found, kind in zip(chain, kinds, strict=True)):
            return why
    return None


def aiohttp_never_sent(error: Exception) -> str | None:
    """As :func:`requests_never_sent`, for an exception of aiohttp."""
    cause = getattr(error, "os_error", None) or Exception()
    for kind, behind, why in AIOHTTP:
        if isinstance(error, kind) and isinstance(cause, behind):
            return why
    return None
