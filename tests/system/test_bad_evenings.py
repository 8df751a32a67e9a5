"""A real Airflow on a bad day: dag runs at once, processes killed in the middle of an act, tasks cleared by people.

The oracle is the sandbox, which knows every effect. Whatever happens to Airflow, each thing is done once, nothing is
lost, and every report says so. One Airflow (PostgreSQL, two schedulers) serves all evenings of this module.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.system.evening import RECONCILE, RUN_NOW, SEND, STOP, all_is_well, each_thing_was_done_once
from tests.system.site import AirflowSite

from pro2_sandbox.demo.approval import Approval
from pro2_sandbox.local.wire import AirflowApiError

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="three evenings take eight minutes: CHAOS=long scripts/test system",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    with AirflowSite(tmp_path_factory.mktemp("site")) as running:
        yield running


def test_dag_runs_at_once_do_each_thing_once_though_every_process_is_killed_in_the_middle(
    site: AirflowSite,
) -> None:
    """Nightly, detection and a person start at once; then whoever acts is killed between request and answer."""
    with site.evening() as evening, ThreadPoolExecutor() as people:
        evening.nightly_soon()
        found = evening.begin()
        runs = [found, evening.by_hand("manual")]

        evening.await_task(found, "watch_campaign", "deferred")
        site.airflow.kill("triggerer")
        site.airflow.launch("triggerer")

        with site.relay.holding(STOP) as stop:
            answers = [people.submit(evening.answer, run_id) for run_id in runs]
            stop.wait(300)
            stop.kill()
        for answer in answers:
            answer.result()
        with site.relay.holding(RUN_NOW) as press:
            evening.three_minutes_pass()
            press.wait(300)
            site.airflow.kill("scheduler")
            site.airflow.kill("scheduler-2")
            site.airflow.launch("scheduler")
            site.airflow.launch("scheduler-2")
        with site.relay.holding(SEND) as send:
            evening.three_minutes_pass()
            send.wait(300)
            send.kill()
            with site.relay.refusing():
                site.airflow.kill("api-server")
                site.airflow.launch("api-server")
                site.await_health()
        evening.three_minutes_pass()

        assert [evening.finish(run_id) for run_id in runs] == ["success", "success"]
        all_is_well(evening, *runs)
        nightly = evening.nightly()
        assert nightly is not None
        assert evening.finish(nightly) == "success"
        assert {row.outcome for row in evening.report(nightly).values()} <= {"proposed", "verified"}

        for cleared in ("send_campaign", "ask"):
            assert cleared in evening.api.clear(RECONCILE, found, [cleared])
            assert evening.finish(found) == "success"
            all_is_well(evening, found)


def test_an_airflow_that_was_away_saw_nothing_and_an_old_answer_means_nothing_to_a_new_plan(
    site: AirflowSite,
) -> None:
    """Then the next dag run repairs what is left, once, while somebody clears what it has just done."""
    with site.evening() as evening:
        site.airflow.kill("triggerer")
        found = evening.begin()
        evening.await_all(found, "watch_campaign", "deferred", 2)
        evening.await_all(found, "watch_occurrence", "deferred", 2)
        site.stop()
        evening.nobody_looked_for_twenty_minutes(found)
        site.start()
        assert evening.finish(found) == "success"
        assert {row.outcome for row in evening.report(found).values()} == {"needs_human"}

        second = evening.by_hand("second")
        old = evening.await_question(second)
        assert evening.sandbox.do({"does": "duplicate_and_send", "item": "103"})
        assert "watch_campaign" in evening.api.clear(RECONCILE, second, ["take_inventory"])
        again = evening.await_question(second)
        assert again["options"] == old["options"]
        with pytest.raises(AirflowApiError, match="answers the question of another plan"):
            evening.answer(second)
        assert evening.finish(second) == "failed", "a question that failed is not a dag run that went well"
        assert evening.effects() == Counter()
        assert "verified" not in {row.outcome for row in evening.report(second).values()}

        third = evening.by_hand("third")
        evening.answer(third)
        evening.await_task(third, "confirm_stop_campaign", "deferred")
        evening.api.clear(RECONCILE, third, [("stop_campaign", 0)])
        assert evening.finish(third) == "success"
        each_thing_was_done_once(evening, by_hand="103")
        assert evening.report(third)["103"].rule == "C6"


def test_without_an_api_each_step_waits_in_airflow_for_the_person_who_presses(
    site: AirflowSite, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also: what nobody approved stays untouched."""
    with site.evening(actions="manual") as evening:
        found = evening.begin()
        assert evening.press(found, Approval(ids=("103", "j-1"))) == "success"
        assert evening.effects() == Counter()
        outcomes = {item: row.outcome for item, row in evening.report(found).items()}
        assert outcomes == {"103": "verified", "j-1": "verified", "104": "not chosen", "j-2": "not chosen"}
        assert evening.truth()["mailed_twice"] == []
    printed = capsys.readouterr().out
    for verb in ("stop campaign", "copy campaign", "send campaign", "repeat import"):
        assert f"Please do this by hand: {verb}, " in printed
