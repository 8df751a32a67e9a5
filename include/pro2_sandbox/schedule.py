"""When a job is due: a cron expression in the organization's zone, made from one occurrence near T0.

Only three shapes exist (daily, hourly, every n hours with n dividing 24), so the due times are worked out here from
the local wall clock. A daily time that does not exist that day comes when the clocks have jumped, one that occurs
twice comes the first time; an hourly one comes in every real hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pro2_sandbox.incident_jobs import ScheduleModel


@dataclass(frozen=True)
class Schedule:
    """Due at ``minute`` past each of the local ``hours``."""

    zone: ZoneInfo
    hours: tuple[int, ...]
    minute: int

    @classmethod
    def around(cls, model: ScheduleModel, t0: datetime, zone: ZoneInfo) -> Schedule:
        if model.hourly is not None:
            offset, step = model.hourly, 1
        elif model.daily is not None:
            offset, step = model.daily, 24
        else:
            assert model.at is not None  # noqa: S101 - the model has checked it
            assert model.every_hours is not None  # noqa: S101
            offset, step = model.at, model.every_hours
        local = snapped(t0 + offset).astimezone(zone)
        hours = tuple(sorted((local.hour + ahead) % 24 for ahead in range(0, 24, step)))
        return cls(zone, hours, local.minute)

    @property
    def every_hour(self) -> bool:
        return len(self.hours) == 24

    @property
    def cron(self) -> str:
        hours = "*" if self.every_hour else ",".join(map(str, self.hours))
        return f"{self.minute} {hours} * * *"

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Due times in [start, end), oldest first, in UTC."""
        day = start.astimezone(self.zone).date() - timedelta(days=1)
        last = end.astimezone(self.zone).date() + timedelta(days=1)
        found: set[datetime] = set()
        while day <= last:
            for hour in self.hours:
                found.update(self._instants(datetime.combine(day, time(hour, self.minute))))
            day += timedelta(days=1)
        yield from (due for due in sorted(found) if start <= due < end)

    def _instants(self, wall: datetime) -> list[datetime]:
        """Every hour: each real hour that the clock shows so. At fixed hours: the first, or where the gap ends."""
        placed = sorted({wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
        real = [due for due in placed if due.astimezone(self.zone).replace(tzinfo=None) == wall]
        if self.every_hour or real:
            return real if self.every_hour else real[:1]
        low, high = placed[0], placed[-1]
        while high - low > timedelta(minutes=1):
            middle = snapped(low + (high - low) / 2)
            before = middle.astimezone(self.zone).utcoffset() == low.astimezone(self.zone).utcoffset()
            low, high = (middle, high) if before else (low, middle)
        return [high]

    def before(self, moment: datetime, amount: int) -> list[datetime]:
        """The last ``amount`` due times before ``moment``, oldest first."""
        days = amount // len(self.hours) + 3
        found = list(self.between(moment - timedelta(days=days), moment))
        return found[-amount:] if amount else []

    def after(self, moment: datetime) -> datetime:
        """The first due time after ``moment``."""
        return next(due for due in self.between(moment, moment + timedelta(days=4)) if due > moment)


def snapped(moment: datetime) -> datetime:
    """Cut down to the whole minute: cron knows no seconds."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
