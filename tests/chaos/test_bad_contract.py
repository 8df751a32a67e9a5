"""The dashboard contract from both sides: the sandbox keeps it, and our port takes every answer that it allows.

schemathesis makes the requests and the answers out of ``docs/dashboard-contract.openapi.yaml`` itself, so that a
contract that is changed is tested as changed.
"""

from __future__ import annotations

import json
import os
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.unit.sandbox.desk import Desk

from pro2_reconciliation.domain.errors import Ambiguous, Refused, Rejected, RequestError
from pro2_reconciliation.domain.words import Outcome, StopAnswer
from pro2_reconciliation.wire.dashboard import OUTCOMES
from pro2_reconciliation.wire.exchange import Reply, Request
from pro2_reconciliation.wire.ports import DashboardPort
from pro2_sandbox import create_app

CONTRACT = yaml.safe_load(Path("docs/dashboard-contract.openapi.yaml").read_text(encoding="utf-8"))
LONG = os.environ.get("CHAOS") == "long"
OPERATIONS = [
    (path, method)
    for path, methods in CONTRACT["paths"].items()
    for method in methods
    if method in ("get", "post")
]
JOBS = ["j-1", "j-2", "j-3", "j-404", "j 1"]
quickly = settings(
    max_examples=300 if LONG else 12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)


def made_from(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema of the contract: schemathesis makes the body of a request of a contract of one."""
    content = {"application/json": {"schema": schema}}
    operation = {
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "-"}},
    }
    one = {
        "openapi": "3.1.0",
        "info": CONTRACT["info"],
        "paths": {"/x": {"post": operation}},
        "components": {"schemas": CONTRACT["components"]["schemas"]},
    }
    made = schemathesis.openapi.from_dict(one)["/x"]["POST"].as_strategy()
    return made.map(lambda case: deepcopy(case.body))


class TestTheSandbox:
    @pytest.mark.parametrize(("path", "method"), OPERATIONS)
    def test_answers_each_request_of_the_contract_as_the_contract_says(self, path: str, method: str) -> None:
        desk = Desk()
        schema = schemathesis.openapi.from_dict(CONTRACT)
        schema.app = create_app(desk.world)
        key = {"Authorization": desk.keys["/dashboard"]}
        seen: set[int] = set()

        @quickly
        @given(data=st.data(), case=schema[path][method.upper()].as_strategy())
        def ask(data: st.DataObject, case: Any) -> None:
            case.path_parameters["organization"] = data.draw(st.sampled_from(["playhouse"] * 4 + ["opera"]))
            if "process_id" in case.path_parameters:
                case.path_parameters["process_id"] = data.draw(st.sampled_from(JOBS))
            answer = case.call(
                headers=data.draw(st.sampled_from([key] * 5 + [{"Authorization": "Bearer x"}]))
            )
            seen.add(answer.status_code)
            assert answer.status_code < 500
            case.validate_response(
                answer,
                checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
            )

        ask()
        assert seen & {200, 202, 404, 422}


class Answering:
    """A dashboard that gives one answer to everything."""

    def __init__(self, status: int, body: Any) -> None:
        self.reply = Reply(status, {"content-type": "application/json"}, json.dumps(body))
        self.asked: list[Request] = []

    def carry(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.reply


NOW = datetime(2031, 3, 5, 12, tzinfo=UTC)


def port(status: int, body: Any) -> tuple[DashboardPort, Answering]:
    wire = Answering(status, body)
    return DashboardPort(wire, "playhouse", sleep=lambda seconds: None), wire


def ours(row: dict[str, Any], number: int, data: Any) -> dict[str, Any]:
    """The row with a run of its own and times of this century: the rest stays as it was made."""
    changed = {**row, "run_id": f"{row['run_id']}-{number}"}
    for key in ("started_at", "finished_at", "scheduled_for", "progressed_at"):
        if isinstance(row.get(key), str):
            changed[key] = data.draw(MOMENTS).isoformat()
    return changed


ZONES = st.sampled_from([UTC, *(timezone(timedelta(hours=hours)) for hours in (-6, 5.75, 14))])
MOMENTS = st.datetimes(datetime(2031, 3, 1), datetime(2031, 3, 5), timezones=ZONES)


class TestOurPort:
    @quickly
    @given(data=st.data(), body=made_from({"$ref": "#/components/schemas/Activity"}))
    def test_reads_every_activity_log_and_takes_no_unknown_label_for_a_success(
        self, data: st.DataObject, body: dict[str, Any]
    ) -> None:
        rows = [ours(row, n, data) for n, row in enumerate(body["rows"])]
        for row in rows:
            if data.draw(st.booleans()):
                row["status"] = data.draw(st.sampled_from(["Completed", "FAILED", "In  progress", "Erfolg"]))
        told = {"as_of": NOW.isoformat(), "page": 1, "pages": 1, "total": len(rows), "rows": rows}
        board, _ = port(200, {**body, **told})

        log = board.activity(NOW - timedelta(days=9), NOW)

        by_number = {int(row.run_id.rpartition("-")[2]): row for row in log.rows}
        assert sorted(by_number) == list(range(len(rows)))
        assert log.as_of == NOW
        for number, row in enumerate(rows):
            known = OUTCOMES.get(" ".join(row["status"].lower().split()), Outcome.UNKNOWN)
            assert by_number[number].outcome is known

    @quickly
    @given(data=st.data(), body=made_from({"$ref": "#/components/schemas/Console"}))
    def test_reads_every_console(self, data: st.DataObject, body: dict[str, Any]) -> None:
        rows = [ours(row, n, data) for n, row in enumerate(body["rows"])]
        board, _ = port(200, {**body, "as_of": NOW.isoformat(), "rows": rows})

        assert len(board.console().rows) == len(rows)

    @quickly
    @given(body=made_from({"$ref": "#/components/schemas/StopAnswer"}))
    def test_takes_every_answer_to_a_stop_as_it_is_meant(self, body: dict[str, Any]) -> None:
        board, wire = port(200, body)

        assert board.stop_run("j-1") is StopAnswer(body["answer"])
        assert len(wire.asked) == 1

    @pytest.mark.parametrize("press", ["run_now", "repeat_import", "import_list"])
    @pytest.mark.parametrize("status", [401, 404, 422, 503])
    @quickly
    @given(body=made_from({"$ref": "#/components/schemas/Message"}))
    def test_takes_no_refusal_for_an_effect_and_presses_once(
        self, press: str, status: int, body: dict[str, Any]
    ) -> None:
        board, wire = port(status, body)
        arguments = {"import_list": ("502", "tag", "name")}.get(press, ("j-1",))

        with pytest.raises(RequestError) as caught:
            getattr(board, press)(*arguments)

        expected = Ambiguous if status == 503 else Rejected
        assert isinstance(caught.value, expected)
        assert not isinstance(caught.value, Refused)
        assert len(wire.asked) == 1

    @quickly
    @given(
        body=made_from(
            CONTRACT["components"]["responses"]["Accepted"]["content"]["application/json"]["schema"]
        )
    )
    def test_takes_every_acceptance_for_one(self, body: dict[str, Any]) -> None:
        board, wire = port(202, body)
        board.run_now("j-3")
        assert len(wire.asked) == 1


def test_the_contract_is_valid_openapi() -> None:
    schemathesis.openapi.from_dict(CONTRACT).validate()
