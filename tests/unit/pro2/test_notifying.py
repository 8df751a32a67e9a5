"""At the end of a pass or a task people are told, once, by a real message; whatever goes wrong, the task goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput
from tests.unit.pro2.conftest import HOSTILE, Playing, make_context
from tests.unit.pro2.receiving import Hook, hook

from pro2 import notifying
from pro2.notifier import FailureNotifier
from pro2.operators.question import AskOperator
from pro2_reconciliation.domain.errors import LedgerError
from pro2_reconciliation.domain.outage import Outage
from pro2_reconciliation.ledger import Ledger
from pro2_reconciliation.repair.teller import Teller

SECRET = "hunter2-s3cr3t-t0k3n"
BASE = "https://airflow.example.org/airflow"


@pytest.fixture(scope="module")
def web() -> Iterator[Hook]:
    with hook() as running:
        yield running


@pytest.fixture
def chat(web: Hook, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """A connection to a web hook whose path is its secret."""
    web.got.clear()
    web.paths.clear()
    web.status = 200
    extra = {"config": {"path": f"{web.url}/{SECRET}", "tag": "ops"}}
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps({"conn_type": "apprise", "extra": extra}))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", BASE)
    monkeypatch.setattr(notifying, "_said", set())
    return web


@pytest.fixture
def named(site_folder: Path) -> Path:
    (site_folder / "notifications.yaml").write_text("everything: [chat]\n")
    return site_folder


@pytest.mark.usefixtures("named")
class TestAnOutage:
    def test_is_told_of_once_with_a_link_to_it_and_without_a_secret(
        self,
        chat: Hook,
        ledger: Ledger,
        outage: Callable[..., Outage],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        outage()
        with caplog.at_level(logging.DEBUG):
            for _ in range(3):
                notifying.tell(lambda teller: teller.detected(), context=make_context())
        (got,) = chat.got
        assert got["title"].startswith(
            "An outage was found for playhouse: sending, Thu 19 Nov 18:00-21:05 CST"
        )
        link = urlsplit(got["message"].splitlines()[-1].removeprefix("Outages: "))
        assert (link.scheme, link.netloc, link.path) == (
            "https",
            "airflow.example.org",
            "/airflow/plugin/outages",
        )
        assert parse_qs(link.query) == {"outage": ["3f2a"]}
        assert chat.paths == [f"/{SECRET}"]
        assert SECRET not in json.dumps(got)
        assert SECRET not in caplog.text
        assert SECRET not in json.dumps([dict(one.body) for one in ledger.deliveries("playhouse")])
        assert "Told chat «An outage was found" in caplog.text

    def test_that_could_not_be_told_of_is_told_of_by_a_later_pass(
        self, chat: Hook, outage: Any, clock: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        outage()
        chat.status = 503
        notifying.tell(lambda teller: teller.detected())
        assert "chat was not told «An outage was found" in caplog.text
        assert "it answered 503; it is tried again Thu 19 Nov 21:46 CST" in caplog.text
        chat.status = 200
        clock.shift(timedelta(minutes=1))
        notifying.tell(lambda teller: teller.guarded())  # whoever passes next, the guard too
        assert len(chat.titles) == 2

    def test_leads_nowhere_where_airflow_does_not_know_its_address_and_says_how_to_tell_it(
        self, chat: Hook, outage: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.delenv("AIRFLOW__API__BASE_URL")
        outage()
        with caplog.at_level(logging.INFO):
            notifying.tell(lambda teller: teller.detected())
        assert chat.got[0]["message"].endswith("Outages: /plugin/outages?outage=3f2a")
        assert "set base_url in section [api]" in caplog.text


class TestTheQuestion:
    @pytest.fixture
    def played(self, chat: Hook, play: Callable[..., Playing], monkeypatch: pytest.MonkeyPatch) -> Playing:
        playing = play(hostile=True, still=True)
        rules = playing.evening.site.notifications.model_copy(update={"everything": ("chat",)})
        site = playing.evening.site.model_copy(update={"notifications": rules})
        for module in ("pro2.notifying", "pro2.accounts"):
            monkeypatch.setattr(f"{module}.open_site", lambda: site)
        return playing

    def test_is_told_of_once_when_it_is_asked_with_a_link_to_answer_it_and_names_are_text(
        self, played: Playing, chat: Hook, executable: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **_: None)
        xcoms = {"resolve_window": played.resolved, "build_plan": played.plan().hash}
        for _ in range(2):  # the task was cleared
            task = AskOperator(task_id="ask", response_timeout=timedelta(hours=12))
            with pytest.raises(TaskAwaitingInput):
                task.execute(played.context(task_id="ask", xcoms=xcoms) | {"task": task})
        (got,) = chat.got
        assert got["title"].startswith("Answer needed: what may be done for ")
        assert HOSTILE in got["message"], "a name is shown as it is, and never rendered"
        assert f"{BASE}/dags/reconcile/runs/outage__1__g1/tasks/ask/required_actions" in got["message"]


@pytest.mark.usefixtures("named", "ledger")
class TestATaskThatFailed:
    def test_is_told_of_with_its_log_and_without_the_secret_that_it_named(self, chat: Hook) -> None:
        error = RuntimeError(f"POST https://kim:{SECRET}@pro2.example.org failed; api_key={SECRET}")
        context = make_context(run_id="manual__1", task_id="report") | {"exception": error}
        for _ in range(2):
            FailureNotifier().notify(context)
        (got,) = chat.got
        assert got["title"] == "ALARM for playhouse: a dag run of reconcile failed"
        assert "Task report of dag run manual__1 failed" in got["message"]
        assert SECRET not in got["message"]
        assert f"{BASE}/dags/reconcile/runs/manual__1/tasks/report" in got["message"]


class TestWhateverGoesWrong:
    def test_nobody_is_named_and_that_is_said_once(
        self, chat: Hook, ledger: Ledger, site_folder: Path, outage: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        outage()
        with caplog.at_level(logging.INFO):
            notifying.tell(lambda teller: teller.detected())
            notifying.tell(lambda teller: teller.detected())
        assert caplog.text.count("notifications.yaml names no connection (docs/notifications.md)") == 1
        assert chat.got == []
        assert ledger.deliveries("playhouse") == []

    @pytest.mark.usefixtures("named")
    def test_one_kind_of_news_hides_no_other(
        self, chat: Hook, ledger: Ledger, outage: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken(teller: Teller) -> None:
            raise ZeroDivisionError(SECRET)

        outage()
        notifying.tell(broken, lambda teller: teller.outages())
        assert len(chat.got) == 1
        assert "Some news could not be written down (ZeroDivisionError)" in caplog.text

    @pytest.mark.usefixtures("named", "chat")
    def test_the_ledger_is_away_and_the_task_goes_on(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def away() -> Ledger:
            raise LedgerError("the ledger cannot be reached")

        monkeypatch.setattr(notifying, "open_ledger", away)
        notifying.tell(lambda teller: teller.detected())
        assert "Nobody could be told anything now (the ledger cannot be reached)" in caplog.text

    def test_the_file_is_wrong_and_the_task_goes_on(
        self, site_folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (site_folder / "notifications.yaml").write_text("everthing: [chat]\n")
        notifying.tell(lambda teller: teller.detected())
        assert "unknown key 'everthing'; did you mean 'everything'?" in caplog.text


@pytest.mark.usefixtures("named", "ledger", "chat")
@pytest.mark.parametrize(
    ("states", "waits"),
    [({"ask": "awaiting_input"}, True), ({"ask": "success"}, False), ({"ask": None}, False), ({}, True)],
)
def test_a_reminder_asks_airflow_whether_the_question_still_waits(
    states: dict[str, Any], waits: bool
) -> None:
    """What cannot be asked waits: a reminder too many is better than none."""
    context = make_context()
    context["ti"].get_task_states = lambda dag_id, task_ids, run_ids: {run_ids[0]: states}
    assert notifying._still_asked(context, "outage__1__g1") is waits
    assert notifying._still_asked(None, "outage__1__g1")
