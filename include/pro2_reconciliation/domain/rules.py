"""The decision table, as data: what the vendor's checklist (help.prospect2.com article 715) means for software.

A rule names the conditions that must ALL hold; the first rule of its table that fits decides. A condition is the
name of a boolean fact (``facts.py``), a leading "not " negates it. Nothing here computes: to change a decision,
change a row. Both tables end in a row without conditions, so every item gets a decision and the last word is
always a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pro2_reconciliation.domain.words import Choice, Reach, Remedy


@dataclass(frozen=True)
class Rule:
    """One row. ``reason`` and ``steps`` are filled with the facts by ``str.format``; steps start with a verb.

    ``then`` names the sub-table that decides how to reprocess; ``stop_first`` asks for a stop before that.
    """

    id: str
    when: tuple[str, ...]
    remedy: Remedy
    reason: str
    reach: Reach = Reach.DATA
    choices: tuple[Choice, ...] = ()
    steps: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    stop_first: bool = False
    then: str = ""


NONE, WATCH, HUMAN = Remedy.NONE, Remedy.WATCH, Remedy.NEEDS_HUMAN

_PENDING = ("pending", "zero_twice", "watched_to_the_end", "big_enough")
_RESEND = (Choice.LEAVE, Choice.RESEND, Choice.KEEP_WATCHING, Choice.HOLD_BACK)
_HOLD = (Choice.LEAVE, Choice.HOLD_BACK)
_HALF_SENT = (
    "Open the report of «{name}» in Pro2 and compare {send_amt} sent with {total_amt} recipients",
    "Make a segment with the condition: has not been sent «{name}»",
    "Duplicate «{name}», set that segment, and send the copy",
)
_LOOK = ("Open «{name}» on the campaigns page of Pro2 and read its status and report", "Decide there by hand")

CAMPAIGN_RULES: tuple[Rule, ...] = (
    Rule("C0", ("ours_done",), NONE, "repaired by us already ({ours})"),
    Rule("C0", ("ours_needs_human",), HUMAN, "our own action needs a person ({ours})", steps=_LOOK),
    Rule(
        "C0",
        ("ours_open", "ours_holds_back"),
        Remedy.HOLD_BACK,
        "our own action is half done ({ours}): it can be resumed",
        Reach.DATA,
        _HOLD,
    ),
    Rule(
        "C0",
        ("ours_open", "before_send_by"),
        Remedy.RESEND,
        "our own action is half done ({ours}): it can be resumed",
        Reach.INBOX,
        (Choice.LEAVE, Choice.RESEND),
    ),
    Rule(
        "C0",
        ("ours_open",),
        HUMAN,
        "our own action is half done ({ours}) and it is too late to send",
        steps=_LOOK,
    ),
    Rule("C1", ("from_automation",), NONE, "a mail of automation {series_id}; counted there"),
    Rule("C2", ("halted_before",), NONE, "{status} already before the outage"),
    Rule(
        "C3",
        ("our_copy", "not sent"),
        HUMAN,
        "this is our own copy of {root}, and it is {status}; a copy is never copied",
        steps=_LOOK,
    ),
    Rule("C4", ("sent",), NONE, "sent {sent_note}"),
    Rule("C5", ("due_later",), NONE, "due {due_text}; on the watch list"),
    Rule("C6", ("repaired_by_hand",), NONE, "repaired by hand: {suspects}"),
    Rule(
        "C6",
        ("look_alike",),
        HUMAN,
        "a similar campaign went out since: {look_alikes}",
        steps=("Check in Pro2 whether {look_alikes} reached the patrons of «{name}»; if so stop «{name}»",),
    ),
    Rule(
        "C7",
        ("counters_disagree",),
        HUMAN,
        "{status}, but {counters_text}: some mail may have left",
        steps=("Check in Pro2 whether the report of «{name}» shows recipients", *_HALF_SENT[1:]),
    ),
    Rule(
        "C8",
        ("not plain",),
        HUMAN,
        "a {type} campaign is not a plain broadcast and is never copied",
        steps=_LOOK,
    ),
    Rule("C9", ("in_flight",), WATCH, "sending: {send_amt} of {total_amt} so far"),
    Rule(
        "C10",
        ("complete_empty",),
        HUMAN,
        "complete, but its report is empty",
        steps=(
            "Check in Pro2 whether anybody got «{name}» (seed addresses, a colleague's inbox)",
            "Ask the vendor before sending it again: counters may lag or be off",
        ),
    ),
    Rule(
        "C11",
        (*_PENDING, "not health_closed", "before_send_by"),
        Remedy.RESEND,
        "pending send since {due_text}, nothing left in two reads",
        Reach.INBOX,
        _RESEND,
    ),
    Rule(
        "C12",
        (*_PENDING, "not health_closed", "not before_send_by"),
        Remedy.HOLD_BACK,
        "pending send since {due_text}, and too late to send after {send_by_text}",
        Reach.DATA,
        _HOLD,
    ),
    Rule(
        "C14",
        ("pending", "health_closed"),
        HUMAN,
        "pending like everything else in the account: an account hold?",
        steps=("Ask the vendor whether the account is under review; nothing can be sent before",),
    ),
    Rule("C14", ("partly_sent",), HUMAN, "partly sent: {send_amt} of {total_amt}", steps=_HALF_SENT),
    Rule(
        "C14",
        ("approval_hold",),
        HUMAN,
        "held for approval by ActiveCampaign; a copy would be held as well",
        steps=("Ask the vendor about the approval of «{name}»",),
    ),
    Rule("C14", ("halted",), HUMAN, "{status} since the outage began", steps=_HALF_SENT),
    Rule(
        "C14",
        ("draft_or_gone",),
        HUMAN,
        "{status}, although it was scheduled for {due_text}",
        steps=("Ask who unscheduled «{name}»; schedule it again in Pro2 if it should go out",),
    ),
    Rule("C14", (), HUMAN, "{state}: no rule covers it", steps=_LOOK),
)

_REPEAT = (Choice.LEAVE, Choice.REPROCESS)
_CONSOLE = (
    "Look in the Console of the Integrated Dashboard whether «{name}» of {due_text} is queued or running",
)
_RUN_AGAIN = ("Look at the audience dates of «{name}» before pressing Run Now: it was due {due_text}",)

OCCURRENCE_RULES: tuple[Rule, ...] = (
    Rule("R0", ("ours_done",), NONE, "reprocessed by us already ({ours})"),
    Rule("R0", ("ours_needs_human",), HUMAN, "our own action needs a person ({ours})", steps=_CONSOLE),
    Rule(
        "R0",
        ("ours_open",),
        HUMAN,
        "our own action is half done ({ours}): it can be resumed",
        steps=_CONSOLE,
        then="resume",
        reach=Reach.INBOX,
        choices=_REPEAT,
    ),
    Rule(
        "R1",
        ("unknown_label",),
        HUMAN,
        "the Activity Log says «{raw_status}», which is not known",
        steps=("Look in the Activity Log what «{raw_status}» of «{name}» means", *_CONSOLE),
    ),
    Rule(
        "R1",
        ("no_row", "source_unusable"),
        HUMAN,
        "no row, and the source cannot prove it: {source_problem}",
        steps=_CONSOLE,
    ),
    Rule("R3", ("by_hand_running",), WATCH, "a person reprocesses it since {row_text}"),
    Rule("R3", ("by_hand",), NONE, "reprocessed by a person at {row_text}"),
    Rule(
        "R2",
        ("succeeded", "audience_moved"),
        HUMAN,
        "ran late at {row_text}, outside its audience window",
        steps=_RUN_AGAIN,
    ),
    Rule("R2", ("succeeded",), NONE, "success at {row_text}{late_note}"),
    Rule("R4", ("later_success", "covered_by_later"), NONE, "covered by the run of {later_text}"),
    Rule(
        "R4",
        ("later_success", "trigger", "same_audience_as_later"),
        NONE,
        "covered by the run of {later_text}, same audience window",
    ),
    Rule(
        "R4",
        ("later_success", "trigger"),
        HUMAN,
        "a later run at {later_text} had another audience",
        steps=_RUN_AGAIN,
    ),
    Rule(
        "R5",
        ("no_trace", "catalog_doubtful"),
        HUMAN,
        "no trace, nor of its last 3 occurrences before the outage: the catalog may be out of date",
        steps=("Compare the schedule of «{name}» in Pro2 with jobs.yaml",),
    ),
    Rule("R6", ("in_progress", "not hanging"), WATCH, "in progress, {progress_text}"),
    Rule("R7", ("unfinished", "job_busy"), WATCH, "the job runs now for another occurrence: that one first"),
    Rule(
        "R7", ("unfinished", "next_is_close"), WATCH, "its next occurrence is due {next_text}: that one first"
    ),
    Rule("R8", ("partial", "within_usual_share"), NONE, "partial error, {share_text}, as usual"),
    Rule(
        "R8",
        ("partial", "not data_sync"),
        HUMAN,
        "partial error, {share_text}, more than usual",
        steps=("Open the error report of «{name}» in the Activity Log",),
    ),
    Rule(
        "R15",
        ("unfinished", "older_of_several", "newest_covers"),
        NONE,
        "covered by the repair of {newest_text}",
    ),
    Rule(
        "R16",
        ("unfinished", "never_repaired"),
        HUMAN,
        "a {process_type} is never reprocessed by software",
        steps=("Check in Pro2 and Tessitura whether «{name}» of {due_text} ran; repeat it there if not",),
    ),
    Rule(
        "R13",
        ("no_trace", "data_sync", "next_within_wait"),
        WATCH,
        "missed; its next run {next_text} picks up the difference",
    ),
    Rule(
        "R9",
        ("failed", "second_failure"),
        HUMAN,
        "a second full error: reprocessing will not help",
        steps=("Open the error report of «{name}» in the Activity Log",),
    ),
    Rule(
        "R9",
        ("failed", "not services_healthy"),
        WATCH,
        "full error, and a service that it needs is still down",
    ),
    Rule(
        "R14",
        ("data_sync", "unfinished", "not no_trace", "not in_progress"),
        Remedy.DATA_SYNC,
        "{state}: its contacts may be lost for later runs",
        then="data_sync",
    ),
    Rule(
        "R14",
        ("partial", "data_sync"),
        Remedy.DATA_SYNC,
        "partial error, {share_text}, more than usual",
        then="data_sync",
    ),
    Rule(
        "R14",
        ("data_sync", "unfinished"),
        Remedy.DATA_SYNC,
        "{state}",
        via=("R10", "R10a"),
        stop_first=True,
        then="data_sync",
        choices=_REPEAT,
    ),
    Rule("R9", ("failed",), HUMAN, "full error", then="reprocess"),
    Rule(
        "R10",
        ("hanging",),
        HUMAN,
        "in progress since {row_text} without progress",
        stop_first=True,
        then="reprocess",
    ),
    Rule(
        "R10", ("no_trace",), HUMAN, "no trace in Activity Log and Console", stop_first=True, then="reprocess"
    ),
    Rule("R10", ("stopped_run",), HUMAN, "stopped", then="reprocess"),
    Rule("R16", (), HUMAN, "{state}: no rule covers it", steps=_CONSOLE),
)

REPROCESS_RULES: tuple[Rule, ...] = (
    Rule(
        "R15",
        ("trigger", "one_of_several", "audience_shift"),
        HUMAN,
        "one of several missed; {audience_problem}",
        steps=_RUN_AGAIN,
        via=("R11",),
    ),
    Rule(
        "R15",
        ("trigger", "older_of_several", "audience_known"),
        NONE,
        "covered by the Run Now of {newest_text}, same audience window",
        via=("R11",),
    ),
    Rule("R11", ("trigger", "audience_shift"), HUMAN, "{audience_problem}", steps=_RUN_AGAIN),
    Rule(
        "R11",
        ("trigger", "prefers_next"),
        HUMAN,
        "a {audience_kind} audience: its next run {next_text} reaches it",
        steps=("Wait for the next run of «{name}»",),
    ),
    Rule(
        "R11",
        ("trigger", "may_enter_twice"),
        HUMAN,
        "{entries} contacts entered in its slot and the automation lets them in again",
        steps=_RUN_AGAIN,
    ),
    Rule(
        "R11",
        ("trigger", "audience_known"),
        Remedy.RUN_NOW,
        "Run Now: same audience window",
        Reach.INBOX,
        _REPEAT,
    ),
    Rule("R11", ("trigger",), HUMAN, "its audience or re-entry is not configured", steps=_RUN_AGAIN),
    Rule(
        "R12",
        ("import", "harmless_import"),
        Remedy.REPEAT_IMPORT,
        "Repeat Import; it starts no mail",
        Reach.DATA,
        _REPEAT,
    ),
    Rule("R12", ("import",), Remedy.REPEAT_IMPORT, "Repeat Import; it may start mail", Reach.INBOX, _REPEAT),
    Rule("R16", (), HUMAN, "a {process_type} is never reprocessed by software", steps=_CONSOLE),
)

DATA_SYNC_RULES: tuple[Rule, ...] = (
    Rule(
        "R14",
        ("sync_configured", "harmless_import"),
        Remedy.DATA_SYNC,
        "import of its list under a unique tag, then the drift",
        Reach.DATA,
        _REPEAT,
    ),
    Rule(
        "R14",
        ("sync_configured",),
        Remedy.DATA_SYNC,
        "import of its list under a unique tag (it may start mail), then the drift",
        Reach.INBOX,
        _REPEAT,
    ),
    Rule(
        "R14",
        (),
        HUMAN,
        "its List Manager list or tag is not configured",
        steps=("Import the newest List Manager list of «{name}» under a unique tag and compare the tags",),
    ),
)


@dataclass(frozen=True)
class RuleBook:
    """The tables a decision is made with; tests break one row of a copy and see it found out."""

    campaigns: tuple[Rule, ...] = CAMPAIGN_RULES
    occurrences: tuple[Rule, ...] = OCCURRENCE_RULES
    sub_tables: dict[str, tuple[Rule, ...]] = field(
        default_factory=lambda: {"reprocess": REPROCESS_RULES, "data_sync": DATA_SYNC_RULES}
    )

    def ids(self) -> set[str]:
        rules = [*self.campaigns, *self.occurrences, *(r for t in self.sub_tables.values() for r in t)]
        return {rule.id for rule in rules} | {via for rule in rules for via in rule.via}


RULE_BOOK = RuleBook()
ENDING_RULES = {"stop_campaign": "C13", "stop_run_refused": "R10b", "stop_run": "R10a"}
"""Rules that are decided by what an action met, not by the plan."""
AUTOMATION_RULE = Rule(
    "A1", (), Remedy.REPORT, "{stalled} contacts stalled, {entered} entered since the outage began"
)
