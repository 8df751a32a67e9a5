"""Answers as no server should send them: every read and press of ours, and a whole evening with one of them spoiled.

What may come of it: a value, or one of our own errors with a sentence. Never an exception of Python's, never a second
mail, never an item that is missing from the report. CHAOS=long tries many more; a failing seed is in the test's name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.chaos.spoiling import spoiled
from tests.incident.harness import INCIDENTS, Evening

from pro2_reconciliation.domain.errors import ReconciliationError
from pro2_reconciliation.domain.sources import Feed
from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.repair.plain import render_text
from pro2_reconciliation.repair.report import End, Report, as_json
from pro2_reconciliation.repair.report_page import render
from pro2_reconciliation.wire.exchange import Reply, Request, drive
from pro2_reconciliation.wire.ports import ActiveCampaignPort, DashboardPort, ListsPort
from pro2_reconciliation.wire.probe import probe, request_for
from pro2_reconciliation.wire.statuspage import published

LONG = os.environ.get("CHAOS") == "long"
EACH = 400 if LONG else 12
"""Spoiled answers for each operation."""
SEEDS = range(300 if LONG else 4)


class Spoiling:
    """Carries requests on, and spoils the answer of the n-th, and perhaps of those after it."""

    def __init__(self, carry: Callable[[Request], Reply], random: Random) -> None:
        self._carry, self._random = carry, random
        self._left = random.choice((1, 1, 1, 1, 2, 3))
        self.told: list[str] = []

    def carry(self, request: Request) -> Reply:
        reply = self._carry(request)
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._random.random() < 0.5):
            text, told = spoiled(self._random, reply.text)
            self.told.append(f"{request.method} {request.path}: {told}")
            return Reply(reply.status, reply.headers, text)
        return reply


def refusal(act: Callable[[], object], told: list[str]) -> str | None:
    """The sentence of our own error, None where there is none. Any other exception fails the test."""
    try:
        act()
    except ReconciliationError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} from {told}") from error
    return None


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    found = Evening(tmp_path_factory.mktemp("evening"))
    found.end_outage()
    return found


def no_wait(seconds: float) -> None:
    """Nobody waits here."""


def pro2(act: Callable[[Any, Evening], object]) -> Callable[[Evening, Random], Spoiling]:
    return operation(lambda e: e.pro2.carry, lambda wire, e: act(ActiveCampaignPort(wire, sleep=no_wait), e))


def board(act: Callable[[Any, Evening], object]) -> Callable[[Evening, Random], Spoiling]:
    return operation(
        lambda e: e.dashboard.carry,
        lambda wire, e: act(DashboardPort(wire, e.site.organization, sleep=no_wait), e),
    )


def operation(
    carry_of: Callable[[Evening], Callable[[Request], Reply]], act: Callable[[Any, Evening], object]
) -> Callable[[Evening, Random], Spoiling]:
    def run(evening: Evening, random: Random) -> Spoiling:
        wire = Spoiling(carry_of(evening), random)
        said = refusal(lambda: act(wire, evening), wire.told)
        assert said is None or said.strip(), wire.told
        return wire

    return run


def status_page(evening: Evening) -> Callable[[Request], Reply]:
    def carry(request: Request) -> Reply:
        answer = evening.sandbox.call(request.method, f"/status/{request.path}")
        return Reply(answer.status, answer.headers, answer.text)

    return carry


DAYS, HOURS = timedelta(days=2), timedelta(hours=2)
FEED = Feed(connection="status", service=Service.SENDING)
OPERATIONS: dict[str, Callable[[Evening, Random], Spoiling]] = {
    "scheduled_since": pro2(lambda p, e: p.scheduled_since(e.window().start - DAYS)),
    "get": pro2(lambda p, e: p.get("103")),
    "detailed": pro2(lambda p, e: p.detailed(["103", "104"])),
    "newer_than": pro2(lambda p, e: p.newer_than("100")),
    "report": pro2(lambda p, e: p.report("103")),
    "stop": pro2(lambda p, e: p.stop("103")),
    "copy": pro2(lambda p, e: p.copy("103")),
    "send": pro2(lambda p, e: p.send("999")),
    "tag_id": pro2(lambda p, e: p.tag_id("Members")),
    "holders": pro2(lambda p, e: p.holders("1")),
    "few addresses": pro2(lambda p, e: p.addresses(["1", "2"], "1", 2)),
    "many addresses": pro2(lambda p, e: p.addresses([str(n) for n in range(40)], "1", 2)),
    "members": pro2(lambda p, e: p.members("1", 20)),
    "tags_beginning": pro2(lambda p, e: p.tags_beginning("M")),
    "holder_count": pro2(lambda p, e: p.holder_count("1")),
    "add_tag": pro2(lambda p, e: p.add_tag("1", "2")),
    "remove_tag": pro2(lambda p, e: p.remove_tag("1", "1")),
    "entries": pro2(lambda p, e: p.entries("301", e.window().start, e.clock.now())),
    "automations": pro2(lambda p, e: p.automations(e.window().start, e.window().end, HOURS)),
    "import_backlog": pro2(lambda p, e: p.import_backlog()),
    "activity": board(lambda p, e: p.activity(e.window().start - DAYS, e.clock.now())),
    "console": board(lambda p, e: p.console()),
    "stop_run": board(lambda p, e: p.stop_run("j-201")),
    "run_now": board(lambda p, e: p.run_now("j-203")),
    "repeat_import": board(lambda p, e: p.repeat_import("j-202")),
    "import_list": board(lambda p, e: p.import_list("502", "tag", "name")),
    "generated_at": operation(
        lambda e: e.tessitura.carry, lambda w, e: ListsPort(w, sleep=no_wait).generated_at("502")
    ),
    "size": operation(lambda e: e.tessitura.carry, lambda w, e: ListsPort(w, sleep=no_wait).size("502")),
    "status page": operation(status_page, lambda w, e: drive(published(FEED), w.carry)),
    "probe": operation(
        lambda e: e.pro2.carry, lambda w, e: drive(probe(request_for(Service.SENDING)), w.carry)
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_spoiled_answer_is_a_value_or_an_error_of_ours(evening: Evening, name: str) -> None:
    told = [OPERATIONS[name](evening, Random(f"{name} {n}")).told for n in range(EACH)]
    assert sum(bool(one) for one in told) >= EACH // 3


# ------------------------------------------------------------------------------------------ whole evenings


def quick_evening(folder: Path, incident: str) -> Evening:
    """An evening that polls seldom: what is read matters here, not how often."""
    found = Evening(folder, INCIDENTS / incident)
    found.site = found.site.model_copy(
        update={"policy": found.site.policy.model_copy(update={"poll_seconds": 300.0})}
    )
    found.end_outage()
    return found


def kind_of(request: Request) -> str:
    action = (request.form or {}).get("api_action", "")
    return f"{request.method} {re.sub('[0-9]+', 'N', request.path)} {action}"


def spoil(evening: Evening, random: Random, kinds: list[str]) -> list[str]:
    """Spoil one answer of the evening, or every answer to that kind of request from then on, in the same way."""
    told: list[str] = []
    kind, nth, sticky, how = (
        random.choice(kinds),
        random.randrange(1, 5),
        random.random() < 0.5,
        random.random(),
    )
    seen = 0

    def wrapped(carry: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        def spoiling(request: Request) -> Reply:
            nonlocal seen
            reply = carry(request)
            if kind_of(request) != kind:
                return reply
            seen += 1
            if seen == nth or (sticky and seen > nth):
                text, what = spoiled(Random(how), reply.text)
                told.append(f"{kind}, number {seen}: {what}")
                return Reply(reply.status, reply.headers, text)
            return reply

        return spoiling

    for carrier in (evening.pro2, evening.dashboard, evening.tessitura):
        carrier.carry = wrapped(carrier.carry)  # type: ignore[method-assign]
    return told


KINDS = {
    "worked-example.yaml": [
        "GET api/N/campaigns ", "GET dashboard/vN/organizations/playhouse/activity ", "GET api/N/campaigns/N ",
        "GET dashboard/vN/organizations/playhouse/console ", "POST admin/api.php campaign_report_totals",
        "POST admin/api.php campaign_list", "POST admin/api.php campaign_status", "POST api/N/campaigns/N/copy ",
        "GET api/N/automations ",
    ],
    "evening-outage.yaml": [
        "GET api/N/campaigns ", "GET dashboard/vN/organizations/playhouse/activity ", "GET api/N/contactAutomations ",
        "GET dashboard/vN/organizations/playhouse/console ", "POST admin/api.php campaign_list", "GET api/N/tags ",
        "GET TessituraService/Reporting/Lists/N ", "POST dashboard/vN/organizations/playhouse/jobs/j-N/stop ",
        "GET api/N/tags/N ", "POST dashboard/vN/organizations/playhouse/jobs/j-N/repeat-import ",
        "POST dashboard/vN/organizations/playhouse/imports ", "POST admin/api.php campaign_report_totals",
    ],
}  # fmt: skip


def play(folder: Path, incident: str, seed: int) -> None:
    evening = quick_evening(folder, incident)
    told = spoil(evening, Random(f"{incident} {seed}"), KINDS[incident])
    known = {
        (want["kind"], want["id"])
        for want in evening.expected()
        if not want.get("absent") and want["run"] in (None, 1)
    }
    made: list[Report] = []
    said = refusal(lambda: made.append(evening.reconcile()[1]), told)
    assert evening.truth()["mailed_twice"] == [], told
    if said is not None:
        assert len(said) > 20, (told, said)
        return
    (report,) = made
    for text in (render(report), render_text(report), json.dumps(as_json(report), ensure_ascii=False)):
        text.encode()
    missing = known - {(row.kind.value, row.item_id) for row in report.rows}
    automations = next((row for row in report.rows if row.item_id == "all"), None)
    if automations is not None:
        missing = {one for one in missing if one[0] != "automation"}
        assert automations.outcome is End.NEEDS_HUMAN
    assert missing == set(), told


@pytest.mark.parametrize("seed", SEEDS)
def test_a_short_evening_with_a_spoiled_answer_mails_nobody_twice_and_loses_nothing(
    tmp_path: Path, seed: int
) -> None:
    play(tmp_path, "worked-example.yaml", seed)


@pytest.mark.parametrize("seed", SEEDS if LONG else SEEDS[:2])
def test_a_whole_evening_with_a_spoiled_answer_mails_nobody_twice_and_loses_nothing(
    tmp_path: Path, seed: int
) -> None:
    play(tmp_path, "evening-outage.yaml", seed)
