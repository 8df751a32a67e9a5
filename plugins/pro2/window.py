"""Which window a dag run of ``reconcile`` is about: a follow-up, what was typed, the night, or an outage.

Every value that cannot be meant is refused here, in the first task, in words with local time and its zone; nothing
was read of Pro2 by then, and nothing was sent. Outside a known outage that is over and has settled, a dag run only
proposes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pro2.accounts import account_of_another, open_ledger, open_witness, require_plan
from pro2.organization import open_site
from pro2_reconciliation.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pro2_reconciliation.domain.config import Site
    from pro2_reconciliation.domain.outage import Outage
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.restriction import Restriction
    from pro2_reconciliation.domain.run_form import RunForm
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.ledger import Ledger

log = logging.getLogger("pro2.reconcile")


@dataclass
class _Found:
    """What a dag run is about. ``notes`` are told after the window, which is the first line of the log."""

    window: Window
    mode: Mode
    restriction: Restriction
    only: tuple[str, ...] = ()
    parent: str | None = None
    notes: list[str] = field(default_factory=list)


def resolve_window(context: Any) -> dict[str, Any]:
    """The window of this dag run as JSON, with mode and restriction: from a follow-up, an outage, the form, or the
    watermark.

    Raises ``ConfigurationError`` for a value that cannot be meant, with the place and the next step.
    """
    from pro2_reconciliation.domain.localtime import describe_window, local
    from pro2_reconciliation.domain.run_form import read_form
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.ledger import why_plan_only
    from pro2_reconciliation.repair import noting
    from pro2_reconciliation.repair.restricting import in_words

    site, now = open_site(), datetime.now(UTC)
    form = read_form(context["params"], site, now=now)
    ledger = open_ledger(create=True)
    if form.follow_up:
        found = _followed(ledger, site, form, context["dag_run"].run_id)
    elif form.window is not None:
        found = _typed(ledger, site, form, form.window, now)
    elif _is_scheduled(context["dag_run"]):
        start = ledger.watermark(site.organization) or now - timedelta(hours=24)
        found = _nightly(start, now)
    else:
        vouched = _who(context) if form.confirmed and form.mode is not Mode.PLAN else None
        found = _outage_window(ledger, site, form, now, vouched)
    window, mode = found.window, found.mode
    log.info("Window %s, source %s, mode %s", describe_window(window, site.zone), window.source, mode.value)
    for note in found.notes:
        log.warning("%s", note)
    for sentence in in_words(found.restriction, (), site.zone):
        log.info("%s", sentence)
    if not window.outage_known and mode is not Mode.PLAN:
        log.info(
            "No known outage that is over lies in this window, so this dag run only proposes (mode plan)"
        )
        mode = Mode.PLAN
    if mode is not Mode.PLAN:
        refusal = account_of_another() or why_plan_only(ledger, open_witness(), site.zone)
        if refusal is not None:
            log.warning("This dag run only proposes (mode plan). %s", refusal)
            mode = Mode.PLAN
    log.info("It is %s", local(now, site.zone))
    noting.begun(
        ledger,
        site.organization,
        context["dag_run"].run_id,
        window,
        mode,
        reason=form.reason,
        parent=found.parent,
        dag_id=getattr(context["dag_run"], "dag_id", "reconcile"),
    )
    return {
        "window": window.model_dump(mode="json"),
        "mode": mode.value,
        "only": list(found.only),
        "parent": found.parent,
        "reason": form.reason,
        "restriction": found.restriction.model_dump(mode="json"),
    }


def _is_scheduled(dag_run: Any) -> bool:
    run_type = dag_run.run_type  # a task gets an enum whose text is "DagRunType.SCHEDULED"
    return bool(getattr(run_type, "value", run_type) == "scheduled")


def _followed(ledger: Ledger, site: Site, form: RunForm, run_id: str) -> _Found:
    """What a plan left for one more question: its window, some of its items, restricted as it was."""
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.repair.questions import notes_of

    plan = require_plan(ledger, form.follow_up)
    if plan.organization != site.organization:
        raise ConfigurationError(
            f"plan {plan.hash} is about {plan.organization!r}; jobs.yaml is about {site.organization!r}"
        )
    only = tuple(ledger.follow_up(notes_of(plan.hash, run_id)))
    return _Found(plan.window, Mode.ASK, plan.restriction, only=only, parent=plan.hash)


def _nightly(start: datetime, now: datetime) -> _Found:
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.restriction import UNRESTRICTED
    from pro2_reconciliation.domain.words import Mode

    return _Found(Window(start=start, end=now, source="nightly"), Mode.PLAN, UNRESTRICTED)


def _typed(ledger: Ledger, site: Site, form: RunForm, window: Window, now: datetime) -> _Found:
    """The window that was typed. Its outage is known when one lies in it, and none in it goes on."""
    inside = [
        outage
        for outage in ledger.outages(site.organization)
        if outage.start < window.end and (outage.end is None or window.start < outage.end)
    ]
    going_on = [outage for outage in inside if _goes_on(outage, now)]
    known = any(not o.suspected for o in inside) and not going_on
    return _Found(
        window.model_copy(update={"source": "form", "outage_known": known}),
        form.mode,
        form.restriction,
        notes=[f"Outage {one.id} is still open: this window is only observed" for one in going_on],
    )


def _goes_on(outage: Outage, now: datetime) -> bool:
    from pro2_reconciliation.domain.outage import OutageState

    return bool(outage.state is OutageState.OPEN or outage.end is None or outage.end > now)


def _who(context: Any) -> str:
    """The person who triggered this dag run, as Airflow names him."""
    return str(getattr(context["dag_run"], "triggering_user_name", None) or "somebody through the form")


def _outage_window(ledger: Ledger, site: Site, form: RunForm, now: datetime, vouched: str | None) -> _Found:
    """The window of a known outage. ``vouched``: who confirms it, if it was only suspected; None: nobody."""
    from pro2_reconciliation.domain.outage import OutageState
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.words import Mode

    chosen, mode = _chosen_outage(ledger, site, form.outage), form.mode
    notes = []
    still_on = _goes_on(chosen, now)
    if still_on:
        notes.append(f"Outage {chosen.id} is still open: it is only observed")
    suspected = chosen.suspected
    if suspected and vouched is not None:
        ledger.declare(
            site.organization,
            chosen.service,
            chosen.start,
            chosen.end,
            vouched,
            f"confirmed outage {chosen.id}",
        )
        notes.append(f"Outage {chosen.id} was only suspected; {vouched} confirmed it")
        suspected = False
    elif suspected:
        sources = "; ".join(sorted({claim.source for claim in chosen.evidence}))
        notes.append(
            f"Outage {chosen.id} is only suspected ({sources}): this dag run only proposes. If you know that it was "
            "one, trigger again with «I mean this window», or say: "
            f"python -m pro2_reconciliation confirm {chosen.id}"
        )
    window = Window(
        start=chosen.start,
        end=now if still_on else chosen.end,
        source=f"outage {chosen.id}",
        outage_ids=(chosen.id,),
        outage_known=not still_on and not suspected,
        services=(chosen.service,),
    )
    if chosen.state is OutageState.ENDED and not still_on and mode is not Mode.PLAN:
        notes.append(f"Outage {chosen.id} has ended and not settled yet: this dag run only proposes")
        mode = Mode.PLAN
    return _Found(window, Mode.PLAN if still_on else mode, form.restriction, notes=notes)


def _chosen_outage(ledger: Ledger, site: Site, wanted: str) -> Outage:
    """The outage of the form. Raises ``ConfigurationError`` for one that is not known, or that nothing is left of."""
    from pro2_reconciliation.domain.run_form import LATEST

    known = ledger.outages(site.organization)
    if wanted == LATEST:
        latest = max((o for o in known if o.end != o.start), key=lambda o: o.start, default=None)
        if latest is None:
            raise ConfigurationError("no outage is known; give from and to, or declare one in sources.yaml")
        return latest
    chosen = ledger.outage(wanted)
    if chosen is None or chosen.organization != site.organization:
        ids = ", ".join(o.id for o in known) or "none"
        raise ConfigurationError(f"outage {wanted!r} is not known; known are: {ids}")
    if chosen.end == chosen.start:
        raise ConfigurationError(
            f"outage {chosen.id} was taken back, nothing is left of it; choose another, or give from and to"
        )
    return chosen
