"""Everything that can be refused, as a sentence in JSON: ``{"detail": "..."}``, the shape that Airflow's API has."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pro2_reconciliation.domain.errors import LedgerError, LedgerUnavailable, ReconciliationError

NOT_LOGGED_IN = "nobody is logged in to Airflow here; log in, then open this page again"
WORDS = {401: NOT_LOGGED_IN, 404: "there is nothing at this address", 405: "this address does not take that"}
"""For answers of the framework, whose own words say less."""
_TERSE = {"Not authenticated", "Not Found", "Method Not Allowed", "Token Expired"}


def add_refusals(app: FastAPI) -> None:
    """Let the app answer each kind of error with its status and a sentence."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        terse = error.detail in _TERSE
        return _answer(
            error.status_code, WORDS.get(error.status_code, error.detail) if terse else error.detail
        )

    @app.exception_handler(RequestValidationError)
    async def misread(_: Request, error: RequestValidationError) -> JSONResponse:
        told = "; ".join(_mistake(one["loc"], one["msg"]) for one in error.errors())
        return _answer(422, f"{told}. Nothing was changed")

    @app.exception_handler(ReconciliationError)
    async def impossible(_: Request, error: ReconciliationError) -> JSONResponse:
        return _answer(status_of(error), str(error))


def status_of(error: ReconciliationError) -> int:
    """503: the ledger's database cannot be used now; 409: the ledger refuses; 422: a value that cannot be meant."""
    if isinstance(error, LedgerUnavailable):
        return 503
    return 409 if isinstance(error, LedgerError) else 422


def _mistake(where: tuple[int | str, ...], what: str) -> str:
    place = ".".join(str(part) for part in where if part != "body")
    return f"{place}: {what}" if place else what


def _answer(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
