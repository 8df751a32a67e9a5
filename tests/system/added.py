"""What a process of a test has that its container has by itself, or that only makes waiting shorter.

It is all that ``cluster`` may add. Whatever else an Airflow needs has to stand in the Compose file or in its image, or
it is missing here as it would be there.
"""

from __future__ import annotations

from collections.abc import Mapping

ADDED: Mapping[str, str] = {
    "AIRFLOW_HOME": "each container has a disk of its own, with the image's copies and the volumes in it",
    "AIRFLOW__API__HOST": "nothing of a test listens on other than loopback; a container listens to its network",
    "AIRFLOW__API__PORT": "Compose publishes a port of its host; here the server takes a free one",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "each container has a host name of its own",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "loopback only, as above",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": "a free port, as above",
    "C_FORCE_ROOT": "only where the tests run as root; the containers do not",
    "HOSTNAME": "Docker sets it, and the health checks ask for it",
    "PATH": "the commands of this environment, as those of the image stand in its PATH",
    "PGHOST": "PostgreSQL is reached through its socket, and not by a name of the network",
    "PYTHONPATH": "where the answer to AIRFLOW__CORE__HOSTNAME_CALLABLE is",
    "PYTHONUNBUFFERED": "the last words of a process that was killed",
    "VALKEY_PORT": "for what stands in for valkey-cli, which no package brings along",
}
"""Environment variables, each with the reason."""

QUICK = {
    # a lost scheduler, triggerer or task is missed after seconds, not minutes
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
}
"""How soon Airflow finds out; nothing works otherwise than it would, only later."""

NAMED = """\
import os


def of_this_process() -> str:
    return os.environ["HOSTNAME"]
"""
"""What Airflow asks for a host's name."""
VALKEY_CLI = """\
import os, sys

import redis

assert sys.argv[1:] == ["ping"]
server = redis.Redis(port=int(os.environ["VALKEY_PORT"]), password=os.environ["REDISCLI_AUTH"])
print("PONG" if server.ping() else "no answer")
"""
"""``valkey-cli ping``."""
