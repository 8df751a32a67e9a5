"""The Activity Log as files: what ``activity_export.yaml`` says about where they lie and how they are to be read.

Only values with their limits stand here; ``config.py`` reads the file and says in words what is wrong with it,
``wire/export.py`` reads the tables. Nothing that an absence would rest on is guessed: ``as_of`` has no default, and a
date such as 03/04/2026 is refused until ``day_first`` or ``date_format`` says how it is meant (ADR 0008).
"""

from __future__ import annotations

import codecs
import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pro2_reconciliation.domain.base import Value
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.localtime import find_zone
from pro2_reconciliation.domain.words import Outcome, ProcessType

_SECRET = re.compile(r"://[^/@]*:[^/@]*@")
TOTALS = r"(?i)(?:grand )?totals?\b:?(?:\s+(?P<count>\d+))?(?:\s+\D.*)?"
"""A line of totals, its cells joined by blanks: "Total", "Total 42", "Totals: 42 runs"."""


class Columns(Value):
    """The header names of the export. Upper and lower case and blanks around a name do not matter."""

    started: str = Field(description="When the run began")
    status: str = Field(description="How it ended; see outcomes")
    job_id: str | None = Field(default=None, description="The id of the job, as in jobs.yaml; this or job")
    job: str | None = Field(default=None, description="The name of the job; finds the job without job_id")
    run_id: str | None = Field(default=None, description="The run's own id; without it job and start are it")
    process: str | None = Field(default=None, description="The kind of process; see processes")
    finished: str | None = Field(default=None, description="When the run ended")
    returned: str | None = Field(default=None, description="Contacts that it returned")
    updated: str | None = Field(default=None, description="Contacts that it updated")
    failed: str | None = Field(default=None, description="Contacts that failed")
    tag: str | None = Field(default=None, description="The tag that an import writes")
    started_by: str | None = Field(default=None, description="Who started it; see scheduled and by_hand")
    organization: str | None = Field(default=None, description="Whose run it is; without it all are ours")
    as_of: str | None = Field(default=None, description="When the export was made; for as_of: column")

    @model_validator(mode="after")
    def _some_job(self) -> Self:
        if self.job_id is None and self.job is None:
            raise ValueError("a run needs its job: name the column of job_id or of job")
        return self

    @property
    def named(self) -> dict[str, str]:
        """Our word to the header's name, for every column that the export has."""
        return {key: value for key, value in self.model_dump().items() if value is not None}


class Totals(Value):
    """The lines that are no runs but sums. Where one gives a count, it must be the number of rows read."""

    pattern: str = Field(
        default=TOTALS,
        description="Regular expression for the whole line, cells joined by blanks; a group count is checked",
    )
    required: bool = Field(default=False, description="Whether a file without such a line was cut short")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return pattern


class ActivityExport(Value):
    """Where the Activity Log's files are and how to read them (docs/configuration.md)."""

    path: str = Field(description="A file, a folder or a pattern with *; file://, s3://, ... or a full path")
    connection: str | None = Field(default=None, description="Airflow connection of the storage")
    columns: Columns = Field(description="Our words and the header's names for them")
    as_of: Literal["modified", "name", "column"] = Field(
        description="What tells when an export was made: the file's time, its name, or a column"
    )
    name_format: str | None = Field(
        default=None, description="For as_of: name, such as activity-%Y-%m-%d_%H%M.csv (local time)"
    )
    margin_minutes: float = Field(
        default=5, ge=0, le=10080, description="Taken off as_of: what was under way when the export was made"
    )
    covers_hours: float | None = Field(
        default=None,
        gt=0,
        le=87600,
        description="How far each file reaches back; without it from its first row on",
    )
    zone: str | None = Field(default=None, description="The zone of its times; the organization's without it")
    day_first: bool | None = Field(default=None, description="Whether 03/04/2026 is the 3rd of April")
    date_format: str | None = Field(default=None, description="Instead, such as %d.%m.%Y %H:%M")
    encoding: str = Field(default="utf-8", description="Of CSV without a byte order mark: utf-8, cp1252, ...")
    delimiter: str = Field(default=",", description="Of CSV: one character, or tab")
    ends_with_newline: bool = Field(
        default=True, description="Whether the last line of a whole CSV ends like the others"
    )
    sheet: str | None = Field(default=None, description="Of XLSX; without it the only visible sheet")
    organization: str | None = Field(
        default=None, description="Our name in the organization column; jobs.yaml's without it"
    )
    outcomes: dict[str, Outcome] = Field(default={}, description="Labels beyond the usual ones, and outcomes")
    processes: dict[str, ProcessType] = Field(
        default={}, description="Labels beyond the usual ones, and process types"
    )
    scheduled: tuple[str, ...] = Field(
        default=("schedule", "scheduler", "scheduled"), description="Started by its schedule"
    )
    by_hand: tuple[str, ...] = Field(default=("user", "manual"), description="Started by a person")
    totals: Totals = Field(default=Totals(), description="Lines that are no runs")

    @field_validator("path")
    @classmethod
    def _somewhere(cls, path: str) -> str:
        if "://" not in path and not path.startswith("/"):
            raise ValueError("begin it with file:///, s3:// or another scheme, or with /")
        return path

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        try:
            return zone and find_zone(zone).key
        except ConfigurationError as error:
            raise ValueError(str(error)) from None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError("write for example utf-8, cp1252 or utf-16") from None

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        if delimiter == "tab":
            return "\t"
        if len(delimiter) != 1 or delimiter in '"\r\n ':
            raise ValueError("write one character such as ; or the word tab")
        return delimiter

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.as_of == "name" and not self.name_format:
            raise ValueError("as_of: name needs name_format, such as activity-%Y-%m-%d_%H%M.csv")
        if self.as_of == "column" and not self.columns.as_of:
            raise ValueError("as_of: column needs columns.as_of, the header of that column")
        if self.organization and not self.columns.organization:
            raise ValueError("organization is looked for in a column: name columns.organization too")
        if self.date_format and self.day_first is not None:
            raise ValueError("write either date_format or day_first")
        both = {" ".join(x.casefold().split()) for x in self.scheduled} & {
            " ".join(x.casefold().split()) for x in self.by_hand
        }
        if both:
            raise ValueError(f"{sorted(both)[0]!r} stands in scheduled and in by_hand")
        return self


def holds_secret(path: object) -> bool:
    """Whether a path carries a password; asked before it is validated, because an error repeats the value."""
    return isinstance(path, str) and _SECRET.search(path) is not None
