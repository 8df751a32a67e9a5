"""The shadow for people: by rule, what the proposals that nobody carried out would have been. From the ledger alone.

Raises ``LedgerError`` where the ledger cannot be read. Names are hostile data: whoever draws them escapes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.shadow import Verdict
from pro2_reconciliation.domain.words import Mode
from pro2_reconciliation.ledger import Ledger, ShadowRecord

SHOWN_FOR = timedelta(days=30)
MOST = 50
WORST_FIRST = (Verdict.TWICE, Verdict.UNKNOWN, Verdict.NOT_NEEDED, Verdict.RIGHT)


class ShadowItem(Value):
    """One judged proposal. ``setting``: what would have made another one, empty where nothing would."""

    key: str
    name: str
    rule: str
    remedy: str
    proposed_at: UtcTime
    verdict: Verdict
    why: str
    setting: str = ""


class RuleShadow(Value):
    """A rule with the number of its proposals by verdict; ``waiting`` have none yet."""

    rule: str
    right: int = 0
    twice: int = 0
    not_needed: int = 0
    unknown: int = 0
    waiting: int = 0


class Shadow(Value):
    """Everything since ``since``: by rule, and the items, worst first and newest first, at most :data:`MOST`."""

    since: UtcTime
    rules: tuple[RuleShadow, ...]
    items: tuple[ShadowItem, ...]
    left_out: int = 0

    @property
    def twice(self) -> int:
        return sum(one.twice for one in self.rules)


def shadow(site: Site, ledger: Ledger, now: datetime, *, days: float | None = None) -> Shadow:
    """The verdicts of the last ``days`` (30 unless given; two weeks share none), and what still waits for one."""
    since = now - (SHOWN_FOR if days is None else timedelta(days=days))
    found = [one for one in ledger.verdicts(site.organization, since) if one.judged_at > since]
    waiting = _waiting(site, ledger, since)
    counts = {verdict: Counter(one.rule for one in found if one.verdict is verdict) for verdict in Verdict}
    rules = sorted({one.rule for one in found} | set(waiting), key=_by_number)
    ordered = sorted(found, key=lambda one: (WORST_FIRST.index(one.verdict), -one.judged_at.timestamp()))
    return Shadow(
        since=since,
        rules=tuple(
            RuleShadow(
                rule=rule,
                right=counts[Verdict.RIGHT][rule],
                twice=counts[Verdict.TWICE][rule],
                not_needed=counts[Verdict.NOT_NEEDED][rule],
                unknown=counts[Verdict.UNKNOWN][rule],
                waiting=waiting[rule],
            )
            for rule in rules
        ),
        items=tuple(map(_item, ordered[:MOST])),
        left_out=max(len(ordered) - MOST, 0),
    )


def _waiting(site: Site, ledger: Ledger, since: datetime) -> Counter[str]:
    """Proposals of mode ``plan`` without a verdict, by rule; each item and remedy once."""
    judged = {(one.item_key, one.remedy) for one in ledger.verdicts(site.organization)}
    hashes = {
        run.plan_hash
        for run in ledger.runs(site.organization, since)
        if run.mode is Mode.PLAN and run.plan_hash
    }
    proposed = {
        (item.key, item.remedy): item.rule
        for items in ledger.plan_items(hashes).values()
        for item in items
        if item.asks and item.remedy.acts and (item.key, item.remedy) not in judged
    }
    acted = ledger.actions_on(site.organization, *(key for key, _ in proposed))
    done = {(action.item_key, action.remedy) for action in acted if action.had_effect}
    return Counter(rule for one, rule in proposed.items() if one not in done)


def _by_number(rule: str) -> tuple[str, int, str]:
    """C4 before C11, as in the table."""
    number = re.search(r"\d+", rule)
    return rule[:1], int(number.group()) if number else 0, rule


def _item(one: ShadowRecord) -> ShadowItem:
    return ShadowItem(
        key=one.item_key,
        name=one.name,
        rule=one.rule,
        remedy=one.remedy.value,
        proposed_at=one.proposed_at,
        verdict=one.verdict,
        why=one.why,
        setting=one.setting,
    )


def told(found: Shadow, zone: str) -> Iterable[tuple[str, str]]:
    """The shadow in lines for the weekly digest: first each rule, then whatever would have mailed twice."""
    for one in found.rules:
        counts = (
            (one.right, "would have been right"),
            (one.twice, "would have mailed twice"),
            (one.not_needed, "would not have been needed"),
            (one.unknown, "cannot be known"),
            (one.waiting, "not known yet"),
        )
        yield f"Rule {one.rule}: " + ", ".join(f"{number} {words}" for number, words in counts if number), ""
    for item in found.items:
        if item.verdict is Verdict.TWICE:
            change = f" What would change it: {item.setting}." if item.setting else ""
            yield (
                f"Would have mailed twice: «{item.name}» ({item.key}), {item.rule}, proposed "
                f"{local(item.proposed_at, zone)}",
                f"{item.why}.{change}",
            )
