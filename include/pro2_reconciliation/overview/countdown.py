"""What happens next with an outage, and the one line above everything: whole sentences, with local times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.outage import Outage, OutageState
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Alarm, DagRun, RunStage, Stage, SwitchRecord
from pro2_reconciliation.overview.picture import Picture, lasts, text_of
from pro2_reconciliation.overview.standing import Standing
from pro2_reconciliation.overview.views import Now
from pro2_reconciliation.repair.outcome import End

_TO_COME = frozenset({OutageState.ENDED, OutageState.SETTLED})
"""An outage that is over, and for which nothing was planned yet."""
NEWS = timedelta(hours=24)
"""An alarm stands in the headline for so long."""


@dataclass(frozen=True)
class Next:
    """A sentence, and the time in it that is to come: the page counts down to it. None: no time is known."""

    text: str
    until: datetime | None = None


def what_next(
    picture: Picture, outage: Outage, runs: Sequence[DagRun], found: Sequence[Standing], switch: SwitchRecord
) -> Next:
    """What happens next with one outage, or is to be done. ``runs`` are its dag runs, newest first."""
    zone = picture.site.zone
    if outage.end is not None and outage.end == outage.start:
        return Next("it was taken back: nothing is left of it")
    at_work = next((run for run in runs if picture.alive(run)), None)
    if at_work is not None:
        said = _at_work(picture, at_work, found)
        if said.text:
            return said
    if lasts(outage, picture.now):
        until = f", until {local(outage.end, zone)} at least" if outage.end else ""
        return Next(
            f"it lasts{until}: nothing is repaired before it is over, and detection looks every five minutes",
            outage.end,
        )
    if outage.suspected and not _done(runs, picture):
        return Next("it is only suspected: say whether it was one; until then nothing is repaired")
    if outage.state is OutageState.ENDED and outage.end is not None:
        settles = outage.end + timedelta(seconds=picture.site.policy.settle_seconds)
        if settles > picture.now:
            return Next(f"nothing to do until {local(settles, zone)}: then it has settled", settles)
        return Next(
            "it has not settled: detection waits until every probe is up and no import backlog is left"
        )
    if outage.state is OutageState.SETTLED:
        if switch.stage is not Stage.OFF:
            return Next(
                f"nothing is started: the kill switch is «{switch.stage.value}» ({switch.who}: {switch.why})"
            )
        return Next("it has settled: the next detection pass starts its dag run, if reconcile is not paused")
    return Next(_left(found))


def _done(runs: Sequence[DagRun], picture: Picture) -> bool:
    return any(picture.mode_of(run) is not Mode.PLAN for run in runs)


def _at_work(picture: Picture, run: DagRun, found: Sequence[Standing]) -> Next:
    zone = picture.site.zone
    if run.stage is RunStage.WATCHING and run.until is not None:
        if run.until > picture.now:
            return Next(f"nothing to do until {local(run.until, zone)}: then watching ends", run.until)
        return Next(run.progress or "watching has ended: the plan is being made")
    if run.stage is RunStage.ASKED:
        asked = [one for one in found if one.asks]
        if not asked:
            return Next("")
        ends = [one.item.send_by for one in asked if one.item.send_by and one.item.send_by > picture.now]
        ends += [run.until] if run.until else []
        first = min(ends, default=None)
        until = f" until {local(first, zone)}" if first else ""
        return Next(f"{_items(len(asked))} for an answer{until}", first)
    if run.stage is RunStage.ACTING:
        under_way = sum(one.outcome == Now.UNDER_WAY for one in found)
        if under_way:
            return Next(f"{_count(under_way, 'item is', 'items are')} being repaired")
    return Next(run.progress or f"dag run {run.id} is at work")


def _left(found: Sequence[Standing]) -> str:
    """What is left when no dag run is at work."""
    counts = _counts(found)
    failed, people = counts.get(End.FAILED.value, 0), counts.get(End.NEEDS_HUMAN.value, 0)
    again = sum(counts.get(end.value, 0) for end in (End.STALE, End.NOT_NOW))
    chosen = sum(counts.get(end.value, 0) for end in (End.NOT_CHOSEN, End.PROPOSED))
    watched = counts.get(End.OPEN.value, 0)
    parts = [
        f"{_count(failed, 'repair has', 'repairs have')} no good end: look at it now" if failed else "",
        f"{_count(people, 'item needs', 'items need')} a person" if people else "",
        f"{_count(again, 'item was', 'items were')} not done: reconcile it again" if again else "",
        f"{_count(chosen, 'item was', 'items were')} offered and not chosen" if chosen else "",
        f"{_count(watched, 'item is', 'items are')} read again every night" if watched else "",
    ]
    said = "; ".join(part for part in parts if part)
    return said or ("nothing is left to do" if found else "nothing was planned for it yet: reconcile it")


def headline(
    picture: Picture,
    found: Sequence[Standing],
    risky: int,
    alarms: Sequence[Alarm],
    switch: SwitchRecord,
    nexts: Mapping[str, Next],
) -> str:
    """What matters most now, worst first; two sentences at most. ``nexts``: outage id to ``what_next``."""
    zone, now = picture.site.zone, picture.now
    told = [alarm for alarm in alarms if alarm.at >= now - NEWS]
    counts = _counts(found)
    asked, failed = counts.get(Now.ASKED.value, 0), counts.get(End.FAILED.value, 0)
    said = []
    if told:
        since = local(told[0].at, zone)
        first = text_of(told[-1]).partition("; ")[0]  # the whole of it stands below, with the other alarms
        said.append(f"{_count(len(told), 'alarm', 'alarms')} since {since}: {first}")
    if switch.stage is Stage.EVERYTHING:
        said.append(f"The kill switch stops everything ({switch.who}: {switch.why})")
    for outage in picture.down:
        only = " (only suspected)" if outage.suspected else ""
        risk = f", {_count(risky, 'item is', 'items are')} at risk" if risky else ""
        said.append(f"{outage.service.value} is down since {local(outage.start, zone)}{only}{risk}")
    if asked:
        said.append(f"{_items(asked)} for an answer")
    if failed:
        said.append(f"{_count(failed, 'repair has', 'repairs have')} no good end")
    watched = {one.item.key for one in found if one.outcome == End.OPEN}
    people = len(picture.opened.keys() - watched)
    if people:
        said.append(f"{_count(people, 'item needs', 'items need')} a person")
    for outage in picture.outages:
        if len(said) < 2 and not asked and outage.end and outage.end <= now and outage.state in _TO_COME:
            said.append(
                f"{outage.service.value} was down until {local(outage.end, zone)}: {nexts[outage.id].text}"
            )
    return (
        ". ".join(one[0].upper() + one[1:] for one in said[:2])
        or "Nothing to do: no outage lasts, and nothing needs a person"
    )


def _counts(found: Sequence[Standing]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for one in found:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts


def _items(number: int) -> str:
    return _count(number, "item waits", "items wait")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
