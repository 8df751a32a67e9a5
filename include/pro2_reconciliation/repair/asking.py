"""The words of the question: what a person is shown of each item before anything may happen.

Titles are shown literally by Airflow; the body is Markdown, so names in it are escaped. Pure text, no I/O.
"""

from __future__ import annotations

import re

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.localtime import describe_window, local
from pro2_reconciliation.domain.plan import Decision, Plan
from pro2_reconciliation.domain.words import Choice, Reach

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~$%])")


class Select(Value):
    """One select of the form: ``key`` is the item's, ``title`` its name, ``facts`` what is known of it."""

    key: str
    title: str
    facts: str
    choices: tuple[str, ...]
    safe: str = Choice.LEAVE.value


class Question(Value):
    subject: str
    body: str
    selects: tuple[Select, ...]


def question(plan: Plan) -> Question:
    """The form of a plan: one select per item that may be repaired, those that reach an inbox first."""
    asked = sorted(
        (d for d in plan.decisions if d.asks),
        key=lambda d: (d.reach is not Reach.INBOX, d.audience or 0, d.key),
    )
    window = describe_window(plan.window, plan.zone)
    lines = [
        f"Window {escaped(window)}. Plan `{plan.hash}`, read {escaped(local(plan.created_at, plan.zone))}.",
        "",
        "Nothing is done for an item that you leave. The vendor does not guarantee that an original stays stopped: "
        "`guard_repairs` watches it and stops it again.",
        "",
    ]
    lines += [f"* **{escaped(d.name)}**: {escaped(d.rule)}, {escaped(d.reason)}" for d in asked]
    return Question(
        subject=f"Reconcile {plan.organization}: what may be done for {len(asked)} items?",
        body="\n".join(lines),
        selects=tuple(
            Select(
                key=d.key,
                title=f"{d.name} ({d.item_id})",
                facts=_facts(d, plan),
                choices=tuple(choice.value for choice in d.choices),
            )
            for d in asked
        ),
    )


def escaped(text: str) -> str:
    """Text as Markdown that shows exactly that text, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _facts(decision: Decision, plan: Plan) -> str:
    facts = [f"{decision.rule}: {decision.reason}"]
    if decision.audience:
        facts.append(f"about {decision.audience} patrons")
    if decision.due:
        facts.append(f"due {local(decision.due, plan.zone)}")
    if decision.send_by:
        facts.append(f"send by {local(decision.send_by, plan.zone)}")
    if decision.observation:
        facts.append(f"read {local(decision.observation.seen_at, plan.zone)}")
    facts.append("can reach an inbox" if decision.reach is Reach.INBOX else "changes data only")
    return "; ".join(facts)
