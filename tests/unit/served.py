"""A sandbox behind a real socket on loopback, for what is tested with the hooks that carry requests."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from pro2_sandbox import World, create_app
from pro2_sandbox.__main__ import DropConnections


class Served:
    """``url`` answers until ``stop``; ``connections`` are those of its account, as Airflow reads them."""

    def __init__(self, world: World) -> None:
        self.show(world)
        config = uvicorn.Config(
            DropConnections(self._answer), log_level="warning", proxy_headers=False, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def show(self, world: World) -> None:
        """From now on it is this one; starting a server takes longer than most tests."""
        self.world, self._app = world, create_app(world)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def connections(self, **extras: dict[str, Any]) -> dict[str, str]:
        """Environment variable to value; ``extras`` by connection id are added to its extra."""
        tokens = self.world.incident.tokens
        parts: dict[str, dict[str, Any]] = {
            "pro2": {"password": tokens.api_token},
            "pro2_dashboard": {"password": tokens.dashboard_token},
            "tessitura": {"login": tokens.tessitura_user, "password": tokens.tessitura_password},
            "status_feed": {"host": f"{self.url}/status"},
        }
        common = {"timeout": 5, "pace_ms": 0, "organization": self.world.incident.organization}
        return {
            f"AIRFLOW_CONN_{name.upper()}": json.dumps(
                {"conn_type": name, "host": self.url, "extra": {**common, **extras.get(name, {})}, **part}
            )
            for name, part in parts.items()
        }
