"""Rules C0 to C14: what is decided about a campaign. Tried in order; C13 is decided by what a stop met."""

from __future__ import annotations

from pro2_reconciliation.domain.rule import HUMAN, NONE, WATCH, Rule
from pro2_reconciliation.domain.words import Choice, Reach, Remedy

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
        ("pending", "copied_by_hand"),
        HUMAN,
        "somebody made a copy and has not sent it: {suspects}",
        steps=(
            "Ask who made {suspects}; send that copy and stop «{name}», or delete the copy and let us look again",
        ),
    ),
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
        "C7",
        ("pending", "left_schedule"),
        HUMAN,
        "scheduled again, but at {left_text} it was not: it may have been sent, and the account been put back",
        steps=(
            "Check whether patrons got «{name}» (seed addresses, a colleague's inbox)",
            "Decide there by hand: stop «{name}» in Pro2 before it goes out again, or leave it to go",
        ),
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
