"""The Test button says what is wrong and what to do, over real sockets, and never a secret."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.hooks.conftest import IMPATIENT
from tests.unit.served import Served

from pro2.hooks import checkup
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2_sandbox import World, load_incident
from pro2_sandbox.faults import Fault

SECRET = "s3cret-token"
STILL_OPEN = load_incident("still-open")
WORKS = "It works. It is read-only: nothing will be changed; set read_only to false in its extra to allow repairs."
ALL_IS_WELL = {
    "users/me": {"user": {}},
    "campaigns": {"campaigns": []},
    "contacts": {"contacts": []},
    "tags": {"tags": []},
    "automations": {"automations": []},
    "admin/api.php": {"result_code": 1},
}


class Sandbox:
    """A sandbox behind a socket, with its faults, and a connection of each type to it."""

    def __init__(self, served: Served, connect: Callable[..., str]) -> None:
        self.world = World(STILL_OPEN, rate_limit=None)
        served.show(self.world)
        self.url, self._connect = served.url, connect

    def goes_wrong(self, kind: str, path: str, **more: Any) -> None:
        self.world.faults.add(
            Fault.model_validate({"kind": kind, "match": {"path_regex": path}, "times": 9} | more)
        )

    def said(self, kind: str = "pro2", host: str | None = None, **parts: Any) -> tuple[bool, str]:
        tokens = self.world.incident.tokens
        known = {
            "pro2": (Pro2Hook, {"password": tokens.api_token}),
            "pro2_dashboard": (Pro2DashboardHook, {"password": tokens.dashboard_token}),
            "tessitura": (
                TessituraHook,
                {"login": tokens.tessitura_user, "password": tokens.tessitura_password},
            ),
            "status_feed": (StatusFeedHook, {"password": None}),
        }
        hook, usual = known[kind]
        extra = {"timeout": 5, "organization": "playhouse", **parts.pop("extra", {})}
        return hook(  # type: ignore[no-any-return, call-arg]
            self._connect(kind, host or self.url, extra=extra, **{**usual, **parts})
        ).test_connection()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served(World(STILL_OPEN, rate_limit=None))
    yield made
    made.stop()


@pytest.fixture
def sandbox(served: Served, connect: Callable[..., str]) -> Sandbox:
    return Sandbox(served, connect)


@pytest.fixture(autouse=True)
def no_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server of an Airflow need not know the site's files."""
    monkeypatch.delenv("PRO2_RECONCILIATION_CONFIG", raising=False)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    def describe(zone: str = "America/Chicago", tessitura_list: str = "511") -> Path:
        job = f'{{id: j-1, name: A, process_type: data_sync, cron: "0 6 * * *", tessitura_list: "{tessitura_list}"}}'
        (tmp_path / "jobs.yaml").write_text(f"organization: playhouse\nzone: {zone}\njobs:\n  - {job}\n")
        monkeypatch.setenv("PRO2_RECONCILIATION_CONFIG", str(tmp_path))
        return tmp_path

    return describe


class TestAConnectionThatWorks:
    def test_is_read_only_and_says_how_to_allow_repairs(self, sandbox: Sandbox) -> None:
        assert sandbox.said() == (True, WORKS)

    def test_says_that_it_may_change_things(self, sandbox: Sandbox) -> None:
        assert sandbox.said(extra={"read_only": False}) == (
            True,
            "It works. It may CHANGE things: it is not read-only.",
        )

    def test_says_that_a_person_presses(self, sandbox: Sandbox) -> None:
        said = "It works. What changes something is pressed by a person (actions: manual)."
        assert sandbox.said(extra={"actions": "manual"}) == (True, said)
        assert sandbox.said("pro2_dashboard", extra={"actions": "manual"}) == (True, said)

    def test_asks_of_the_account_whatever_the_work_asks(
        self, server: Any, connect: Any, answers: Any
    ) -> None:
        server.will(*(answers.reply(200, body) for body in ALL_IS_WELL.values()))
        assert Pro2Hook(connect("pro2", server.url)).test_connection() == (True, WORKS)
        assert [one.path.partition("?")[0] for one in server.seen] == [
            "/api/3/users/me",
            "/api/3/campaigns",
            "/api/3/contacts",
            "/api/3/tags",
            "/api/3/automations",
            "/admin/api.php",
        ]
        assert {one.method for one in server.seen[:-1]} == {"GET"}
        assert "campaign_list" in server.seen[-1].body

    def test_of_the_other_types_too(self, sandbox: Sandbox, site: Any) -> None:
        site()
        assert sandbox.said("pro2_dashboard") == (True, WORKS)
        assert sandbox.said("tessitura")[0]
        assert "no job of jobs.yaml" not in sandbox.said("tessitura")[1]
        good, words = sandbox.said("status_feed", host=f"{sandbox.url}/status")
        assert good
        assert "Incidents on the page: 0." in words
        assert words.endswith("It is only read.")

    def test_without_a_list_it_says_what_was_not_tried(self, sandbox: Sandbox) -> None:
        assert "Whether it may read lists was not tried" in sandbox.said("tessitura")[1]

    def test_changes_nothing(self, sandbox: Sandbox) -> None:
        sandbox.said(extra={"read_only": False})
        sandbox.said("pro2_dashboard", extra={"read_only": False})
        assert sandbox.world.effects.log == []

    def test_is_slow(self, server: Any, answers: Any, connect: Any) -> None:
        server.will(*(answers.reply(200, body) for body in ALL_IS_WELL.values()))
        ticks = itertools.count(step=4.2)
        hook = Pro2Hook(connect("pro2", server.url))
        good, words = checkup.check(hook, "under_test", clock=lambda: next(ticks))
        assert good
        assert words.startswith("It works. But it is slow: the quickest answer took 4.2 s.")

    def test_whose_account_has_another_clock_than_the_site(self, sandbox: Sandbox, site: Any) -> None:
        site("America/New_York")
        good, words = sandbox.said()
        assert good
        assert "the account's clock is at UTC-0" in words
        assert "that of America/New_York in jobs.yaml at UTC-0" in words
        site("America/Chicago")
        assert sandbox.said() == (True, WORKS)

    def test_is_at_its_limit(self, sandbox: Sandbox) -> None:
        sandbox.goes_wrong("429", "users/me", seconds=7)
        good, words = sandbox.said()
        assert good
        assert words.startswith(
            "It works. But the account is at its limit just now (429): other programs use its requests too. Test again "
            "in 7 s"
        )

    def test_may_refuse_once_what_it_allows_a_moment_later(self, sandbox: Sandbox) -> None:
        sandbox.goes_wrong("403", "api/3/tags", times=1)
        assert sandbox.said() == (True, WORKS)


class TestASecretThatIsWrong:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("pro2", "The API does not accept the key: copy it once more from Settings > Developer in Pro2"),
            (
                "pro2_dashboard",
                "The dashboard does not accept the token (401): paste it into the password field",
            ),
            (
                "tessitura",
                "Tessitura does not accept the login: give user:group:location as it is written there",
            ),
        ],
    )
    def test_is_named_with_the_place_where_the_right_one_stands(
        self, sandbox: Sandbox, kind: str, words: str
    ) -> None:
        good, said = sandbox.said(kind, password="another-s3cret")
        assert not good
        assert said.startswith(words)
        assert "another-s3cret" not in said

    @pytest.mark.parametrize("kind", ["pro2", "pro2_dashboard", "tessitura"])
    def test_or_missing(self, sandbox: Sandbox, kind: str) -> None:
        assert sandbox.said(kind, password="") == (
            False,
            "This connection has no password; the secret goes there",
        )

    def test_401_is_the_same(self, server: Any, answers: Any, connect: Any) -> None:
        server.will(answers.reply(401, {}))
        said = Pro2Hook(connect("pro2", server.url)).test_connection()[1]
        assert said.startswith("The API does not accept the key")

    def test_a_page_with_a_login_is_not_public(self, server: Any, answers: Any, connect: Any) -> None:
        server.will(answers.reply(401, {}))
        assert StatusFeedHook(connect("status_feed", server.url)).test_connection() == (
            False,
            "The page wants a login; give the address of a public status page.",
        )


class TestARightThatIsMissing:
    @pytest.mark.parametrize("what", ["campaigns", "contacts", "tags", "automations"])
    def test_is_named(self, sandbox: Sandbox, what: str) -> None:
        sandbox.goes_wrong("403", f"api/3/{what}$")
        good, said = sandbox.said()
        assert not good
        assert said.startswith(
            f"The key works, but its user may not see {what} (403): give his group the right to"
        )

    @pytest.mark.parametrize("path", ["console$", "activity$"])
    def test_in_the_dashboard(self, sandbox: Sandbox, path: str) -> None:
        sandbox.goes_wrong("403", path)
        assert (
            "may not see this (403): ask for the right to view Console and Activity Log"
            in sandbox.said("pro2_dashboard")[1]
        )

    def test_in_tessitura(self, sandbox: Sandbox, site: Any) -> None:
        site()
        sandbox.goes_wrong("403", "Lists/511")
        assert "its group may not read List Manager (403)" in sandbox.said("tessitura")[1]

    def test_a_list_that_is_not_there(self, sandbox: Sandbox, site: Any) -> None:
        site(tessitura_list="999")
        assert "Tessitura works, and has no list 999 (404)" in sandbox.said("tessitura")[1]

    def test_v1_may_be_closed_though_v3_works(self, sandbox: Sandbox) -> None:
        begin = "The API v3 works, and v1 (admin/api.php), over which campaigns are stopped and sent, "
        sandbox.goes_wrong("403", "admin")
        good, said = sandbox.said()
        assert not good
        assert said.startswith(f"{begin}refuses the key (403): ask ActiveCampaign")

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (200, {"result_code": 0, "result_message": SECRET}, "refuses the request (result_code 0)"),
            (404, {}, "is not there (404)"),
            (200, "<html>login", "with a web page"),
            (302, "", "redirects (302)"),
        ],
    )
    def test_v1_in_its_own_ways(
        self, server: Any, answers: Any, connect: Any, status: int, body: Any, words: str
    ) -> None:
        usual = [answers.reply(200, body) for body in list(ALL_IS_WELL.values())[:-1]]
        server.will(*usual, answers.reply(status, body))
        good, said = Pro2Hook(connect("pro2", server.url)).test_connection()
        assert not good
        assert words in said
        assert SECRET not in said


class TestAnAddressThatIsWrong:
    @pytest.mark.parametrize(
        ("host", "words"),
        [
            (
                "http://no-such-host.invalid",
                "The name no-such-host.invalid could not be looked up: check its spelling",
            ),
            ("http://127.0.0.1:1", "127.0.0.1:1 refuses the connection: check host and port"),
            ("", "This connection has host ''; give the base URL with its scheme"),
            ("ftp://x", "This connection has host 'ftp://x'; give the base URL"),
            ("http://x:port", "This connection has a host that is no URL"),
            (
                "https://account.api-us1.com/api/3",
                "The host ends with /api/3, which does not belong there; give the API",
            ),
            (
                "https://account.activehosted.com/app/campaigns",
                "The host ends with /app/campaigns, which does not",
            ),
        ],
    )
    def test_is_named_with_what_to_do(self, connect: Any, host: str, words: str) -> None:
        good, said = Pro2Hook(connect("pro2", host)).test_connection()
        assert not good
        assert said.startswith(words)

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (200, "<!DOCTYPE html><html>", "with a web page. Give the API URL that Pro2 shows"),
            (200, "half a js", "with something that is no JSON. Give the API URL"),
            (
                200,
                {"status": "ok"},
                "answers with JSON, but not as ActiveCampaign's API (v3) does. Give the API URL",
            ),
            (404, {}, "does not know ActiveCampaign's API (v3) (404). Give the API URL"),
            (400, {}, "refuses ActiveCampaign's API (v3) (400). Give the API URL"),
            (500, "", "answers 500: the service is down or broken just now"),
            (503, "", "answers 503: the service is down or broken just now"),
        ],
    )
    def test_and_something_else_answers(
        self, server: Any, answers: Any, connect: Any, status: int, body: Any, words: str
    ) -> None:
        server.will(answers.reply(status, body))
        good, said = Pro2Hook(connect("pro2", server.url)).test_connection()
        assert not good
        assert words in said

    def test_and_redirects_to_a_login(self, server: Any, answers: Any, connect: Any) -> None:
        server.will(answers.reply(302, "", Location=f"https://ui.example.org/login?key={SECRET}"))
        good, said = Pro2Hook(connect("pro2", server.url)).test_connection()
        assert not good
        assert "redirects (302) to https://ui.example.org. Give the API URL that Pro2 shows" in said

    def test_an_organization_that_the_dashboard_does_not_know(self, sandbox: Sandbox) -> None:
        good, said = sandbox.said("pro2_dashboard", extra={"organization": "opera"})
        assert not good
        assert "knows no organization 'opera' (404)" in said

    def test_no_organization(self, sandbox: Sandbox) -> None:
        assert (
            "This connection names no organization"
            in sandbox.said("pro2_dashboard", extra={"organization": ""})[1]
        )

    def test_a_login_with_a_part_missing(self, sandbox: Sandbox) -> None:
        said = sandbox.said("tessitura", login="reader")[1]
        assert said == "This connection has login 'reader'; Tessitura expects user:group:location"

    def test_a_page_that_is_no_status_page(self, sandbox: Sandbox) -> None:
        good, said = sandbox.said("status_feed")
        assert not good
        assert (
            "does not know a status page (Statuspage v2) (404). Give the address of the status page itself"
            in said
        )


class TestAHostThatDoesNotAnswer:
    def test_in_time(self, server: Any, answers: Any, connect: Any) -> None:
        server.will(answers.silence)
        good, said = Pro2Hook(connect("pro2", server.url, extra=IMPATIENT)).test_connection()
        assert not good
        assert "took the request and did not answer within 0.4 s" in said
        assert "raise timeout" in said

    @pytest.mark.parametrize("kind", ["timeout_before", "refuse"])
    def test_and_hangs_up(self, sandbox: Sandbox, kind: str) -> None:
        sandbox.goes_wrong(kind, "users/me")
        assert "closed the connection without a whole answer" in sandbox.said()[1]

    def test_in_whole(self, sandbox: Sandbox) -> None:
        sandbox.goes_wrong("truncated", "users/me")
        assert "with something that is no JSON" in sandbox.said()[1]

    def test_through_a_proxy_that_is_not_there(self, sandbox: Sandbox) -> None:
        good, said = sandbox.said(extra={"proxies": {"http": "http://127.0.0.1:1"}})
        assert not good
        assert said.startswith("The proxy on the way to 127.0.0.1")
