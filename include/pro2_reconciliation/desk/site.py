"""Whose desk it is: the folder with the site's files, and of several organizations the one that is meant.

A shell has the variables of Airflow's processes. Where these serve several organizations (ADR 0013), it says besides
which one it is about, by ``PRO2_RECONCILIATION_ORGANIZATION`` or by the folder that ``--config`` names.
"""

from __future__ import annotations

import os
from pathlib import Path

from pro2_reconciliation.domain.config import DIRECTORY, Site, load_site
from pro2_reconciliation.domain.errors import ConfigurationError

ORGANIZATION = "PRO2_RECONCILIATION_ORGANIZATION"
"""A shell's, and read nowhere else."""
ORGANIZATIONS = "PRO2_RECONCILIATION_ORGANIZATIONS"


def folder_of(config: str | None) -> str | None:
    """The folder of the site's files: ``--config``, else that of the variable; None where nobody named one.

    Raises ``ConfigurationError`` where the variable holds several organizations, and none is meant.
    """
    shared = os.environ.get(DIRECTORY)
    if config or not shared:
        return config
    name = os.environ.get(ORGANIZATION)
    if name:
        own = Path(shared, name)
        return str(own) if own.is_dir() else shared
    several = os.environ.get(ORGANIZATIONS)
    if several and not Path(shared, "jobs.yaml").exists():
        raise ConfigurationError(
            f"{ORGANIZATIONS} lists {several}; say whose desk this is: export {ORGANIZATION}="
            f"{several.partition(',')[0].strip()}"
        )
    return shared


def open_site(config: str | None) -> Site:
    """The site of this desk. Raises ``ConfigurationError``, also where folder and variable mean different ones."""
    site, name = load_site(folder_of(config)), os.environ.get(ORGANIZATION)
    if name and site.organization != name:
        raise ConfigurationError(
            f"{ORGANIZATION} says {name!r}, and jobs.yaml in {folder_of(config)} is about {site.organization!r}; "
            "give the folder of the one that is meant, or unset the variable"
        )
    return site
