"""``docker-compose.yaml`` at work, without Docker: CeleryExecutor, two workers, two triggerers, PostgreSQL, Valkey.

One outage goes through it while hosts are lost: a triggerer in the middle of a watch, a worker in the middle of a send.
None of the lost comes back. The oracle is the sandbox: each effect once, nothing lost.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.system.cluster import Cluster
from tests.system.evening import SEND, all_is_well

pytestmark = pytest.mark.system
ONE = Path(__file__).with_name("one-campaign.yaml")
ONE_OF_EACH = ("valkey", "api-server", "scheduler", "dag-processor", "triggerer-1", "worker-1")


def test_a_worker_and_a_triggerer_are_lost_and_each_thing_is_done_once(tmp_path: Path) -> None:
    with Cluster(tmp_path) as cluster, cluster.evening(ONE) as evening, ThreadPoolExecutor() as people:
        assert {"worker-1", "worker-2", "triggerer-1", "triggerer-2"} <= set(cluster.components)
        for check in [people.submit(cluster.check, one) for one in ONE_OF_EACH]:
            check.result()
        cluster.all_places_were_met()
        run_id = evening.begin()

        evening.await_task(run_id, "watch_campaign", "deferred")
        holder = cluster.triggerer_of(run_id, "watch_campaign")
        assert holder.startswith("triggerer-")
        cluster.kill(holder)

        with cluster.relay.holding(SEND) as send:
            answer = people.submit(evening.answer, run_id)
            send.wait(300)
            lost = cluster.component_of(send.pid)
            cluster.kill(lost)
        answer.result()
        assert lost.startswith("worker-")
        evening.three_minutes_pass()
        assert evening.finish(run_id, timeout=300) == "success"
        all_is_well(evening, run_id, items={"103", "j-1"})
        links = cluster.api.get(f"/dags/reconcile/dagRuns/{run_id}/taskInstances/report/links")["extra_links"]
        assert links
        assert [link for link in links.values() if not link.startswith(f"{cluster.url}/")] == []
        sends = [row for row in evening.rows(run_id, "send_campaign") if row.try_number > 1]
        assert sends, "the send that was cut off was not taken up again"
