"""The words of the question: what a person is shown of each item before anything may happen.

A question holds 40 items at most, those that reach an inbox first; the rest is asked about in the next dag run. Titles
are shown literally by Airflow; the body is Markdown, so names in it are escaped. Pure text, no I/O.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.localtime import describe_window, lasting, local
from pro2_reconciliation.domain.oneline import one_line
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.sending_hours import opens
from pro2_reconciliation.domain.words import Choice, ItemKind, Reach, Remedy
from pro2_reconciliation.repair.actions import waits_for_hours

QUESTION_SIZE = 40
"""So many selects are still one form that a person reads to its end."""
ASK_AGAIN_FOR = timedelta(days=7)
"""So long after its due time what has no ``send_by`` is asked about again; then other runs have overtaken it."""
NAME_CHARACTERS = 120
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~$%])")
_LAST = datetime.max.replace(tzinfo=UTC)
_JOB_DONE = {
    "R0": "repaired by us already",
    "R2": "ran by itself",
    "R3": "repeated by a person",
    "R4": "covered by a later run",
    "R8": "ran, with as many errors as usual",
    "R15": "covered by another repair",
}


class Select(Value):
    """One select of the form: ``key`` is the item's, ``title`` what it is, ``facts`` what is known of it.

    ``shown`` says what each choice means here and now, by the choice's value.
    """

    key: str
    title: str
    facts: str
    choices: tuple[str, ...]
    shown: dict[str, str]
    safe: str = Choice.LEAVE.value


class Question(Value):
    subject: str
    body: str
    selects: tuple[Select, ...]


def in_order(plan: Plan, without: Collection[str] = ()) -> list[Decision]:
    """What a person has to be asked about: what reaches an inbox first, then what is too late soonest.

    ``without``: keys of items that were answered before and only waited for the sending hours.
    """
    return sorted(
        (d for d in plan.decisions if d.asks and d.key not in without),
        key=lambda d: (d.reach is not Reach.INBOX, d.send_by or _LAST, d.audience or 0, d.key),
    )


def worth_asking(decision: Decision, now: datetime) -> bool:
    """Whether an item that nobody answered about is asked about again: until it is too late to send it."""
    until = worth_until(decision)
    return until is None or now < until


def worth_until(decision: Decision) -> datetime | None:
    """When it is too late for an item, asked about or chosen; None: never."""
    if decision.send_by is not None:
        return decision.send_by
    return decision.due + ASK_AGAIN_FOR if decision.due else None


def question(
    plan: Plan,
    policy: Policy | None = None,
    without: Collection[str] = (),
    pressed: Callable[[Decision], str] = lambda decision: "",
) -> Question:
    """The form of a plan: one select for each of the first 40 items that may be repaired. ``without`` as above.

    ``pressed``: which steps of an item a person will be asked to press, in words; empty for none.
    """
    policy = policy or Policy()
    every = in_order(plan, without)
    asked = every[:QUESTION_SIZE]
    number = f"{len(asked)} item" if len(asked) == 1 else f"{len(asked)} items"
    return Question(
        subject=f"Reconcile {plan.organization}: what may be done for {number}?",
        body="\n".join(_body(plan, policy, asked, len(every) - len(asked))),
        selects=tuple(
            Select(
                key=d.key,
                title=_title(d, plan),
                facts=_facts(d, plan, pressed(d)),
                choices=tuple(choice.value for choice in d.choices),
                shown={choice.value: _shown(choice, d, plan, policy) for choice in d.choices},
            )
            for d in asked
        ),
    )


def escaped(text: str) -> str:
    """Text as Markdown that shows exactly that text, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def nobody_answered(plan: Plan, decision: Decision, now: datetime) -> str:
    """The sentence about an item of a question that ended, or was never put, without an answer."""
    until = f"nobody answered until {local(plan.asked_until, plan.zone)}" if plan.asked_until else ""
    ended = plan.asked_until is not None and plan.asked_until <= now
    said = f"{until if ended else 'nobody has answered'}, so nothing was chosen"
    if worth_asking(decision, now):
        return f"{said}; it stays open and is asked again"
    if decision.send_by is not None:
        late = local(decision.send_by, plan.zone)
        return f"{said}; since {late} it is too late to send it: it stays open for a person"
    return f"{said}; it is too old to be asked again, and stays open for a person"


def _body(plan: Plan, policy: Policy, asked: Sequence[Decision], later: int) -> list[str]:
    window = describe_window(plan.window, plan.zone)
    lines = [
        f"Window {escaped(window)}. Plan `{plan.hash}`, read {escaped(local(plan.created_at, plan.zone))}. "
        f"{_until(plan)}",
        "",
    ]
    if later:
        lines += [
            f"{later} more items are asked about in the next question, which follows when this dag run has ended.",
            "",
        ]
    lines += ["**What each choice does**", ""]
    lines += [f"* **{escaped(choice)}**: {escaped(told)}" for choice, told in _choices(plan, policy, asked)]
    guarded = plan.created_at + timedelta(hours=policy.guard_hours)
    lines += [
        "",
        "**What the vendor does not guarantee**",
        "",
        "An original that was stopped may still go out, and a run that was missed or stopped may still begin. "
        "`guard_repairs` looks at each of them every minute, after two hours every five, until "
        f"{escaped(f'{policy.guard_hours:g} h after its repair (about {local(guarded, plan.zone)})')}. An original "
        "that wakes is stopped again; if its copy has not left by then, the copy is not sent.",
        "",
        "**What Pro2 shows**",
        "",
    ]
    lines += [f"* **{escaped(_name(d))}** {escaped(f'({d.item_id}): {_seen(d, plan)}')}" for d in asked]
    return lines


def _until(plan: Plan) -> str:
    if plan.asked_until is None:
        return "Without an answer nothing is done."
    return f"Answer until {escaped(local(plan.asked_until, plan.zone))}: without an answer nothing is done."


def _title(decision: Decision, plan: Plan) -> str:
    """Name, about how many patrons, due and how late, audience and its data, id."""
    parts = [_name(decision)]
    if decision.audience:
        whom = "patrons" if decision.kind is ItemKind.CAMPAIGN else "contacts"
        parts.append(f"about {decision.audience:,} {whom}")
    elif decision.kind is ItemKind.CAMPAIGN:
        parts.append("number of patrons not known")
    if decision.due:
        parts.append(f"due {local(decision.due, plan.zone)}, {_late(plan.created_at - decision.due)}")
    if decision.kind is ItemKind.CAMPAIGN:
        parts += [_audience(decision), f"its data: {_data(decision, plan)}"]
    return " · ".join([*parts, decision.item_id])


def _name(decision: Decision) -> str:
    return one_line(" ".join(decision.name.split()), NAME_CHARACTERS)


def _late(by: timedelta) -> str:
    minutes = int(by.total_seconds() // 60)
    if minutes < 1:
        return "not late"
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} days late"
    return f"{hours} h {minutes % 60} min late" if hours else f"{minutes} min late"


def _audience(decision: Decision) -> str:
    lists, segment = decision.fingerprint.lists, decision.fingerprint.segment_id
    known = f"list {', '.join(lists)}" if lists else "list not known"
    return f"{known}, segment {segment}" if segment not in (None, "", "0") else known


def _data(decision: Decision, plan: Plan) -> str:
    """What became of the jobs that make a campaign's audience."""
    if not decision.feeds:
        return "no job is named for it"
    return "; ".join(_fed_by(job_id, plan) for job_id in decision.feeds)


def _fed_by(job_id: str, plan: Plan) -> str:
    runs = [d for d in plan.decisions if d.item_id.partition("@")[0] == job_id]
    if not runs:
        return f"{job_id} was not touched"
    name = f"«{_name(runs[-1])}» ({job_id})"
    if any(d.remedy is Remedy.NEEDS_HUMAN and not d.asks for d in runs):
        return f"{name} is NOT repaired, a person has to look at it"
    if any(d.asks for d in runs):
        return f"{name} is asked about in this plan too; the send waits for its repair"
    if any(d.remedy is Remedy.WATCH for d in runs):
        return f"{name} is not settled yet"
    return f"{name} {_JOB_DONE.get(runs[-1].rule, 'needs nothing')}"


def _facts(decision: Decision, plan: Plan, pressed: str) -> str:
    facts = [f"{decision.rule}: {decision.reason}"]
    if decision.send_by:
        facts.append(f"may be sent until {local(decision.send_by, plan.zone)}")
    if decision.observation:
        facts.append(f"read {local(decision.observation.seen_at, plan.zone)}")
    if decision.stop_first:
        facts.append("its run is stopped first")
    if pressed:
        facts.append(pressed)
    facts.append("can reach an inbox" if decision.reach is Reach.INBOX else "changes data only")
    return "; ".join(facts)


def _seen(decision: Decision, plan: Plan) -> str:
    said = f"{decision.rule}, {decision.reason}"
    seen = decision.observation
    if seen is None:
        return said
    campaign = seen.reading.campaign if seen.reading else None
    counted = f", {campaign.send_amt:,} of {campaign.total_amt:,} sent" if campaign else ""
    return f"{seen.state}{counted}, read {local(seen.seen_at, plan.zone)}. {said}"


def _shown(choice: Choice, decision: Decision, plan: Plan, policy: Policy) -> str:
    """A choice as the select shows it: the plain forms of what may mail say when that would be."""
    start, end = policy.sending_hours
    if choice.at_any_hour:
        return f"{choice.value}: at any hour, also outside {start} to {end}"
    opening = opens(policy, plan.zone, plan.created_at)
    waits = choice.now_form is not None and waits_for_hours(decision)
    if waits and opening is not None and opening > plan.created_at:
        return f"{choice.value}: in the sending hours, from {local(opening, plan.zone)}"
    return choice.value


def _choices(plan: Plan, policy: Policy, asked: Sequence[Decision]) -> list[tuple[str, str]]:
    """Each choice that some item offers, with its steps, in the order of the vocabulary."""
    start, end = policy.sending_hours
    opening = opens(policy, plan.zone, plan.created_at)
    waits = opening is not None and opening > plan.created_at
    hours = f"{start} to {end}" + (f"; they open {local(opening, plan.zone)}" if waits and opening else "")
    watched = lasting(policy.watch_campaign_seconds)
    repairs = "; ".join(_REPAIRS[r] for r in dict.fromkeys(d.remedy for d in asked) if r in _REPAIRS)
    at_once = f"the same, at any hour, also outside {start} to {end}"
    in_hours = f", in the sending hours only ({hours})"
    held = any(d.remedy in _REPAIRS and waits_for_hours(d) for d in asked)
    reaching = f"; what can reach an inbox{in_hours}" if held else ""
    stops = " What is missing or hangs is stopped first." if any(d.stop_first for d in asked) else ""
    told = {
        Choice.LEAVE: "nothing is done. It stays open with your name, and you are not asked again",
        Choice.RESEND: "1. the original is stopped. 2. It is seen twice that it is stopped and nothing has left. "
        "3. It is duplicated. 4. The draft is compared with the original. 5. The copy is sent, the smallest audience "
        f"first. 6. It is seen that the copy goes and the original does not. Mail leaves in the sending hours only "
        f"({hours})",
        Choice.RESEND_NOW: f"the same, and the copy may leave at any hour, also outside {start} to {end}",
        Choice.KEEP_WATCHING: f"nothing is done. The next dag run watches it for another {watched} and asks again",
        Choice.HOLD_BACK: "the original is stopped and nothing is sent",
        Choice.REPROCESS: f"{repairs}{reaching}.{stops} Then the Activity Log is read until it shows the run",
        Choice.REPROCESS_NOW: at_once,
        Choice.REPROCESS_EVEN_IF_NOT_STOPPED: "as «reprocess», also if the run cannot be stopped: then both may run",
        Choice.REPROCESS_NOW_EVEN_IF_NOT_STOPPED: at_once,
        Choice.ADD_TAG: "the tag is added to the contacts that lack it, one by one, each looked at before"
        + in_hours,
        Choice.ADD_TAG_NOW: at_once,
        Choice.REMOVE_TAG: "the tag is removed from the contacts that should not hold it, one by one, each looked at "
        "before" + in_hours,
        Choice.REMOVE_TAG_NOW: at_once,
    }
    offered = {choice for d in asked for choice in d.choices}
    return [(choice.value, told[choice]) for choice in told if choice in offered]


_REPAIRS = {
    Remedy.RUN_NOW: "Run Now is pressed once",
    Remedy.REPEAT_IMPORT: "Repeat Import is pressed once",
    Remedy.DATA_SYNC: "the List Manager list is imported once under a unique tag, and the tags are compared; what "
    "differs is asked about apart",
}
