"""What the person of a new site says of the sandbox: this is the ledger, and the account does what is asked of it.

The demo says the same at its desk (``pro2_sandbox.demo.site.adopt_ledger``).
"""

from __future__ import annotations

from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.overview import commands


def vouched(ledger: Ledger, organization: str = "playhouse") -> None:
    """Without the first a ledger allows plans only, without the second a person presses every step."""
    ledger.adopt("operator", "first start")
    every = [commands.EVERYTHING]
    commands.accept_capabilities(ledger, organization, "UTC", every, who="operator", why="the sandbox")
