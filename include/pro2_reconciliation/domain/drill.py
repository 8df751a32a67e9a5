"""What a drill is bound to, and what it cannot show. Sources: ADR 0014; docs/rollout.md."""

from __future__ import annotations

from datetime import timedelta

from pro2_reconciliation.domain.capability import Capability

DRILL = "DRILL"
"""The rule of a drill's only decision: it stands in no decision table, since nothing is broken."""
MOST = 20
"""A canary goes to so many addresses at most."""
AHEAD = timedelta(minutes=30)
"""A canary is due no sooner than this: it must not go out by itself between the look and the stop."""
_NO_JOB = "a drill runs no job; press it once by hand in Pro2 and see what it does"
NOT_BY_A_DRILL: dict[Capability, str] = {
    Capability.STOP_SENDING: f"a campaign to {MOST} addresses is not in sending long enough to be stopped",
    Capability.STOP_RUN: _NO_JOB,
    Capability.RUN_NOW: _NO_JOB,
    Capability.REPEAT_IMPORT: _NO_JOB,
    Capability.IMPORT_LIST: _NO_JOB,
    Capability.WRITE_TAGS: "a drill writes no tag",
    Capability.COPY_KEEPS_SEGMENT: "this canary has no segment; give the next one a segment",
}
"""Why a drill leaves something open."""
