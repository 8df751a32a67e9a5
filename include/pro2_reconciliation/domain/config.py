"""A site's own files, read into values: ``jobs.yaml``, ``policy.yaml``, ``sources.yaml``, ``notifications.yaml`` and,
where the Activity Log comes as files, ``activity_export.yaml`` of one directory.

In: a directory (environment variable PRO2_RECONCILIATION_CONFIG). Out: a :class:`Site`. Read in tasks,
never while a DAG file is parsed. Fails with ONE ConfigurationError per file that holds one sentence per
mistake, each with file, thing, value and next step; a file that is half right is not used at all.
``docs/configuration.md`` lists every key.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.config_words import pick_unknown, read_strictly, read_yaml, sentences
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.export import ActivityExport, holds_secret
from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.notifications import Notifications
from pro2_reconciliation.domain.oneline import is_one_line
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.schedule import cron_trouble
from pro2_reconciliation.domain.sources import Declared, Feed, Probe, Sources, carries_secret
from pro2_reconciliation.domain.window_form import parse_moment, parse_window

__all__ = [
    "DIRECTORY",
    "Declared",
    "Feed",
    "Probe",
    "Site",
    "Sources",
    "load_site",
    "parse_window",
    "read_export",
]

T = TypeVar("T", bound=Value)
DIRECTORY = "PRO2_RECONCILIATION_CONFIG"
"""The environment variable that names a site's directory."""

_UNREAD = datetime(2000, 1, 1, tzinfo=UTC)
_JOB_KEYS = tuple(key for key in Job.model_fields if key != "organization")


class Site(Value):
    """Everything that the files of one organization say."""

    organization: str
    zone: str
    jobs: tuple[Job, ...]
    policy: Policy = Policy()
    sources: Sources = Sources()
    export: ActivityExport | None = None
    notifications: Notifications = Notifications()

    @property
    def jobs_by_id(self) -> dict[str, Job]:
        return {job.id: job for job in self.jobs}

    def feeds_of(self, campaign: Campaign) -> tuple[str, ...]:
        """Ids of the jobs that make a campaign's audience: named by the job, or by the policy."""
        return Feeds(self).of(campaign)


class Feeds:
    """Which jobs make which campaigns' audiences; whoever asks about many campaigns makes it once."""

    def __init__(self, site: Site) -> None:
        self._policy = site.policy
        self._fed: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for place, job in enumerate(site.jobs):
            for campaign in job.feeds:
                self._fed[campaign].append((place, job.id))

    def of(self, campaign: Campaign) -> tuple[str, ...]:
        """As :meth:`Site.feeds_of`."""
        entry = self._policy.of(campaign)
        named = sorted({*self._fed.get(campaign.id, ()), *self._fed.get(campaign.name, ())})
        return tuple(dict.fromkeys([*(job_id for _, job_id in named), *(entry.feeds if entry else ())]))


def load_site(directory: str | Path | None = None) -> Site:
    """Read a site's directory; None: the one that PRO2_RECONCILIATION_CONFIG names.

    ``jobs.yaml`` must exist; without ``policy.yaml`` the defaults hold, without ``sources.yaml`` there are
    none, without ``notifications.yaml`` nobody is told. Raises ConfigurationError with every mistake of the first
    file that has any.
    """
    named = directory or os.environ.get(DIRECTORY)
    if not named:
        raise ConfigurationError(f"{DIRECTORY} is not set; set it to the directory that holds jobs.yaml")
    path = Path(named)
    if not path.is_dir():
        raise ConfigurationError(f"{path} is not a directory; set {DIRECTORY} to where jobs.yaml is")
    organization, zone, jobs = _jobs(path / "jobs.yaml")
    return Site(
        organization=organization,
        zone=zone,
        jobs=jobs,
        policy=_policy(path / "policy.yaml"),
        sources=_sources(path / "sources.yaml", zone),
        export=read_export(path / "activity_export.yaml"),
        notifications=_notifications(path / "notifications.yaml"),
    )


def _jobs(path: Path) -> tuple[str, str, tuple[Job, ...]]:
    body = read_yaml(path, needed=True)
    wrong = pick_unknown(body, ("organization", "zone", "jobs"), str(path))
    for key, example in (("organization", "playhouse"), ("zone", "America/Chicago")):
        value = body.get(key)
        if not isinstance(value, str) or not value.strip():
            wrong.append(f"{path}: {key} {value!r} is not a name; write for example {key}: {example}")
        elif not is_one_line(value):
            wrong.append(_not_one_line(str(path), key, value))
    zone = str(body.get("zone"))
    if isinstance(body.get("zone"), str):
        try:
            find_zone(zone)
        except ConfigurationError as error:
            wrong.append(f"{path}: {error}")
    entries = _list(body, "jobs", path, wrong)
    jobs = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            wrong.append(f"{path}: job number {number} is {entry!r}; write keys with values, - {{id: ...}}")
            continue
        name = f"{path}, job {entry['id']!r}" if "id" in entry else f"{path}, job number {number}"
        wrong += pick_unknown(entry, _JOB_KEYS, name)
        known = {key: value for key, value in entry.items() if key in _JOB_KEYS}
        if isinstance(entry.get("schedules"), list):
            known["schedules"] = [
                _earlier(earlier, f"{name}, schedules number {n}", entry.get("zone") or zone, wrong)
                for n, earlier in enumerate(entry["schedules"], start=1)
            ]
        try:
            job = read_strictly(Job, {"zone": zone, **known, "organization": str(body.get("organization"))})
        except ValidationError as error:
            wrong += sentences(error, name)
            continue
        jobs.append(job)
        wrong += [_not_one_line(name, k, v) for k, v in job if isinstance(v, str) and not is_one_line(v)]
        own_zone = None if job.zone == zone else job.zone
        wrong += _schedule_problems(f"job {job.id!r}", job.cron, own_zone, path)
        wrong += _changes(job, path)
    ids = Counter(str(entry["id"]) for entry in entries if isinstance(entry, Mapping) and "id" in entry)
    for identity, times in ids.items():
        if times > 1:
            wrong.append(f"{path}: job id {identity!r} stands {times} times; give each job an id of its own")
    _refuse(wrong)
    return str(body["organization"]), zone, tuple(jobs)


def _not_one_line(name: str, key: str, value: str) -> str:
    return f"{name}: {key} {value[:60]!r} holds a line break or another sign that nobody sees; write it on one line"


def _earlier(entry: Any, name: str, zone: str, wrong: list[str]) -> Any:
    """The entry with ``until`` read on the wall clock of its zone; a zone nobody knows is named elsewhere."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("until"), str):
        return entry
    place = entry.get("zone") or zone
    if not isinstance(place, str):
        return {**entry, "until": _UNREAD}  # the zone is refused where the entry is read
    try:
        find_zone(place)
    except ConfigurationError:
        return {**entry, "until": _UNREAD}  # so that the rest of the entry is looked at too
    return {**entry, "until": _moment(entry, "until", place, name, wrong)}


def _moment(entry: Mapping[str, Any], key: str, zone: str, name: str, wrong: list[str]) -> datetime:
    """The time of a key on the wall clock of a known zone; what is wrong with it joins ``wrong``."""
    try:
        return parse_moment(entry[key], zone, example="2026-11-23T18:00")
    except ConfigurationError as error:
        wrong.append(f"{name}: {key} {error}")
        return _UNREAD  # so that the rest of the entry is looked at too


def _schedule_problems(who: str, cron: str, own_zone: str | None, path: Path) -> list[str]:
    """What is wrong with a cron, and with a zone of its own; an inherited zone is named where it stands."""
    trouble = cron_trouble(cron)
    wrong = [f"{who}: cron {cron!r} {trouble}; fix {path}"] if trouble else []
    try:
        if own_zone is not None:
            find_zone(own_zone)
    except ConfigurationError as error:
        wrong.append(f"{who}: {error}; fix {path}")
    return wrong


def _changes(job: Job, path: Path) -> list[str]:
    """What is wrong with a job's earlier schedules: their crons and zones, and their order."""
    wrong = []
    for number, earlier in enumerate(job.schedules, start=1):
        name = f"job {job.id!r}, schedules number {number}"
        wrong += [] if earlier.paused else _schedule_problems(name, earlier.cron, earlier.zone, path)
    for number, (one, other) in enumerate(pairwise(job.schedules), start=2):
        if other.until <= one.until and _UNREAD not in (one.until, other.until):
            wrong.append(
                f"{path}, job {job.id!r}, schedules number {number}: until {local(other.until, job.zone)} is not "
                f"after that of number {number - 1}, {local(one.until, job.zone)}; write the oldest schedule first"
            )
    return wrong


def _read_values(model: type[T], body: Mapping[str, Any], path: Path, wrong: Sequence[str] = ()) -> T:
    """The file's keys as the model's values. Raises ConfigurationError with every mistake, ``wrong`` first."""
    wrong = [*wrong, *pick_unknown(body, model.model_fields, str(path))]
    try:
        values = read_strictly(
            model, {key: value for key, value in body.items() if key in model.model_fields}
        )
    except ValidationError as error:
        _refuse(wrong + sentences(error, str(path)))
        raise
    _refuse(wrong)
    return values


def _policy(path: Path) -> Policy:
    return _read_values(Policy, read_yaml(path, needed=False), path)


def _sources(path: Path, zone: str) -> Sources:
    body, wrong = dict(read_yaml(path, needed=False)), list[str]()
    if "declared" in body:
        entries = enumerate(_list(body, "declared", path, wrong), start=1)
        body["declared"] = [
            _declared(entry, f"{path}, declared number {n}", zone, wrong) for n, entry in entries
        ]
    probes = body.get("probes")
    for number, probe in enumerate(probes if isinstance(probes, list) else (), start=1):
        if isinstance(probe, Mapping) and carries_secret(probe.get("url")):
            _refuse(
                [
                    f"{path}, probes number {number}: url names a user, a password or a query; give a plain address"
                ]
            )
    sources = _read_values(Sources, body, path, wrong)
    _refuse(_maintenance(sources, path))
    return sources


def _notifications(path: Path) -> Notifications:
    return _read_values(Notifications, read_yaml(path, needed=False), path)


def read_export(path: Path) -> ActivityExport | None:
    """How exported files of the Activity Log are to be read; None without the file. Raises ConfigurationError."""
    if not path.exists():
        return None
    body = read_yaml(path, needed=False)
    if holds_secret(body.get("path")):
        _refuse(
            [f"{path}: path holds a secret; put it into an Airflow connection and name that as connection"]
        )
    return _read_values(ActivityExport, body, path)


def _maintenance(sources: Sources, path: Path) -> list[str]:
    wrong = []
    for number, entry in enumerate(sources.maintenance, start=1):
        wrong += _schedule_problems(f"{path}, maintenance number {number}", entry.cron, entry.zone, path)
    return wrong


def _declared(entry: Any, name: str, zone: str, wrong: list[str]) -> Any:
    """The entry with its times read in the organization's zone, as the form of a window reads them."""
    if not isinstance(entry, Mapping):
        return entry
    times = {
        key: _moment(entry, key, zone, name, wrong)
        for key in ("start", "end")
        if isinstance(entry.get(key), str)
    }
    if len(times) == 2 and _UNREAD not in times.values() and times["end"] <= times["start"]:
        wrong.append(
            f"{name}: end {entry['end']} is not after start {entry['start']}; "
            "write a later end, or leave it out while the outage lasts"
        )
    return {**entry, **times}


def _list(body: Mapping[str, Any], key: str, path: Path, wrong: list[str]) -> list[Any]:
    value = body.get(key)
    if isinstance(value, list):
        return value
    wrong.append(f"{path}: {key} is {value!r}, not a list; write each entry on a line that begins with -")
    return []


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise ConfigurationError("\n".join(wrong))
