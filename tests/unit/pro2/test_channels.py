"""A message really leaves, to a web hook and a mail server on loopback, and what became of it is told as it was."""

from __future__ import annotations

import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.pro2.receiving import Hook, Mailbox, hook, mailbox
from tests.unit.repair.test_messages import HOSTILE

from pro2 import channels
from pro2_reconciliation.domain.notifications import NotificationKind as Kind
from pro2_reconciliation.ledger import Delivery, DeliveryState
from pro2_reconciliation.repair.messages import Link, Message

SECRET = "hunter2-s3cr3t-t0k3n"
LINK = "https://airflow.example.org/airflow/plugin/outages?item=campaign%3A103"
MESSAGE = Message(
    title="1 item of playhouse needs a person",
    lines=("«Gala» (103): partly sent.", "Check in Pro2 who got it."),
    links=(Link(label="The item", url=LINK),),
)
Connect = Callable[..., None]


@pytest.fixture(scope="module")
def hook_server() -> Iterator[Hook]:
    with hook() as running:
        yield running


@pytest.fixture
def web(hook_server: Hook) -> Hook:
    hook_server.got.clear()
    hook_server.paths.clear()
    hook_server.arrived.clear()
    hook_server.status, hook_server.silent = 200, False
    return hook_server


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Add a connection with these addresses, as ``airflow connections add`` does."""

    def add(name: str, *urls: str, kind: str = "apprise", **extra: Any) -> None:
        entries = [{"path": url, "tag": "ops"} for url in urls]
        config = {"config": entries[0] if len(entries) == 1 else entries} if urls else {}
        value = json.dumps({"conn_type": kind, "extra": {**config, **extra}})
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)

    return add


def delivery(message: Message = MESSAGE, connection: str = "chat", **more: Any) -> Delivery:
    plain: dict[str, Any] = {
        "notification_id": 1,
        "kind": Kind.NEEDS_PERSON.value,
        "connection": connection,
        "body": message.model_dump(mode="json"),
        "state": DeliveryState.TRYING,
        "tries": 1,
        "outcomes": {},
        "said": "",
        "at": datetime(2026, 11, 20, tzinfo=UTC),
    }
    return Delivery(**{**plain, **more})


def sent(*deliveries: Delivery, seconds: float = 5) -> list[dict[str, tuple[str, str]]]:
    found = channels.send(deliveries or [delivery()], seconds)
    return [{key: (one.state.value, one.said) for key, one in outcomes.items()} for outcomes in found]


class TestItArrives:
    def test_at_a_web_hook_once_with_its_link(self, web: Hook, connect: Connect) -> None:
        connect("chat", web.url)
        assert sent() == [{"1": ("sent", "")}]
        (got,) = web.got
        assert got["title"] == MESSAGE.title
        assert got["message"].splitlines()[-1] == f"The item: {LINK}"

    def test_in_a_mailbox_with_a_link_that_can_be_clicked(self, mail: Mailbox, connect: Connect) -> None:
        connect("chat", mail.url)
        assert sent() == [{"1": ("sent", "")}]
        (got,) = mail.got
        assert (got["Subject"], got["To"]) == (MESSAGE.title, "ops@example.org")
        body = got.get_body(("html",))
        assert body is not None
        assert f'<a href="{LINK}">' in body.get_content()

    def test_at_every_address_of_a_connection(self, web: Hook, mail: Mailbox, connect: Connect) -> None:
        connect("chat", f"{web.url}/a", mail.url, f"{web.url}/b")
        assert sent() == [dict.fromkeys(("1", "2", "3"), ("sent", ""))]
        assert sorted(web.paths) == ["/a", "/b"]
        assert len(mail.got) == 1

    def test_only_at_the_addresses_that_are_left(self, web: Hook, connect: Connect) -> None:
        connect("chat", f"{web.url}/a", f"{web.url}/b")
        assert sent(delivery(outcomes={"1": "sent"})) == [{"2": ("sent", "")}]
        assert web.paths == ["/b"]


class TestItDoesNotArrive:
    def test_where_the_service_refuses(self, web: Hook, connect: Connect) -> None:
        connect("chat", web.url)
        web.status = 503
        assert sent() == [{"1": ("refused", "it answered 503")}]

    def test_where_nobody_listens(self, connect: Connect) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            connect("chat", f"json://127.0.0.1:{free.getsockname()[1]}")
            assert sent() == [{"1": ("refused", "nobody listens at its address")}]

    def test_where_a_mail_server_knows_nobody(self, mail: Mailbox, connect: Connect) -> None:
        connect("chat", mail.url)
        mail.refuses = True
        ((outcome,),) = [tuple(one.values()) for one in sent()]
        assert outcome[0] == "refused"
        assert mail.got == []

    def test_where_there_is_no_such_connection(self) -> None:
        why = "there is no connection nowhere; add one of type apprise (docs/notifications.md)"
        assert sent(delivery(connection="nowhere")) == [{"": ("refused", why)}]

    def test_where_the_connection_is_of_another_type(self, connect: Connect) -> None:
        connect("chat", kind="http")
        assert sent() == [{"": ("refused", "connection chat is of type 'http', not apprise")}]

    def test_where_the_connection_has_no_address(self, connect: Connect) -> None:
        connect("chat")
        ((said,),) = [[one[1] for one in outcome.values()] for outcome in sent()]
        assert said.startswith("connection chat names no address; put {")

    def test_where_apprise_knows_no_such_service(self, web: Hook, connect: Connect) -> None:
        connect("chat", "carrierpigeon://coop", web.url)
        assert sent() == [{"1": ("refused", "apprise does not understand address 1"), "2": ("sent", "")}]


def sending() -> list[threading.Thread]:
    """Our threads that send, in the order in which they began."""
    return [one for one in threading.enumerate() if one.name.startswith(channels.THREAD)]


def let_go(web: Hook) -> None:
    """What waits for it to speak ends, and no other test meets it."""
    web.may.set()
    for one in sending():
        one.join(20)
    web.may.clear()


@pytest.fixture
def silent(web: Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """It takes the first message and says nothing. The time is over as soon as all the others have their end."""
    web.silent = True
    asked = itertools.count()

    def now() -> float:
        if next(asked) == 0:
            return 0.0  # when the sending begins
        assert web.arrived.wait(20)
        for one in sending()[1:]:
            one.join(20)
        return 1000.0

    monkeypatch.setattr(channels, "time", SimpleNamespace(monotonic=now))
    yield web
    let_go(web)


class TestNobodyKnowsWhetherItArrived:
    def test_where_the_service_says_nothing_in_time(self, silent: Hook, connect: Connect) -> None:
        connect("chat", silent.url)
        assert sent() == [{"1": ("unknown", "it did not answer in time")}]

    def test_a_silent_channel_holds_up_no_other(self, silent: Hook, mail: Mailbox, connect: Connect) -> None:
        connect("chat", silent.url)
        connect("mail", mail.url)
        states = sent(delivery(), delivery(connection="mail"))
        assert [one["1"][0] for one in states] == ["unknown", "sent"]

    def test_and_the_time_is_what_it_is_given(self, web: Hook, connect: Connect) -> None:
        connect("chat", web.url)
        web.silent = True
        begun = time.monotonic()
        ((outcome,),) = [tuple(one.values()) for one in sent(seconds=0.1)]
        assert outcome[0] in ("unknown", "refused")
        assert time.monotonic() - begun < 5
        let_go(web)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_changes_nothing_at_a_web_hook_or_in_a_mail(
    name: str, web: Hook, mail: Mailbox, connect: Connect
) -> None:
    connect("chat", web.url, mail.url)
    message = MESSAGE.model_copy(update={"lines": (f"«{name}» (103) needs you.", "Look."), "items": (name,)})
    assert {one[0] for one in sent(delivery(message))[0].values()} == {"sent"}
    (got,), (mailed,) = web.got, mail.got
    assert got["title"] == mailed["Subject"] == MESSAGE.title
    assert mailed.get_all("Bcc") is None
    body = mailed.get_body(("html",))
    assert body is not None
    html = body.get_content()
    assert html.count("<script") == html.count("<img") == html.count("<h1") == 0
    assert html.count("<a ") == 1
    for text in (got["message"], html):
        assert "<!channel" not in text
        assert "@everyone" not in text


@pytest.mark.parametrize("fails", ["refused", "answers 401", "silent", "nowhere", "not understood"])
def test_no_failure_tells_the_secret_of_an_address(
    fails: str, web: Hook, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    web.status, web.silent = (401 if fails == "answers 401" else 200), fails == "silent"
    at = {"refused": "json://kim:{}@127.0.0.1:1/{}", "nowhere": "jsons://kim:{}@nowhere.invalid/{}"}
    url = at.get(fails, "carrier://kim:{}@x/{}" if fails == "not understood" else f"{web.url}/{{}}?x={{}}")
    connect("chat", url.format(SECRET, SECRET))
    with caplog.at_level(logging.DEBUG):
        outcomes = channels.send([delivery()], 0.5 if fails == "silent" else 5)
    said = "".join(one.said for one in outcomes[0].values())
    assert said
    assert SECRET not in said
    assert SECRET not in caplog.text
    assert SECRET not in repr(channels.addresses_of("chat"))
    web.may.set()
    web.may.clear()


def test_what_others_log_about_the_same_services_stays(caplog: pytest.LogCaptureFixture) -> None:
    channels._prepare()
    logging.getLogger("apprise").warning("somebody else's")
    assert "somebody else's" in caplog.text
