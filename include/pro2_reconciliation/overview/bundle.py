"""The support bundle of one item: a small zip with story, evidence, configuration and a message to the vendor.

Nothing of a connection goes in, because nothing here can ask for one; and every text passes the scrubber, so that a
secret or an address that somebody typed where it does not belong is taken out. The same ledger gives the same bytes.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from importlib import metadata
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.scrub import scrub, scrub_json
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview.casefile import CaseFile, Planned, case_file, plain
from pro2_reconciliation.overview.story import story
from pro2_reconciliation.overview.vendor import vendor_message
from pro2_reconciliation.overview.views import Story
from pro2_reconciliation.repair.timeline import printable

PACKAGES = ("pro2-reconciliation", "apache-airflow", "sqlalchemy", "pydantic", "pandas", "apprise")
_MIDNIGHT = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold; that of the making would change the bytes."""


def make_bundle(ledger: Ledger, site: Site, key: str, *, known_secrets: Iterable[str] = ()) -> bytes:
    """The zip of one item. ``known_secrets`` are taken out besides what looks like one.

    Raises ``LedgerError`` for an item that the ledger has never seen.
    """
    known = tuple(known_secrets)
    case = case_file(ledger, site.organization, site.zone, key)
    files = {
        "message-to-vendor.txt": _scrubbed_message(case, site, known),
        "story.txt": scrub(_story(case, story(site, ledger, key, ledger.now())), known),
        "item.json": _json(_item(case), known),
        "plans.json": _json([_planned(one) for one in case.planned], known),
        "evidence.json": _json(_evidence(case), known),
        "configuration.json": _json(_configuration(case, site), known),
        "versions.json": _json(_versions(ledger), known),
    }
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as bundle:
        for name, text in {"README.txt": _readme(case, files), **files}.items():
            entry = ZipInfo(name, _MIDNIGHT)
            entry.compress_type, entry.external_attr, entry.create_system = ZIP_DEFLATED, 0o600 << 16, 3
            bundle.writestr(entry, text.encode())
    return out.getvalue()


def _scrubbed_message(case: CaseFile, site: Site, known: tuple[str, ...]) -> str:
    """The vendor's own address is where it goes, and stays; it stands in the site's policy."""
    contact = site.policy.vendor_contact
    first, rest = vendor_message(case, contact).split("\n", 1)
    return f"{first}\n{scrub(rest, known)}"


def _story(case: CaseFile, told: Story) -> str:
    lines = [f"«{printable(case.name)}» ({case.key}) of {case.organization}", ""]
    lines += [
        f"{case.both(event.at)}  {printable(event.what)}: {printable(event.text)} ({printable(event.who)})"
        for event in told.events
    ]
    return "\n".join([*lines, ""])


def _item(case: CaseFile) -> dict[str, Any]:
    return {
        "key": case.key,
        "name": case.name,
        "organization": case.organization,
        "zone": case.zone,
        "actions": [plain(one) for one in case.actions],
        "open_items": [plain(one) for one in case.opened],
        "hold": plain(case.hold),
        "waiver": plain(case.waiver),
        "alarms": [plain(one) for one in case.alarms],
    }


def _planned(one: Planned) -> dict[str, Any]:
    return {
        "plan": one.plan_hash,
        "dag_run": one.dag_run,
        "created_at": one.created_at.isoformat(),
        "window": one.window.model_dump(mode="json") if one.window else None,
        "decision": one.decision.model_dump(mode="json"),
        "answer": plain(one.answer),
        "first_look": one.first_look.model_dump(mode="json") if one.first_look else None,
    }


def _evidence(case: CaseFile) -> dict[str, Any]:
    return {
        "outages": [outage.model_dump(mode="json") for outage in case.outages],
        "changes": [plain(trace) for trace in case.traces],
        "probe_samples": [plain(sample) for sample in case.samples],
        "snapshots": list(case.scheduled),
    }


def _configuration(case: CaseFile, site: Site) -> dict[str, Any]:
    job = site.jobs_by_id.get(case.item_id.partition("@")[0])
    return {
        **site.model_dump(mode="json", include={"organization", "zone", "policy", "sources"}),
        "job": job.model_dump(mode="json") if job else None,
    }


def _versions(ledger: Ledger) -> dict[str, Any]:
    identity = ledger.identity
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "ledger": {"uuid": identity.uuid, "epoch": identity.epoch, "in_a_file": ledger.in_a_file},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _readme(case: CaseFile, files: Iterable[str]) -> str:
    return (
        f"Support bundle of {case.key}.\n\n"
        "message-to-vendor.txt is ready to be sent; read it first. story.txt tells what happened, in order. The JSON\n"
        "files hold what it was told from. Secrets and addresses of persons were taken out.\n\n"
        + "\n".join(files)
        + "\n"
    )


def _json(value: Any, known: tuple[str, ...]) -> str:
    return json.dumps(scrub_json(value, known), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
