"""What a failure of the transport means: did the request leave this machine?

``NeverSent`` only where that is certain: name lookup, refused connection, connect timeout, refused
certificate. Everything else may have reached the service, so it is ``Ambiguous`` for a mutating request and
``Unreadable`` for a read. The messages name the connection and the host, never a secret, and say what to look
at.
"""

from __future__ import annotations

import ssl

import aiohttp
import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.exceptions import SSLError as Urllib3SSLError

from pro2_reconciliation.domain.errors import Ambiguous, NeverSent, ReadOnly, RequestError, Unreadable
from pro2_reconciliation.wire.exchange import Request

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
    if request.mutating:
        return Ambiguous(f"{what}; it may have taken effect, so read before anything else")
    return Unreadable(what)


def requests_never_sent(error: requests.RequestException) -> str | None:
    """Why no connection came about, in words; None if one did, or if that is not certain.

    Only the exception's own structure counts. Its ``__context__`` may hold an older error of the caller, and
    a refused connection found there would make a request that landed look unsent.
    """
    if isinstance(error, requests.ConnectTimeout):
        return SLOW
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.ProxyError):
        return None
    if isinstance(reason, NameResolutionError):
        return NAME
    if isinstance(reason, NewConnectionError):
        return REFUSED if isinstance(reason.__cause__, ConnectionRefusedError) else UNREACHABLE
    if isinstance(error, requests.exceptions.SSLError):
        inner = reason.args[0] if isinstance(reason, Urllib3SSLError) and reason.args else None
        return CERTIFICATE if isinstance(inner, ssl.SSLCertVerificationError) else None
    return None


def aiohttp_never_sent(error: Exception) -> str | None:
    """As :func:`requests_never_sent`, for an exception of aiohttp."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return SLOW
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NAME
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return CERTIFICATE
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return None
    if isinstance(error, aiohttp.ClientConnectorError):
        return REFUSED if isinstance(error.os_error, ConnectionRefusedError) else UNREACHABLE
    return None
