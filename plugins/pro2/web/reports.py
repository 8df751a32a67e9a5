"""The files of a report for a browser, which cannot open a bucket or the disk of a worker: ``/reports/NAME.html``.

Only files that may be shown (``pro2.files.SHOWN``), by their names in the one folder; the drift with its addresses is
none of them. A report is text from outside in markup of ours: the browser gets it without any right to run or to
fetch anything. Fails with 404 in a sentence for what is not there.
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from pro2.files import shown_file
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-downloads allow-popups",
    )
)
KINDS = {"html": "text/html", "txt": "text/plain", "csv": "text/csv", "json": "application/json"}


def report_routes() -> APIRouter:
    """``/reports/{name}``."""
    router = APIRouter()

    @router.get("/reports/{name}")
    def report(name: str) -> Response:
        try:
            body = shown_file(name)
        except ConfigurationError:
            raise
        except ReconciliationError as error:
            raise HTTPException(404, str(error)) from error
        kind = name.rpartition(".")[2]
        headers = {"content-security-policy": POLICY}
        if kind != "html":
            headers["content-disposition"] = f'attachment; filename="{name}"'
        return Response(body, media_type=f"{KINDS[kind]}; charset=utf-8", headers=headers)

    return router
