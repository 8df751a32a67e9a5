"""The table of what proves a lost request: whole, the page is written from it, and a send needs the most."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from pro2.hooks import settings
from pro2_reconciliation.domain.words import Verb
from pro2_reconciliation.ledger import State
from pro2_reconciliation.repair.evidence import EVIDENCE, EVIDENCE_OF, Sight, markdown
from pro2_reconciliation.repair.lost_requests import LONGEST_REQUEST

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lost-requests.md"


def test_the_page_is_the_table_in_use() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m pro2_reconciliation.repair.evidence > docs/lost-requests.md"
    )


def test_every_verb_and_every_sight_stands_in_it_once() -> None:
    assert Counter(verb for one in EVIDENCE for verb in one.verbs) == Counter(Verb)
    assert Counter(proof.sight for one in EVIDENCE for proof in one.proofs) == Counter(Sight)


def test_what_may_be_sent_again_was_absent_in_two_looks_after_the_quiet_time() -> None:
    for one in EVIDENCE:
        if Verb.ADD_TAG in one.verbs:
            continue  # each contact is read before it is written
        for proof in one.proofs:
            if proof.state is State.NOT_DONE:
                assert (proof.quiet, proof.looks) == (True, 2), one.verbs


def test_of_a_run_nothing_proves_that_it_did_not_happen() -> None:
    for verb in (Verb.RUN_NOW, Verb.REPEAT_IMPORT, Verb.IMPORT_LIST):
        assert State.NOT_DONE not in {proof.state for proof in EVIDENCE_OF[verb].proofs}
        assert not EVIDENCE_OF[verb].again


def test_no_connection_lets_a_request_take_longer_than_the_wait_allows_for() -> None:
    longest = settings._number("c", {"timeout": 120}, "timeout", 20, low=0.05, high=120)
    assert timedelta(seconds=settings.MAX_CONNECT_SECONDS + longest) <= LONGEST_REQUEST
