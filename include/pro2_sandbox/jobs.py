"""The jobs of the Integrated Dashboard: what ran, what runs, and what comes of pressing a button.

A job that runs after T0 (on its schedule, late, or pressed) has its effect when it ends: an import regenerates its
List Manager list and tags the contacts, a data sync brings its tag up to date, a trigger lets its audience of that
moment into the automation. Unknown ids raise :class:`Unknown`, buttons that a job does not have :class:`WrongButton`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from pro2_sandbox.agenda import Agenda
from pro2_sandbox.effects import By, Effects
from pro2_sandbox.incident import Incident
from pro2_sandbox.incident_jobs import CountsModel, JobModel, RunModel
from pro2_sandbox.runs import IN_PROGRESS, Run
from pro2_sandbox.schedule import Schedule, snapped
from pro2_sandbox.work import Work


class Unknown(LookupError):
    """There is no job or list of this id."""


class WrongButton(ValueError):
    """This kind of process has no such button."""


class Jobs:
    def __init__(
        self,
        incident: Incident,
        t0: datetime,
        agenda: Agenda,
        effects: Effects,
        work: Work,
        down: Callable[[str, datetime], bool],
    ) -> None:
        self._incident = incident
        self._t0 = t0
        self._agenda = agenda
        self._effects = effects
        self._work = work
        self._down = down
        self._numbers = count(1_000)
        self._seconds = timedelta(seconds=incident.run_seconds)
        zone = ZoneInfo(incident.zone)
        self.models = {model.id: model for model in incident.jobs}
        self.schedules = {model.id: Schedule.around(model.schedule, t0, zone) for model in incident.jobs}
        self.runs: list[Run] = []
        for model in incident.jobs:
            self._scripted(model)
            self._before(model)
            self._ahead(model, t0 - timedelta(minutes=1))

    # ------------------------------------------------------------------------------------------ reading

    def activity(self, since: datetime, until: datetime, at: datetime) -> list[Run]:
        """Rows that started in [since, until) and that the log shows at ``at``, oldest first."""
        rows = [run for run in self.runs if since <= run.started < until and run.visible_in_log(at)]
        return sorted(rows, key=lambda run: (run.started, run.id))

    def console(self, at: datetime) -> list[Run]:
        return [run for run in self.runs if run.in_console and run.running(at)]

    def get(self, job_id: str) -> JobModel:
        try:
            return self.models[job_id]
        except KeyError:
            raise Unknown(f"No process {job_id}") from None

    def due(self, job_id: str, offset: timedelta) -> datetime:
        """The due time that an incident names by its offset. Raises :class:`Unknown` if it is none."""
        moment = snapped(self._t0 + offset)
        if moment not in set(self.schedules[job_id].between(moment, moment + timedelta(minutes=1))):
            raise Unknown(f"{job_id} is not due at that offset from T0; compare its schedule")
        return moment

    # ----------------------------------------------------------------------------------------- pressing

    def stop(self, job_id: str, run_id: str | None, at: datetime, by: By) -> str:
        """``stopped``, ``nothing_to_stop`` or ``refused``."""
        behaviour = "stopped" if job_id.startswith("import:") else self.get(job_id).stop
        running = [
            run
            for run in self.console(at)
            if run.process_id == job_id and (run_id is None or run.id == run_id)
        ]
        if not running or behaviour == "nothing":
            return "nothing_to_stop"
        if behaviour == "refused":
            return "refused"
        for run in running:
            self._effects.add(at, "job_stopped", job_id, by, run=run.id)
            if behaviour == "stopped":
                run.stop(at)
            else:
                run.in_console = False
        return "stopped"

    def run_now(self, job_id: str, at: datetime, by: By) -> Run:
        model = self.get(job_id)
        if model.process_type not in ("scheduled_trigger", "data_sync"):
            raise WrongButton(f"{job_id} is of type {model.process_type}; it has no Run Now")
        self._effects.add(at, "run_now", job_id, by)
        return self._press(model, at, by)

    def repeat_import(self, job_id: str, at: datetime, by: By) -> Run:
        model = self.get(job_id)
        if model.process_type != "integrated_import":
            raise WrongButton(f"{job_id} is of type {model.process_type}; it has no Repeat Import")
        self._effects.add(at, "repeat_import", job_id, by)
        return self._press(model, at, by)

    def import_list(self, list_id: str, tag: str, name: str, at: datetime, by: By) -> Run:
        """An integrated import of a List Manager list under a tag of the caller's choice."""
        if not self._work.has_list(list_id):
            raise Unknown(f"No List Manager list {list_id}")
        self._effects.add(at, "import", f"import:{tag}", by, list=list_id, name=name)
        run = self._new_run(f"import:{tag}", "integrated_import", name, at, by, tag)
        self._agenda.at(
            at + self._seconds,
            lambda moment: self._end(run, moment, lambda: self._work.import_list(list_id, tag, moment)),
        )
        return run

    # --------------------------------------------------------------------------------- of its own accord

    def _press(self, model: JobModel, at: datetime, by: By) -> Run:
        run = self._new_run(model.id, model.process_type, model.name, at, by, model.tag or model.sync_tag)
        self._agenda.at(
            at + self._seconds, lambda moment: self._end_job(run, model, moment, model.manual_run)
        )
        return run

    def _new_run(self, process_id: str, kind: str, name: str, at: datetime, by: By, tag: str | None) -> Run:
        run = Run(
            id=f"r-{next(self._numbers)}",
            process_id=process_id,
            process_type=kind,
            name=name,
            started=at,
            finished=at + self._seconds,
            label="Completed",
            origin="manual",
            by=by,
            tag=tag,
            logged_at_start=False,
            per_minute=5_400 / self._seconds.total_seconds(),
        )
        self.runs.append(run)
        return run

    def _end_job(self, run: Run, model: JobModel, at: datetime, manner: str) -> None:
        if manner == "fails":
            self._end(run, at, lambda: CountsModel(returned=0, updated=0), "Failed")
        else:
            self._end(run, at, lambda: self._work.done(model, self.schedules[model.id], run, at))
            if manner == "partial" and run.counts is not None:
                lost = min(run.counts.returned // 3, run.counts.updated)
                run.counts = CountsModel(
                    returned=run.counts.returned, updated=run.counts.updated - lost, failed=lost
                )
                run.label = "Completed with errors"

    def _end(self, run: Run, at: datetime, work: Callable[[], CountsModel], label: str = "Completed") -> None:
        if run.finished != at:
            return
        run.label = label
        run.counts = work()

    def _scripted(self, model: JobModel) -> None:
        for entry in model.runs:
            if entry.missed:
                continue
            run = self._row(model, entry)
            self.runs.append(run)
            live = run.finished is not None and run.finished > self._t0
            if live and run.label in ("Completed", "Completed with errors"):
                assert run.finished is not None  # noqa: S101 - that is what live means
                self._agenda.at(run.finished, partial(self._late, run, model))

    def _late(self, run: Run, model: JobModel, at: datetime) -> None:
        """A scripted run ends after T0: its work is done now, unless somebody stopped it."""
        if run.finished == at and run.label != "Stopped":
            scripted = run.counts
            counts = self._work.done(model, self.schedules[model.id], run, at)
            run.counts = scripted or counts

    def _row(self, model: JobModel, entry: RunModel) -> Run:
        due = None if entry.due is None else self.due(model.id, entry.due)
        if entry.started is not None:
            started = self._t0 + entry.started
        else:
            assert due is not None  # noqa: S101 - the model has checked it
            started = due + timedelta(seconds=20)
        hangs = entry.status == IN_PROGRESS and entry.finished is None
        finished: datetime | None = None
        if entry.finished is not None:
            finished = self._t0 + entry.finished
        elif not hangs:
            finished = started + timedelta(minutes=model.usual_minutes / 2)
        label = "Completed" if entry.status == IN_PROGRESS and not hangs else entry.status
        counts = entry.counts
        if counts is None and label == "Completed":
            counts = self._usual(model, started)
        return Run(
            id=f"r-{next(self._numbers)}",
            process_id=model.id,
            process_type=model.process_type,
            name=model.name,
            started=started,
            finished=finished,
            label=label,
            origin=entry.origin,
            counts=counts,
            tag=model.tag or model.sync_tag,
            due=due,
            accepted=None if entry.queued is None else self._t0 + entry.queued,
            in_console=entry.console,
            in_log=entry.logged,
            progress=entry.progress,
            progressed=None if entry.progressed is None else self._t0 + entry.progressed,
            per_minute=entry.per_minute,
        )

    def _before(self, model: JobModel) -> None:
        """The uneventful past: a row for each of the last occurrences before the outage."""
        named = {self.due(model.id, entry.due) for entry in model.runs if entry.due is not None}
        begin = self._t0 + min(self._incident.begin, timedelta(0))
        for due in self.schedules[model.id].before(begin, model.history):
            if due in named:
                continue
            started = due + timedelta(seconds=20)
            run = Run(
                id=f"r-{next(self._numbers)}",
                process_id=model.id,
                process_type=model.process_type,
                name=model.name,
                started=started,
                finished=started + timedelta(minutes=model.usual_minutes / 2),
                label="Completed with errors" if model.usual_partial_share else "Completed",
                origin="schedule",
                counts=self._usual(model, due),
                tag=model.tag or model.sync_tag,
                due=due,
            )
            self.runs.append(run)

    def _usual(self, model: JobModel, due: datetime) -> CountsModel:
        wobble = Random(f"{self._incident.seed} {model.id} {due:%j%H}").uniform(0.97, 1.03)
        returned = max(1, round(model.usual_count * wobble))
        failed = round(returned * model.usual_partial_share * 0.8)
        return CountsModel(returned=returned, updated=returned - failed, failed=failed)

    def _ahead(self, model: JobModel, after: datetime) -> None:
        """Run on schedule from now on, except while a service that the job needs is down."""
        due = self.schedules[model.id].after(after)
        self._agenda.at(due, lambda at: self._on_schedule(model, at))

    def _on_schedule(self, model: JobModel, at: datetime) -> None:
        self._ahead(model, at)
        named = {self.due(model.id, entry.due) for entry in model.runs if entry.due is not None}
        if at < self._t0 or at in named or not model.runs_again or any(self._needs_down(model, at)):
            return
        run = self._new_run(
            model.id, model.process_type, model.name, at, "vendor", model.tag or model.sync_tag
        )
        run.origin, run.due, run.logged_at_start = "schedule", at, True
        self._agenda.at(at + self._seconds, lambda moment: self._end_job(run, model, moment, "succeeds"))

    def _needs_down(self, model: JobModel, at: datetime) -> Iterator[bool]:
        for service in model.needs or ("sending", "dashboard", "tessitura"):
            yield self._down(service, at)
