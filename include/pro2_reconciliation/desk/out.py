"""Where a command writes what it was asked for (``--out``): a new place, and never over what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pro2_reconciliation.domain.errors import ReconciliationError


@contextmanager
def new_place(path: Path, what: str = "name") -> Iterator[None]:
    """Within it ``path`` is made and written. ``what`` it is, for the sentence of a place that is taken.

    Raises ``ReconciliationError`` for a place that is there already or cannot be written.
    """
    try:
        yield
    except FileExistsError:
        raise ReconciliationError(f"{path} is there already; give another {what} by --out") from None
    except OSError as error:
        raise ReconciliationError(
            f"{path} cannot be written ({error.strerror}); give another place"
        ) from None
