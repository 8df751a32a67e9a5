"""Three organizations in one real Airflow: one is repaired while another's question waits and the third is refused.

Each has an account (a sandbox behind a relay, with tokens of its own), a ledger on PostgreSQL, files and a page.
Campaigns, jobs and dag runs are called alike in all three. The oracle is each sandbox, and what its relay carried.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import inspect, text
from tests.claims import every_action
from tests.system.evening import Evening, all_is_well
from tests.system.site import AirflowSite

from pro2_reconciliation.domain.words import Service
from pro2_reconciliation.ledger import Stage
from pro2_sandbox.local.processes import wait_until

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.environ.get("CHAOS") != "long",
        reason="minutes; tests/incident/test_consortium.py is the short form: CHAOS=long scripts/test system",
    ),
]
WAITS, REPAIRED, REFUSED = "playhouse", "opera", "ballet"
NAMES = (WAITS, REPAIRED, REFUSED)
ITEMS = frozenset({"103", "j-1"})
ONE = Path(__file__).with_name("one-campaign.yaml")


def incident_of(folder: Path, name: str) -> Path:
    """The smallest evening of an organization: the same ids in each, tokens of its own."""
    told = ONE.read_text().replace("organization: playhouse", f"organization: {name}")
    tokens = {
        "api_token": f"{name}-api-token",
        "dashboard_token": f"{name}-dashboard-token",
        "tessitura_user": f"{name}:web:box-office",
        "tessitura_password": f"{name}-tessitura",
    }
    lines = "".join(f"  {key}: {value!r}\n" for key, value in tokens.items())
    file = folder / f"{name}.yaml"
    file.write_text(f"{told}\ntokens:\n{lines}")
    return file


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSite]:
    folder = tmp_path_factory.mktemp("site")
    with AirflowSite(folder, schedulers=1, organizations=NAMES) as running:
        yield running


@pytest.fixture
def evenings(site: AirflowSite, tmp_path: Path) -> Iterator[dict[str, Evening]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(site.evening(incident_of(tmp_path, name), name)) for name in NAMES}


def told(site: AirflowSite, name: str, user: str) -> dict[str, Any]:
    """What a user sees of an organization's page."""
    answer = _ask(site, name, user, "GET", "board")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def says(site: AirflowSite, name: str, user: str, command: str, **body: str) -> tuple[int, str]:
    """What becomes of a command that a user gives on an organization's page."""
    answer = _ask(site, name, user, "POST", f"commands/{command}", body)
    return answer.status_code, answer.text


def _ask(
    site: AirflowSite, name: str, user: str, method: str, path: str, body: dict[str, str] | None = None
) -> requests.Response:
    assert site.airflow is not None
    login = {"username": user, "password": site.airflow.passwords[user]}
    with requests.Session() as session:
        session.trust_env = False
        token = session.post(f"{site.airflow.url}/auth/token", json=login, timeout=30).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        return session.request(method, f"{site.airflow.url}/pro2__{name}/api/{path}", json=body, timeout=30)


def test_one_is_repaired_while_anothers_question_waits_and_the_third_is_refused(
    site: AirflowSite, evenings: dict[str, Evening]
) -> None:
    waits, repaired, refused = (evenings[name] for name in NAMES)
    a_viewer_looks_a_user_acts_and_an_admin_turns_the_switch_of_one(site)
    jobs = site.folder / "config" / REFUSED / "jobs.yaml"
    whole = jobs.read_text()
    jobs.write_text(whole.replace(f"organization: {REFUSED}", f"organization: {REPAIRED}"))

    question = waits.begin()
    waits.await_question(question)
    more = _as_many_as_may_run(waits)
    site.api.unpause(refused.reconcile)
    broken = refused.by_hand("broken")
    with site.relays[WAITS].refusing():  # whoever looks at that account waits for it, its guard above all
        run_id = repaired.begin()
        repaired.answer(run_id)
        assert repaired.finish(run_id, timeout=600) == "success"
    all_is_well(repaired, run_id, items=ITEMS)
    assert refused.finish(broken) == "failed"
    said = site.api.logs(refused.reconcile, broken, "resolve_window")
    assert f"{REFUSED}/jobs.yaml is about organization '{REPAIRED}'" in said
    assert not waits.question(question)["response_received"]
    for evening in (waits, refused):
        assert evening.effects() == Counter()
        with evening.ledger() as ledger:
            assert every_action(ledger, evening.organization) == []
    each_has_its_own_only(site, evenings)

    jobs.write_text(whole)
    pages = {name: {one["id"] for one in told(site, name, "viewer")["board"]["outages"]} for name in NAMES}
    assert pages == {name: _outages(evening) for name, evening in evenings.items()}
    assert [bool(pages[name]) for name in NAMES] == [True, True, False]
    _the_switch_of_one_holds_its_own_steps(site, refused)
    _what_waited_is_done(waits, question, more)
    each_has_its_own_only(site, evenings)
    assert repaired.effects() == waits.effects()


def a_viewer_looks_a_user_acts_and_an_admin_turns_the_switch_of_one(site: AirflowSite) -> None:
    """The rights of Airflow, on one organization's page; said there, it stands in that one's ledger."""
    assert told(site, REPAIRED, "viewer")["me"]["acts"] is False
    hold = {"item": "campaign:777", "why": "I do it myself"}
    code, sentence = says(site, REPAIRED, "viewer", "hold", **hold)
    assert code == 403
    assert f"that needs the right to trigger reconcile__{REPAIRED}" in sentence
    assert says(site, REPAIRED, "user", "hold", **hold)[0] == 200
    switch = {"stage": Stage.EVERYTHING.value, "why": "odd mails"}
    assert says(site, REFUSED, "user", "switch", **switch)[0] == 403
    assert says(site, REFUSED, "admin", "switch", **switch)[0] == 200


def each_has_its_own_only(site: AirflowSite, evenings: dict[str, Evening]) -> None:
    """Ledgers, what people said, and the accounts that requests went to."""
    for name, evening in evenings.items():
        with evening.ledger() as ledger:
            for table in inspect(ledger._engine).get_table_names():
                if "organization" in {one["name"] for one in inspect(ledger._engine).get_columns(table)}:
                    with ledger._engine.connect() as connection:
                        found = connection.execute(text(f"SELECT DISTINCT organization FROM {table}"))  # noqa: S608
                        assert {row[0] for row in found} <= {name}, table
            assert list(ledger.holds(name)) == (["campaign:777"] if name == REPAIRED else [])
            assert (ledger.switch(name).stage is Stage.EVERYTHING) == (name == REFUSED)
        tokens = site.relays[name].tokens
        assert {token for token in tokens if any(f"{other}-" in token for other in NAMES)} <= {
            f"{name}-api-token",
            f"{name}-dashboard-token",
        }
    assert f"{REPAIRED}-api-token" in site.relays[REPAIRED].tokens


def _outages(evening: Evening) -> set[str]:
    with evening.ledger() as ledger:
        return {one.id for one in ledger.outages(evening.organization)}


def _as_many_as_may_run(waits: Evening) -> list[str]:
    """With the one that detection began, four dag runs that wait for an answer; a fifth has to wait for its turn."""
    asking = [waits.by_hand(f"beside-{number}") for number in range(3)]
    last = waits.by_hand("too-many")
    for run_id in asking:
        waits.await_question(run_id)
    assert waits.api.dag_run(waits.reconcile, last)["state"] == "queued"
    return [*asking, last]


def _the_switch_of_one_holds_its_own_steps(site: AirflowSite, refused: Evening) -> None:
    """Everything is approved, and nothing of it is done: the report names who turned the switch."""
    with refused.ledger() as ledger:
        start, end = refused._outage()
        ledger.declare(REFUSED, Service.SENDING, start, end, "Ada", "told by the vendor")
    for dag_id in (refused.guard, refused.detect):
        site.api.unpause(dag_id)
    for number in range(2):  # found, then settled
        one = site.api.trigger(refused.detect, f"settles-{number}")
        site.api.wait_dag_run(refused.detect, one, timeout=120)
    run_id = refused.by_hand("switched")
    refused.answer(run_id)
    refused.finish(run_id, timeout=600)
    assert refused.effects() == Counter()
    rows = refused.report(run_id)
    assert {row.outcome for row in rows.values()} == {"not now"}
    assert all("the kill switch is on (admin: odd mails)" in row.detail for row in rows.values())


def _what_waited_is_done(waits: Evening, question: str, more: list[str]) -> None:
    # its account looked down while its relay refused: nothing is done before detection has seen it up
    looked = waits.api.trigger(waits.detect, "up-again")
    waits.api.wait_dag_run(waits.detect, looked, timeout=120)
    waits.answer(question)
    assert waits.finish(question, timeout=600) == "success"
    all_is_well(waits, question, items=ITEMS)
    wait_until(
        lambda: waits.api.dag_run(waits.reconcile, more[-1])["state"] != "queued",
        timeout=60,
        what="The turn of the dag run that was one too many",
    )
