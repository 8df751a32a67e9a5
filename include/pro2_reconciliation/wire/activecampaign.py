"""Everything of ActiveCampaign in one name.

``activecampaign.campaigns.copy(...)``, ``.contacts``, ``.v1``.
"""

from __future__ import annotations

from pro2_reconciliation.wire import campaigns, contacts, v1

__all__ = ["campaigns", "contacts", "v1"]
