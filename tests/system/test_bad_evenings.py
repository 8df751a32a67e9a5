"""More bad evenings on a real Airflow, in the long form: what ``test_bad_evening.py`` has no time for.

The oracle is the sandbox, which knows every effect. One Airflow (PostgreSQL, two schedulers) serves all evenings.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from tests.system.evening import (
    COPY,
    RECONCILE,
    REPEAT_IMPORT,
    RUN_NOW,
    SEND,
    STOP,
    Evening,
    all_is_well,
    each_thing_was_done_once,
)
from tests.system.site import AirflowSite

from pro2_sandbox.local.processes import wait_until
from pro2_sandbox.local.wire import AirflowApiError

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="two evenings on a real Airflow take minutes: CHAOS=long scripts/test system",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    with AirflowSite(tmp_path_factory.mktemp("site")) as running:
        yield running


def kill_the_question(evening: Evening, run_id: str) -> None:
    """SIGKILL to the process of the question; Airflow names it by its task instance."""
    title = f"airflow worker -- {evening.question(run_id)['task_instance']['id']}"
    found = [one for one in psutil.process_iter(["cmdline"]) if title in " ".join(one.info["cmdline"] or ())]
    assert found, f"no process is called {title!r}"
    for one in found:
        one.kill()


def test_whoever_acts_is_killed_at_each_act_and_nothing_is_lost_or_done_twice(site: AirflowSite) -> None:
    """The first dag run fails; who writes the answer dies, and each kind of step; then everything is cleared."""
    with site.evening() as evening, ThreadPoolExecutor() as people:
        first = evening.begin()
        evening.await_task(first, "resolve_window", "success")
        evening.api.fail_dag_run(RECONCILE, first)
        evening.a_quarter_of_an_hour_passes()
        run_id = evening.detected(generation=2)

        evening.await_question(run_id)
        with evening.nobody_can_answer() as waiting:
            answers = [people.submit(evening.answer, run_id)]
            wait_until(lambda: waiting() > 0, timeout=180, what="a worker that writes the answer")
            kill_the_question(evening, run_id)
        answers.append(people.submit(evening.answer, run_id))  # Airflow has forgotten it, and asks once more
        for act in (STOP, REPEAT_IMPORT, RUN_NOW, COPY, SEND):
            with site.relay.holding(act) as held:
                held.wait(300)
                held.kill()
            evening.three_minutes_pass()
        for answer in answers:
            answer.result()
        assert evening.finish(run_id) == "success"
        all_is_well(evening, run_id)

        evening.api.clear(RECONCILE, run_id, ["resolve_window"])
        assert evening.finish(run_id) == "success"
        each_thing_was_done_once(evening)


def test_an_airflow_that_was_away_looks_again_and_an_old_answer_means_nothing_to_a_new_plan(
    site: AirflowSite,
) -> None:
    """Then the dag run that asks again repairs what is left, once, while somebody clears what it has just done."""
    assert site.airflow is not None
    with site.evening() as evening:
        site.airflow.kill("triggerer")
        found = evening.begin()
        evening.await_all(found, "watch_campaign", "deferred", 2)
        evening.await_all(found, "watch_occurrence", "deferred", 2)
        site.stop()
        evening.nobody_looked_for_twenty_minutes(found)
        site.start()
        old = evening.await_question(found)

        assert evening.sandbox.do({"does": "duplicate_and_send", "item": "103"})
        assert "watch_campaign" in evening.api.clear(RECONCILE, found, ["take_inventory"])
        again = evening.await_question(found)
        assert again["options"] == old["options"], "Airflow goes on showing the first question"
        with pytest.raises(AirflowApiError, match="answers the question of another plan"):
            evening.answer(found)
        assert evening.finish(found) == "failed", "a question that failed is not a dag run that went well"
        assert evening.effects() == Counter()

        third = evening.asked_again()
        evening.answer(third)
        evening.await_task(third, "confirm_stop_campaign", "deferred")
        evening.api.clear(RECONCILE, third, [("stop_campaign", 0)])
        assert evening.finish(third) == "success"
        each_thing_was_done_once(evening, by_hand="103")
        assert evening.report(third)["104"].outcome == "verified"
