"""Which organization this process works for, where one Airflow serves several (ADR 0013).

``PRO2_RECONCILIATION_ORGANIZATIONS`` lists them: ``opera,ballet``. Then each has DAGs, connections, a ledger, a witness
and a page of its own, called as always with ``__opera`` behind, and a folder for its configuration and one for its
reports. Nothing that one of them has is ever read for another. Without the variable there is one organization, and no
suffix.

A task belongs to the organization of its DAG's id. What runs elsewhere says for whom it speaks: a trigger in the
triggerer, a page in the API server. Where nobody said so, it is an error in words, and never a guess.

It is loaded in every process, with every DAG file and by the plugin, so it imports next to nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pro2_reconciliation.domain.config import Site
    from pro2_reconciliation.domain.errors import ConfigurationError

VARIABLE = "PRO2_RECONCILIATION_ORGANIZATIONS"
JOINT = "__"
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
"""What may stand in the id of a DAG, of a connection and of an environment variable, and holds no ``JOINT``."""
LONGEST = 40
_SPEAKS_FOR: ContextVar[str | None] = ContextVar("organization", default=None)


def organizations() -> tuple[str, ...]:
    """The names of all organizations of this deployment; empty where there is one without a name.

    Raises ``ConfigurationError`` for a name that cannot be part of an id, or that stands twice.
    """
    listed = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    names = tuple(name for name in listed if name)
    for name in names:
        if not _NAME.fullmatch(name) or len(name) > LONGEST:
            raise _error(
                f"{VARIABLE} names {name[:60]!r}; write small letters, digits and single - or _, as in opera,ballet"
            )
        if names.count(name) > 1:
            raise _error(f"{VARIABLE} names {name!r} twice; name each organization once")
    return names


def suffixes() -> tuple[str, ...]:
    """What the ids of each organization end with, in their order; one empty text where there is only one."""
    return tuple(f"{JOINT}{name}" for name in organizations()) or ("",)


def suffixes_to_parse() -> tuple[str, ...]:
    """Those whose DAGs a DAG file has to define: a task that starts needs its own only, however many there are.

    Source: "Optimizing Dag parsing delays during execution" of Airflow's dynamic DAG generation.
    """
    from airflow.sdk import get_parsing_context

    mine = of_id(get_parsing_context().dag_id or "")
    return (f"{JOINT}{mine}",) if mine in organizations() else suffixes()


def of_id(named: str) -> str:
    """The organization in an id such as ``reconcile__opera``; empty if there is none."""
    return named.partition(JOINT)[2]


@contextmanager
def speaking_for(name: str) -> Iterator[None]:
    """Work for this organization within the block, whatever the task is. An empty name changes nothing."""
    token = _SPEAKS_FOR.set(name or _SPEAKS_FOR.get())
    try:
        yield
    finally:
        _SPEAKS_FOR.reset(token)


def speak_for(name: str) -> None:
    """From now on, and in this asyncio task or thread only: for a stream, which has no block to leave."""
    if name:
        _SPEAKS_FOR.set(name)


def current() -> str:
    """The organization that this process works for; empty where there is only one.

    Raises ``ConfigurationError`` where there are several and nobody said which, or one that is not listed.
    """
    known = organizations()
    if not known:
        return ""
    name = _SPEAKS_FOR.get()
    if name is None:
        name = of_id(_dag_id())
    if name not in known:
        raise _error(
            f"{'nobody said which organization this is about' if not name else f'organization {name!r} is not known'}; "
            f"{VARIABLE} lists {', '.join(known)}. Use one of their DAGs, for example reconcile{JOINT}{known[0]}"
        )
    return name


def named(base: str) -> str:
    """An id of the current organization: ``pro2`` is ``pro2__opera`` there. Raises as ``current``."""
    name = current()
    return f"{base}{JOINT}{name}" if name else base


def open_site() -> Site:
    """The site that ``PRO2_RECONCILIATION_CONFIG`` names; of several organizations, the one in the folder of its name.

    A folder that speaks of another organization is refused: it was copied, and its jobs are not those of this account.
    Raises ``ConfigurationError`` as ``load_site`` and ``current``.
    """
    from pro2_reconciliation.domain.config import DIRECTORY, load_site

    name, folder = current(), os.environ.get(DIRECTORY)
    if not name or not folder:
        return load_site()
    site = load_site(os.path.join(folder, name))
    if site.organization != name:
        raise _error(
            f"{os.path.join(folder, name)}/jobs.yaml is about organization {site.organization!r}; write organization: "
            f"{name} there, or give the folder and {VARIABLE} the other name"
        )
    return site


def _error(sentence: str) -> ConfigurationError:
    from pro2_reconciliation.domain.errors import ConfigurationError

    return ConfigurationError(sentence)


def _dag_id() -> str:
    """The DAG of the task that runs in this process; empty where none does."""
    from airflow.sdk import get_current_context

    try:
        return str(get_current_context()["ti"].dag_id)
    except RuntimeError:
        return ""
