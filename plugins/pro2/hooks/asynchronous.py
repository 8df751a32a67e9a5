"""The same connections in the triggerer: reads only, one session for one stream.

A triggerer restarts its triggers as it likes, so a mutating request is refused here whatever the connection
says. The connection is looked up once, with the asynchronous accessor: the triggerer forbids the other one in
its loop.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import aiohttp
from airflow.providers.http.hooks.http import HttpAsyncHook
from airflow.sdk.exceptions import AirflowNotFoundException
from asgiref.sync import sync_to_async

from pro2.connection_types import DASHBOARD, PRO2
from pro2.hooks import failures
from pro2.hooks.dashboard import no_host, with_organization
from pro2.hooks.export import ExportDashboard, open_export
from pro2.hooks.pacing import TOO_MANY, Pacer
from pro2.hooks.settings import HTTP, Settings, missing, read_settings
from pro2_reconciliation.domain.errors import ConfigurationError, ReadOnly
from pro2_reconciliation.domain.jobs import ActivityLog, Console
from pro2_reconciliation.wire import dashboard
from pro2_reconciliation.wire.exchange import Exchange, Reply, Request, adrive, retry_after

T = TypeVar("T")


class AsyncCarryingHook(HttpAsyncHook):
    """An asynchronous transport for reads; use it as ``async with`` or call :meth:`aclose`."""

    def __init__(self, conn_id: str, *, pacer: Pacer | None = None) -> None:
        super().__init__(http_conn_id=conn_id, retry_limit=1)
        self.pacer = pacer
        self._settings: Settings | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the session; the hook can be used again afterwards."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def settings(self) -> Settings:
        """What the connection says, looked up once; ``ConfigurationError`` if it is missing or impossible."""
        if self._settings is None:
            try:
                connection = await self.aget_connection(self.http_conn_id)
            except AirflowNotFoundException:
                raise missing(self.http_conn_id, self.conn_type) from None
            found = read_settings(self.http_conn_id, connection, await _extra(connection))
            if found.adapter == HTTP and not found.secret:
                raise ConfigurationError(
                    f"connection {self.http_conn_id} has no password; the secret goes there"
                )
            self._settings = self._adapted(found)
        return self._settings

    async def fetch(self, exchange: Exchange[T]) -> T:
        """Run one exchange; raises what the exchange raises."""
        return await adrive(exchange, self.acarry)

    async def acarry(self, request: Request) -> Reply:
        """Send one read once. Raises ``ReadOnly`` (mutating), ``NeverSent`` or ``Unreadable``."""
        if request.mutating:
            raise ReadOnly(
                f"{request.method} {request.path} was not sent: nothing is changed from the triggerer"
            )
        settings = await self.settings()
        if self.pacer is not None:
            await self.pacer.wait_async()
        session = self._opened(settings)
        try:
            async with session.request(
                request.method,
                settings.url(request.path),
                params=dict(request.params) or None,
                data=None if request.form is None else dict(request.form),
                json=None if request.body is None else dict(request.body),
                allow_redirects=False,
                **_tls(settings),
            ) as response:
                body = await response.read()
                text = settings.without_secret(body.decode("utf-8", errors="replace"))
                reply = Reply(response.status, dict(response.headers), text)
        except aiohttp.InvalidURL as error:
            raise ConfigurationError(
                f"connection {settings.conn_id} makes no valid request: {settings.without_secret(str(error))}"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            why = failures.aiohttp_never_sent(error)
            if why is not None:
                raise failures.never_sent(request, settings.conn_id, why) from error
            slow = isinstance(error, asyncio.TimeoutError)
            told = f"no answer within {settings.timeout:g} s" if slow else "the connection broke off"
            raise failures.lost(request, settings.conn_id, told) from error
        if self.pacer is not None and reply.status == TOO_MANY:
            await asyncio.to_thread(self.pacer.hold, retry_after(reply.headers))
        return reply

    async def run(self, *_: Any, **__: Any) -> NoReturn:
        """What Airflow's hook posts with. Raises ``ReadOnly``: use ``acarry``, which only reads."""
        raise ReadOnly("nothing was sent: nothing is changed from the triggerer")

    def session(self, method: str | None = None) -> NoReturn:
        """As ``run``: no session of Airflow's hook is handed out. Raises ``ReadOnly``."""
        raise ReadOnly("nothing was sent: nothing is changed from the triggerer")

    def headers(self, settings: Settings) -> dict[str, str]:
        """The header that carries the secret."""
        raise NotImplementedError

    def _adapted(self, settings: Settings) -> Settings:
        return settings

    def _opened(self, settings: Settings) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connect, silence = settings.timeouts
            self._session = aiohttp.ClientSession(
                headers=self.headers(settings),
                timeout=aiohttp.ClientTimeout(
                    total=connect + 2 * silence, sock_connect=connect, sock_read=silence
                ),
            )
        return self._session


class Pro2AsyncHook(AsyncCarryingHook):
    """Connection type ``pro2`` in the triggerer; shares its pace with every other process."""

    conn_name_attr = "pro2_conn_id"
    default_conn_name = "pro2_default"
    conn_type = PRO2

    def __init__(self, pro2_conn_id: str = default_conn_name, *, pacer: Pacer | None = None) -> None:
        super().__init__(pro2_conn_id, pacer=pacer)

    def headers(self, settings: Settings) -> dict[str, str]:
        return {"Api-Token": settings.secret}

    def _adapted(self, settings: Settings) -> Settings:
        if self.pacer is None and settings.pace_ms:
            self.pacer = Pacer(settings.base_url, settings.pace_ms)
        return settings


class DashboardAsyncHook(AsyncCarryingHook):
    """Connection type ``pro2_dashboard`` in the triggerer."""

    conn_name_attr = "pro2_dashboard_conn_id"
    default_conn_name = "pro2_dashboard_default"
    conn_type = DASHBOARD

    def __init__(self, pro2_dashboard_conn_id: str = default_conn_name) -> None:
        super().__init__(pro2_dashboard_conn_id)
        self._files: ExportDashboard | None = None

    async def activity(self, since: datetime, until: datetime) -> ActivityLog:
        """The Activity Log of [since, until), by requests or, in a thread, from the files of an export."""
        if (await self.settings()).adapter == HTTP:
            return await self.fetch(dashboard.activity(await self.organization(), since, until))
        if self._files is None:
            self._files = await asyncio.to_thread(open_export)
        # not to_thread: a storage may look a connection up, which a thread may do only in this loop's own way
        return await sync_to_async(self._files.activity)(since, until)

    async def console(self) -> Console | None:
        """What is queued or running now; None where the log is an export: that has no Console."""
        if (await self.settings()).adapter == HTTP:
            return await self.fetch(dashboard.console(await self.organization()))
        return None

    async def acarry(self, request: Request) -> Reply:
        settings = await self.settings()
        if settings.adapter != HTTP:
            raise no_host(request, settings)
        return await super().acarry(request)

    async def organization(self) -> str:
        """The organization whose jobs and log this connection shows."""
        return (await self.settings()).organization

    def headers(self, settings: Settings) -> dict[str, str]:
        return {"Authorization": f"Bearer {settings.secret}"}

    def _adapted(self, settings: Settings) -> Settings:
        return with_organization(settings)


async def _extra(connection: Any) -> dict[str, Any]:
    if hasattr(connection, "aextra_dejson"):
        return dict(await connection.aextra_dejson())
    return dict(connection.extra_dejson)


def _tls(settings: Settings) -> dict[str, Any]:
    if settings.http_options.get("verify", settings.http_options.get("verify_ssl", True)) is False:
        return {"ssl": False}
    return {}
