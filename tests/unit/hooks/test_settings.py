"""What a connection says: its address in whatever fields it stands, and what cannot be one is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from pro2.hooks.pro2 import Pro2Hook
from pro2_reconciliation.domain.errors import ConfigurationError


@pytest.mark.parametrize(
    ("host", "parts", "url"),
    [
        ("https://pro2.example.org/", {}, "https://pro2.example.org"),
        ("https://pro2.example.org:8443", {}, "https://pro2.example.org:8443"),
        ("https://pro2.example.org", {"port": 8443}, "https://pro2.example.org:8443"),
        ("https://pro2.example.org:8443", {"port": 8443}, "https://pro2.example.org:8443"),
        ("https://pro2.example.org/proxy/", {"port": 8443}, "https://pro2.example.org:8443/proxy"),
        ("pro2.example.org", {"schema": "http", "port": 80}, "http://pro2.example.org:80"),
        ("pro2.example.org", {}, "https://pro2.example.org"),
        ("http://[::1]", {"port": 8443}, "http://[::1]:8443"),
    ],
)
def test_an_address_is_made_of_host_scheme_and_port(
    host: str, parts: dict[str, Any], url: str, connect: Any
) -> None:
    assert Pro2Hook(connect("pro2", host, **parts)).settings.base_url == url


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("https://x.example.org:1", 2, "has port 1 in its host and port 2 beside it; keep one of them"),
        ("https://x.example.org", 70000, "has port 70000; give one from 1 to 65535"),
        ("https://x.example.org:70000", None, "has a host that is no URL"),
    ],
)
def test_a_port_that_cannot_be_one_is_refused(host: str, port: int | None, words: str, connect: Any) -> None:
    with pytest.raises(ConfigurationError, match="connection under_test") as refused:
        _ = Pro2Hook(connect("pro2", host, port=port)).settings
    assert words in str(refused.value)
