"""When the nightly begins: ``PRO2_RECONCILIATION_NIGHTLY``, five fields of cron and a zone, for all organizations.

A schedule is read where its DAG is defined, where no file outside of the project may be read: so it is a variable of
the environment and no key of the policy. Raises ``ConfigurationError``, which Airflow shows as an import error; the
guard and detection stand in files of their own and go on.
"""

from __future__ import annotations

import os

VARIABLE = "PRO2_RECONCILIATION_NIGHTLY"
CRON, ZONE = "0 5 * * *", "UTC"


def nightly() -> tuple[str, str]:
    """The cron line and the IANA zone on whose wall clock it counts."""
    said = os.environ.get(VARIABLE, "").split()
    if not said:
        return CRON, ZONE
    # what checks them is worth its import only where there is something to check
    from pro2_reconciliation.domain.errors import ConfigurationError
    from pro2_reconciliation.domain.localtime import find_zone
    from pro2_reconciliation.domain.schedule import cron_trouble

    *fields, zone = said
    cron = " ".join(fields)
    example = f"write five fields of cron and a zone, as in {VARIABLE}='30 4 * * * America/Chicago'"
    trouble = cron_trouble(cron) if len(fields) == 5 else "is not five fields and a zone"
    if trouble:
        raise ConfigurationError(f"{VARIABLE} {' '.join(said)!r} {trouble}; {example}")
    try:
        find_zone(zone)
    except ConfigurationError as error:
        raise ConfigurationError(f"{VARIABLE} {' '.join(said)!r}: {error}; {example}") from None
    return cron, zone
