"""Which address may be put behind a word that a person clicks: the web and this host, nothing that runs or reads."""

from __future__ import annotations

import re

_LINK = re.compile(r"(https?://[^/\\\s]|/(?![/\\]))[^\s\x00-\x1f]*", re.IGNORECASE)


def href(url: str) -> str:
    """The URL if it is http, https or a path of this host; else the empty text, which is not linked."""
    return url if _LINK.fullmatch(url) else ""
