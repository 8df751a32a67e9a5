"""Every answer leaves the browser no choice, and no error tells more than a sentence and a number."""

from __future__ import annotations

import logging

import pytest
from httpx import Response
from tests.incident.web.conftest import OUTAGE, Users

from pro2.web.shell import HEADERS, POLICY
from pro2_reconciliation.domain.errors import ConfigurationError, LedgerError, LedgerUnavailable

SECRET = "postgres://ledger:hunter2@db/ledger"


def answers(airflow: Users) -> dict[str, Response]:
    return {
        "page": airflow.get("/pro2/"),
        "file": airflow.get("/pro2/static/main.js"),
        "board": airflow.get("/pro2/api/board"),
        "csv": airflow.get(f"/pro2/api/outages/{OUTAGE}/items.csv"),
        "nobody": airflow.get("/pro2/", as_=None),
        "forbidden": airflow.say("switch", {"stage": "off", "why": "x"}, as_="viewer"),
        "foreign": airflow.request("POST", "/pro2/api/commands/hold", "user", json={}),
        "unknown": airflow.get("/pro2/nothing"),
        "wrong method": airflow.request("DELETE", "/pro2/api/board", "admin"),
    }


def test_every_answer_wears_the_headers(airflow: Users) -> None:
    for what, answer in answers(airflow).items():
        for name, value in HEADERS.items():
            if (what, name) != ("file", "cache-control"):
                assert answer.headers[name] == value, (what, name)


def test_files_are_asked_for_again_but_not_sent_again(airflow: Users) -> None:
    first = airflow.get("/pro2/static/main.js")
    assert first.headers["cache-control"] == "private, no-cache"
    again = airflow.get("/pro2/static/main.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert {rules[name] for name in ("script-src", "style-src", "img-src", "connect-src", "font-src")} == {
        "'self'"
    }
    for word in ("unsafe", "*", "data:", "blob:", "http"):
        assert word not in POLICY


def test_every_refusal_is_a_sentence_in_json(airflow: Users) -> None:
    for what in ("nobody", "forbidden", "foreign", "unknown", "wrong method"):
        body = answers(airflow)[what].json()
        assert list(body) == ["detail"], what
        assert len(body["detail"].split()) > 4, what


class TestUnexpected:
    @pytest.fixture
    def broken(self, airflow: Users) -> Users:
        assert airflow.opened is not None
        airflow.opened.breaks = RuntimeError(f"could not connect to {SECRET}")
        return airflow

    @pytest.mark.parametrize("what", ["get", "say"])
    def test_the_answer_is_a_number_that_stands_in_the_log(
        self, broken: Users, what: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR, logger="pro2.web"):
            if what == "get":
                answer = broken.get("/pro2/api/board")
            else:
                answer = broken.say("hold", {"item": "campaign:103", "why": "x"})
        assert answer.status_code == 500
        number = answer.json()["error"]
        assert answer.json()["detail"].endswith(f"knows it as error {number}")
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
        [record] = [record for record in caplog.records if record.name == "pro2.web"]
        assert number in record.getMessage()
        assert record.exc_info is not None
        assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LedgerError("the ledger says no; ask it again"), 409),
        (LedgerUnavailable("the ledger is locked; try again"), 503),
        (ConfigurationError("jobs.yaml: zone 'Mars' is not known; write an IANA name"), 422),
    ],
)
def test_an_error_of_ours_is_its_own_sentence(airflow: Users, error: Exception, status: int) -> None:
    assert airflow.opened is not None
    airflow.opened.breaks = error
    answer = airflow.get("/pro2/api/board")
    assert (answer.status_code, answer.json()) == (status, {"detail": str(error)})
