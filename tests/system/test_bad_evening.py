"""One bad evening on a real Airflow: three dag runs at once, and everything that can die dies once, or is cleared.

PostgreSQL below Airflow and ledger, two schedulers. The oracle is the sandbox, which knows every effect: each thing is
done once, nothing is missing, and every report says so. More evenings, in the long form: ``test_bad_evenings.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.system.evening import RECONCILE, REPEAT_IMPORT, SEND, all_is_well
from tests.system.site import AirflowSite

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="three minutes; test_cluster.py kills in the short form: CHAOS=long scripts/test system",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    with AirflowSite(tmp_path_factory.mktemp("site")) as running:
        yield running


def test_each_thing_is_done_once_on_an_evening_on_which_everything_dies_once_or_is_cleared(
    site: AirflowSite,
) -> None:
    """Whoever acts is killed between request and answer: the effect is there, and nobody has heard of it."""
    assert site.airflow is not None
    with site.evening() as evening, ThreadPoolExecutor() as people:
        evening.nightly_soon()
        found = evening.begin()
        runs = [found, evening.by_hand("manual")]

        # in the middle of watching: the triggerer dies, and nobody looks until long after the deadline
        evening.await_task(found, "watch_campaign", "deferred", "success")
        site.airflow.kill("triggerer")
        evening.nobody_looked_for_twenty_minutes(found)
        site.airflow.launch("triggerer")

        # in the middle of acting: a scheduler dies with its tasks, and a person clears one that was done; before that
        # he clears a question that waits
        with site.relay.holding(REPEAT_IMPORT) as press:
            answers = [people.submit(evening.answer, found)]
            evening.await_question(runs[1])
            evening.api.clear(RECONCILE, runs[1], ["ask"])
            answers.append(people.submit(evening.answer, runs[1]))
            press.wait(300)
            # nobody else acts now: what dies before its request leaves is waited for, or left to a person
            site.kill(site.airflow.component_of(press.pid))
            evening.api.clear(RECONCILE, found, [("stop_campaign", 0)])
        for answer in answers:
            answer.result()

        # in the middle of a send: its worker dies, then the API server; Pro2 refuses everybody meanwhile
        with site.relay.holding(SEND) as send:
            evening.three_minutes_pass()
            send.wait(300)
            send.kill()
            with site.relay.refusing():
                site.kill("api-server")
                site.await_health()
        evening.three_minutes_pass()

        assert [evening.finish(run_id) for run_id in runs] == ["success", "success"]
        all_is_well(evening, *runs)
        nightly = evening.nightly()
        assert nightly is not None
        assert evening.finish(nightly) == "success"
        # a nightly that came to its plan after the others finds that nothing is needed any more
        assert {row.outcome for row in evening.report(nightly).values()} <= {"proposed", "verified", "none"}

        # when all is over: the question, which the ledger answers by itself, and a whole lane
        assert evening.api.clear(RECONCILE, found, ["ask"], downstream=False) == {"ask"}
        assert "report" in evening.api.clear(RECONCILE, runs[1], ["send_campaign"])
        assert [evening.finish(run_id) for run_id in runs] == ["success", "success"]
        all_is_well(evening, *runs)
