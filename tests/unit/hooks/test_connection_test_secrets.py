"""Whatever a service answers and wherever a secret stands, the Test button never says it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.hooks.test_connection_test import ALL_IS_WELL, SECRET, Sandbox, no_site, sandbox, served

from pro2.connection_types import CONNECTION_TYPES
from pro2.hooks import checkup
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.settings import _HTTP_OPTIONS
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2_reconciliation.wire.exchange import Reply

__all__ = ["no_site", "sandbox", "served"]


class TestNoSecretIsEverSaid:
    """The answer of each kind of trouble repeats the key, in its body and in its headers."""

    @pytest.mark.parametrize("secret", [SECRET, "sh0rt"])
    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 418, 429, 500, 503])
    @pytest.mark.parametrize("stage", [0, 3, 5])
    def test_when_the_server_repeats_it(
        self, server: Any, answers: Any, connect: Any, stage: int, status: int, secret: str
    ) -> None:
        usual = [answers.reply(200, body) for body in list(ALL_IS_WELL.values())[:stage]]
        echo = {"message": secret, "result_message": secret, "result_code": 0, "errors": [{"title": secret}]}
        server.will(
            *usual, answers.reply(status, echo, Location=f"https://{secret}.example/{secret}", Via=secret)
        )
        hook = Pro2Hook(connect("pro2", server.url, password=secret))
        assert secret not in hook.test_connection()[1]

    def test_when_it_stands_in_the_wrong_field(self, connect: Any) -> None:
        for parts in (
            {"host": f"https://user:{SECRET}@x.example"},
            {"host": f"https://x.example/?key={SECRET}"},
        ):
            said = Pro2Hook(connect("pro2", **parts)).test_connection()[1]
            assert SECRET not in said
            assert "secret or a query in its host" in said

    def test_when_it_breaks_a_header(self, connect: Any) -> None:
        said = Pro2Hook(connect("pro2", "https://x.example", password=f"{SECRET}\n")).test_connection()[1]
        assert SECRET not in said
        assert "paste the secret once more" in said

    def test_when_something_unforeseen_happens(self, connect: Any, mocker: Any) -> None:
        hook = Pro2Hook(connect("pro2", "https://x.example"))
        mocker.patch.object(hook, "carry", side_effect=KeyError(SECRET))
        good, said = hook.test_connection()
        assert not good
        assert said == "It could not be tested (KeyError): see the log of the API server."

    @pytest.mark.parametrize(
        "extra",
        [{"api_token": SECRET}, {"Authorization": "Bearer x"}, {"note": f"key {SECRET}"}, {"password": "y"}],
    )
    def test_one_in_the_extra_is_warned_of(self, sandbox: Sandbox, extra: dict[str, str]) -> None:
        password = sandbox.world.incident.tokens.api_token
        extra = {key: value.replace(SECRET, password) for key, value in extra.items()}
        good, said = sandbox.said(extra=extra)
        assert good
        (key,) = extra
        assert f"Warning: its extra has {key!r}, which looks like a secret" in said
        assert password not in said

    def test_one_in_the_extra_is_warned_of_where_the_password_is_empty(self, connect: Any) -> None:
        said = Pro2Hook(
            connect("pro2", "https://x.example", password="", extra={"token": SECRET})
        ).test_connection()[1]
        assert "has no password" in said
        assert "its extra has 'token'" in said

    def test_no_option_of_ours_looks_like_one(self) -> None:
        ours = {key for one in CONNECTION_TYPES for key in one["conn-fields"]} | _HTTP_OPTIONS
        assert checkup.stray_secrets(dict.fromkeys(ours, "x"), SECRET) == ()

    def test_a_secret_that_goes_out_in_the_clear_is_warned_of(
        self, server: Any, answers: Any, connect: Any, mocker: Any
    ) -> None:
        hook = StatusFeedHook(connect("status_feed", "http://status.example.org", password=""))
        mocker.patch.object(hook, "carry", return_value=Reply(200, {}, json.dumps({"incidents": []})))
        assert "in the clear" not in hook.test_connection()[1]
        hook = TessituraHook(connect("tessitura", "http://tessitura.example.org", login="a:b:c"))
        mocker.patch.object(hook, "carry", return_value=Reply(200, {}, "{}"))
        assert "Warning: http:// sends the secret in the clear" in hook.test_connection()[1]
