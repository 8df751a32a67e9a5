"""Over a read-only connection nothing that changes anything leaves, whichever way it is asked for.

What is tried is found by looking: every method of every port, every hook, every way to send that a hook inherits. A
new one is tried as well, or fails here until this file knows what to give it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import tenacity
from airflow.providers.http.hooks.http import HttpAsyncHook, HttpHook
from airflow.sdk import BaseHook
from tests.unit.served import Served

from pro2.hooks.asynchronous import AsyncCarryingHook, DashboardAsyncHook, Pro2AsyncHook
from pro2.hooks.carrying import CarryingHook
from pro2.hooks.dashboard import Pro2DashboardHook
from pro2.hooks.export import ExportDashboard
from pro2.hooks.plain import PlainHook
from pro2.hooks.pro2 import Pro2Hook
from pro2.hooks.status_feed import StatusFeedHook
from pro2.hooks.tessitura import TessituraHook
from pro2_reconciliation.domain import ports as protocols
from pro2_reconciliation.domain.errors import ReadOnly, ReconciliationError
from pro2_reconciliation.wire import ports as over_the_wire
from pro2_reconciliation.wire import v1
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort
from pro2_sandbox import World, load_incident

NOW = datetime.now(UTC)
GIVEN: dict[str, Any] = {
    "campaign_id": "103",
    "campaign_ids": ["103"],
    "contact_id": "1",
    "contact_ids": ["1"],
    "tag": "Members",
    "tag_id": "11",
    "prefix": "M",
    "automation_id": "41",
    "job_id": "j-202",
    "list_id": "501",
    "name": "Members",
    "holders": 1,
    "edge": NOW - timedelta(days=1),
    "since": NOW - timedelta(days=1),
    "until": NOW,
    "start": NOW - timedelta(days=1),
    "end": NOW,
    "lead": timedelta(hours=1),
    "most": 20,
}
"""What to give for a parameter of this name; a port with a new one is tried once it stands here."""
OVERRIDES: dict[str, dict[str, Any]] = {"add_tag": {}, "remove_tag": {}}
"""A contact without the tag, and one with it, else nothing would have to be written; ``world`` fills them in."""
PORTS: dict[type, Callable[[], Any]] = {
    ActiveCampaignPort: lambda: ActiveCampaignPort(Pro2Hook("pro2"), sleep=lambda _: None),
    DashboardPort: lambda: DashboardPort(
        Pro2DashboardHook("pro2_dashboard"), "playhouse", sleep=lambda _: None
    ),
    ListsPort: lambda: ListsPort(TessituraHook("tessitura"), sleep=lambda _: None),
}
CHANGES = {
    "stop", "copy", "send", "add_tag", "remove_tag", "stop_run", "run_now", "repeat_import", "import_list",
}  # fmt: skip


def methods(kind: type) -> list[str]:
    return [name for name, found in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"]


CALLS = [(kind, name) for kind in PORTS for name in methods(kind)]


def arguments(kind: type, name: str) -> dict[str, Any]:
    wanted = list(inspect.signature(getattr(kind, name)).parameters.values())[1:]
    given = GIVEN | OVERRIDES.get(name, {})
    unknown = [one.name for one in wanted if one.default is one.empty and one.name not in given]
    assert unknown == [], f"tell GIVEN what to give {kind.__name__}.{name} for {unknown}"
    return {one.name: given[one.name] for one in wanted if one.default is one.empty}


def reads(request: Request) -> bool:
    if request.path == v1.PATH:
        return (request.form or {}).get("api_action") in v1.READING
    return request.method == "GET"


@pytest.fixture
def asked() -> list[Request]:
    return []


def after_the_outage() -> World:
    """An account in peace: the outage of the evening is over."""
    ahead = [timedelta(0)]
    made = World(load_incident("evening-outage"), rate_limit=None, clock=lambda: datetime.now(UTC) + ahead[0])
    ahead[0] = timedelta(hours=1)
    held = made.contacts.tags[int(GIVEN["tag_id"])].held
    OVERRIDES["remove_tag"]["contact_id"] = str(next(iter(held)))
    OVERRIDES["add_tag"]["contact_id"] = str(next(one for one in made.contacts.all if one not in held))
    return made


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    made = Served(after_the_outage())
    yield made
    made.stop()


@pytest.fixture
def served(shared: Served) -> Served:
    """Nothing may change in it, so one serves all; what is there by then is not ``ours``."""
    shared.world.advance()
    shared.world.effects.log.clear()
    return shared


@pytest.fixture
def connections(served: Served, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    def define(read_only: Any) -> None:
        extra = {} if read_only is None else {"read_only": read_only}
        for name, value in served.connections(pro2=extra, pro2_dashboard=extra).items():
            monkeypatch.setenv(name, value)

    return define


@pytest.fixture
def recorded(asked: list[Request], monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What hooks are asked to carry."""
    carry = CarryingHook.carry

    def recording(hook: CarryingHook, request: Request) -> Reply:
        asked.append(request)
        return carry(hook, request)

    monkeypatch.setattr(CarryingHook, "carry", recording)
    return asked


def ours(served: Served) -> list[Any]:
    return [effect for effect in served.world.effects.log if effect.by == "us"]


def test_every_port_of_the_wire_is_tried() -> None:
    made = {
        kind
        for _, kind in inspect.getmembers(over_the_wire, inspect.isclass)
        if kind.__module__ == over_the_wire.__name__
    }
    assert {kind for kind in made if kind.__name__[0] != "_"} == set(PORTS)


def test_every_method_of_the_domains_ports_is_tried() -> None:
    wanted = {
        name
        for _, protocol in inspect.getmembers(protocols, inspect.isclass)
        if protocol.__module__ == protocols.__name__ and protocol is not protocols.Clock
        for name in methods(protocol)
    }
    assert wanted <= {name for _, name in CALLS}


def test_what_changes_something_says_so_of_itself(
    recorded: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over connections that may act, so that each call goes as far as it can."""
    other = Served(after_the_outage())
    writable = {"read_only": False}
    for name, value in other.connections(pro2=writable, pro2_dashboard=writable).items():
        monkeypatch.setenv(name, value)
    found: dict[str, list[Request]] = {}
    for kind, name in CALLS:
        recorded.clear()
        with contextlib.suppress(ReconciliationError):  # what the world refuses was asked for all the same
            getattr(PORTS[kind](), name)(**arguments(kind, name))
        found[name] = list(recorded)
    other.stop()
    changing = {name for name, requests in found.items() if not all(map(reads, requests))}
    assert changing == CHANGES
    assert all(request.mutating != reads(request) for requests in found.values() for request in requests)


@pytest.mark.parametrize("said", [None, True, "yes", "", 1, "off the record"], ids=repr)
def test_no_port_changes_anything_over_a_read_only_connection(
    served: Served, connections: Callable[[Any], None], said: Any
) -> None:
    connections(said)
    refused = set()
    for kind, name in CALLS:
        try:
            getattr(PORTS[kind](), name)(**arguments(kind, name))
        except ReadOnly:
            refused.add(name)
        except ReconciliationError:
            pass
    assert refused == CHANGES
    assert ours(served) == []


@pytest.mark.parametrize(("kind", "name"), [call for call in CALLS if call[1] in CHANGES])
def test_a_request_that_forgot_to_say_that_it_changes_something_does_not_leave_either(
    served: Served, connections: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, kind: type, name: str
) -> None:
    connections(True)
    carry = CarryingHook.carry
    forgetful = lambda hook, request: carry(  # noqa: E731
        hook, Request(request.method, request.path, request.params, request.form, request.body)
    )
    monkeypatch.setattr(CarryingHook, "carry", forgetful)
    with pytest.raises(ReadOnly):
        getattr(PORTS[kind](), name)(**arguments(kind, name))
    assert ours(served) == []


HOOKS = sorted(CarryingHook.__subclasses__(), key=lambda kind: kind.__name__)
INHERITED = {
    "run": lambda hook, path: hook.run(
        path, data={"api_action": "campaign_status", "id": "103", "status": "4"}
    ),
    "run_with_advanced_retry": lambda hook, path: hook.run_with_advanced_retry(
        {"stop": tenacity.stop_after_attempt(1), "reraise": True}, path
    ),
    "run_and_check": lambda hook, path: hook.run_and_check(
        hook.get_conn(), _post(hook, path), {"timeout": 5, "check_response": False}
    ),
    "get_conn": lambda hook, path: hook.get_conn().post(f"{hook.settings.base_url}{path}"),
}
"""The ways to send something that Airflow's hook has."""
HARMLESS = {"auth_type", "check_response", "url_from_endpoint", "test_connection", "get_ui_field_behaviour"}
WRITES = (
    ("POST", "/admin/api.php"),
    ("POST", "/api/3/campaigns/103/copy"),
    ("PUT", "/api/3/campaigns/103/edit"),
    ("PATCH", "/api/3/contacts/1"),
    ("DELETE", "/api/3/contactTags/1"),
    ("POST", "/dashboard/v1/organizations/playhouse/jobs/j-202/run-now"),
)


def _post(hook: Any, path: str) -> Any:
    import requests

    request = requests.Request(hook.method, f"{hook.settings.base_url}{path}")
    return hook.get_conn().prepare_request(request)


def test_no_way_to_send_of_airflows_hooks_is_overlooked() -> None:
    """A provider that brings another one makes this fail: then try it below."""
    public = {name for name in vars(HttpHook) if name[0] != "_" and callable(getattr(HttpHook, name))}
    assert public - HARMLESS == set(INHERITED)
    public = {
        name for name in vars(HttpAsyncHook) if name[0] != "_" and callable(getattr(HttpAsyncHook, name))
    }
    assert public == {"config", "run", "session"}


@pytest.mark.parametrize("kind", HOOKS)
@pytest.mark.parametrize("way", INHERITED)
def test_no_inherited_way_changes_anything_over_a_read_only_connection(
    served: Served, connections: Callable[[Any], None], kind: type[CarryingHook], way: str
) -> None:
    connections(True)
    for method, path in WRITES:
        hook: Any = kind(kind.conn_type)  # type: ignore[call-arg]
        hook.method = method
        with pytest.raises(ReadOnly):
            INHERITED[way](hook, path)
    assert ours(served) == []


@pytest.mark.parametrize(
    "query",
    ["api_action=campaign_status&status=4", "api_action=campaign_list&api_action=campaign_status", ""],
)
def test_v1_is_not_spoken_to_by_an_address(
    served: Served, connections: Callable[[Any], None], query: str
) -> None:
    """v1 takes its action from the address too, whatever the method."""
    connections(True)
    hook: Any = Pro2Hook("pro2")
    with pytest.raises(ReadOnly):
        hook.get_conn().get(f"{served.url}/admin/api.php?{query}&id=103")


@pytest.mark.parametrize("kind", sorted(AsyncCarryingHook.__subclasses__(), key=lambda kind: kind.__name__))
@pytest.mark.parametrize("said", [True, False])
def test_nothing_is_changed_from_the_triggerer_whatever_the_connection_says(
    served: Served, connections: Callable[[Any], None], kind: type[AsyncCarryingHook], said: bool
) -> None:
    connections(said)

    async def tried() -> None:
        async with kind(kind.conn_type) as hook:
            with pytest.raises(ReadOnly):
                await hook.acarry(Request("POST", "api/3/campaigns/103/copy", mutating=True))
            with pytest.raises(ReadOnly):
                await hook.run(endpoint="/api/3/campaigns/103/copy")
            with pytest.raises(ReadOnly):
                async with hook.session():
                    pass

    asyncio.run(tried())
    assert ours(served) == []


def test_all_hooks_are_tried() -> None:
    assert set(HOOKS) == {Pro2DashboardHook, Pro2Hook, StatusFeedHook, TessituraHook}
    assert {Pro2AsyncHook, DashboardAsyncHook} == set(AsyncCarryingHook.__subclasses__())
    assert all(issubclass(kind, BaseHook) for kind in HOOKS)


def test_a_plain_look_is_a_get_whatever_is_asked(served: Served) -> None:
    reply = PlainHook(f"{served.url}/api/v2/incidents.json", 5).carry(Request("POST", "x", mutating=True))
    assert reply.status in (200, 404, 405)
    assert ours(served) == []


@pytest.mark.parametrize("name", sorted(methods(protocols.JobActions)))
def test_an_export_presses_nothing(name: str) -> None:
    given = arguments(protocols.JobActions, name)
    with pytest.raises(ReadOnly):
        getattr(ExportDashboard, name)(object(), **given)
