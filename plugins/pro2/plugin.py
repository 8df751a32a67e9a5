"""The Airflow plugin, found through the entry point ``airflow.plugins``.

It is loaded in every process, tasks included, so this module stays tiny.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin


class Pro2Plugin(AirflowPlugin):
    name = "pro2"
