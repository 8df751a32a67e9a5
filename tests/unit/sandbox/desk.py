"""A desk in front of a small account: the calls that the tests make, and a clock that only they move."""

from __future__ import annotations

import base64
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from pro2_sandbox import Answer, InProcess, World, build_incident, create_app

START = datetime(2031, 3, 4, 18, 0, 25, tzinfo=UTC)
JOBS = "/dashboard/v1/organizations/playhouse/jobs"
DASHBOARD = "/dashboard/v1/organizations/playhouse"

SMALL: dict[str, Any] = {
    "name": "Small evening",
    "organization": "playhouse",
    "zone": "America/Chicago",
    "outages": [{"services": ["sending"], "start": "-3h", "end": "-1m"}],
    "lists": [{"id": "1", "name": "Newsletter", "members": 300}],
    "tags": [
        {"id": "7", "name": "Members", "like": "501", "lacks": 3, "extra": 2},
        {"id": "8", "name": "Buyers"},
    ],
    "tessitura_lists": [{"id": "501", "name": "Members", "members": 40}],
    "campaigns": [
        {
            "id": "103",
            "name": "Opening night",
            "subject": "Welcome",
            "list": "1",
            "recipients": 120,
            "due": "-2h",
        }
    ],
    "jobs": [
        {
            "id": "j-1",
            "name": "Buyers import",
            "process_type": "integrated_import",
            "schedule": {"daily": "-2h"},
            "tessitura_list": "501",
            "tag": "Buyers",
        },
        {
            "id": "j-2",
            "name": "Members sync",
            "process_type": "data_sync",
            "schedule": {"daily": "-90m"},
            "tessitura_list": "501",
            "sync_tag": "Members",
            "mode": "add_and_remove",
        },
        {
            "id": "j-3",
            "name": "Survey",
            "process_type": "scheduled_trigger",
            "schedule": {"daily": "-80m"},
            "automation": "301",
            "audience": {"kind": "exact", "window_hours": 24, "valid_hours": 12},
        },
    ],
    "automations": [{"id": "301", "name": "Survey", "multientry": True}],
}


class Desk:
    """``Desk(campaign={...})`` changes campaign 103, ``job={...}`` changes job j-1, other words change sections."""

    def __init__(
        self,
        campaign: dict[str, Any] | None = None,
        job: dict[str, Any] | None = None,
        rate_limit: int | None = None,
        **changes: Any,
    ) -> None:
        content = deepcopy(SMALL)
        content["campaigns"][0] |= campaign or {}
        content["jobs"][0] |= job or {}
        content |= changes
        self.now = START
        self.world = World(build_incident(content), lambda: self.now, rate_limit=rate_limit)
        self._client = InProcess(create_app(self.world))
        tokens = self.world.incident.tokens
        pair = f"{tokens.tessitura_user}:{tokens.tessitura_password}"
        self.keys = {
            "Api-Token": tokens.api_token,
            "/dashboard": f"Bearer {tokens.dashboard_token}",
            "/TessituraService": "Basic " + base64.b64encode(pair.encode()).decode(),
        }

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"Api-Token": self.keys["Api-Token"]}
        for beginning, value in self.keys.items():
            if path.startswith(beginning):
                headers["Authorization"] = value
        headers |= options.pop("headers", {})
        return self._client.call(method, path, headers=headers, **options)

    def get(self, path: str, **params: str) -> Any:
        return self.call("GET", path, params=params).json()

    def v1(self, action: str, **fields: str) -> Any:
        return self.call("POST", "/admin/api.php", form={"api_action": action, **fields}).json()

    # The presses of an operator.

    def campaign(self, campaign_id: str = "103") -> Any:
        return self.get(f"/api/3/campaigns/{campaign_id}")["campaign"]

    def stop(self, campaign_id: str = "103") -> Any:
        return self.v1("campaign_status", id=campaign_id, status="4")

    def copy(self, campaign_id: str = "103") -> str:
        return str(self.call("POST", f"/api/3/campaigns/{campaign_id}/copy").json()["newCampaignId"])

    def send(self, campaign_id: str) -> Any:
        return self.v1("campaign_status", id=campaign_id, status="1", sdate="")

    def press(self, job_id: str, button: str, json: Any = None) -> Answer:
        return self.call("POST", f"{JOBS}/{job_id}/{button}", json={} if json is None else json)

    def console(self) -> Any:
        return self.get(f"{DASHBOARD}/console")["rows"]

    def activity(self, process_id: str | None = None, since_hours: float = 4) -> Any:
        since = (self.now - timedelta(hours=since_hours)).isoformat()
        rows = self.get(f"{DASHBOARD}/activity", since=since)["rows"]
        return [row for row in rows if process_id in (None, row["process_id"])]

    def holders(self, tag_id: str) -> set[str]:
        """All holders of a tag, page by page as a client would."""
        found: list[str] = []
        while True:
            after = found[-1] if found else "0"
            page = self.get("/api/3/contacts", **{"tagid": tag_id, "orders[id]": "ASC", "id_greater": after})
            if not page["contacts"]:
                return set(found)
            found += [contact["id"] for contact in page["contacts"]]

    # What the sandbox says of it.

    def effects(self, kind: str | None = None) -> Any:
        return [one for one in self.get("/sandbox/effects")["effects"] if kind in (None, one["kind"])]

    def truth(self) -> Any:
        return self.get("/sandbox/truth")

    def fault(self, kind: str, times: int = 1, **match: str) -> None:
        answer = self.call("POST", "/sandbox/faults", json={"match": match, "kind": kind, "times": times})
        assert answer.status == 201, answer.text
