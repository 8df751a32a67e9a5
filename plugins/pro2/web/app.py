"""The app behind the page "Outages": every route asks who is there, and every change where it comes from."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from pro2.web.bundles import bundle_routes
from pro2.web.opened import Opened
from pro2.web.origin import from_here
from pro2.web.pages import page_routes
from pro2.web.people import person
from pro2.web.reading import read_routes
from pro2.web.refusals import add_refusals
from pro2.web.reports import report_routes
from pro2.web.saying import say_route
from pro2.web.shell import Shell


def make_app(opened: Opened | None = None) -> FastAPI:
    """The page over the site and the ledger of ``opened``; by default those of this Airflow."""
    opened = opened or Opened()
    app = FastAPI(
        title="Outages",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(person), Depends(from_here)],
    )
    routers = (page_routes(), read_routes(opened), report_routes(), bundle_routes(opened), say_route(opened))
    for router in routers:
        app.include_router(router)
    add_refusals(app)
    app.add_middleware(Shell)
    return app
