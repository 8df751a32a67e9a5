"""Who is told what, and when: looks at the ledger and writes down the news that nobody was told of yet.

Nothing is sent here. Each method may be called at every pass, by several processes at once and after any crash: what
was told of is in the ledger under its kind, subject and generation, so the same news is written once. Where a site
names no connection for a kind, nothing is written and nothing is sent.

How it fails: ``LedgerError``; the caller's own work does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.notifications import NotificationKind as Kind
from pro2_reconciliation.domain.outage import OutageState
from pro2_reconciliation.domain.plan import Plan
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair import notices
from pro2_reconciliation.repair.gates import GUARD
from pro2_reconciliation.repair.messages import Message
from pro2_reconciliation.repair.report import Report
from pro2_reconciliation.repair.snapshot import at_risk

DETECTION = "detect_outages"
TELLING = "telling in {}"
"""Under this name the passes that tell beat in the ledger: who was away himself accuses nobody."""
STILL_NEWS = timedelta(hours=24)
"""An alarm that is older is told by the report and the page only."""
DETECTION_SILENT = timedelta(minutes=20)
"""Four passes."""
AWAKE = timedelta(minutes=15)
"""Who passed so lately, and passes now, was there all the time."""
BREATH = timedelta(minutes=30)
"""A reminder comes at least so long after the question, or after half of the time that there is."""
_OVER = frozenset({OutageState.PLANNED, OutageState.CLOSED})


@dataclass(frozen=True)
class Teller:
    """One pass. ``waits``: whether the question of a dag run still waits for its answer, as far as can be told."""

    site: Site
    ledger: Ledger
    links: notices.Links = field(default_factory=notices.Links)
    waits: Callable[[str], bool] = lambda run_id: True

    @property
    def now(self) -> datetime:
        return self.ledger.now()

    def detected(self) -> None:
        """After a pass of detection: outages, reminders, and whether the guard runs."""
        self.outages()
        self.reminders()
        self._watch(GUARD, DETECTION, timedelta(seconds=self.site.policy.guard_heartbeat_seconds))

    def guarded(self, lost: str = "") -> None:
        """After a pass of the guard: its alarms, and whether detection runs. ``lost``: why nothing may be done here."""
        self.alarms()
        if lost:
            self._tell(
                Kind.NOT_RUNNING,
                {"ledger": 1},
                lambda _: notices.plans_only(lost, self.site.organization, self.links),
                lasting=True,
            )
        self._watch(TELLING.format(DETECTION), GUARD, DETECTION_SILENT, name=DETECTION)

    def outages(self) -> None:
        """Every outage that no dag run has dealt with; one that has to be dealt with again is news again."""
        open_ones = [o for o in self.ledger.outages(self.site.organization) if o.state not in _OVER]
        found = {outage.id: outage for outage in open_ones}

        def build(new: Sequence[str]) -> Message:
            risks = [line for key in new for line in at_risk(self.ledger, self.site, found[key], now)]
            return notices.outages_found(
                [found[key] for key in new],
                risks,
                self.site.zone,
                self.site.policy.settle_seconds,
                self.links,
            )

        now = self.now
        self._tell(Kind.OUTAGE_FOUND, {outage.id: outage.generation for outage in open_ones}, build)

    def question(self, plan: Plan, run_id: str, expires: datetime) -> None:
        """A plan is asked about in a dag run; nothing is done without an answer before ``expires``."""
        self._tell(
            Kind.ANSWER_NEEDED,
            {plan.hash: 1},
            lambda _: notices.answer_needed(plan, run_id, expires, self.links),
        )

    def reminders(self) -> None:
        """Questions that nobody answered, once more before they expire or their first ``send_by`` passes."""
        now, rules = self.now, self.site.notifications
        asked = self.ledger.told_of(self.site.organization, Kind.ANSWER_NEEDED, now - timedelta(days=7))
        reminded = {told.subject for told in asked if told.generation > 1}
        for told in asked:
            expires = Message.model_validate(told.body).expires
            if told.subject in reminded or expires is None or expires <= now:
                continue
            plan, run_id = self.ledger.plan(told.subject), self.ledger.dag_run_of(told.subject)
            if plan is None or run_id is None or self.ledger.answers(plan.hash):
                continue
            last = min([expires, *(d.send_by for d in plan.decisions if d.asks and d.send_by)])
            due = max(
                last - timedelta(hours=rules.remind_hours), told.at + min(BREATH, (expires - told.at) / 2)
            )
            if now >= due and self.waits(run_id):
                self._remind(plan, run_id, expires)

    def _remind(self, plan: Plan, run_id: str, expires: datetime) -> None:
        self._tell(
            Kind.ANSWER_NEEDED,
            {plan.hash: 2},
            lambda _: notices.answer_needed(plan, run_id, expires, self.links, again=True),
        )

    def report(self, report: Report, run_id: str, path: str) -> None:
        """A dag run has ended: that it did, and what of it needs a person. Of the nightly its digest tells."""
        if report.window.source != "nightly":
            self._tell(
                Kind.FINISHED, {run_id: 1}, lambda _: notices.finished(report, run_id, path, self.links)
            )
        opened = {i.item_key: i.opened_at for i in self.ledger.open_items(self.site.organization)}
        rows = {
            f"{row.key} since {opened[row.key].isoformat()}": row
            for row in report.rows
            if row.outcome in notices.FOR_A_PERSON and row.key in opened
        }
        self._tell(
            Kind.NEEDS_PERSON,
            dict.fromkeys(rows, 1),
            lambda new: notices.needs_person(
                [rows[one] for one in new], self.site.organization, run_id, self.links
            ),
        )

    def digest(self, night: str, subject: str, text: str, html: str) -> None:
        """The digest of a night, which was made elsewhere; ``night`` names it: the dag run."""
        message = Message(title=subject, text=text, html=html, links=(self.links.outages(),))
        self._tell(Kind.DIGEST, {night: 1}, lambda _: message)

    def alarms(self) -> None:
        """Every alarm that the ledger holds, each event once."""
        known = self.ledger.alarms(self.site.organization, self.now - STILL_NEWS)
        found = {f"{alarm.body.get('item')} {alarm.body.get('event', alarm.kind)}": alarm for alarm in known}
        self._tell(
            Kind.ORIGINAL_WOKE,
            dict.fromkeys(found, 1),
            lambda new: notices.alarms(
                [found[one] for one in new], self.site.organization, self.site.zone, self.links
            ),
        )

    def failed(self, dag_id: str, run_id: str, task_id: str, why: str) -> None:
        """A task failed for good; unless its dag run has told already how it ended."""
        ended = self.ledger.told_of(self.site.organization, Kind.FINISHED, self.now - timedelta(days=7))
        if any(told.subject == run_id for told in ended):
            return
        self._tell(
            Kind.FAILED,
            {f"{dag_id}/{run_id}": 1},
            lambda _: notices.failed(dag_id, run_id, task_id, why, self.site.organization, self.links),
        )

    def _watch(self, other: str, own: str, limit: timedelta, *, name: str = "") -> None:
        """Accuse ``other`` of not passing, unless we were away ourselves; and beat our own heart."""
        mine, now = TELLING.format(own), self.now
        before, seen = self.ledger.heartbeat(mine), self.ledger.heartbeat(other)
        self.ledger.beat(mine)
        awake = before is not None and now - before <= max(limit, AWAKE)
        since = seen or (self.ledger.identity.adopted_at if other == GUARD else None)
        if not awake or since is None or now - since <= limit:
            return
        who = name or other
        self._tell(
            Kind.NOT_RUNNING,
            {who: 1},
            lambda _: notices.silent(who, seen, self.site.organization, self.site.zone, self.links),
            lasting=True,
        )

    def _tell(
        self,
        kind: Kind,
        subjects: Mapping[str, int],
        build: Callable[[Sequence[str]], Message],
        *,
        lasting: bool = False,
    ) -> None:
        rules = self.site.notifications
        connections = rules.of(kind)
        if subjects and connections:
            self.ledger.announce(
                self.site.organization,
                kind.value,
                subjects,
                lambda new: build(new).model_dump(mode="json"),
                connections,
                again_after=timedelta(hours=rules.repeat_hours) if lasting else None,
            )
