"""Which campaigns look as if somebody repaired another one by hand: suspects (decision C6).

ActiveCampaign names no original in a copy, so likeness is all there is. A suspect blocks a resend; it never
becomes the key of anything (only the ledger proves that a copy is ours). In doubt a campaign counts as a
suspect: an unnecessary question is cheap, a second mail is not. Nothing here raises.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.states import WENT

_MARKERS = (
    re.compile(r"^(?:copy|duplicate)(?: \(?\d{1,3}\)?)? of\b[\s:–—-]*"),
    re.compile(r"^copy\s*:\s*"),
    re.compile(r"[\s_]*[\[(]\s*(?:copy|duplicate)(?:\s*#?\d{1,3})?\s*[\])]$"),
    re.compile(r"(?:\s*[–—_:-]\s*|\s+)(?:copy|duplicate)(?:\s*\(?#?\d{1,3}\)?)?$"),
    re.compile(r"\s*\(\d{1,2}\)$"),
)


def base_name(name: str) -> str:
    """A campaign's name without copy markers, lower case, single spaces: for comparing, not for showing.

    "Copy of X", "Copy 2 of X", "X (Copy)", "X - copy 2", "X copy", "X (1)" all give "x", also when piled up.
    A year or a place in parentheses stays: only one or two digits look like a copy's number.
    """
    base = _plain(name)
    while True:
        for marker in _MARKERS:
            shorter = marker.sub("", base).strip()
            if shorter and shorter != base:
                base = shorter
                break
        else:
            return base


def is_visible_copy(candidate: Campaign, original: Campaign) -> bool:
    """Whether ``candidate`` is younger and shows that it is a copy: source "copy" with the same base name.

    Where the source was not read, the name itself must carry a copy marker.
    """
    if not _younger(candidate, original) or base_name(candidate.name) != base_name(original.name):
        return False
    if candidate.source:
        return candidate.source.strip().lower() == "copy"
    return _plain(candidate.name) != base_name(candidate.name)


def look_alike(candidate: Campaign, original: Campaign) -> bool:
    """Whether both say the same to some of the same people: same subject line and a list in common, no
    visible copy.

    A subject line that is not known is like no other; lists that were not read may be any.
    """
    if candidate.id == original.id or is_visible_copy(candidate, original):
        return False
    if not candidate.subject or not original.subject or _plain(candidate.subject) != _plain(original.subject):
        return False
    if candidate.lists is None or original.lists is None:
        return True
    return not set(candidate.lists).isdisjoint(original.lists)


class Lineup:
    """The campaigns among which suspects are looked for, sorted once: each look then compares a few, not all.

    ``ours`` are ids of copies that the ledger proves ours; they are never suspects.
    """

    def __init__(self, campaigns: Iterable[Campaign], ours: frozenset[str] = frozenset()) -> None:
        self._by_name: dict[str, list[Campaign]] = defaultdict(list)
        self._by_subject: dict[str, list[Campaign]] = defaultdict(list)
        others = {one.id: one for one in campaigns if one.id not in ours}
        for one in sorted(others.values(), key=lambda one: (_number(one) or 0, one.id)):
            self._by_name[base_name(one.name)].append(one)
            if one.subject:
                self._by_subject[_plain(one.subject)].append(one)

    def suspects(
        self, original: Campaign, since: datetime
    ) -> tuple[tuple[Campaign, ...], tuple[Campaign, ...]]:
        """As :func:`suspects`."""
        named = self._by_name.get(base_name(original.name), ())
        alike = self._by_subject.get(_plain(original.subject), ()) if original.subject else ()
        return (
            tuple(
                one for one in named if _made_since(one, original, since) and is_visible_copy(one, original)
            ),
            tuple(one for one in alike if _made_since(one, original, since) and look_alike(one, original)),
        )


def suspects(
    original: Campaign, campaigns: Iterable[Campaign], since: datetime, ours: frozenset[str]
) -> tuple[tuple[Campaign, ...], tuple[Campaign, ...]]:
    """(visible copies, look-alikes) of ``original`` made since ``since``, by id; never itself, never one of
    ``ours``.

    Made since: created, or where that is not known due, at or after ``since``; where neither is known, a
    higher id. Whoever asks about many originals takes one :class:`Lineup`.
    """
    return Lineup(campaigns, ours).suspects(original, since)


def live(campaign: Campaign) -> bool:
    """Whether it was sent, is being sent or is about to be: by status, or because mail has left."""
    return campaign.status in WENT or campaign.send_amt > 0


def may_go_out(campaign: Campaign) -> bool:
    """As :func:`live`; in doubt, where it cannot be read, yes."""
    return live(campaign) or bool(campaign.unreadable)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _number(campaign: Campaign) -> int | None:
    return int(campaign.id) if campaign.id.isascii() and campaign.id.isdigit() else None


def _younger(candidate: Campaign, original: Campaign) -> bool:
    """By numeric id, which ActiveCampaign counts up; an id that is no number counts as younger."""
    mine, other = _number(candidate), _number(original)
    return candidate.id != original.id if mine is None or other is None else mine > other


def _made_since(candidate: Campaign, original: Campaign, since: datetime) -> bool:
    made = candidate.created or candidate.due
    return _younger(candidate, original) if made is None else made >= since
