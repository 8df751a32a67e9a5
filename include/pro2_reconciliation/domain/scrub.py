"""Takes out of a text, or of JSON, whatever looks like a secret or like somebody's address.

The second of two locks: what goes out of the house (a support bundle, a notification about a failure) is made of what
holds no secrets in the first place. It looks at shapes only, so it cannot know a short password that stands alone;
``known`` takes those. It never fails, and rather takes out too much: a long hexadecimal id goes, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SECRET, ADDRESS = "[secret removed]", "[address removed]"
_NAMES = (
    r"(?:api[-_ ]?(?:key|token)|x-api-key|access[-_ ]?(?:key|token)|auth(?:orization|[-_ ]?token)?|bearer|"
    r"client[-_ ]?secret|cookie|credentials?|passphrase|passw(?:or)?d|private[-_ ]?key|pwd|secret(?:[-_ ]?key)?|"
    r"session[-_ ]?id|signature|sig|token|webhook)"
)
_KEY = re.compile(rf"(?i)^{_NAMES}$")
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?-----END [A-Z ]*KEY-----", re.S), SECRET),
    (re.compile(r"-----BEGIN [A-Z ]*KEY-----[\sA-Za-z0-9+/=\\]*"), SECRET),  # one that was cut off
    (re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^/\s@\"'<>]+@"), rf"\1{SECRET}@"),
    (re.compile(rf"(?i)([?&;]{_NAMES}=)(?!\[secret)[^&\s\"'<>#]+"), rf"\1{SECRET}"),
    (re.compile(r"(?i)\b(bearer|basic|token|digest)\s+(?=\S*\d)[a-z0-9+/._~=-]{8,}"), rf"\1 {SECRET}"),
    (
        re.compile(
            rf"(?i)\b({_NAMES})([\"']?(?:\s+is)?\s*[:=]\s*)(?!\[secret)(\"[^\"]*\"|'[^']*'|[^\s,;\"'}}\]]+)"
        ),
        rf"\1\2{SECRET}",
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]+)?"), SECRET),
    (re.compile(r"\b(?:xox[a-z]-|gh[pousr]_|sk-|AKIA|ASIA|AIza)[\w-]{8,}"), SECRET),
    (
        re.compile(
            r"(?i)https?://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|[\w.-]*webhook[\w.-]*)/\S+"
        ),
        SECRET,
    ),
    (
        re.compile(r"(?i)\b(?!https?:|file:|s3:|gs:|abfss?:|sqlite:|postgres)[a-z][a-z0-9+]{2,15}://\S+"),
        SECRET,
    ),
    (re.compile(r"(?i)\b[0-9a-f]{32,}\b"), SECRET),
    (
        re.compile(
            r"(?<![\w+-])(?=[\w+-]*\d)(?=[\w+-]*[a-z])(?=[\w+-]*[A-Z])[A-Za-z0-9+_-]{40,}={0,2}(?![\w+-])"
        ),
        SECRET,
    ),
    (re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9](?:[\w-]*\.)+[A-Za-z]{2,}\b"), ADDRESS),
)


def scrub(text: str, known: Iterable[str] = ()) -> str:
    """The text without secrets and addresses; ``known`` are taken out wherever they stand."""
    for one in sorted({one for one in known if len(one) >= 4}, key=len, reverse=True):
        text = text.replace(one, SECRET)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def scrub_json(value: Any, known: Iterable[str] = ()) -> Any:
    """The same for everything inside a value of JSON; what stands under a name such as ``password`` goes whole."""
    known = tuple(known)
    if isinstance(value, str):
        return scrub(value, known)
    if isinstance(value, Mapping):
        return {
            scrub(str(key), known): SECRET if _KEY.match(str(key)) and entry else scrub_json(entry, known)
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub_json(entry, known) for entry in value]
    return value
