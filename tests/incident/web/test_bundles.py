"""The support bundle in the browser: a zip of one item, in which no password of a connection stands."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import quote
from zipfile import ZipFile

import pytest
from tests.incident.web.conftest import Users

from pro2.organization import speaking_for
from pro2.web.bundles import known_secrets

PASSWORD = "swordfish"
"""So short and plain that nothing but the connection tells that it is one."""
ITEM = "campaign:103"


def test_it_is_a_zip_with_a_name_of_its_own(airflow: Users) -> None:
    answer = airflow.get(f"/pro2/bundles/{quote(ITEM, safe='')}")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="bundle-campaign_103.zip"'
    with ZipFile(BytesIO(answer.content)) as bundle:
        assert bundle.testzip() is None
        assert "message-to-vendor.txt" in bundle.namelist()


def test_the_password_of_a_connection_is_taken_out_wherever_somebody_typed_it(
    writable: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "pro2", "host": "https://account.api-us1.com", "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_PRO2", json.dumps(connection))
    assert writable.opened is not None
    writable.opened.ledger().hold("playhouse", ITEM, "Ada", f"I log in with {PASSWORD} and look")
    with ZipFile(BytesIO(writable.get(f"/pro2/bundles/{ITEM}").content)) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert [name for name, text in texts.items() if PASSWORD in text] == []
    assert "I log in with [secret removed] and look" in texts["item.json"]


def test_of_several_organizations_only_the_passwords_of_its_own_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRO2_RECONCILIATION_ORGANIZATIONS", "opera,ballet")
    for name in ("opera", "ballet"):
        connection = {"conn_type": "pro2", "host": "https://x.example", "password": f"{PASSWORD} of {name}"}
        monkeypatch.setenv(f"AIRFLOW_CONN_PRO2__{name.upper()}", json.dumps(connection))
    with speaking_for("opera"):
        assert [*known_secrets()] == [f"{PASSWORD} of opera"]


@pytest.mark.parametrize("key", ["campaign:999", "nothing", "campaign:", "..%2f..%2fetc%2fpasswd"])
def test_an_item_that_nobody_knows_is_a_sentence(airflow: Users, key: str) -> None:
    answer = airflow.get(f"/pro2/bundles/{key}")
    assert answer.status_code == 404
    assert answer.json()["detail"]
