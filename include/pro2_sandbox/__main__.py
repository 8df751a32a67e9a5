"""``python -m pro2_sandbox``: serve an incident on loopback, or check a file.

Only loopback: the tokens are printed and guard nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from pro2_sandbox.app import create_app
from pro2_sandbox.faults import ConnectionDropped, Refused
from pro2_sandbox.incident import Incident
from pro2_sandbox.loader import IncidentError, incident_schema, load_incident
from pro2_sandbox.world import World


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pro2_sandbox", description="A local stand-in for a Pro2 account."
    )
    parser.add_argument(
        "--incident", default="evening-outage", metavar="FILE", help="YAML file, or a shipped name"
    )
    parser.add_argument("--host", default="127.0.0.1", type=_loopback, help="a loopback address")
    parser.add_argument("--port", default=8715, type=int)
    parser.add_argument("--check", metavar="FILE", help="only check an incident file")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema of incident files")
    options = parser.parse_args(arguments)
    if options.schema:
        print(json.dumps(incident_schema(), indent=2))
        return 0
    try:
        incident = load_incident(options.check or options.incident)
    except IncidentError as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        print(_summary(incident))
        return 0
    if incident.t0 is not None:
        print(
            f"«{incident.name}» happens on {incident.t0:%Y-%m-%d} only, so it needs a clock of its own; "
            "play it in process (docs/sandbox.md), or serve another one",
            file=sys.stderr,
        )
        return 2
    return _serve(World(incident), options.host, options.port)


def _serve(world: World, host: str, port: int) -> int:
    import uvicorn

    shown = f"[{host}]" if ":" in host else host
    tokens = world.incident.tokens
    print(
        f"http://{shown}:{port}  {world.incident.name}  T0 {world.t0:%H:%M:%S}Z"
        f"  Api-Token: {tokens.api_token}  dashboard Bearer: {tokens.dashboard_token}"
        f"  Tessitura: {tokens.tessitura_user} / {tokens.tessitura_password}",
        flush=True,
    )
    uvicorn.run(
        DropConnections(create_app(world)),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    return 0


class DropConnections:
    """Turns the exceptions of a lost connection into a connection that closes without an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except (ConnectionDropped, Refused):
            # uvicorn hands the request's own object along as the owner of `send`; its transport is the socket.
            transport = getattr(getattr(send, "__self__", None), "transport", None)
            if transport is None:
                raise
            transport.abort()
            # Let uvicorn notice that the client is gone, so that it does not try to answer for us.
            for _ in range(3):
                await asyncio.sleep(0)


def _summary(incident: Incident) -> str:
    parts = [f"{len(incident.campaigns)} campaigns", f"{len(incident.jobs)} jobs"]
    parts += [f"{len(incident.automations)} automations", f"{len(incident.expected)} expected items"]
    return f"{incident.name}: {', '.join(parts)}; it is a complete incident"


def _loopback(text: str) -> str:
    try:
        if text == "localhost" or ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a loopback address; use 127.0.0.1")


if __name__ == "__main__":
    sys.exit(main())
