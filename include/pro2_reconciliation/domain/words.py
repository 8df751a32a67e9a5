"""The closed vocabularies of the field. Every status ends in UNKNOWN, and UNKNOWN is never repaired by itself."""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    """What can be down. ``sending`` touches everything (jobs write through it), the others touch jobs only."""

    SENDING = "sending"
    DASHBOARD = "dashboard"
    TESSITURA = "tessitura"


class ItemKind(StrEnum):
    CAMPAIGN = "campaign"
    OCCURRENCE = "occurrence"
    AUTOMATION = "automation"


class ProcessType(StrEnum):
    """Integrated processes of Pro2 (help.prospect2.com articles 644, 656, 668, 803)."""

    DATA_SYNC = "data_sync"
    SCHEDULED_TRIGGER = "scheduled_trigger"
    INTEGRATED_IMPORT = "integrated_import"
    SEGMENT_TRANSFER = "segment_transfer"
    EADDRESS_CHANGES = "eaddress_changes"


class CampaignStatus(StrEnum):
    """ActiveCampaign's status codes 0 to 7 (names of the vendor's own client)."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETE = "complete"
    DISABLED = "disabled"
    PENDING_REVIEW = "pending_review"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a run of a job ended, as its Activity Log row says."""

    SUCCESS = "success"
    PARTIAL_ERROR = "partial_error"
    FULL_ERROR = "full_error"
    IN_PROGRESS = "in_progress"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class StopAnswer(StrEnum):
    """What the dashboard answers to a stop; no answer counts as REFUSED."""

    STOPPED = "stopped"
    NOTHING_TO_STOP = "nothing_to_stop"
    REFUSED = "refused"


class Mode(StrEnum):
    """How far a dag run may go: ``plan`` reports, ``ask`` acts on choices, ``auto`` acts on harmless data jobs."""

    PLAN = "plan"
    ASK = "ask"
    AUTO = "auto"


class Reach(StrEnum):
    """The worst that an action can do: reach a patron's inbox, or only contacts, tags and jobs."""

    INBOX = "inbox"
    DATA = "data"


class Remedy(StrEnum):
    """What a decision proposes or says."""

    NONE = "none"
    WATCH = "watch"
    NEEDS_HUMAN = "needs_human"
    REPORT = "report"
    RESEND = "resend"
    HOLD_BACK = "hold_back"
    REPEAT_IMPORT = "repeat_import"
    RUN_NOW = "run_now"
    DATA_SYNC = "data_sync"
    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"

    @property
    def acts(self) -> bool:
        """Whether carrying it out would send at least one mutating request."""
        return self in _ACTING


_ACTING = frozenset(
    {
        Remedy.RESEND,
        Remedy.HOLD_BACK,
        Remedy.REPEAT_IMPORT,
        Remedy.RUN_NOW,
        Remedy.DATA_SYNC,
        Remedy.ADD_TAG,
        Remedy.REMOVE_TAG,
    }
)


class Choice(StrEnum):
    """What a person may answer for one item. ``LEAVE`` is always offered, always preset.

    A choice that can reach an inbox is carried out in the sending hours only, its ``_NOW`` form at any hour.
    """

    LEAVE = "leave to me"
    KEEP_WATCHING = "keep watching"
    RESEND = "resend"
    RESEND_NOW = "resend now"
    HOLD_BACK = "hold back"
    REPROCESS = "reprocess"
    REPROCESS_NOW = "reprocess now"
    REPROCESS_EVEN_IF_NOT_STOPPED = "reprocess even if it cannot be stopped (both may run)"
    REPROCESS_NOW_EVEN_IF_NOT_STOPPED = "reprocess now, even if it cannot be stopped (both may run)"
    ADD_TAG = "add the tag"
    ADD_TAG_NOW = "add the tag now"
    REMOVE_TAG = "remove the tag"
    REMOVE_TAG_NOW = "remove the tag now"

    @property
    def now_form(self) -> Choice | None:
        """The same at any hour; None where the sending hours hold up nothing of it, or do not any more."""
        return _NOW_FORMS.get(self)

    @property
    def at_any_hour(self) -> bool:
        """Whether a person chose explicitly that mail may leave outside the sending hours."""
        return self in _PLAIN_FORMS

    @property
    def plain(self) -> Choice:
        """The same without a word about the hour."""
        return _PLAIN_FORMS.get(self, self)


_NOW_FORMS = {
    Choice.RESEND: Choice.RESEND_NOW,
    Choice.REPROCESS: Choice.REPROCESS_NOW,
    Choice.REPROCESS_EVEN_IF_NOT_STOPPED: Choice.REPROCESS_NOW_EVEN_IF_NOT_STOPPED,
    Choice.ADD_TAG: Choice.ADD_TAG_NOW,
    Choice.REMOVE_TAG: Choice.REMOVE_TAG_NOW,
}
_PLAIN_FORMS = {now: plain for plain, now in _NOW_FORMS.items()}


class Verb(StrEnum):
    """The mutating requests, each one step of an action."""

    STOP_CAMPAIGN = "stop_campaign"
    COPY_CAMPAIGN = "copy_campaign"
    SEND_CAMPAIGN = "send_campaign"
    STOP_RUN = "stop_run"
    RUN_NOW = "run_now"
    REPEAT_IMPORT = "repeat_import"
    IMPORT_LIST = "import_list"
    ADD_TAG = "add_tag"
    REMOVE_TAG = "remove_tag"
