"""A name from outside is text in every channel: never markup, a mention, a link of its own or a template."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from apprise import Apprise, NotifyFormat
from apprise.conversion import markdown_to_html

from pro2_reconciliation.repair.messages import (
    LONGEST_ITEM,
    MOST_ITEMS,
    Link,
    Message,
    as_html,
    as_markdown,
    as_text,
    few,
    plain,
)

HOSTILE = [
    "{{ conn.pro2.password }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<!channel> <!here|here> <!subteam^S1>",
    "@everyone @here @channel @all @room",
    "<@U123> <@&456> <@!789> <#C1>",
    "[Confirm here](https://evil.example/?a=1)",
    "![x](https://evil.example/pixel.png)",
    "<https://evil.example|Confirm here>",
    "`code` *bold* _it_ ~gone~ ||spoiler||",
    "two\nlines\r\nBcc: patron@example.org\r\n\r\n<html>",
    "# a heading\n- a list",
    "\u202egnp.exe \x1b[31mred\x00",
    "</p></body><h1>",
    "&lt;script&gt; &amp; &",
    "\\",
    "long " * 200,
]


def message(name: str) -> Message:
    return Message(
        title="An outage was found for playhouse",
        lines=(f"«{name}» was due.", "Nothing is sent without an answer."),
        items=(f"«{name}» (103)", "«Gala» (104)"),
        links=(Link(label="Outages", url="https://airflow.example.org/plugin/outages?outage=3f2a"),),
    )


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def tags_of(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("name", HOSTILE)
class TestAHostileName:
    def test_is_no_tag_in_a_mail(self, name: str) -> None:
        seen, harmless = tags_of(as_html(message(name))), tags_of(as_html(message("Gala")))
        assert (seen.tags, seen.links) == (harmless.tags, harmless.links)
        assert plain(name)[:60] in seen.text.replace("\r", " ")

    def test_is_no_tag_and_no_link_in_markdown(self, name: str) -> None:
        seen = tags_of(markdown_to_html(as_markdown(message(name))))
        harmless = tags_of(markdown_to_html(as_markdown(message("Gala"))))
        assert (seen.tags, seen.links) == (harmless.tags, harmless.links)

    def test_adds_no_line_to_a_text(self, name: str) -> None:
        assert len(as_text(message(name)).splitlines()) == len(as_text(message("Gala")).splitlines())

    @pytest.mark.parametrize("form", [as_text, as_markdown, as_html])
    def test_mentions_nobody(self, name: str, form: Any) -> None:
        assert (
            re.search(r"@(everyone|here|channel|all|room)|<@|\]\(https://evil", form(message(name))) is None
        )

    @pytest.mark.parametrize(
        "url",
        [
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops",
            "discord://1111111111/aaaaaaaaaaaaaaaaaaaaaaaa",
            "gchat://workspace/key/token",
            "tgram://123456789:abcdefghijklmnopqrstuvwxyz/12345/?format=markdown",
        ],
    )
    def test_mentions_nobody_as_a_chat_gets_it(self, name: str, url: str) -> None:
        service = Apprise.instantiate(url)
        assert service is not None
        for form, kind in ((as_text, NotifyFormat.TEXT), (as_markdown, NotifyFormat.MARKDOWN)):
            sent = service.dialect_convert(form(message(name)), kind)
            assert re.search(r"<!(channel|here|subteam)|<@|@everyone|<https://evil", sent) is None


def test_a_moment_in_a_key_stays_what_can_be_copied() -> None:
    assert plain("occurrence:j-211@2026-11-24T17:25:00Z") == "occurrence:j-211@2026-11-24T17:25:00Z"


def test_a_list_is_short_and_says_how_many_are_left_out() -> None:
    shown = few(tuple(f"{number} {'x' * 500}" for number in range(MOST_ITEMS + 3)))
    assert len(shown) == MOST_ITEMS + 1
    assert shown[-1] == "and 3 more"
    assert max(map(len, shown)) == LONGEST_ITEM


def test_a_message_of_the_longest_parts_fits_into_every_chat_that_takes_4000_characters() -> None:
    longest = Message(title="t", lines=("x" * 900,) * 3, items=few(("y" * 900,) * 40))
    assert len(as_text(longest)) < 4000


def test_a_link_without_an_address_of_airflow_is_named_and_not_linked() -> None:
    told = Message(title="t", links=(Link(label="Answer", url="/dags/reconcile/x"),))
    assert as_text(told) == "Answer: /dags/reconcile/x"
    assert as_markdown(told) == "Answer: /dags/reconcile/x"
    assert as_html(told) == "<p>Answer: /dags/reconcile/x</p>"


def test_an_address_stands_also_where_only_text_is_shown() -> None:
    assert ">https://airflow.example.org/plugin/outages?outage=3f2a</a>" in as_html(message("Gala"))


def test_a_digest_is_shown_as_it_was_made() -> None:
    told = Message(title="t", text="Section\n  * one @here\n", html="<h1>Section</h1>")
    assert as_html(told) == "<h1>Section</h1>"
    assert "  * one @\u200bhere" in as_text(told)
    assert as_html(told.model_copy(update={"html": "", "text": "<b>"})) == "<pre>&lt;b&gt;</pre>"
