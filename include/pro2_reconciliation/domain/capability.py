"""What an account was SEEN to do, as names: nothing of it is documented by the vendor in a way that could be relied on.

Each verb rests on some of them (:data:`RESTS_ON`, and for one campaign :func:`rests_on`). What is not proven is not
known, and a person presses it (ADR 14). Proven by the drill, or by a person who saw it and says so. It cannot fail.
"""

from __future__ import annotations

from enum import StrEnum

from pro2_reconciliation.domain.words import CampaignStatus, Verb


class Capability(StrEnum):
    """One thing that an account does or does not do."""

    STOP_SCHEDULED = "stop_scheduled"
    STOP_SENDING = "stop_sending"
    COPY_IS_A_DRAFT = "copy_is_a_draft"
    COPY_KEEPS_LISTS = "copy_keeps_lists"
    COPY_KEEPS_SEGMENT = "copy_keeps_segment"
    COPY_KEEPS_MESSAGE = "copy_keeps_message"
    SEND_COPY = "send_copy"
    STAYS_STOPPED = "stays_stopped"
    STOP_RUN = "stop_run"
    RUN_NOW = "run_now"
    REPEAT_IMPORT = "repeat_import"
    IMPORT_LIST = "import_list"
    WRITE_TAGS = "write_tags"


MEANING: dict[Capability, str] = {
    Capability.STOP_SCHEDULED: "v1 stops a campaign that is scheduled (status 1)",
    Capability.STOP_SENDING: "v1 stops a campaign that is in sending (status 2)",
    Capability.COPY_IS_A_DRAFT: "a copy is a draft with nothing sent",
    Capability.COPY_KEEPS_LISTS: "a copy keeps the lists",
    Capability.COPY_KEEPS_SEGMENT: "a copy keeps the segment",
    Capability.COPY_KEEPS_MESSAGE: "a copy keeps subject line and messages",
    Capability.SEND_COPY: "v1 sends a copy, and its counters say so",
    Capability.STAYS_STOPPED: "a stopped campaign sends nothing while its copy goes out",
    Capability.STOP_RUN: "the dashboard stops a run, or says that there is none",
    Capability.RUN_NOW: "Run Now runs, and contacts enter the automation",
    Capability.REPEAT_IMPORT: "Repeat Import runs",
    Capability.IMPORT_LIST: "a List Manager list is imported under a tag",
    Capability.WRITE_TAGS: "a contact's tag is written and taken back",
}
RESTS_ON: dict[Verb, frozenset[Capability]] = {
    Verb.STOP_CAMPAIGN: frozenset({Capability.STOP_SCHEDULED, Capability.STOP_SENDING}),
    Verb.COPY_CAMPAIGN: frozenset(
        {
            Capability.COPY_IS_A_DRAFT,
            Capability.COPY_KEEPS_LISTS,
            Capability.COPY_KEEPS_SEGMENT,
            Capability.COPY_KEEPS_MESSAGE,
        }
    ),
    Verb.SEND_CAMPAIGN: frozenset({Capability.SEND_COPY, Capability.STAYS_STOPPED}),
    Verb.STOP_RUN: frozenset({Capability.STOP_RUN}),
    Verb.RUN_NOW: frozenset({Capability.RUN_NOW}),
    Verb.REPEAT_IMPORT: frozenset({Capability.REPEAT_IMPORT}),
    Verb.IMPORT_LIST: frozenset({Capability.IMPORT_LIST}),
    Verb.ADD_TAG: frozenset({Capability.WRITE_TAGS}),
    Verb.REMOVE_TAG: frozenset({Capability.WRITE_TAGS}),
}
"""What a request of this verb takes for granted; every verb has a row."""


def rests_on(
    verb: Verb, *, status: CampaignStatus | None = None, segment: str | None = None
) -> frozenset[Capability]:
    """What one request takes for granted, by what was just seen of its campaign; what was not seen counts as the most.

    ``status``: of the campaign that is to be stopped; ``segment``: id of the one that is to be copied, "0" for none.
    """
    needed = RESTS_ON[verb]
    if verb is Verb.STOP_CAMPAIGN and status in _STOP_OF:
        return frozenset({_STOP_OF[status]})
    if verb is Verb.COPY_CAMPAIGN and segment in NO_SEGMENT:
        return needed - {Capability.COPY_KEEPS_SEGMENT}
    return needed


NO_SEGMENT = frozenset({"", "0"})
"""How a campaign says that it has none."""
_STOP_OF = {
    CampaignStatus.SCHEDULED: Capability.STOP_SCHEDULED,
    CampaignStatus.SENDING: Capability.STOP_SENDING,
}
