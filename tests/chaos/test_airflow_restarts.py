"""Each process of a real Airflow, killed at each moment of an evening; each cell is an evening of its own.

Long form only (``CHAOS=long``, some 40 minutes): the short form, all of it in two evenings, is
``tests/system/test_bad_evenings.py``. The oracle is the sandbox: each effect once, nothing missing, the report right.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
)
from tests.system.site import AirflowSite

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="one evening on a real Airflow for each cell takes long; say scripts/test chaos (CHAOS=long)",
    ),
]
ACTS = {"stop": STOP, "copy": COPY, "send": SEND, "run now": RUN_NOW, "repeat import": REPEAT_IMPORT}
COMPONENTS = ("scheduler", "triggerer", "api-server", "dag-processor")
SENDING_REFUSED_SECONDS = 10


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    with AirflowSite(tmp_path_factory.mktemp("site")) as running:
        yield running


def again(site: AirflowSite, *components: str) -> None:
    for component in components:
        site.airflow.kill(component)
    for component in components:
        site.airflow.launch(component)
    site.await_health()


def ends_well(evening: Evening, run_id: str) -> None:
    assert evening.finish(run_id, timeout=600) == "success"
    all_is_well(evening, run_id)


@pytest.mark.parametrize("act", ACTS)
def test_a_worker_that_is_killed_between_request_and_answer_leaves_one_effect(
    site: AirflowSite, act: str
) -> None:
    """Nobody helps: the step is taken over when the lease of the dead worker ends, after three minutes."""
    with site.evening() as evening, ThreadPoolExecutor() as people:
        run_id = evening.begin()
        with site.relay.holding(ACTS[act]) as held:
            answer = people.submit(evening.answer, run_id)
            held.wait(300)
            held.kill()
        answer.result()
        ends_well(evening, run_id)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_that_is_killed_while_items_are_watched_loses_none(
    site: AirflowSite, component: str
) -> None:
    with site.evening() as evening:
        run_id = evening.begin()
        evening.await_task(run_id, "watch_campaign", "deferred")
        again(site, component)
        evening.answer(run_id, timeout=300)
        ends_well(evening, run_id)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("components", [("scheduler", "scheduler-2"), ("api-server",)], ids=" and ".join)
def test_a_component_that_is_killed_in_the_middle_of_an_act_leaves_one_effect(
    site: AirflowSite, components: tuple[str, ...], act: str
) -> None:
    with site.evening() as evening, ThreadPoolExecutor() as people:
        run_id = evening.begin()
        with site.relay.holding(ACTS[act]) as held:
            answer = people.submit(evening.answer, run_id)
            held.wait(300)
            again(site, *components)
        answer.result()
        evening.three_minutes_pass()
        ends_well(evening, run_id)


@pytest.mark.parametrize("act", ACTS)
def test_a_pro2_that_refuses_connections_after_an_act_is_waited_for(site: AirflowSite, act: str) -> None:
    with site.evening() as evening, ThreadPoolExecutor() as people:
        run_id = evening.begin()
        with site.relay.holding(ACTS[act]) as held:
            answer = people.submit(evening.answer, run_id)
            held.wait(300)
            with site.relay.refusing():
                held.released.set()
                time.sleep(SENDING_REFUSED_SECONDS)
        answer.result()
        ends_well(evening, run_id)


@pytest.mark.parametrize("task", ["stop_campaign", "run_now", "duplicate_campaign", "send_campaign"])
@pytest.mark.parametrize("moment", ["in the middle", "afterwards"])
def test_a_lane_that_is_cleared_does_nothing_again(site: AirflowSite, task: str, moment: str) -> None:
    with site.evening() as evening:
        run_id = evening.begin()
        evening.answer(run_id, timeout=300)
        if moment == "in the middle":
            evening.await_task(run_id, task, "success", timeout=300)
        else:
            evening.finish(run_id, timeout=600)
        for cleared in ((task, 0), task, f"list_{task}"):
            evening.api.clear(RECONCILE, run_id, [cleared])
            if moment == "afterwards":
                ends_well(evening, run_id)
        ends_well(evening, run_id)


@pytest.mark.parametrize("task", ["ask", "clear", "build_plan", "take_inventory", "resolve_window"])
def test_what_came_before_the_lanes_may_be_cleared_when_all_is_done(site: AirflowSite, task: str) -> None:
    """A plan that is made anew finds everything repaired, and asks nobody."""
    with site.evening() as evening:
        run_id = evening.begin()
        evening.answer(run_id, timeout=300)
        ends_well(evening, run_id)
        once = evening.effects()
        evening.api.clear(RECONCILE, run_id, [task])
        assert evening.finish(run_id, timeout=600) == "success"
        assert evening.effects() == once
        truth = evening.truth()
        assert (truth["mailed_twice"], truth["missing"]) == ([], [])
