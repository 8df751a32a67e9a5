"""When the nightly begins is said by one variable, and a mistake in it names the value and what to write."""

from __future__ import annotations

import pytest

from pro2.nightly import VARIABLE, nightly
from pro2_reconciliation.domain.errors import ConfigurationError


@pytest.mark.parametrize("said", ["", "  "])
def test_nobody_has_to_say_it(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert nightly() == ("0 5 * * *", "UTC")
    monkeypatch.setenv(VARIABLE, said)
    assert nightly() == ("0 5 * * *", "UTC")


def test_a_site_says_it_on_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " 30 4 * * 1-6  America/Chicago ")
    assert nightly() == ("30 4 * * 1-6", "America/Chicago")


@pytest.mark.parametrize(
    ("said", "trouble"),
    [
        ("30 25 * * * America/Chicago", "has no hour 25"),
        ("30 4 * * *", "is not five fields and a zone"),
        ("nightly", "is not five fields and a zone"),
        ("30 4 * * * America/Chicgo", "did you mean 'America/Chicago'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, said: str, trouble: str) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ConfigurationError) as refused:
        nightly()
    assert str(refused.value).startswith(f"{VARIABLE} {said!r}")
    assert trouble in str(refused.value)
    assert str(refused.value).endswith("as in PRO2_RECONCILIATION_NIGHTLY='30 4 * * * America/Chicago'")
