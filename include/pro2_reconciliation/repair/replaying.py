"""Build a plan from a recording: no network, no ledger, no clock of its own; only the site may be another one.

A changed policy may ask what the recorded plan did not ask. What was not read then counts as unreadable or absent, and
``Replayed.missing`` names it: the plan is only as good as the recording there. Raises ``ConfigurationError`` for a file
that is no recording, and for a site that does not fit to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from pro2_reconciliation.domain import errors
from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError, RequestError, Unreadable
from pro2_reconciliation.domain.jobs import ActivityLog
from pro2_reconciliation.domain.matching import CLOCK_SKEW
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import ActionRecord, Identity, Snapshot
from pro2_reconciliation.repair.account import Account
from pro2_reconciliation.repair.planning import build_plan
from pro2_reconciliation.repair.recording import ANSWERS, Failure, LedgerFacts, Read, Recording

CALLED = {
    "report": "the report of campaign {}",
    "console": "the Console",
    "tag_id": "the tag '{}'",
    "generated_at": "when list {} was generated",
}
"""What ``missing`` calls a read; others by their own name."""


@dataclass(frozen=True)
class Replayed:
    """The plan that the recording leads to under a site, and what it would have had to know in addition."""

    plan: Plan
    missing: tuple[str, ...]


def load_recording(path: Path) -> Recording:
    """Read a recording. Raises ``ConfigurationError`` with the file and the next step."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}); name a .recording.json from the folder of the reports"
        ) from None
    try:
        recording = Recording.model_validate_json(text)
        # an answer of another version is found here, not in the middle of a plan
        for read in recording.reads:
            if read.failure is None and read.call in ANSWERS:
                ANSWERS[read.call].validate_python(read.answer)
        return recording
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(
            f"{path} is no recording that this version reads ({where}: {first['msg']}); "
            "name a .recording.json from the folder of the reports"
        ) from None


def replay(recording: Recording, site: Site) -> Replayed:
    """Build the plan again. Raises ``ConfigurationError`` where site and recording do not fit."""
    if site.organization != recording.organization:
        raise ConfigurationError(
            f"the recording is of {recording.organization!r} and the configuration of {site.organization!r}; "
            "give the configuration of the same organization by --config"
        )
    needed = sorted({one.job_id for one in recording.inventory.occurrences})
    for job_id in needed:
        if job_id not in site.jobs_by_id:
            raise ConfigurationError(
                f"the recording has occurrences of job {job_id!r}, which jobs.yaml does not name; "
                "add the job, or pause it instead of removing it"
            )
    player = _Player(recording)
    account = Account(
        site=site,
        campaigns=cast(Any, player),
        contacts=cast(Any, player),
        dashboard=cast(Any, player),
        lists=cast(Any, player),
        ledger=cast(Any, _Ledger(recording.ledger)),
        clock=player,
        owner="desk",
        read_only=dict.fromkeys(Verb, "a recording is played"),
    )
    plan = build_plan(
        account, recording.inventory, recording.observations, run=recording.run, parent=recording.parent
    )
    return Replayed(plan, tuple(dict.fromkeys(player.missing)))


@dataclass
class _Player:
    """All ports at once, and the clock, which moves to the time of each read that is played."""

    recording: Recording
    missing: list[str] = field(default_factory=list)
    _at: datetime | None = None

    def __getattr__(self, call: str) -> Any:
        """A read with no more to it than its arguments."""
        if call.startswith("_") or call not in ANSWERS:
            raise AttributeError(f"a recording answers no {call!r}")

        def read(*arguments: Any) -> Any:
            asked = to_jsonable_python(arguments)
            same = [read for read in self._reads(call) if list(read.arguments) == list(asked)]
            what = CALLED.get(call, call + " of {}").format(", ".join(map(str, asked)) or "all")
            return self._answer(self._last(call, what, among=same))

        return read

    def now(self) -> datetime:
        return self._at or self.recording.began

    def sleep(self, seconds: float) -> None:
        """Nothing to wait for."""

    def scheduled_since(self, edge: datetime) -> list[Campaign]:
        read = self._last("scheduled_since", "the list of campaigns")
        if edge < datetime.fromisoformat(read.arguments[0]):
            self.missing.append(f"campaigns due before {read.arguments[0]}")
        listed: list[Campaign] = self._answer(read)
        return [one for one in listed if one.due is None or one.due >= edge]

    def get(self, campaign_id: str) -> Campaign | None:
        """A campaign that no list of the changed policy shows; the recorded lists may, and it is the same read."""
        if any(read.arguments[0] == campaign_id for read in self._reads("get")):
            found: Campaign | None = self._answer(self._last("get", "", campaign_id))
            return found
        for read in (*self._reads("scheduled_since"), *self._reads("newer_than")):
            for listed in self._answer(read):
                if listed.id == campaign_id:
                    return cast(Campaign, listed)
        self.missing.append(f"campaign {campaign_id}")
        return None

    def detailed(self, campaign_ids: Sequence[str]) -> dict[str, Campaign]:
        known: dict[str, Campaign] = {}
        asked: set[str] = set()
        for read in self._reads("detailed"):
            known |= self._answer(read)
            asked |= set(read.arguments[0])
        self.missing += [f"the details of campaign {one}" for one in campaign_ids if one not in asked]
        return {one: known[one] for one in campaign_ids if one in known}

    def newer_than(self, campaign_id: str) -> list[Campaign]:
        read = self._last("newer_than", "the campaigns made since")
        if int(campaign_id) < int(read.arguments[0]):
            self.missing.append(f"campaigns between {campaign_id} and {read.arguments[0]}")
        newer: list[Campaign] = self._answer(read)
        return [one for one in newer if int(one.id) > int(campaign_id)]

    def activity(self, since: datetime, until: datetime) -> ActivityLog:
        reads = self._reads("activity")
        same = [read for read in reads if datetime.fromisoformat(read.arguments[0]) == since]
        widest = min(reads, key=lambda read: str(read.arguments[0]), default=None)
        read = same[-1] if same else widest
        if read is None:
            raise self._absent("the Activity Log")
        if since < datetime.fromisoformat(read.arguments[0]):
            self.missing.append(f"the Activity Log before {read.arguments[0]}")
        log: ActivityLog = self._answer(read)
        return log.model_copy(update={"rows": tuple(row for row in log.rows if row.started >= since)})

    def holders(self, tag_id: str, *_: object) -> set[str]:
        """As many as there were, under made-up ids."""
        self._answer(self._last("holders", f"the holders of tag {tag_id}", tag_id))
        return {
            f"{number}/{one}"
            for number, group in enumerate(self.recording.holders)
            if tag_id in group.tags
            for one in range(group.contacts)
        }

    def entries(self, automation_id: str, since: datetime, until: datetime) -> int:
        what = f"the entries of automation {automation_id}"
        reads = [  # an older version counted from the due time itself
            read
            for read in self._reads("entries")
            if since <= datetime.fromisoformat(read.arguments[1]) <= since + CLOCK_SKEW
        ]
        return cast(int, self._answer(self._last("entries", what, automation_id, among=reads)))

    def _reads(self, call: str) -> list[Read]:
        return [read for read in self.recording.reads if read.call == call]

    def _last(
        self, call: str, what: str, first: str | None = None, *, among: list[Read] | None = None
    ) -> Read:
        reads = self._reads(call) if among is None else among
        found = [read for read in reads if first is None or read.arguments[0] == first]
        if not found:
            raise self._absent(what)
        return found[-1]

    def _absent(self, what: str) -> Unreadable:
        self.missing.append(what)
        return Unreadable(f"the recording does not hold {what}")

    def _answer(self, read: Read) -> Any:
        self._at = max(self.now(), read.at)
        if read.failure is not None:
            raise _error(read.failure)
        return ANSWERS[read.call].validate_python(read.answer) if read.call in ANSWERS else None


def _error(failure: Failure) -> RequestError:
    kind = getattr(errors, failure.kind, None)
    known = isinstance(kind, type) and issubclass(kind, RequestError)
    made: RequestError = (kind if known else Unreadable)(failure.said, status=failure.status)  # type: ignore[misc]
    return made


class _Ledger:
    """What planning reads of the ledger. Anything else is refused: a recording is not written to."""

    def __init__(self, facts: LedgerFacts) -> None:
        self._facts = facts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise LedgerError(
            f"a recording has no ledger that answers {name!r}; make the recording anew with this version"
        )

    @property
    def identity(self) -> Identity:
        return Identity(self._facts.uuid, self._facts.epoch, self._facts.created_at)

    def copies_among(self, organization: str, campaign_ids: Collection[str]) -> dict[str, str]:
        return {copy: root for copy, root in self._facts.copies.items() if copy in campaign_ids}

    def actions_of(self, organization: str, *roots: str) -> list[ActionRecord]:
        return [action for action in self._facts.actions if action.root in roots]

    def outages(self, organization: str, states: Collection[str] = ()) -> list[Outage]:
        return [one for one in self._facts.outages if not states or one.state in states]

    def outage(self, outage_id: str) -> Outage | None:
        return next((o for o in self._facts.outages if outage_id in (o.id, *o.aliases)), None)

    def snapshots(self, organization: str, since: datetime) -> list[Snapshot]:
        return [
            Snapshot(kept.at, {"campaigns": [{"id": one} for one in kept.campaigns]})
            for kept in self._facts.snapshots
            if kept.at > since
        ]
