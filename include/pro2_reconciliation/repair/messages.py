"""A message to people, and how it reads as plain text, as Markdown and as HTML.

A message is made of sentences; none of them is markup, and each rendering escapes all of them. So a campaign's name can
be anything: it does not become a tag, a link, a mention of everybody or a template. Pure text, never fails.
"""

from __future__ import annotations

import re
from html import escape

from pro2_reconciliation.domain.base import UtcTime, Value
from pro2_reconciliation.domain.oneline import one_line

LONGEST_LINE, LONGEST_ITEM, MOST_ITEMS = 500, 180, 8
"""Characters of a sentence and of an entry, and entries of a list: a chat takes a few thousand characters."""
_SIGN = re.compile(r"<(?=[!@#:]|https?:)|@(?=[^\d\s])|\](?=\()")
"""How ``<!channel>``, ``<@123>``, ``@everyone`` and ``[text](link)`` begin to be more than text. A moment in an item's
key (``j-211@2026-...``) does not, and stays what can be copied."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|])")
_APART = "\u200b"
"""A space of no width: what stands before it and what stands after it are no longer one sign to a chat."""


class Link(Value):
    """``url`` is a path where Airflow does not know its own address: then it is named, and not linked."""

    label: str
    url: str

    @property
    def leads(self) -> bool:
        return self.url.startswith(("https://", "http://"))


class Message(Value):
    """``lines`` are paragraphs, ``items`` a list below them, ``links`` come last.

    ``text`` and ``html``, where they are given, are a whole body that was made elsewhere (a digest), and stand
    instead of lines and items. ``expires``: when a question that it tells of is not asked any more.
    """

    title: str
    lines: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    text: str = ""
    html: str = ""
    expires: UtcTime | None = None


def plain(text: str, longest: int = LONGEST_LINE) -> str:
    """The text on one line, at most so long, in which no chat sees a mention or a link of its own making."""
    return _harmless(" ".join(one_line(text, longest).split()))


def few(items: tuple[str, ...]) -> tuple[str, ...]:
    """The first of many entries, each cut, and how many there are besides."""
    shown = tuple(one_line(item, LONGEST_ITEM) for item in items[:MOST_ITEMS])
    return shown if len(items) <= MOST_ITEMS else (*shown, f"and {len(items) - MOST_ITEMS} more")


def as_text(message: Message) -> str:
    """The body as plain text."""
    body = [_harmless(message.text)] if message.text else [plain(line) for line in message.lines]
    if message.items and not message.text:
        body.append("\n".join(f"- {plain(item)}" for item in message.items))
    if message.links:
        body.append("\n".join(f"{plain(link.label)}: {link.url}" for link in message.links))
    return "\n\n".join(body)


def as_markdown(message: Message) -> str:
    """The body as CommonMark."""
    if message.text:
        body = ["  \n".join(_marked(line) for line in message.text.splitlines())]
    else:
        body = [_marked(line) for line in message.lines]
        body += ["\n".join(f"* {_marked(item)}" for item in message.items)] if message.items else []
    links = [
        f"[{_marked(link.label)}]({_closed(link.url)})"
        if link.leads
        else f"{_marked(link.label)}: {_marked(link.url)}"
        for link in message.links
    ]
    return "\n\n".join([*body, *(["  \n".join(links)] if links else [])])


def as_html(message: Message) -> str:
    """The body as HTML without scripts, styles or anything that is fetched."""
    if message.html:
        body = [message.html]
    elif message.text:
        body = [f"<pre>{escape(_harmless(message.text))}</pre>"]
    else:
        body = [f"<p>{escape(plain(line))}</p>" for line in message.lines]
        items = "".join(f"<li>{escape(plain(item))}</li>" for item in message.items)
        body += [f"<ul>{items}</ul>"] if items else []
    links = [
        f'{escape(plain(link.label))}: <a href="{escape(link.url)}">{escape(link.url)}</a>'
        if link.leads
        else escape(plain(f"{link.label}: {link.url}"))
        for link in message.links
    ]
    return "\n".join([*body, *([f"<p>{'<br>'.join(links)}</p>"] if links else [])])


def _harmless(text: str) -> str:
    return _SIGN.sub(rf"\g<0>{_APART}", text)


def _marked(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", plain(text))


def _closed(url: str) -> str:
    """An address that no bracket of its own can end."""
    return (
        url.replace("(", "%28")
        .replace(")", "%29")
        .replace(" ", "%20")
        .replace("<", "%3C")
        .replace(">", "%3E")
    )
