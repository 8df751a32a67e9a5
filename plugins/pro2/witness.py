"""The witness of the ledger in Airflow: a Variable, which lives in Airflow's database and outlives the ledger's.

Written by the guard's passes and by every task between its intent and its request, over the Task SDK. What it fails
with is ``LedgerError``: then nothing may be done, and a plan is still made. Airflow tells a Variable that is not there
and one that cannot be reached apart for nobody, so None is never taken for permission once the ledger was witnessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pro2.organization import named
from pro2_reconciliation.domain.errors import LedgerError

if TYPE_CHECKING:
    from pro2_reconciliation.ledger import Witnessed

VARIABLE = "reconciliation_ledger_witness"
"""Named like the connection of the ledger; where there are several organizations, each ledger has a witness."""
ABOUT = "Which ledger the reconciliation may act on. Written by guard_repairs; do not edit (docs/runbook.md)"


class VariableWitness:
    """Reads and writes the Variable ``reconciliation_ledger_witness`` of the current organization as JSON."""

    def __init__(self) -> None:
        self._key = named(VARIABLE)
        self.name = f"Airflow Variable {self._key}"

    def read(self) -> Witnessed | None:
        from pydantic import ValidationError

        from pro2_reconciliation.ledger import Witnessed

        try:
            text = self._get()
        except Exception as error:  # whatever Airflow says of a Variable it may not or cannot give
            raise LedgerError(f"the {self.name} cannot be read ({error})") from error
        if not text:
            return None
        try:
            return Witnessed.model_validate_json(text)
        except ValidationError as error:
            raise LedgerError(
                f"the {self.name} was edited and cannot be understood ({error.error_count()} mistakes); delete it, "
                "look that nothing is missing in the ledger, and adopt that anew"
            ) from error

    def write(self, seen: Witnessed) -> None:
        try:
            self._set(seen.model_dump_json())
        except Exception as error:
            raise LedgerError(
                f"the {self.name} cannot be written ({error}); look whether Airflow's API server is up"
            ) from error

    def _get(self) -> str | None:
        from airflow.sdk import Variable

        return Variable.get(self._key, default=None)  # type: ignore[no-any-return]

    def _set(self, text: str) -> None:
        from airflow.sdk import Variable

        Variable.set(self._key, text, description=ABOUT)


class ShellWitness(VariableWitness):
    """The same Variable from a shell: it is no task, so Airflow's database is written directly."""

    def _get(self) -> str | None:
        from airflow.models import Variable

        return Variable.get(self._key, default_var=None)  # type: ignore[no-any-return]

    def _set(self, text: str) -> None:
        from airflow.models import Variable

        Variable.set(self._key, text, description=ABOUT)
