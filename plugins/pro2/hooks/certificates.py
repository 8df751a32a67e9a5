"""Why TLS with a host failed, in words with the next step, from the reason that OpenSSL gives. Never fails."""

from __future__ import annotations

import ssl

CERTIFICATES: tuple[tuple[frozenset[int], str], ...] = (
    (frozenset({10}), "has expired: its operator has to renew it"),
    (frozenset({9}), "is not valid yet: check the clock of this machine"),
    (frozenset({62, 63, 64}), "is for another name: check the spelling of the host"),
    (
        frozenset({18}),
        "is self-signed: put the path of that certificate into the extra as verify, if it is really its own",
    ),
    (
        frozenset({2, 19, 20, 21}),
        "is signed by nobody whom this machine knows: put the path of your authority's certificate into the extra as "
        "verify",
    ),
    (frozenset({23}), "was revoked: ask its operator"),
)
"""OpenSSL's verify codes (openssl-verification-options), and what each comes down to."""


def why_untrusted(error: BaseException, host: str) -> str:
    """What TLS says, from the reason that OpenSSL gives."""
    found = _reason(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        for codes, told in CERTIFICATES:
            if found.verify_code in codes:
                return f"The TLS certificate of {host} {told}."
        return f"The TLS certificate of {host} is not accepted (OpenSSL's code {found.verify_code}): ask its operator."
    if found is not None and found.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return f"{host} does not speak TLS on this port: check the port, or write http:// if it is meant."
    return f"TLS with {host} failed: see that host and port are those of the API, and that it speaks TLS 1.2 or later."


def _reason(error: BaseException) -> ssl.SSLError | None:
    """The error of the TLS library inside what ``requests`` and ``urllib3`` made of it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, ssl.SSLError):
            return one
        waiting += [getattr(one, "reason", None), one.__cause__, *one.args]
    return None
