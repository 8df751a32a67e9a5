"""A support bundle of every item of a whole evening: each is complete and small, asks something, tells no secret."""

from __future__ import annotations

import json
import re

import pytest
from tests.incident.overview.looking import Looking
from tests.incident.overview.test_bundle import FILES, texts

from pro2_reconciliation.overview.bundle import make_bundle

LARGEST = 200 * 1024
"""Bytes of a zip that any mail takes."""


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Looking:
    found = Looking(tmp_path_factory.mktemp("evening"), "evening-outage")
    found.reconcile()
    return found


@pytest.fixture(scope="module")
def bundles(evening: Looking) -> dict[str, dict[str, str]]:
    """By key of the item; the names of the files to their texts."""
    zips = {key: make_bundle(evening.ledger, evening.site, key) for key in evening.items()}
    assert len(zips) > 40
    assert max(len(content) for content in zips.values()) < LARGEST
    return {key: texts(content) for key, content in zips.items()}


def test_each_is_complete(bundles: dict[str, dict[str, str]]) -> None:
    assert [key for key, found in bundles.items() if set(found) != FILES] == []


def test_each_asks_the_vendor_something(bundles: dict[str, dict[str, str]]) -> None:
    for key, found in bundles.items():
        question = found["message-to-vendor.txt"].partition("Our question:\n- ")[2].partition("\n")[0]
        assert "?" in question, key


def test_that_of_a_run_has_its_job(bundles: dict[str, dict[str, str]]) -> None:
    runs = [key for key in bundles if key.startswith("occurrence:")]
    assert runs
    for key in runs:
        job = json.loads(bundles[key]["configuration.json"])["job"]
        assert job["id"] == key.removeprefix("occurrence:").partition("@")[0]


def test_none_holds_a_token_of_the_account_or_a_patron(
    evening: Looking, bundles: dict[str, dict[str, str]]
) -> None:
    tokens = evening.evening.incident.tokens
    secrets = (tokens.api_token, tokens.dashboard_token, tokens.tessitura_password)
    for key, found in bundles.items():
        for name, content in found.items():
            assert not [one for one in secrets if one in content], (key, name)
            assert not re.search(r"patron\d+@", content), (key, name)
