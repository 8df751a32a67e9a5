"""ActiveCampaign's API behind Pro2: v3 and v1 of one account, paced for all processes together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from pro2.connection_types import PRO2
from pro2.hooks.carrying import CarryingHook, HeaderAuth
from pro2.hooks.checkup import Look
from pro2.hooks.pacing import Pacer
from pro2.hooks.settings import Settings
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.wire import v1
from pro2_reconciliation.wire.exchange import Request
from pro2_reconciliation.wire.probe import request_for

WANTED = (
    "the API URL that Pro2 shows under Settings > Developer, such as https://account.api-us1.com, "
    "and nothing behind it"
)
REFUSED_KEY = (
    "The API does not accept the key: copy it once more from Settings > Developer in Pro2 into the password field, "
    "and see that the group of its user may use the API."
)
RIGHTS: Mapping[str, str] = {
    "campaigns": "the right to campaigns",
    "contacts": "the right to contacts",
    "tags": "the right to contacts and their tags",
    "automations": "the right to automations",
}
"""What is listed of v3, and what its user needs for it; a key has its user's rights and no others."""


class Pro2Hook(CarryingHook):
    """Connection type ``pro2``.

    ``host``: the API URL of the account; ``password``: its key, sent as the header ``Api-Token``; extra:
    ``read_only`` (true unless it says otherwise), ``timeout`` in seconds (20), ``pace_ms`` (270; 0: no
    pacing).
    """

    conn_name_attr = "pro2_conn_id"
    default_conn_name = "pro2_default"
    conn_type = PRO2
    hook_name = "Pro2 (ActiveCampaign)"

    def __init__(self, pro2_conn_id: str = default_conn_name, *, pacer: Pacer | None = None) -> None:
        super().__init__(pro2_conn_id, pacer=pacer)
        self.pro2_conn_id = pro2_conn_id

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        return HeaderAuth("Api-Token", settings.secret)

    def looks(self) -> Iterator[Look]:
        """The key, then what its user may read of v3, then v1, over which campaigns are stopped and sent."""
        settings = self.settings
        problem = wrong_address(settings)
        if problem:
            raise ConfigurationError(problem)
        yield Look(
            request_for(Service.SENDING),
            "ActiveCampaign's API (v3)",
            lambda body: isinstance(body, dict) and isinstance(body.get("user"), dict),
            {401: REFUSED_KEY, 403: REFUSED_KEY},
            WANTED,
        )
        for name, right in RIGHTS.items():
            yield Look(
                Request("GET", f"api/3/{name}", {"limit": "1"}),
                f"the list of {name}",
                lambda body, name=name: isinstance(body, dict) and isinstance(body.get(name), list),  # type: ignore[misc]
                {
                    403: f"The key works, but its user may not see {name} (403): give his group {right} in Pro2."
                },
                WANTED,
            )
        only_v3 = f"The API v3 works, and v1 ({v1.PATH}), over which campaigns are stopped and sent, "
        yield Look(
            v1.call("campaign_list", ids="0"),
            f"the API v1 ({v1.PATH})",
            _v1_answers,
            {
                status: f"{only_v3}refuses the key ({status}): ask ActiveCampaign whether v1 is open to this account."
                for status in (401, 403)
            }
            | {404: f"{only_v3}is not there (404). Give {WANTED}."},
            f"{WANTED}; v3 works, so something on the way may keep v1 out",
            f"{only_v3}refuses the request (result_code 0): ask ActiveCampaign whether v1 is open to this account.",
        )

    def remarks(self, answers: list[Any]) -> list[str]:
        return clock_remarks(answers)

    def _adapted(self, settings: Settings) -> Settings:
        if self.pacer is None and settings.pace_ms:
            self.pacer = Pacer(settings.base_url, settings.pace_ms)
        return settings


def wrong_address(settings: Settings) -> str | None:
    """Why the host cannot be the API URL, by its looks alone; None where it can."""
    path = urlsplit(settings.base_url).path.strip("/")
    if path.startswith(("api/", "admin", "app")) or path == "api":
        return f"the host ends with /{path}, which does not belong there; give {WANTED}"
    return None


def _v1_answers(body: Any) -> bool:
    """Whether v1 let us in. Where nothing matches it answers with a failure in words, which is an answer."""
    if not isinstance(body, dict):
        return False
    return (
        str(body.get("result_code")).strip() == "1"
        or "nothing is returned" in str(body.get("result_message")).lower()
    )


def clock_remarks(answers: list[Any]) -> list[str]:
    """Whether the account's clock is that of the organization; nothing where one of them is not known."""
    from pro2.organization import open_site
    from pro2_reconciliation.domain.localtime import find_zone

    moment = next((found for body in answers if (found := a_moment(body)) is not None), None)
    if moment is None:
        return []
    try:
        zone = open_site().zone
        ours = moment.astimezone(find_zone(zone)).utcoffset()
    except ConfigurationError:
        return []  # the site is not described yet, or not here
    theirs = moment.utcoffset()
    if ours is None or theirs is None or ours == theirs:
        return []
    return [
        f"Note: the account's clock is at {_offset(theirs)}, that of {zone} in jobs.yaml at {_offset(ours)}. Nothing "
        "is missed by it, but Pro2 and our reports show different times: set the time zone in Pro2, or correct zone."
    ]


def a_moment(body: Any) -> datetime | None:
    """A time of the account with its own offset, from a list of campaigns; None where none shows one."""
    return next(_moments(body), None)


def _moments(body: Any) -> Iterator[datetime]:
    """The times with an offset of the listed campaigns."""
    listed = body.get("campaigns") if isinstance(body, dict) else None
    for campaign in listed if isinstance(listed, list) else []:
        for name in ("sdate", "cdate") if isinstance(campaign, dict) else ():
            try:
                moment = datetime.fromisoformat(str(campaign.get(name)))
            except ValueError:
                continue
            if moment.tzinfo is not None and moment.year > 1:
                yield moment


def _offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
