"""A change is JSON that our own page sent; everything else is refused before it is read."""

from __future__ import annotations

import pytest
from tests.incident.web.conftest import Users

BODY = {"item": "campaign:103", "why": "a test"}
HOLD = "/pro2/api/commands/hold"


def send(airflow: Users, headers: dict[str, str], **more: object) -> int:
    given = more or {"json": BODY}
    return airflow.request("POST", HOLD, "user", headers=headers, **given).status_code


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "", "SAME-ORIGIN "])
def test_what_another_site_asks_for_is_refused(airflow: Users, site: str) -> None:
    assert send(airflow, {"sec-fetch-site": site}) == 403


def test_what_the_browser_says_of_the_site_counts_more_than_an_origin(airflow: Users) -> None:
    assert send(airflow, {"sec-fetch-site": "cross-site", "origin": "http://testserver"}) == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://testserver.evil.example", "http://testserver:81", "null", ""]
)
def test_without_that_the_origin_has_to_be_this_host(airflow: Users, origin: str) -> None:
    assert send(airflow, {"origin": origin}) == 403


def test_a_cookie_alone_does_not_say_who_asks(airflow: Users) -> None:
    assert send(airflow, {}) == 403


@pytest.mark.parametrize("origin", ["http://testserver", "https://testserver"])
def test_our_own_page_may_also_where_the_browser_says_only_its_origin(writable: Users, origin: str) -> None:
    assert send(writable, {"origin": origin}) == 200


def test_behind_a_proxy_the_configured_address_counts(
    writable: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.playhouse.example/airflow/")
    assert send(writable, {"origin": "https://airflow.playhouse.example"}) == 200
    assert send(writable, {"origin": "https://airflow.playhouse.example.evil.example"}) == 403


def test_a_program_with_a_token_may(writable: Users) -> None:
    headers = {"authorization": f"Bearer {writable.tokens['user']}"}
    assert writable.request("POST", HOLD, None, headers=headers, json=BODY).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonx",
    ],
)
def test_what_a_form_can_send_is_no_command(airflow: Users, kind: str) -> None:
    headers = {"sec-fetch-site": "same-origin", "content-type": kind}
    answer = airflow.request(
        "POST", HOLD, "user", headers=headers, content=b'{"item":"campaign:103","why":"x"}'
    )
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("Nothing was changed")


def test_json_with_a_charset_is_json(writable: Users) -> None:
    headers = {"sec-fetch-site": "same-origin", "content-type": "application/json; charset=utf-8"}
    body = b'{"item":"campaign:103","why":"a test"}'
    assert writable.request("POST", HOLD, "user", headers=headers, content=body).status_code == 200


def test_a_body_is_not_endless(airflow: Users) -> None:
    headers = {"sec-fetch-site": "same-origin"}
    long = {"json": {**BODY, "why": "x" * 70_000}}
    assert send(airflow, headers, **long) == 413


def test_nothing_that_was_refused_was_written(airflow: Users) -> None:
    assert airflow.get("/pro2/api/board").json()["board"]["holds"] == []
