"""From claims to outages: the union of everything that says a service was down, under ids that last.

In: the outages known so far (each keeps the evidence it rests on) and fresh evidence. Out: the outages that
both add up to, for one organization. Pure: the clock comes in as ``now``, the caller writes the result in
one ledger transaction. Calling again with the result and the same evidence changes nothing, and the order
never matters. A claim without length says nothing any more; it closes the outage that rested on it alone.

How it fails: it does not. What cannot be told counts as down: two versions of one claim in one call count
as the widest of both, an outage is open until its end has PASSED, and one that was known once is never
dropped again. Source of the rules: docs/architecture.md, words and flow; ADR 0005.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.jobs import Job
from pro2_reconciliation.domain.outage import Evidence, Outage, OutageState
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.words import Service

KNOWN_BEFORE = "ledger"
"""Source of the evidence that stands for an outage that was handed in without any."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_NOTHING = timedelta(0)
_LIFE = tuple(OutageState)
_HANDLED = frozenset({OutageState.SETTLED, OutageState.PLANNED, OutageState.CLOSED})


@dataclass
class _Group:
    """Claims of one service that touch each other, [start, end) padded; open: ``end`` _NEVER."""

    service: Service
    start: datetime
    end: datetime
    evidence: list[Evidence] = field(default_factory=list)
    known: list[Outage] = field(default_factory=list)

    @property
    def first(self) -> datetime:
        return min(claim.start for claim in self.evidence)

    @property
    def last(self) -> datetime:
        return max(_end(claim) for claim in self.evidence)

    def long_enough(self, minimum: timedelta) -> bool:
        """Judged without the padding: padding must not turn a blink into an outage."""
        if self.known or any(claim.declared for claim in self.evidence):
            return True
        return self.last == _NEVER or self.last - self.first >= max(minimum, timedelta.resolution)


def merge_evidence(
    organization: str,
    known: Sequence[Outage],
    evidence: Sequence[Evidence],
    *,
    now: datetime,
    padding: timedelta = _NOTHING,
    min_gap: timedelta = timedelta(minutes=5),
    min_length: timedelta = timedelta(minutes=1),
) -> tuple[Outage, ...]:
    """The outages of ``organization`` that old and new evidence add up to, by start; other organizations
    are left out.

    Evidence of a (source, key) replaces all that the known outages hold of it. Claims of a service less
    than ``min_gap`` apart are one window; ``padding`` widens both sides of what nobody declared by hand. A
    new window shorter than ``min_length`` is dropped unless it is declared or still open. The id of the
    outage that starts first stays, the others become its aliases; when a claim is edited, the id goes with
    it.

    State: ``open`` until the end has passed ``now``, then ``ended``. An outage that was settled, planned or
    closed stays so, unless the window now covers something that was not handled, or it was only suspected and
    now is confirmed: then it is open or ended again with the next generation, because the dag run of the last
    one looked at less, or could only propose. A window that shrank to nothing is closed.
    """
    mine = [outage for outage in known if outage.organization == organization]
    claims = _current(mine, evidence)
    groups = _grouped([claim for claim in claims if _end(claim) > claim.start], padding, min_gap)
    groups += _give_ids(mine, groups, [claim for claim in claims if _end(claim) == claim.start])
    groups = [group for group in groups if group.long_enough(min_length)]
    taken = {name for outage in mine for name in (outage.id, *outage.aliases)}
    merged = []
    for group in groups:
        identity = min(group.known, key=_age).id if group.known else _new_id(organization, group, taken)
        taken.add(identity)
        merged.append(_outage(organization, identity, group, now, padding))
    return tuple(sorted(merged, key=_age))


def touched_campaigns(window: Window, policy: Policy) -> Window:
    """The span [start - lead, end + tail) in which a campaign that was due or active may have been touched.

    The lead is the policy's, and never shorter than the time in which a campaign is not overdue yet: so long before
    its end the window before this one could not judge.
    """
    lead = max(timedelta(hours=policy.lead_hours), timedelta(seconds=policy.overdue_grace_seconds))
    return _widened(window, lead, policy)


def touched_dues(window: Window, policy: Policy, job: Job, usual_minutes: float) -> Window:
    """The same span for the due times of a job. ``usual_minutes``: the longest usual run of the organization's jobs.

    The lead is that run, and never shorter than the job's grace: what was due in the grace before the window began
    was too young for the window before this one. So windows that join leave out no due time.
    """
    return _widened(window, max(timedelta(minutes=usual_minutes), job.grace), policy)


def _widened(window: Window, lead: timedelta, policy: Policy) -> Window:
    end = window.end + timedelta(minutes=policy.tail_minutes)
    return window.model_copy(update={"start": window.start - lead, "end": end})


def _end(claim: Evidence) -> datetime:
    return _NEVER if claim.end is None else max(claim.end, claim.start)


def _age(outage: Outage) -> tuple[datetime, str]:
    return outage.start, outage.id


def _current(known: Iterable[Outage], fresh: Sequence[Evidence]) -> list[Evidence]:
    """Every claim that counts now, sorted: the fresh, and the old ones that nothing fresh replaces."""
    replaced = {(claim.source, claim.key) for claim in fresh}
    old = [claim for outage in known for claim in outage.evidence or (_stand_in(outage),)]
    claims: dict[tuple[str, str, Service], Evidence] = {}
    for claim in [*fresh, *(claim for claim in old if (claim.source, claim.key) not in replaced)]:
        identity = (claim.source, claim.key, claim.service)
        claims[identity] = _widest(claims[identity], claim) if identity in claims else claim
    return sorted(claims.values(), key=lambda claim: (claim.start, _end(claim), claim.source, claim.key))


def _stand_in(outage: Outage) -> Evidence:
    return Evidence(
        source=KNOWN_BEFORE,
        key=outage.id,
        service=outage.service,
        start=outage.start,
        end=outage.end,
        detail="known before its evidence was kept",
        declared=True,
    )


def _widest(one: Evidence, other: Evidence) -> Evidence:
    end = max(_end(one), _end(other))
    return one.model_copy(
        update={
            "start": min(one.start, other.start),
            "end": None if end == _NEVER else end,
            "detail": max(one.detail, other.detail),
            "declared": one.declared or other.declared,
            "confirms": one.confirms or other.confirms,
        }
    )


def _grouped(claims: Iterable[Evidence], padding: timedelta, min_gap: timedelta) -> list[_Group]:
    spans = [(*_padded(claim, padding), claim) for claim in claims]
    spans.sort(key=lambda span: span[:2])  # stable: claims were sorted before
    groups: list[_Group] = []
    last: dict[Service, _Group] = {}
    for start, end, claim in spans:
        group = last.get(claim.service)
        if group is None or not _joined(group.end, start, min_gap):
            group = last[claim.service] = _Group(claim.service, start, end)
            groups.append(group)
        group.end = max(group.end, end)
        group.evidence.append(claim)
    return groups


def _joined(end: datetime, start: datetime, min_gap: timedelta) -> bool:
    return start <= end or start - end < min_gap


def _give_ids(
    known: Iterable[Outage], groups: Sequence[_Group], taken_back: Sequence[Evidence]
) -> list[_Group]:
    """Each known outage goes to one group: the first of its own service that holds a claim of it.

    Out: groups without length, for the outages of which nothing is left but claims that were taken back.
    """
    holders: dict[tuple[str, str], list[_Group]] = defaultdict(list)
    for group in groups:
        for claim in group.evidence:
            holders[claim.source, claim.key].append(group)
    empty: list[_Group] = []
    for outage in known:
        names = {(claim.source, claim.key) for claim in outage.evidence or (_stand_in(outage),)}
        found = [group for name in names for group in holders[name]]
        if found:
            best = min(found, key=lambda group: (group.service != outage.service, group.start, group.service))
            best.known.append(outage)
        else:
            left = [claim for claim in taken_back if (claim.source, claim.key) in names]
            first = min(claim.start for claim in left)
            empty.append(_Group(outage.service, first, first, left, [outage]))
    return empty


def _new_id(organization: str, group: _Group, taken: set[str]) -> str:
    """8 hex digits; counted up in the rare case that an edit split a window and the first id is in use."""
    for salt in range(len(taken) + 1):
        text = f"{organization}|{group.service.value}|{group.first.isoformat()}" + (
            f"|{salt}" if salt else ""
        )
        identity = hashlib.sha256(text.encode()).hexdigest()[:8]
        if identity not in taken:
            break
    return identity


def _outage(organization: str, identity: str, group: _Group, now: datetime, padding: timedelta) -> Outage:
    others = {name for outage in group.known for name in (outage.id, *outage.aliases)}
    handled = [outage for outage in group.known if outage.state in _HANDLED]
    generation = max((outage.generation for outage in group.known), default=1)
    state = OutageState.OPEN if group.end > now else OutageState.ENDED
    confirmed = any(outage.suspected for outage in handled) and any(c.confirms for c in group.evidence)
    if group.end <= group.start:
        state = OutageState.CLOSED
    elif handled and _covered(group, handled, padding) and not confirmed:
        state = min((outage.state for outage in handled), key=_LIFE.index)
    elif handled:
        generation += 1
    return Outage(
        id=identity,
        organization=organization,
        service=group.service,
        start=group.start,
        end=None if group.end == _NEVER else group.end,
        state=state,
        aliases=tuple(sorted(others - {identity})),
        generation=generation,
        evidence=tuple(group.evidence),
    )


def _covered(group: _Group, handled: Iterable[Outage], padding: timedelta) -> bool:
    """Whether the handled outages leave no moment out of the group: what their claims of then span, padded as today.

    So a site that pads more from today on has not had more outages yesterday, and a claim that grows always counts.
    """
    spans = sorted(_span(outage, padding) for outage in handled if outage.service == group.service)
    reached = group.start
    for start, end in spans:
        if start <= reached:
            reached = max(reached, end)
    return reached >= group.end


def _span(outage: Outage, padding: timedelta) -> tuple[datetime, datetime]:
    spans = [_padded(claim, padding) for claim in outage.evidence or (_stand_in(outage),)]
    return min(start for start, _ in spans), max(end for _, end in spans)


def _padded(claim: Evidence, padding: timedelta) -> tuple[datetime, datetime]:
    pad, end = _NOTHING if claim.declared else padding, _end(claim)
    return claim.start - pad, end if end == _NEVER else end + pad
