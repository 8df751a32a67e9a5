"""Rules R0 to R16: what is decided about an occurrence of a job, and the sub-tables that say how to reprocess it."""

from __future__ import annotations

from pro2_reconciliation.domain.rule import HUMAN, NONE, WATCH, Rule
from pro2_reconciliation.domain.words import Choice, Reach, Remedy

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
        "R6",
        ("no_row", "in_maintenance"),
        WATCH,
        "was due in known maintenance until {excused_text}: expected by {expected_text}",
    ),
    Rule("R6", ("no_row", "in_time", "in_progress"), WATCH, "in progress, {progress_text}"),
    Rule("R6", ("no_row", "in_time"), WATCH, "was due {due_text}: it may begin until {expected_text}"),
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
    Rule("R2", ("succeeded",), NONE, "success at {row_text}{late_note}{count_note}"),
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
        steps=(
            "Compare the schedule of «{name}» in Pro2 with jobs.yaml",
            "Look at «The catalog» in the newest nightly report: it says what its runs fit, with the lines to paste",
        ),
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
        "missed; its next run {judge_text} picks up the difference",
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
    Rule(
        "R11",
        ("trigger",),
        HUMAN,
        "its audience (kind, window, validity) or re-entry is not configured",
        steps=_RUN_AGAIN,
    ),
    Rule(
        "R12",
        ("import", "lets_in_again"),
        HUMAN,
        "its tag starts automation {automation}, which may let the same contacts in again (re-entry: {reentry})",
        steps=(
            "Check in Pro2 who of the list of «{name}» would enter automation {automation} once more",
            "Decide then whether Repeat Import of «{name}» may be pressed in the Integrated Dashboard",
        ),
    ),
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
        ("sync_configured", "not list_fresh"),
        HUMAN,
        "{list_problem}, so it is not imported",
        steps=(
            "Generate List Manager list {list_id} in Tessitura (Preview or Generate), as «{name}» would have done",
            "Start reconcile again, or wait for the nightly one: it offers the import then",
        ),
    ),
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
