"""What a look at the world proves of a request whose answer never came, verb by verb, as data (docs/lost-requests.md).

``lost_requests.py`` looks and decides by this table, and ``docs/lost-requests.md`` is written from it. A retry, another
dag run and another host take the same path, because there is no other. It cannot fail; a sight without a row is a
``KeyError``, and a test looks for each.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import State


class Sight(StrEnum):
    """What can be seen of a request."""

    HALTED = "the campaign is stopped or disabled (status 4 or 6)"
    PENDING = "the campaign is still scheduled or in sending (status 1 or 2)"
    ANOTHER_STATUS = "the campaign is anything else, or gone"
    ONE_COPY = (
        "there is exactly one new visible copy: higher id than the intent noted, source copy, same base name"
    )
    NO_COPY = "there is no such copy"
    SEVERAL_COPIES = "there are two or more such copies"
    NO_ORIGINAL = "the original is gone"
    LEAVING = "the copy is scheduled, in sending or complete (status 1, 2 or 5), or counts anything"
    DRAFT = "the copy is still a draft (status 0), zero everywhere"
    NO_DRAFT = "the copy is anything else, or gone"
    NOT_RUNNING = "the Console showed the job running when it was decided, and does not any more"
    NEVER_RUNNING = (
        "the Console never showed the job running, so nothing tells whether there was anything to stop"
    )
    RUNNING = "the Console shows the job running"
    NO_CONSOLE = "there is no Console to look at"
    RUN = "a row of the Activity Log or the Console: of this job, after the intent, and not its schedule's"
    NO_RUN = "there is no such row"
    EACH_CONTACT = "each contact's tags are read again before it is written"


@dataclass(frozen=True)
class Proof:
    """``sight`` proves ``state``: after the quiet time only (``quiet``), and in so many looks in a row, apart."""

    sight: Sight
    state: State
    quiet: bool = False
    looks: int = 1


@dataclass(frozen=True)
class Evidence:
    """All that can be seen of some verbs. ``again``: once NOT DONE is proven, it may be sent again; ``twice``: what
    two of them would do.
    """

    verbs: tuple[Verb, ...]
    proofs: tuple[Proof, ...]
    again: bool
    twice: str

    def of(self, sight: Sight) -> Proof:
        """The row of a sight. Raises ``KeyError`` where there is none."""
        return {proof.sight: proof for proof in self.proofs}[sight]


DONE, NOT_DONE, PERSON = State.DONE, State.NOT_DONE, State.NEEDS_HUMAN
EVIDENCE: tuple[Evidence, ...] = (
    Evidence(
        (Verb.STOP_CAMPAIGN,),
        (
            Proof(Sight.HALTED, DONE),
            Proof(Sight.PENDING, NOT_DONE, quiet=True, looks=2),
            Proof(Sight.ANOTHER_STATUS, PERSON),
        ),
        again=True,
        twice="nothing: a stopped campaign stays stopped",
    ),
    Evidence(
        (Verb.COPY_CAMPAIGN,),
        (
            Proof(Sight.ONE_COPY, DONE),
            Proof(Sight.NO_COPY, NOT_DONE, quiet=True, looks=2),
            Proof(Sight.SEVERAL_COPIES, PERSON),
            Proof(Sight.NO_ORIGINAL, PERSON),
        ),
        again=True,
        twice="a draft too many, which mails nobody; it is named, and the send does not take place",
    ),
    Evidence(
        (Verb.SEND_CAMPAIGN,),
        (
            Proof(Sight.LEAVING, DONE),
            Proof(Sight.DRAFT, NOT_DONE, quiet=True, looks=2),
            Proof(Sight.NO_DRAFT, PERSON),
        ),
        again=True,
        twice="a second mail to everybody",
    ),
    Evidence(
        (Verb.STOP_RUN,),
        (
            Proof(Sight.NOT_RUNNING, DONE, quiet=True),
            Proof(Sight.NEVER_RUNNING, PERSON),  # rule R10b: an unknown answer is no permission
            Proof(Sight.RUNNING, NOT_DONE, quiet=True, looks=2),
            Proof(Sight.NO_CONSOLE, PERSON, quiet=True),
        ),
        again=True,
        twice="nothing: the second finds nothing to stop",
    ),
    Evidence(
        (Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST),
        (Proof(Sight.RUN, DONE), Proof(Sight.NO_RUN, PERSON, quiet=True)),
        again=False,
        twice="a second run, and a second mail where the run starts one",
    ),
    Evidence(
        (Verb.ADD_TAG, Verb.REMOVE_TAG),
        (Proof(Sight.EACH_CONTACT, NOT_DONE),),
        again=True,
        twice="nothing: a tag that is there is not written again, one that is gone not removed",
    ),
)
"""Every verb stands in exactly one of them."""

EVIDENCE_OF: dict[Verb, Evidence] = {verb: one for one in EVIDENCE for verb in one.verbs}

_HEAD = """# Requests whose answer was lost

<!-- Written by: python -m pro2_reconciliation.repair.evidence > docs/lost-requests.md; do not edit it by hand. -->

A request that left and was never answered (a worker died, a connection broke, an answer could not be read) may have
had its effect. It is not sent again: the world is read, and this table, `repair/evidence.py`, says what is proven. A
retry, a cleared task, another dag run and another host all take this path. What it does not prove is left to a person.

*Not sent* (connection refused, the lease ran out) and *refused* (429) need no look: they are NOT DONE at once. A
request that a person was asked to press is never sent by software, whatever is seen.

The quiet time is `quiet_seconds` of the policy. It begins when the one who sent the request gave up waiting for its
answer; if he died or was stopped, when his lease had ended and the longest timeout had passed. Looks in a row are
`read_gap_seconds` apart.

| verb | what is seen | proves | when | sent again | what doing it twice would do |
| --- | --- | --- | --- | --- | --- |
"""


def markdown(evidence: Sequence[Evidence] = EVIDENCE) -> str:
    """The page."""
    rows = []
    for one in evidence:
        for number, proof in enumerate(one.proofs):
            again = "yes" if one.again else "no"
            cells = (
                "" if number else ", ".join(verb.value.replace("_", " ") for verb in one.verbs),
                proof.sight.value,
                {DONE: "DONE", NOT_DONE: "NOT DONE", PERSON: "nothing: a person"}[proof.state],
                _when(proof),
                again if proof.state is NOT_DONE else "",
                "" if number else one.twice,
            )
            rows.append("| " + " | ".join(cells) + " |")
    return _HEAD + "\n".join(rows) + "\n"


def _when(proof: Proof) -> str:
    after = "after the quiet time" if proof.quiet else "at once"
    return after if proof.looks == 1 else f"{after}, in {proof.looks} looks"


if __name__ == "__main__":
    sys.stdout.write(markdown())
