"""More bad evenings on a real Airflow, in the long form: what ``test_bad_evening.py`` has no time for.

The oracle is the sandbox, which knows every effect. One Airflow (PostgreSQL, two schedulers) serves all evenings.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.system.evening import RECONCILE, all_is_well, each_thing_was_done_once
from tests.system.site import AirflowSite

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


def test_an_outage_whose_dag_run_failed_before_it_had_a_plan_gets_another_one(site: AirflowSite) -> None:
    with site.evening() as evening:
        first = evening.begin()
        evening.await_task(first, "resolve_window", "success")
        evening.api.fail_dag_run(RECONCILE, first)
        evening.a_quarter_of_an_hour_passes()
        run_id = evening.detected(generation=2)
        evening.answer(run_id)
        assert evening.finish(run_id) == "success"
        all_is_well(evening, run_id)


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
