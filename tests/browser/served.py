"""The page alone, served on loopback over the ledger of a played incident, as one of Airflow's users.

In process: the sandbox, a clock that tests move, the real ledger, the real app. Airflow around it is a stand-in of a
few routes, kept in ``FakeAirflow``; the whole story on a real one is ``test_whole_story.py``.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from tests.incident.harness import Evening

from pro2.web.app import make_app
from pro2.web.opened import Opened
from pro2.web.people import Person, person
from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.ledger import Ledger, Witness

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_CHROMIUM = "no Chromium here; .ci/run installs one on Debian"
ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or ROOT / "build" / "screenshots")
"""Where the pictures of a run are kept: ``SCREENSHOTS=folder scripts/test browser``."""
ADMIN = Person("Ada", acts=True, answers=True, admin=True)
USER = Person("Uma", acts=True, answers=True)
VIEWER = Person("Vic")
FRAME = """<!doctype html><html lang="en" class="{theme}"><head><title>Airflow</title><base href="/">
<link rel="icon" href="pro2/static/icon.svg"></head>
<body><iframe title="Outages" src="pro2/" width="1240" height="900"
sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"></iframe></body></html>"""


class EveningOpened(Opened):
    """What the page shows of an evening: its site, its ledger, its clock."""

    def __init__(self, evening: Evening) -> None:
        super().__init__()
        self.evening = evening

    def now(self) -> datetime:
        return self.evening.clock.now()

    def site(self) -> Site:
        return self.evening.site

    def ledger(self) -> Ledger:
        return self.evening.ledger()

    def witness(self) -> Witness:
        return self.evening.witness


@dataclass
class FakeAirflow:
    """The routes of Airflow's API that the page uses. ``asked``: what it sent; ``questions``: what waits."""

    questions: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    answer_with: list[int] = field(default_factory=list)
    paused: tuple[str, ...] = ()

    def add_routes(self, app: FastAPI) -> None:
        @app.get("/api/v2/dags")
        def dags() -> Any:
            names = ("reconcile", "detect_outages", "guard_repairs")
            return {"dags": [{"dag_id": name, "is_paused": name in self.paused} for name in names]}

        @app.get("/api/v2/dags/reconcile/dagRuns/~/hitlDetails")
        def details() -> Any:
            return {
                "hitl_details": [q for q in self.questions if not q["response_received"]],
                "total_entries": 1,
            }

        @app.post("/api/v2/dags/reconcile/dagRuns")
        async def trigger(request: Request) -> Any:
            self.asked.append(("POST", request.url.path, await request.json()))
            return {"dag_run_id": "manual__2026-11-20T03:45:00+00:00"}

        @app.api_route("/api/v2/{path:path}", methods=["GET", "PATCH"])
        async def others(path: str, request: Request) -> Any:
            if request.method == "PATCH":
                return self._answered(await request.json(), request.url.path)
            return self.questions[0] if path.endswith("hitlDetails") else {"state": "success"}

        @app.get("/plugin/outages/{theme}")
        def frame(theme: str, request: Request) -> HTMLResponse:
            return HTMLResponse(FRAME.format(theme=theme))

    def _answered(self, body: Any, path: str) -> Any:
        self.asked.append(("PATCH", path, body))
        status = self.answer_with.pop(0) if self.answer_with else 200
        if status != 200:
            return JSONResponse({"detail": "it has already been updated"}, status)
        self.questions[0] |= {"response_received": True, "params_input": body["params_input"]}
        return {"responded_by": {"id": "1", "name": "Ada"}}


@dataclass
class Served:
    """Where the page is, who looks at it, and what is behind it."""

    url: str
    evening: Evening
    airflow: FakeAirflow
    who: Person = ADMIN

    def page(self, query: str = "") -> str:
        return f"{self.url}/pro2/{query}"


@contextmanager
def served(evening: Evening, opened: Opened | None = None) -> Iterator[Served]:
    """Serve the page over an evening, on a port of its own, until the block ends."""
    airflow = FakeAirflow()
    app = make_app(opened or EveningOpened(evening))
    around = FastAPI()
    airflow.add_routes(around)
    around.mount("/pro2", app)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = Served(f"http://127.0.0.1:{port}", evening, airflow)
        app.dependency_overrides[person] = lambda: found.who
        server = uvicorn.Server(uvicorn.Config(around, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join(10)
