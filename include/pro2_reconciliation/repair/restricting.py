"""What the form of a dag run leaves out: taken out of the inventory, left alone in the plan, and told in words.

Each function only takes away. What was taken away is named, so that nobody takes it for settled. Fails with
``ConfigurationError`` where a campaign that is to be left alone cannot be found: then nothing is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import groupby

from pro2_reconciliation.domain.campaigns import Campaign, CampaignReading
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.inventory import Inventory
from pro2_reconciliation.domain.jobs import Occurrence
from pro2_reconciliation.domain.localtime import local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Decision
from pro2_reconciliation.domain.restriction import KINDS, NotLookedAt, Restriction
from pro2_reconciliation.domain.words import ItemKind, Remedy
from pro2_reconciliation.repair.account import Account

CAMPAIGN, AUTOMATION = ItemKind.CAMPAIGN.value, ItemKind.AUTOMATION.value
LEFT_ALONE = "left alone in this dag run, as its form says"
ALL_AUTOMATIONS = NotLookedAt(kind=AUTOMATION, item_id="all", name="All automations")
"""Automations are found by reading them, so those that were left out have no names."""
CLOSES_NOTHING = "What was left out is for another dag run: one that is restricted closes no outage."
NAMED = 12
"""So many items of one kind are named in a sentence; the JSON of the report names all."""


def recognised(
    account: Account,
    restriction: Restriction,
    listed: Iterable[Campaign],
    before: Mapping[str, CampaignReading],
) -> Restriction:
    """The same restriction with the lineages of the campaigns that it leaves alone.

    A text is an id, or a name however it is spaced and capitalized; a name of several campaigns means all of them.
    Raises ``ConfigurationError`` with the nearest names for one that is neither.
    """
    if not restriction.leave_alone or restriction.roots:
        return restriction
    names = {c.id: c.name for c in listed}
    names |= {i: kept.campaign.name for i, kept in before.items() if kept.campaign and i not in names}
    for item in account.ledger.open_items(account.organization):
        kind, _, item_id = item.item_key.partition(":")
        if kind == CAMPAIGN:
            names.setdefault(item_id, item.name)
    ids: list[str] = []
    unknown: list[str] = []
    for text in restriction.leave_alone:
        meant = [i for i, name in names.items() if text == i or _folded(text) == _folded(name)]
        if not meant and text.isdigit() and account.campaigns.get(text) is not None:
            meant = [text]  # it exists, though the window did not touch it
        ids += meant
        if not meant:
            unknown.append(_unknown(text, names))
    if unknown:
        raise ConfigurationError("\n".join(f"form: {sentence}" for sentence in unknown))
    copies = account.ledger.copies_among(account.organization, ids)
    roots = dict.fromkeys(copies.get(i, f"{CAMPAIGN}:{i}") for i in ids)
    return restriction.model_copy(update={"roots": tuple(roots)})


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _unknown(text: str, names: Mapping[str, str]) -> str:
    by_name = {_folded(name): (i, name) for i, name in names.items()}
    near = get_close_matches(_folded(text), list(by_name), n=3, cutoff=0.5)
    said = ", ".join(f"«{one_line(by_name[one][1], 80)}» ({by_name[one][0]})" for one in near)
    hint = f"did you mean {said}?" if near else "write its id, which Pro2 shows in the campaign's address"
    return f"leave_alone names {one_line(repr(text), 80)}, and no campaign since the window began is called so; {hint}"


def chosen_kinds(
    site: Site,
    restriction: Restriction,
    campaigns: list[Campaign],
    before: dict[str, CampaignReading],
    due: tuple[Occurrence, ...],
) -> tuple[list[Campaign], dict[str, CampaignReading], tuple[Occurrence, ...], tuple[NotLookedAt, ...]]:
    """Campaigns, those of the snapshots, and occurrences of the kinds that are looked at; then what is left out."""
    left: list[NotLookedAt] = []
    if not restriction.looks_at(CAMPAIGN):
        gone = [
            kept.campaign
            for i, kept in before.items()
            if kept.campaign and i not in {c.id for c in campaigns}
        ]
        left += [
            NotLookedAt(kind=CAMPAIGN, item_id=c.id, name=c.name, due=c.due) for c in [*campaigns, *gone]
        ]
        campaigns, before = [], {}
    wanted: list[Occurrence] = []
    for one in due:
        job = site.jobs_by_id[one.job_id]
        if restriction.looks_at(job.process_type.value):
            wanted.append(one)
        else:
            left.append(NotLookedAt(kind=job.process_type.value, item_id=one.key, name=job.name, due=one.due))
    return campaigns, before, tuple(wanted), tuple(left)


def restricted(site: Site, inventory: Inventory, decision: Decision) -> Decision:
    """The decision on a campaign under the restriction of its dag run: left alone, or told what was not looked at."""
    restriction = inventory.restriction
    if restriction.leaves_alone(decision.root) and decision.remedy.acts:
        return decision.model_copy(
            update={
                "remedy": Remedy.NEEDS_HUMAN,
                "choices": (),
                "reason": f"{decision.reason}; {LEFT_ALONE}",
                "steps": (
                    f"Decide whether «{decision.name}» should still go out: by hand in Pro2, or in another dag run",
                ),
            }
        )
    if not decision.feeds:
        return decision
    jobs = site.jobs_by_id
    unseen = [f for f in decision.feeds if f in jobs and not restriction.looks_at(jobs[f].process_type.value)]
    if not unseen or not decision.remedy.acts:
        return decision
    return decision.model_copy(
        update={
            "reason": f"{decision.reason}; whether {', '.join(unseen)}, which makes its audience, ran was not looked at"
        }
    )


def in_words(restriction: Restriction, not_looked_at: Iterable[NotLookedAt], zone: str) -> tuple[str, ...]:
    """What a dag run's form left out, in sentences; none for one that was not restricted."""
    said = []
    if restriction.kinds:
        kinds = ", ".join(KINDS[kind].lower() for kind in restriction.kinds)
        said.append(f"Only looked at, as the form says: {kinds}.")
        order = list(KINDS)
        left = sorted(not_looked_at, key=lambda one: order.index(one.kind))
        for kind, items in groupby(left, key=lambda one: one.kind):
            said.append(f"Not looked at, {_named(kind, list(items), zone)}.")
    for limit, what in ((restriction.max_sends, "send"), (restriction.max_actions, "action")):
        if limit is not None:
            said.append(f"At most {limit} {what}{'' if limit == 1 else 's'}, as the form says.")
    if restriction.leave_alone:
        typed = ", ".join(f"«{one_line(text, 80)}»" for text in restriction.leave_alone)
        ids = ", ".join(root.partition(":")[2] for root in restriction.roots)
        said.append(f"Left alone, as the form says: {typed}{f' (campaigns {ids})' if ids else ''}.")
    return (*said, CLOSES_NOTHING) if said else ()


def _named(kind: str, items: list[NotLookedAt], zone: str) -> str:
    if kind == AUTOMATION:
        return "automations"
    shown = [
        f"«{one_line(one.name, 80)}» ({one.item_id if kind == CAMPAIGN else one.item_id.partition('@')[0]})"
        f"{f', due {local(one.due, zone)}' if one.due else ''}"
        for one in items[:NAMED]
    ]
    more = f"; and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return f"{KINDS[kind].lower()} ({len(items)}): {'; '.join(shown)}{more}"
