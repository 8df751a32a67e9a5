"""The person of a manual step: does in the sandbox's Pro2 what a waiting task asks for, and then answers it.

Which item a task is about, the demo reads where Airflow keeps it (the list of its lane); a person reads the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pro2_sandbox.local.rest import AirflowApi

DID_IT, NOT_POSSIBLE = "I did it", "Not possible"
BUTTONS = {
    "stop_campaign": "stop",
    "copy_campaign": "duplicate",
    "send_campaign": "send",
    "stop_run": "stop_run",
    "run_now": "run_now",
    "repeat_import": "repeat_import",
    "import_list": "import",
}
"""Verb of a step to what a person does in the sandbox."""


class Person:
    """``do`` posts to ``/sandbox/people`` and says whether it was accepted; ``effects`` reads what happened so far."""

    def __init__(
        self,
        api: AirflowApi,
        do: Callable[[Mapping[str, str]], bool],
        effects: Callable[[], list[dict[str, Any]]],
        jobs: Mapping[str, str],
    ) -> None:
        self._api = api
        self._do = do
        self._effects = effects
        self._jobs = jobs

    def press(self, dag_id: str, run_id: str, detail: Mapping[str, Any]) -> str:
        """Do what one waiting task asks for; returns the option to answer with."""
        task = detail["task_instance"]
        steps = self._api.xcom(dag_id, run_id, f"list_{task['task_id']}")
        step = steps[task["map_index"]]
        kind, _, item = step["item_key"].partition(":")
        item = item.partition("@")[0] if kind == "occurrence" else item
        deed = {"does": BUTTONS[step["verb"]], "item": item}
        if step["verb"] == "send_campaign":
            deed["item"] = self._copy_of(item)
        if step["verb"] == "import_list":
            deed |= {"item": self._jobs[item], "tag": self._tag(detail)}
        return DID_IT if self._do(deed) else NOT_POSSIBLE

    def _copy_of(self, campaign: str) -> str:
        copies = [e for e in self._effects() if e["kind"] == "campaign_copied" and e["item"] == campaign]
        return str(copies[-1]["detail"]["copy"])

    @staticmethod
    def _tag(detail: Mapping[str, Any]) -> str:
        """The tag that the words name: «reconcile ...», with Markdown's backslashes taken out."""
        return str(detail["body"]).replace("\\", "").partition("with the tag «")[2].partition("»")[0]
