"""Text from outside on one line: what a name may not do to a log, a table or a terminal.

Names of campaigns, jobs, tags and incidents are other people's data. Control characters (line breaks, ANSI escapes,
NUL) and marks that turn the direction of what follows become blanks where such a text enters; joiners stay, since
emoji are made of them. Never fails.
"""

from __future__ import annotations

import re

LONGEST = 1000
"""Characters that are kept of one text."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text without what is unseen, at most so long; an ellipsis says that it was longer."""
    clean = _UNSEEN.sub(" ", text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"


def is_one_line(text: str) -> bool:
    """Whether ``one_line`` would leave it as it is."""
    return len(text) <= LONGEST and _UNSEEN.search(text) is None
