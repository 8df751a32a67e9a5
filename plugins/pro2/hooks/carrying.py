"""What the four synchronous hooks share: an Airflow connection as a ``Transport``.

``carry`` sends exactly one request, once. It follows no redirect (a redirected POST becomes a GET, and a
token would travel to another host), repeats nothing, and returns a reply of any status. The tables of
:mod:`pro2_reconciliation.wire` judge it, and :mod:`pro2_reconciliation.wire.patience` repeats what may be
repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.exceptions import AirflowNotFoundException

from pro2.connection_types import ui_field_behaviour
from pro2.hooks import checkup, failures
from pro2.hooks.checkup import Look
from pro2.hooks.fence import fence
from pro2.hooks.pacing import TOO_MANY, Pacer
from pro2.hooks.punctual import PunctualAdapter
from pro2.hooks.settings import HTTP, Settings, missing, read_settings
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.wire.exchange import Reply, Request, retry_after


class HeaderAuth(requests.auth.AuthBase):
    """Puts a secret into one header; standing in ``session.auth`` it also keeps a ``.netrc`` out of it."""

    def __init__(self, name: str = "", value: str = "") -> None:
        self._name = name
        self._value = value

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._name:
            prepared.headers[self._name] = self._value
        return prepared


class CarryingHook(HttpHook):
    """A connection that carries requests. Subclasses say what authenticates and what a test asks for."""

    has_secret: ClassVar[bool] = True

    def __init__(self, conn_id: str, *, pacer: Pacer | None = None) -> None:
        super().__init__(http_conn_id=conn_id)
        self.pacer = pacer
        self._settings: Settings | None = None
        self._session: requests.Session | None = None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        return ui_field_behaviour(cls.conn_type)

    @property
    def settings(self) -> Settings:
        """What the connection says, looked up once; ``ConfigurationError`` if it is missing or impossible."""
        if self._settings is None:
            try:
                connection = self.get_connection(self.http_conn_id)
            except AirflowNotFoundException:
                raise missing(self.http_conn_id, self.conn_type) from None
            found = self._adapted(read_settings(self.http_conn_id, connection, connection.extra_dejson))
            if self.has_secret and found.adapter == HTTP and not found.secret:
                raise ConfigurationError(
                    f"connection {self.http_conn_id} has no password; the secret goes there"
                )
            self._settings = found
        return self._settings

    def carry(self, request: Request) -> Reply:
        """Send one request once and return its reply, whatever its status.

        Raises ``ReadOnly`` (a mutating request over a read-only connection, before anything is built),
        ``NeverSent`` (``TooLate``: a mutating request whose lease has run out; see ``wire.deadline``), ``Ambiguous``
        (mutating) or ``Unreadable`` (read).
        """
        settings = self.settings
        if request.mutating and settings.read_only:
            raise failures.read_only(request, settings.conn_id)
        if self.pacer is not None:
            self.pacer.wait()
        # An idle connection that the server is about to close would turn a send into "may have landed": what
        # must not be repeated gets a connection of its own.
        session = self._punctual_session() if request.mutating else self._shared_session()
        try:
            reply = self._sent(session, request, settings)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            raise ConfigurationError(
                f"connection {settings.conn_id} makes no valid request: {settings.without_secret(str(error))}"
            ) from None
        except requests.RequestException as error:
            why = failures.requests_never_sent(error)
            if why is not None:
                raise failures.never_sent(request, settings.conn_id, why) from error
            slow = isinstance(error, requests.Timeout)
            told = f"no answer within {settings.timeout:g} s" if slow else "the connection broke off"
            raise failures.lost(request, settings.conn_id, told) from error
        finally:
            if request.mutating:
                session.close()
        if self.pacer is not None and reply.status == TOO_MANY:
            self.pacer.hold(retry_after(reply.headers))
        return reply

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> requests.Session:
        """A new session. Over a read-only connection nothing that changes something leaves it, whoever uses it."""
        session = super().get_conn(headers, extra_options)
        return fence(session, self.settings.conn_id) if self.settings.read_only else session

    def close(self) -> None:
        """Close the kept session; the hook can be used again afterwards."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def test_connection(self) -> tuple[bool, str]:
        """Whether the connection works, and in words what is wrong where it does not."""
        return checkup.check(self, self.http_conn_id)

    def looks(self) -> Iterable[Look]:
        """The questions of a test, the cheapest that proves host and secret first."""
        raise NotImplementedError

    def remarks(self, answers: list[Any]) -> list[str]:
        """What else is worth saying of a connection that works; ``answers`` as JSON, one for each of the looks."""
        return []

    @property
    def stray_secrets(self) -> tuple[str, ...]:
        """The keys of the extra under which a secret seems to stand."""
        try:
            connection = self.get_connection(self.http_conn_id)
        except AirflowNotFoundException:
            return ()
        return checkup.stray_secrets(connection.extra_dejson, connection.password or "")

    def authentication(self, settings: Settings) -> requests.auth.AuthBase:
        """What puts the secret on each request."""
        return HeaderAuth()

    def _adapted(self, settings: Settings) -> Settings:
        """Checks and defaults of one connection type."""
        return settings

    def _punctual_session(self) -> requests.Session:
        session = self.get_conn()
        for scheme in ("https://", "http://"):
            session.mount(scheme, PunctualAdapter())
        return session

    def _shared_session(self) -> requests.Session:
        if self._session is None:
            self._session = self.get_conn()
        return self._session

    def _sent(self, session: requests.Session, request: Request, settings: Settings) -> Reply:
        prepared = session.prepare_request(
            requests.Request(
                request.method,
                settings.url(request.path),
                params=dict(request.params),
                data=None if request.form is None else dict(request.form),
                json=None if request.body is None else dict(request.body),
            )
        )
        response = session.send(
            prepared,
            timeout=settings.timeouts,
            allow_redirects=False,
            **session.merge_environment_settings(
                prepared.url, session.proxies, session.stream, session.verify, session.cert
            ),
        )
        return Reply(
            status=response.status_code,
            headers=dict(response.headers),
            text=settings.without_secret(response.content.decode("utf-8", errors="replace")),
        )

    # What HttpHook.get_conn asks for, from settings that were checked. The original would send every unknown
    # extra key, ``read_only`` and ``organization`` among them, as a header.

    def _set_base_url(self, connection: Any) -> None:
        self.base_url = self.settings.base_url
        self._base_url_initialized = True

    def _configure_session_from_auth(self, session: requests.Session, connection: Any) -> requests.Session:
        session.auth = self.authentication(self.settings)
        return session

    def _configure_session_from_extra(
        self, session: requests.Session, connection: Any, extra_options: dict[str, Any]
    ) -> requests.Session:
        only_http: Mapping[str, Any] = self.settings.http_options
        stripped = SimpleNamespace(extra_dejson=dict(only_http), host=self.settings.base_url)
        return super()._configure_session_from_extra(session, stripped, extra_options)
