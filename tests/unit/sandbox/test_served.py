"""The sandbox behind a real socket: a dropped connection closes without an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from tests.unit.sandbox.desk import SMALL

from pro2_sandbox import World, build_incident, create_app
from pro2_sandbox.__main__ import DropConnections


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    world = World(build_incident(SMALL))
    config = uvicorn.Config(DropConnections(create_app(world)), log_level="warning", proxy_headers=False)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    headers = {"Api-Token": world.incident.tokens.api_token}
    with httpx.Client(
        base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", headers=headers, trust_env=False
    ) as made:
        yield made
    server.should_exit = True
    thread.join(10)


def test_a_connection_is_dropped_after_the_effect_and_the_next_request_is_answered(client, caplog):
    client.post("/sandbox/faults", json={"match": {"path_regex": "/copy$"}, "kind": "timeout_after"})
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/api/3/campaigns/103/copy")
    assert client.get("/api/3/campaigns/104").json()["campaign"]["source"] == "copy"
    assert not caplog.records


def test_a_slow_answer_comes_when_the_client_has_given_up_and_its_effect_stands(client):
    client.post("/sandbox/faults", json={"match": {"path_regex": "/copy$"}, "kind": "slow", "seconds": 0.4})
    with pytest.raises(httpx.ReadTimeout):
        client.post("/api/3/campaigns/103/copy", timeout=0.2)
    assert client.get("/api/3/campaigns/104").json()["campaign"]["source"] == "copy"
