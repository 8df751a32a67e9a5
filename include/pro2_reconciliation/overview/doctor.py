"""Is this site ready? One finding for each thing that has to be right, good or with what to do about it.

Here is what ledger, catalog and dashboard say; connections, rights and DAGs are Airflow's to say
(``pro2_reconciliation.desk.airflow``). Everything reads, nothing is changed. What cannot be read is a finding as well,
never an exception, so that one broken thing does not hide the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.capability import Capability
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.localtime import find_zone, local
from pro2_reconciliation.domain.matching import CLOCK_SKEW
from pro2_reconciliation.domain.ports import Dashboard, Lists
from pro2_reconciliation.ledger import Ledger, Stage, Witness, why_plan_only
from pro2_reconciliation.overview.capabilities import pressed_by_a_person
from pro2_reconciliation.repair.detection import DETECTION, GAP
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.timeline import printable

LOG_OLD = timedelta(hours=1)
"""An Activity Log read over the API is whole up to a moment ago; one that lags more says nothing of this evening."""
EXPORT_OLD = timedelta(hours=24)
"""An exported file that is older says nothing of last night."""
LOOKED_BACK = timedelta(days=7)


class Finding(Value):
    """One line of the doctor. ``todo`` begins with a verb and is empty where the thing is ``ok``."""

    subject: str
    ok: bool
    said: str
    todo: str = ""


def good(subject: str, said: str) -> Finding:
    return Finding(subject=subject, ok=True, said=said)


def bad(subject: str, said: str, todo: str) -> Finding:
    return Finding(subject=subject, ok=False, said=said, todo=todo)


def text_of(findings: Iterable[Finding]) -> str:
    """The findings as lines: ``ok`` or ``--`` in front, and what to do below."""
    rows = list(findings)
    width = max((len(one.subject) for one in rows), default=0)
    lines = []
    for one in rows:
        lines.append(f"{'ok' if one.ok else '--'}  {one.subject.ljust(width)}  {printable(one.said)}")
        lines += [f"    {' ' * width}  {printable(one.todo)}"] if one.todo else []
    wrong = sum(not one.ok for one in rows)
    lines.append("Everything is ok." if not wrong else f"{wrong} of {len(rows)} need something.")
    return "\n".join(lines)


def ledger_findings(
    site: Site, ledger: Ledger, now: datetime, *, witness: Witness | None = None
) -> Iterator[Finding]:
    """Which ledger this is and whether it may be acted on, the kill switch, and the two watchers."""
    identity, zone = ledger.identity, site.zone
    refusal = why_plan_only(ledger, witness, zone)
    name = f"{identity.uuid} at {ledger.address}, epoch {identity.epoch}"
    if refusal is None and identity.adopted_at is not None:
        yield good("ledger", f"{name}, adopted {local(identity.adopted_at, zone)} by {identity.adopted_by}")
    else:
        yield bad("ledger", f"{name} allows plans only", refusal or "Adopt it: adopt --why ...")
    switch = ledger.switch(site.organization)
    if switch.stage is Stage.OFF:
        yield good("kill switch", "off")
    else:
        since = f" since {local(switch.at, zone)}" if switch.at else ""
        yield bad(
            "kill switch",
            f"«{switch.stage.value}»{since} ({switch.who}: {switch.why})",
            'Switch it off when its reason is gone: switch off --why "..."',
        )
    yield good("capabilities", _seen(ledger, site))
    silent = timedelta(seconds=site.policy.guard_heartbeat_seconds)
    yield _beat(ledger, GUARD, silent, now, zone, "without it nothing is sent")
    yield _beat(ledger, DETECTION, GAP, now, zone, "without it no outage is found")


def _seen(ledger: Ledger, site: Site) -> str:
    """Nothing is wrong with a site where a person presses; it is said, so that nobody is surprised by it."""
    proven, every = len(ledger.proven(site.organization)), len(Capability)
    left = pressed_by_a_person(ledger, site.organization)
    if not left:
        return f"all {every} proven"
    return f"{proven} of {every} proven; until the others are, a person presses: {left} (capabilities)"


def _beat(ledger: Ledger, name: str, silent: timedelta, now: datetime, zone: str, otherwise: str) -> Finding:
    beat = ledger.heartbeat(name)
    if beat is not None and now - beat <= silent:
        return good(f"{name} passes", f"last passed {local(beat, zone)}")
    last = f"last passed {local(beat, zone)}" if beat else "has never passed"
    return bad(
        f"{name} passes",
        f"{last}; {otherwise}",
        f"Unpause {name}. If no pass comes within two minutes, trigger it once by hand, and look at its log.",
    )


def dashboard_findings(
    site: Site, dashboard: Dashboard, now: datetime, *, export: bool = False
) -> Iterator[Finding]:
    """How fresh the Activity Log is, and which jobs of the catalog it shows. ``export``: it comes as files."""
    subject = "Activity Log, from files" if export else "Activity Log"
    try:
        log = dashboard.activity(now - LOOKED_BACK, now)
    except ReconciliationError as error:
        yield bad(subject, str(error), "Make it readable; until then no job is judged.")
        return
    age, most = now - log.as_of, EXPORT_OLD if export else LOG_OLD
    read = f"whole up to {local(log.as_of, site.zone)}; {len(log.rows):,} runs of seven days"
    if age > most:
        what = "Export it anew" if export else "Look why what serves the dashboard's contract lags"
        yield bad(subject, read, f"{what}: it must not be older than {_span(most)}, and is {_span(age)} old.")
    else:
        yield good(subject, read)
    shown = {row.job_id for row in log.rows}
    unseen = [job.id for job in site.jobs if not job.paused and job.id not in shown]
    if not site.jobs:
        yield bad("catalog", "jobs.yaml names no job", "Describe your jobs: learn --activity-log FILE.")
    elif unseen:
        yield bad(
            "catalog",
            f"{len(unseen)} of {len(site.jobs)} jobs have no run in seven days: {', '.join(unseen[:8])}"
            + (" and more" if len(unseen) > 8 else ""),
            "Correct their ids in jobs.yaml, or mark them paused; a weekly job that has not been due yet is no fault.",
        )
    else:
        yield good("catalog", f"all {len(site.jobs)} jobs have runs in the Activity Log")


def lists_findings(site: Site, lists: Lists, now: datetime) -> Iterator[Finding]:
    """When the lists that data syncs copy were last generated."""
    wanted = {job.tessitura_list: job for job in site.jobs if job.tessitura_list}
    for list_id, job in wanted.items():
        subject = f"Tessitura list {list_id}"
        try:
            at = lists.generated_at(list_id)
        except ReconciliationError as error:
            yield bad(
                subject,
                str(error),
                "Mend connection tessitura if it is not ok above; else correct tessitura_list of job "
                f"{job.id} in jobs.yaml.",
            )
            continue
        if at is None:
            yield bad(
                subject, "was never generated", f"Generate it: job {job.id} cannot be repaired from it."
            )
        else:
            yield good(subject, f"generated {local(at, site.zone)}, for job {job.id}")


def clock_finding(server_date: str | None, now: datetime, zone: str) -> Finding:
    """Pro2's clock, as the header ``Date`` of an answer tells it, against ours. ``now``: aware, when it came."""
    try:
        theirs = parsedate_to_datetime(server_date or "")
    except ValueError:
        return bad(
            "clock", "Pro2's answers tell no time", "Compare this machine's clock with a time server (NTP)."
        )
    if theirs.tzinfo is None:
        return bad(
            "clock", "Pro2's answers tell no zone", "Compare this machine's clock with a time server (NTP)."
        )
    apart = now - theirs
    if abs(apart) <= CLOCK_SKEW:
        return good("clock", f"{abs(apart).total_seconds():.0f} s from Pro2's")
    which = "ahead of" if apart > timedelta(0) else "behind"
    return bad(
        "clock",
        f"this machine shows {local(now, zone)}, {_span(abs(apart))} {which} Pro2",
        f"Set it by a time server (NTP): more than {_span(CLOCK_SKEW)} makes a run look early or late.",
    )


def zone_finding(theirs: datetime | None, zone: str) -> Finding:
    """The account's time zone against the catalog's. ``theirs``: a time of the account with its own offset."""
    if theirs is None or theirs.utcoffset() is None:
        return bad(
            "time zone",
            f"jobs.yaml says {zone}; no campaign of the account shows a time to compare with",
            "Save a draft in Pro2, then run this again.",
        )
    ours = theirs.astimezone(find_zone(zone)).utcoffset()
    if ours == theirs.utcoffset():
        return good("time zone", f"the account keeps the offset of {zone}")
    return bad(
        "time zone",
        f"the account is at {theirs:%z}, {zone} of jobs.yaml at {theirs.astimezone(find_zone(zone)):%z}",
        "Correct zone in jobs.yaml, or the time zone of the account in Pro2: due times would be read wrongly.",
    )


def _span(length: timedelta) -> str:
    seconds = round(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
