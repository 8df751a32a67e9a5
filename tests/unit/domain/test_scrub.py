"""Planted secrets are found wherever they stand; what the ledger itself writes stays readable."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pro2_reconciliation.domain.scrub import ADDRESS, SECRET, scrub, scrub_json

PLANTED = {
    "a key in a header": ("Api-Token: hunter2s3cr3t", "hunter2s3cr3t"),
    "a key as it is called in words": ("the API key is: hunter2s3cr3t", "hunter2s3cr3t"),
    "a password in quotes": ("password = 'hunter2 s3cr3t'", "s3cr3t"),
    "a password in JSON text": ('{"password": "hunter2s3cr3t"}', "hunter2s3cr3t"),
    "a bearer token": ("sent Authorization: Bearer hunter2.s3cr3t", "hunter2"),
    "a bearer token alone": ("it said Bearer hunter2.s3cr3t", "hunter2"),
    "basic authentication": ("Basic a2ltOmdyb3VwOmhhbGw6", "a2ltOmdyb3VwOmhhbGw6"),
    "a user in an address": ("https://kim:hunter2@pro2.example.org/x", "hunter2"),
    "a database": ("postgresql://kim:hunter2@db/ledger", "hunter2"),
    "a query": ("GET https://pro2.example.org/x?api_key=hunter2&page=2", "hunter2"),
    "a chat": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "TIiajkdnlazkcOXrIdevi7FQ"),
    "a mail server": ("mailtos://kim:hunter2@mail.example.org?to=ops@example.org", "hunter2"),
    "a web hook": ("https://hooks.slack.com/services/T1JJ3T3L2/A1BR/TIiajkdn", "TIiajkdn"),
    "a long hexadecimal key": (f"key {'0a1b2c3d4e5f' * 6} was refused", "0a1b2c3d4e5f"),
    "a JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
    "a key of Amazon": ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    "a token of GitHub": ("ghp_abcdefghij0123456789", "abcdefghij"),
    "a long random text": ("Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyMTIz", "Zm9vYmFy"),
    "a private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    "half of a private key": ("-----BEGIN PRIVATE KEY-----\nMIIE", "MIIE"),
    "a patron": ("patron17@example.org complained", "patron17"),
    "a patron with a name": ("Ada Lovelace <ada.love+gala@mail.example.co.uk>", "ada.love"),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_secret_is_taken_out(what: str) -> None:
    text, secret = PLANTED[what]
    for shape in (text, f"before {text} after", f"({text})", f"two\nlines\n{text}\n"):
        clean = scrub(shape)
        assert secret not in clean
        assert SECRET in clean or ADDRESS in clean


@pytest.mark.parametrize("what", PLANTED)
def test_what_was_scrubbed_once_stays_as_it_is(what: str) -> None:
    once = scrub(PLANTED[what][0])
    assert scrub(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "occurrence:j-211@2026-11-24T17:25:00Z",
        "playhouse/campaign:103/resend/1",
        "plan 0123456789abcdef of dag run outage__8dfbe915__g1",
        "ledger 3f2a1234-aaaa-bbbb-cccc-1234567890ab",
        "manual__2026-11-24T10:00:00.123456+00:00",
        "https://airflow.example.org/dags/reconcile/runs/outage__8dfbe915__g1/tasks/send_campaign/mapped/0",
        "sqlite:////data/reconciliation_ledger.db",
        "POST admin/api.php answered 500; the copy 900 was not sent",
        "the token of the connection was refused",
        "«Gala 2026: tickets & tokens» (103), Thu 19 Nov 18:00 CST (00:00 UTC)",
        "sync tag Members, import tag reconcile-j-201-20261124T172500Z",
    ],
)
def test_what_the_ledger_writes_is_left(text: str) -> None:
    assert scrub(text) == text


def test_a_private_key_that_was_cut_off_takes_nothing_but_itself_away() -> None:
    text = "he typed -----BEGIN PRIVATE KEY-----\nMIIE\nvQIB\n- Our question: what became of it?"
    assert scrub(text) == f"he typed {SECRET}- Our question: what became of it?"


def test_known_secrets_are_taken_out_however_short_they_look_like() -> None:
    assert scrub("the word is swordfish, really", ["swordfish"]) == f"the word is {SECRET}, really"
    assert scrub("a tale of two", ["a"]) == "a tale of two", "what is too short would take every text apart"


def test_json_stays_json_and_loses_what_stands_under_a_telling_name() -> None:
    value: dict[str, Any] = {
        "password": {"deep": "hunter2"},
        "token": None,
        "Api-Key": ["hunter2"],
        "name": "Gala",
        "count": 3,
        "list": ["Bearer hunter2.s3cr3t", {"webhook": "x"}],
        "kim@example.org": True,
    }
    clean = scrub_json(value)
    assert json.loads(json.dumps(clean)) == clean
    assert "hunter2" not in json.dumps(clean)
    assert (clean["name"], clean["count"], clean["token"]) == ("Gala", 3, None)
    assert clean["list"][1] == {"webhook": SECRET}
    assert clean[ADDRESS] is True
