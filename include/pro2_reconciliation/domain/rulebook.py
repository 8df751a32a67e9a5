"""The decision tables as a page for people: docs/decisions.md is exactly what ``markdown()`` returns.

``python -m pro2_reconciliation.domain.rulebook > docs/decisions.md`` writes it; a test compares the two. Fails with
KeyError for a condition that has no sentence in ``MEANING``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pro2_reconciliation.domain.rules import AUTOMATION_RULE, ENDING_RULES, RULE_BOOK, Rule, RuleBook

INTRODUCTION = """\
# Decisions

<!-- Written by: python -m pro2_reconciliation.domain.rulebook > docs/decisions.md; do not edit it by hand. -->

These are the tables of `campaign_rules.py` and `occurrence_rules.py` in `include/pro2_reconciliation/domain/`, the very
data that every dag run decides with. They follow the vendor's checklist (help.prospect2.com, article 715) and depart
from it once: a complete campaign with an empty report is not sent again.

Rules are tried from top to bottom. The first rule of which **every** condition is true decides. The last rule of each
table has no condition and belongs to a person, so an item that fits nothing is never repaired by software.

A policy can only make a rule stricter. An action whose reach is `inbox` could make a patron receive mail, and one whose
reach is `data` changes contacts, tags or jobs only. What stands in {braces} is filled in. The first choice of a list is
preset, and nothing at all happens without a choice (in mode `auto`: except imports and data syncs of reach `data` that
need no stop first, in a known outage). Where a choice that can reach an inbox meets sending hours that close before
its question ends, its «now» form is offered as well; where they open too late for it, instead
([question.md](question.md)).
"""
SUB_TABLES = {
    "reprocess": "How a failed, missing or hanging run is done again",
    "data_sync": "How a data sync is made good",
}
ENDINGS = {
    "C13": "The stop did not take: the original is not stopped with zero everywhere in time. No copy is made, and a "
    "person goes on.",
    "R10b": "The stop of a run was refused, or not answered. It is done again only if a person chose «reprocess even "
    "if it cannot be stopped (both may run)».",
    "R10a": "The run was stopped, or there was nothing to stop. It is done again.",
}
"""What an action met; ``ENDING_RULES`` names the same ids."""

MEANING = {
    # both tables
    "ours_done": "the ledger has an action of ours on it that was proven, or that a person closed",
    "ours_open": "the ledger has an action of ours on it that has begun and not ended",
    "ours_needs_human": "an action of ours on it ended in a way that only a person can go on from",
    # campaigns
    "ours_holds_back": "that action only stops the campaign",
    "from_automation": "it is an e-mail of an automation",
    "halted_before": "it was stopped, disabled, paused or a draft, and last changed before the outage",
    "our_copy": "the ledger proves that it is a copy of ours",
    "sent": "it was sent, and counts show it",
    "due_later": "it is due in the future",
    "repaired_by_hand": "a visible copy of it that is not ours goes out or went out (by its name, and its source)",
    "copied_by_hand": "there is a visible copy of it that is not ours, if only a draft",
    "look_alike": "a campaign with the same subject line and list goes out or went out, and is not visibly a copy",
    "counters_disagree": "it is not sent by its status, and some counter of it or of its report is above zero, or it "
    "has a time at which it was sent",
    "left_schedule": "a snapshot of the schedule after its due time did not have it any more",
    "plain": "it is a plain broadcast: type single, not recurring, no winner awaited",
    "in_flight": "it is being sent: its count is above zero, or it has a time at which mail was sent, or it began "
    "while it was watched",
    "partly_sent": "it is being sent, and its count stood still while it was watched",
    "complete_empty": "it is complete, and its report is empty",
    "pending": "it is overdue and scheduled, or in sending with nothing sent",
    "zero_twice": "every counter of it and of its report was zero, and it had no time at which it was sent, in two "
    "reads, `read_gap_seconds` apart",
    "watched_to_the_end": "it was still pending when its watching ended, or a person waived the wait",
    "big_enough": "it is scheduled; or it has `min_sending_recipients`, or the account never spreads sends over a day",
    "before_send_by": "its due time is known, and its `send_by` has not passed",
    "health_closed": "two or more campaigns that were due after the outage are pending, and none was mailed since",
    "approval_hold": "it is under review",
    "halted": "it is stopped, disabled or paused",
    "draft_or_gone": "it is a draft, or it is gone",
    # occurrences
    "unknown_label": "its row in the Activity Log has a label that is not known",
    "no_row": "the Activity Log has no row for it",
    "in_maintenance": "it was due in known maintenance, and the time by which it is expected after that has not passed",
    "in_time": "the job's grace has not passed, so it may still begin in time",
    "source_unusable": "the Activity Log or the Console is missing, empty, or ends before it was due",
    "by_hand_running": "a person reprocesses it, and that run has not ended",
    "by_hand": "a person reprocessed it, and that run ended",
    "succeeded": "it ran, in time or late",
    "audience_moved": "it is a scheduled trigger that ran outside its audience window",
    "later_success": "it did not succeed, and a later run of the job did",
    "covered_by_later": "such a run covers it: import, address changes, or a data sync that was missed",
    "trigger": "it is a scheduled trigger",
    "same_audience_as_later": "the later run had the same audience",
    "no_trace": "neither the Activity Log nor the Console shows it",
    "catalog_doubtful": "none of the job's last three occurrences before the outage left a trace either",
    "in_progress": "it runs",
    "hanging": "it runs for more than twice its usual length and makes no progress",
    "unfinished": "it is missing, failed, stopped or hanging",
    "job_busy": "the job runs now for another occurrence",
    "next_is_close": "the next run of the job that has not begun is due within `next_occurrence_wait_minutes`, "
    "or was due and may still begin within its grace",
    "partial": "it ended with errors",
    "within_usual_share": "its failed share is known, and no more than usual for the job",
    "data_sync": "it is a data sync",
    "older_of_several": "several were missed, and this is not the newest",
    "newest_covers": "repairing the newest covers the others: import, data sync or address changes",
    "never_repaired": "it is a segment transfer or an address change",
    "next_within_wait": "the very next occurrence is due within `missed_sync_wait_hours`, or was due and may still "
    "begin, or runs; it has not failed",
    "failed": "it ended with a full error",
    "second_failure": "a run by hand for it ended with a full error as well",
    "services_healthy": "every service that the job needs is up",
    "stopped_run": "it was stopped",
    # sub-tables
    "one_of_several": "several were missed",
    "audience_shift": "its audience has expired, or is another one by now",
    "prefers_next": "its audience is of kind `range` or `static`: the next run reaches the same patrons",
    "may_enter_twice": "contacts entered the automation in its slot, and may enter more than once",
    "audience_known": "its audience is exact and the same as when due, it is known for how long (`valid_hours`), and "
    "nobody can enter twice",
    "import": "it is an integrated import",
    "lets_in_again": "the job names the automation that its tag starts, and not that a contact enters it only once",
    "harmless_import": "the job says `starts_mail: no` and `adds_to_list: false`",
    "sync_configured": "the job says its `tessitura_list`, `sync_tag` and `mode`",
    "list_fresh": "Tessitura says that its List Manager list was generated after the outage ended",
}
"""A sentence for every fact that a condition may name (``facts.py``, ``occurrence_facts.py``)."""

_HEAD = "| rule | when all of this is true | decision | reach | choices | what the report says |"


def markdown(book: RuleBook = RULE_BOOK) -> str:
    """The page: the tables in the order in which they are tried, endings, and what each condition means."""
    parts = [
        INTRODUCTION,
        _section("Campaigns", book.campaigns),
        _section("Occurrences of jobs", book.occurrences),
    ]
    parts += [_section(SUB_TABLES.get(name, _words(name)), table) for name, table in book.sub_tables.items()]
    parts.append(_section("Automations", (AUTOMATION_RULE,)))
    endings = dict.fromkeys(ENDING_RULES.values())
    parts.append(
        "\n".join(
            ["## Decided by what an action met", "", *(f"- **{r}**: {ENDINGS[r]}" for r in endings), ""]
        )
    )
    parts.append("\n".join(["## What the conditions mean", "", *_meanings(book)]))
    return "\n".join(parts).rstrip("\n") + "\n"


def conditions(book: RuleBook) -> list[str]:
    """Every fact that the tables ask for, in the order of its first use, without "not"."""
    tables = [book.campaigns, book.occurrences, *book.sub_tables.values()]
    asked = [condition.removeprefix("not ") for table in tables for rule in table for condition in rule.when]
    return list(dict.fromkeys(asked))


def _section(title: str, rules: Sequence[Rule]) -> str:
    rows = [_HEAD, "| --- " * _HEAD.count(" | ") + "| --- |", *(_row(rule) for rule in rules)]
    asked = [f"**{rule.id}**, {rule.reason}: " + "; ".join(rule.steps) for rule in rules if rule.steps]
    steps = ["", "What a person is asked to do:", "", *(f"- {one}." for one in asked)] if asked else []
    return "\n".join([f"## {title}", "", *rows, *steps, ""])


def _row(rule: Rule) -> str:
    rule_id = f"{rule.id} (via {', '.join(rule.via)})" if rule.via else rule.id
    decision = _words(rule.remedy.value)
    if rule.then == "resume":
        decision = "go on with what was begun"
    elif rule.then:
        decision = f"see «{SUB_TABLES.get(rule.then, rule.then)}»"
    if rule.stop_first:
        decision = f"stop it first, then {decision}"
    offers = bool(rule.choices) and rule.then in ("", "resume")
    cells = (
        rule_id,
        ", ".join(map(_words, rule.when)) or "everything else",
        decision,
        rule.reach.value if offers else "",
        ", ".join(choice.value for choice in rule.choices) if offers else "",
        rule.reason,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _meanings(book: RuleBook) -> list[str]:
    return [f"- **{_words(name)}**: {MEANING[name]}" for name in conditions(book)]


def _words(name: str) -> str:
    return name.replace("_", " ")


if __name__ == "__main__":
    sys.stdout.write(markdown())
