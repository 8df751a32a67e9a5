"""One cheap question to a service: does it answer? Better evidence than a status page, which lags.

Three answers, because a wrong token is neither: up, down, or not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from pro2_reconciliation.domain.errors import Ambiguous, NeverSent, ReadOnly, Refused, Rejected, Unreadable
from pro2_reconciliation.wire.exchange import Exchange, Request
from pro2_reconciliation.wire.paging import ask

ACTIVECAMPAIGN = "api/3/users/me"


@dataclass(frozen=True)
class Probe:
    """``up`` None: it cannot be said (our key, our configuration). ``reason`` is a sentence for a person."""

    up: bool | None
    reason: str


def probe(path: str = ACTIVECAMPAIGN) -> Exchange[Probe]:
    """Ask once and judge.

    Raises nothing but what is no ``RequestError``. A 429 is up: it was there to refuse.
    """
    try:
        yield from ask(Request("GET", path))
    except Refused as error:
        return Probe(error.status == 429, str(error))
    except Rejected as error:
        return Probe(None, str(error))
    except ReadOnly as error:
        return Probe(None, str(error))
    except (NeverSent, Unreadable, Ambiguous) as error:
        return Probe(False, str(error))
    return Probe(True, "it answered")
