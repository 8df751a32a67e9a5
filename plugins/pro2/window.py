"""Which window a dag run of ``reconcile`` is about: a follow-up, what was typed, the night, or an outage.

Every value that cannot be meant is refused here, in the first task, in words with local time and its zone; nothing
was sent by then. Outside a known outage that is over and has settled, a dag run only proposes.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from pro2.accounts import open_ledger, open_site, open_witness, require_plan
from pro2_reconciliation.domain.errors import ConfigurationError

log = logging.getLogger("pro2.reconcile")
LATEST = "latest"


def resolve_window(context: Any) -> dict[str, Any]:
    """The window of this dag run as JSON, with its mode: from a follow-up, an outage, the form, or the watermark.

    Raises ``ConfigurationError`` for a value that cannot be meant, with the place and the next step.
    """
    from pro2_reconciliation.domain.localtime import describe_window, local
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.words import Mode
    from pro2_reconciliation.ledger import why_plan_only
    from pro2_reconciliation.repair import noting

    params = dict(context["params"])
    site, ledger, now = open_site(), open_ledger(create=True), datetime.now(UTC)
    _require_organization(params.get("organization"), site.organization)
    mode = _mode(params.get("mode"))
    only: tuple[str, ...] = ()
    parent: str | None = None
    if params.get("follow_up"):
        plan = require_plan(ledger, str(params["follow_up"]))
        if plan.organization != site.organization:
            raise ConfigurationError(
                f"plan {plan.hash} is about {plan.organization!r}; jobs.yaml is about {site.organization!r}"
            )
        window, parent, mode = plan.window, plan.hash, Mode.ASK
        only = tuple(ledger.follow_up(plan.hash))
    elif params.get("from") or params.get("to"):
        window = _form_window(ledger, site, params, now)
    elif _is_scheduled(context["dag_run"]):
        start = ledger.watermark(site.organization) or now - timedelta(hours=24)
        window, mode = Window(start=start, end=now, source="nightly"), Mode.PLAN
    else:
        vouched = _who(context) if params.get("confirmed") and mode is not Mode.PLAN else None
        window, mode = _outage_window(ledger, site, str(params.get("outage") or LATEST), mode, now, vouched)
    log.info("Window %s, source %s, mode %s", describe_window(window, site.zone), window.source, mode.value)
    if not window.outage_known and mode is not Mode.PLAN:
        log.info(
            "No known outage that is over lies in this window, so this dag run only proposes (mode plan)"
        )
        mode = Mode.PLAN
    if mode is not Mode.PLAN:
        refusal = why_plan_only(ledger, open_witness(), site.zone)
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
        reason=str(params.get("reason") or ""),
        parent=parent,
        dag_id=getattr(context["dag_run"], "dag_id", "reconcile"),
    )
    return {
        "window": window.model_dump(mode="json"),
        "mode": mode.value,
        "only": list(only),
        "parent": parent,
        "reason": str(params.get("reason") or ""),
    }


def _is_scheduled(dag_run: Any) -> bool:
    run_type = dag_run.run_type  # a task gets an enum whose text is "DagRunType.SCHEDULED"
    return bool(getattr(run_type, "value", run_type) == "scheduled")


def _form_window(ledger: Any, site: Any, params: dict[str, Any], now: datetime) -> Any:
    """The window that was typed. Its outage is known when one lies in it, and none in it goes on."""
    from pro2_reconciliation.domain.config import parse_window

    for key in ("from", "to"):
        if not params.get(key):
            raise ConfigurationError(f"{key} is empty; give both from and to, or neither and an outage")
    try:
        window = parse_window(
            str(params["from"]),
            str(params["to"]),
            site.zone,
            now=now,
            max_hours=site.policy.max_window_hours,
            confirmed=bool(params.get("confirmed")),
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"from and to of the form: {error}") from None
    inside = [
        outage
        for outage in ledger.outages(site.organization)
        if outage.start < window.end and (outage.end is None or window.start < outage.end)
    ]
    for outage in inside:
        if _goes_on(outage, now):
            log.warning("Outage %s is still open: this window is only observed", outage.id)
    known = any(not o.suspected for o in inside) and not any(_goes_on(outage, now) for outage in inside)
    return window.model_copy(update={"source": "form", "outage_known": known})


def _goes_on(outage: Any, now: datetime) -> bool:
    from pro2_reconciliation.domain.outage import OutageState

    return bool(outage.state is OutageState.OPEN or outage.end is None or outage.end > now)


def _require_organization(wanted: object, organization: str) -> None:
    if wanted and wanted != organization:
        raise ConfigurationError(
            f"organization {wanted!r} is not configured here; jobs.yaml is about {organization!r}. Leave it empty"
        )


def _mode(value: object) -> Any:
    from pro2_reconciliation.domain.words import Mode

    try:
        return Mode(str(value or Mode.PLAN.value))
    except ValueError:
        raise ConfigurationError(f"mode {value!r} is unknown; choose plan, ask or auto") from None


def _who(context: Any) -> str:
    """The person who triggered this dag run, as Airflow names him."""
    return str(getattr(context["dag_run"], "triggering_user_name", None) or "somebody through the form")


def _outage_window(
    ledger: Any, site: Any, wanted: str, mode: Any, now: datetime, vouched: str | None
) -> tuple[Any, Any]:
    """The window of a known outage. ``vouched``: who confirms it, if it was only suspected; None: nobody."""
    from pro2_reconciliation.domain.outage import OutageState
    from pro2_reconciliation.domain.plan import Window
    from pro2_reconciliation.domain.words import Mode

    known = ledger.outages(site.organization)
    if wanted == LATEST:
        chosen = max((o for o in known if o.end != o.start), key=lambda o: o.start, default=None)
        if chosen is None:
            raise ConfigurationError("no outage is known; give from and to, or declare one in sources.yaml")
    else:
        chosen = ledger.outage(wanted)
        if chosen is None or chosen.organization != site.organization:
            ids = ", ".join(o.id for o in known) or "none"
            raise ConfigurationError(f"outage {wanted!r} is not known; known are: {ids}")
    if chosen.end == chosen.start:
        raise ConfigurationError(
            f"outage {chosen.id} was taken back, nothing is left of it; choose another, or give from and to"
        )
    still_on = _goes_on(chosen, now)
    if still_on:
        log.warning("Outage %s is still open: it is only observed", chosen.id)
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
        log.warning("Outage %s was only suspected; %s confirmed it", chosen.id, vouched)
        suspected = False
    elif suspected:
        log.warning(
            "Outage %s is only suspected (%s): this dag run only proposes. If you know that it was one, trigger again "
            "with «I mean this window», or say: python -m pro2_reconciliation confirm %s",
            chosen.id,
            "; ".join(sorted({claim.source for claim in chosen.evidence})),
            chosen.id,
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
        log.warning("Outage %s has ended and not settled yet: this dag run only proposes", chosen.id)
        mode = Mode.PLAN
    return window, Mode.PLAN if still_on else mode
