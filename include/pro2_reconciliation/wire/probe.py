"""One cheap question to a service: does it answer? Better evidence than a status page, which lags.

Three answers, because a wrong token is neither: up, down, or not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from pro2_reconciliation.domain.errors import Ambiguous, NeverSent, ReadOnly, Refused, Rejected, Unreadable
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire.exchange import Exchange, Request, read_json

ACTIVECAMPAIGN = "api/3/users/me"
TESSITURA = "TessituraService/Diagnostics/Status"


@dataclass(frozen=True)
class Probe:
    """``up`` None: it cannot be said (our key, our configuration). ``reason`` is a sentence for a person."""

    up: bool | None
    reason: str


def request_for(service: Service, organization: str = "") -> Request:
    """The cheapest harmless question to a service of ours; ``organization`` as the dashboard writes it."""
    match service:
        case Service.SENDING:
            return Request("GET", ACTIVECAMPAIGN)
        case Service.TESSITURA:
            return Request("GET", TESSITURA)
        case Service.DASHBOARD:
            return Request("GET", f"dashboard/v1/organizations/{quote(organization, safe='')}/console")


def plain_probe(expected_status: int = 200) -> Exchange[Probe]:
    """Look at the address of the transport itself, which promises nothing but a status.

    Another status than the expected one is down from 500 on; below that it says more about the address than about
    the service, so nothing is known.
    """
    try:
        reply = yield Request("GET", "")
    except (NeverSent, Unreadable, Ambiguous) as error:
        return Probe(False, str(error))
    if reply.status == expected_status:
        return Probe(True, f"it answered {reply.status}")
    if reply.status >= 500:
        return Probe(False, f"it answered {reply.status}")
    return Probe(
        None,
        f"it answered {reply.status}, and {expected_status} was expected; correct url or expected_status",
    )


def probe(request: Request | None = None) -> Exchange[Probe]:
    """Ask once and judge; no request: ActiveCampaign's users/me.

    Raises nothing but what is no ``RequestError``. A 429 is up: it was there to refuse.
    """
    try:
        asked = request or request_for(Service.SENDING)
        read_json(asked, (yield asked))
    except Refused as error:
        return Probe(error.status == 429, str(error))
    except Rejected as error:
        return Probe(None, str(error))
    except ReadOnly as error:
        return Probe(None, str(error))
    except (NeverSent, Unreadable, Ambiguous) as error:
        return Probe(False, str(error))
    return Probe(True, "it answered")
