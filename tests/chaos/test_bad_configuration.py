"""Configuration, exports and params as nobody should write them: refused with a sentence, or they can be used.

Configuration that is taken must also be usable: a plan is made with it. Never an exception of Python's.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chaos.spoiling import VALUES, nodes
from tests.incident.harness import Evening
from tests.unit.wire import exports

from pro2 import window
from pro2_reconciliation.domain.campaigns import Campaign
from pro2_reconciliation.domain.config import Site, load_site
from pro2_reconciliation.domain.errors import ConfigurationError, ReconciliationError, Unreadable
from pro2_reconciliation.domain.localtime import find_zone
from pro2_reconciliation.domain.maintenance import excuse
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.schedule import occurrences, previous
from pro2_reconciliation.domain.windows import touched_campaigns, touched_dues
from pro2_reconciliation.domain.words import CampaignStatus
from pro2_reconciliation.wire.export import Export

LONG = os.environ.get("CHAOS") == "long"
EACH = 3000 if LONG else 25
NOW = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
FILES = ("jobs.yaml", "policy.yaml", "sources.yaml", "activity_export.yaml")
HOSTILE: tuple[Any, ...] = (
    *(value for value in VALUES if not (isinstance(value, str) and value.startswith("@raw@"))),
    1e308, -1e308, 5e-324, float("nan"), float("inf"), 10**400, "* * * * *", "0 0 30 2 *", "*/0 * * * *", "60 25 * * *",
    "0 0 31 2 *", "99999999999 * * * *", "@daily", "24:00", "25:99", "America", "Etc/../UTC", "/etc/passwd", "https://a:b@c/?q",
    "http://[", "http://a]b", "(?P<count>x", "(a+)+$", "utf-7", "idna", "rot13", "%Y%", "%", "\n", "🎭" * 500,
)  # fmt: skip


def spoiled(random: Random, body: Any) -> Any:
    """The file's content with one to three nodes dropped, replaced, renamed or repeated."""
    changed = copy.deepcopy(body)
    for _ in range(random.choice((1, 1, 2, 3))):
        paths = list(nodes(changed))
        if not paths:
            break
        path = random.choice(paths)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        deed = random.choice(("drop", "replace", "replace", "replace", "rename", "twice"))
        if deed == "drop":
            del parent[path[-1]]
        elif deed == "rename" and isinstance(parent, dict):
            parent[random.choice(("", "idd", "x" * 300, "{{ x }}"))] = parent.pop(path[-1])
        elif deed == "twice" and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[path[-1]]))
        else:
            parent[path[-1]] = copy.deepcopy(random.choice(HOSTILE))
    return changed


TEXTS: tuple[bytes, ...] = (
    b"", b"\xff\xfe", b"jobs: [", b"a: &a [*a]", b"jobs: !!python/object/apply:os.system ['true']", b"- 1\n- 2\n",
    b"zone: America/Chicago\nzone: UTC\n", b"\x00", b"? [a]\n: b\n", b"a: .inf", b"%TAG ! x\n---\n", b"[" * 1200,
    b"a: &x {b: *x}", "zone: \ud83c".encode("utf-8", "surrogatepass"), b"1: 2", b"~: 3", b"a: 2026-11-23", b"\t- x",
)  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo's own files and the example of an export, as YAML reads them."""
    folder = tmp_path_factory.mktemp("good")
    Evening(folder)
    config = folder / "config"
    shutil.copy("config/activity_export.example.yaml", config / "activity_export.yaml")
    load_site(config)
    return {name: yaml.safe_load((config / name).read_text()) for name in FILES} | {"folder": config}


def with_file(good: dict[str, Any], folder: Path, name: str, content: bytes) -> Path:
    target = folder / "config"
    if not target.exists():
        shutil.copytree(good["folder"], target)
    for other in FILES:
        shutil.copy(good["folder"] / other, target / other)
    (target / name).write_bytes(content)
    return target


def use(site: Site) -> None:
    """What a dag run computes from a site: due times, windows, send_by, whether mail may leave now."""
    window_ = Window(start=NOW - timedelta(hours=3), end=NOW)
    campaign = Campaign(id="1", name="Opening", status=CampaignStatus.SCHEDULED, due=NOW)
    campaigns = touched_campaigns(window_, site.policy)
    usual = max((job.usual_minutes for job in site.jobs), default=0)
    site.policy.send_by(campaign)
    site.policy.in_sending_hours(NOW.astimezone(find_zone(site.zone)))
    for key, seconds in site.policy:
        if key.endswith("_seconds"):
            _ = NOW + timedelta(seconds=float(seconds))
        if key.endswith("_hours") and isinstance(seconds, float):
            _ = NOW + timedelta(hours=seconds)
        if key.endswith("_minutes"):
            _ = NOW + timedelta(minutes=float(seconds))
    for job in site.jobs:
        span = touched_dues(window_, site.policy, job, usual)
        found = occurrences(job, span.start, span.end)
        _ = [previous(job, NOW, 3), job.grace + 2 * job.usual, NOW + 2 * job.usual + job.grace]
        for hours in (job.audience.window_hours, job.audience.valid_hours):
            _ = NOW + timedelta(hours=hours or 0)
        excuse(found, site.jobs_by_id, site.sources.maintenance, site.zone)
    assert campaigns.start <= campaigns.end


def outcome(act: Callable[[], object], told: object) -> str | None:
    """The sentence of a refusal, None where it was taken. Any other exception fails the test."""
    try:
        act()
    except ReconciliationError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} from {str(told)[:1500]}") from error
    return None


@pytest.mark.parametrize("name", FILES)
def test_a_spoiled_file_is_refused_in_words_or_can_be_used(
    good: dict[str, Any], tmp_path: Path, name: str
) -> None:
    refused = 0
    for number in range(EACH):
        body = spoiled(Random(f"{name} {number}"), good[name])
        written = yaml.safe_dump(body, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")
        folder = with_file(good, tmp_path, name, written)
        said = outcome(lambda folder=folder: use(load_site(folder)), written.decode())
        refused += said is not None
        assert said is None or (name in said and len(said) > len(str(folder)) + 20), said
    assert refused > EACH // 5


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", TEXTS, ids=lambda content: repr(content[:20]))
def test_a_file_that_is_no_such_file_is_refused_in_words(
    good: dict[str, Any], tmp_path: Path, name: str, content: bytes
) -> None:
    folder = with_file(good, tmp_path, name, content)
    said = outcome(lambda: load_site(folder), content)
    assert said is None or name in said
    if content.strip() and name == "jobs.yaml":
        assert said is not None
    assert said is None or "Traceback" not in said


def test_a_secret_in_a_file_is_not_repeated_by_the_refusal(good: dict[str, Any], tmp_path: Path) -> None:
    for name, key, value in (
        ("activity_export.yaml", "path", "s3://key:hunter2@bucket/x"),
        ("sources.yaml", "probes", [{"url": "https://kim:hunter2@host/", "service": "sending"}]),
        ("sources.yaml", "probes", [{"url": "https://host/?token=hunter2", "service": "nonsense"}]),
        ("sources.yaml", "probes", [{"url": "https://kim:hunter2@[", "service": "sending"}]),
    ):
        written = yaml.safe_dump({**good[name], key: value}).encode()
        said = outcome(lambda w=written, n=name: load_site(with_file(good, tmp_path, n, w)), name)
        assert said is not None
        assert "hunter2" not in said


# ----------------------------------------------------------------------------------------- exported tables

CELLS = (
    "", " ", "0", "-1", "9" * 400, "1e400", "NaN", "04/03/2031 18:30:00", "31/02/2031 10:00", "30/03/2031 02:30",
    "x" * 9000,
    "=cmd|' /C calc'!A1", "\x0b", "\u202e", "🎭", "{{ conn.pro2.password }}", '"', '""', ";", ";;;;", "\r", "Total",
    "Total 99",
    "1,204", "1.2.3", "٣", "99/99/9999 99:99", "04/03/9999 18:30:00", "04/03/0001 00:00:00",
    "2031-03-04T18:30:00+14:00",
)  # fmt: skip


def broken_table(random: Random) -> bytes:
    lines = [exports.HEADER, *(exports.line(run=f"r{n}", started=f"04/03/2031 1{n}:30:00") for n in range(5))]
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(lines))
        cells = lines[at].split(";")
        match random.choice(("cell", "cell", "cell", "drop", "twice", "cut", "swap", "short", "quote")):
            case "cell":
                cells[random.randrange(len(cells))] = random.choice(CELLS)
            case "drop" if len(lines) > 1:
                del lines[at]
                continue
            case "twice":
                lines.insert(at, lines[at])
                continue
            case "cut":
                lines = lines[: at + 1]
                cells = lines[-1][: random.randrange(len(lines[-1]) + 1)].split(";")
            case "swap":
                random.shuffle(cells)
            case "short":
                cells.pop()
            case _:
                cells[0] = f'"{cells[0]}'
        lines[min(at, len(lines) - 1)] = ";".join(cells)
    content = "\r\n".join(lines) + random.choice(("\r\n", "", "\n"))
    encoded = content.encode(random.choice(("utf-8", "utf-8", "utf-16", "cp1252", "utf-32")), "replace")
    return encoded if random.random() < 0.8 else encoded[: random.randrange(len(encoded) + 1)]


def test_a_spoiled_csv_is_read_whole_or_refused_with_its_name() -> None:
    seen = {True: 0, False: 0}
    for number in range(10 * EACH):
        content = broken_table(Random(f"csv {number}"))
        said = outcome(lambda content=content: exports.read(content), content)
        seen[said is None] += 1
        assert said is None or ("a.csv" in said and len(said) > 25) or "no row of the export" in said
    assert min(seen.values()) > EACH // 4


def workbook() -> bytes:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(exports.HEADER.split(";"))
    for number in range(4):
        sheet.append(exports.line(run=f"r{number}", started=f"04/03/2031 1{number}:30:00").split(";"))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def test_a_workbook_with_wrong_bytes_is_read_or_refused_with_its_name() -> None:
    whole = workbook()
    for number in range(EACH):
        random = Random(f"xlsx {number}")
        content = bytearray(whole)
        for _ in range(random.choice((1, 3, 30))):
            content[random.randrange(4, len(content))] = random.randrange(256)
        cut = bytes(content[: random.randrange(4, len(content))] if random.random() < 0.3 else content)
        said = outcome(lambda cut=cut: exports.read(exports.file(cut, "a.xlsx")), number)
        assert said is None or "a.xlsx" in said


@settings(
    max_examples=600 if LONG else 60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(content=st.binary(max_size=300), encoding=st.sampled_from(["utf-8", "cp1252", "utf-16", "utf-7"]))
def test_any_bytes_are_refused_or_read(content: bytes, encoding: str) -> None:
    export = Export(exports.rules(encoding=encoding), "playhouse", "America/Chicago")
    with pytest.raises(Unreadable):
        export.log([exports.file(content)], exports.SINCE, exports.NOW, exports.NOW)


# --------------------------------------------------------------------------------------------- params, conf


@pytest.fixture(scope="module")
def resolve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """``resolve_window`` of the DAG at a site whose ledger knows no outage."""
    evening = Evening(tmp_path_factory.mktemp("params"))
    site, ledger = evening.site, evening.ledger()
    run = SimpleNamespace(run_type="manual", run_id="manual__1", triggering_user_name=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window, "open_site", lambda: site)
        patch.setattr(window, "open_ledger", lambda **_: ledger)
        yield lambda params: window.resolve_window({"params": params, "dag_run": run})


PARAMS = ("from", "to", "mode", "outage", "organization", "follow_up", "confirmed", "reason", "extra")
TIMES = ("2026-11-19T18:00", "2026-11-19T21:05:00.000Z", "0001-01-01T00:00", "9999-12-31T23:59", "2026-02-30T00:00",
         "2026-03-08T02:30", "2026-11-01T01:30", "2026-11-19T18:00+99:99", "2026-11-19T18:00-23:59", "yesterday",
         "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "２０２６-11-19T18:00")  # fmt: skip


@settings(
    max_examples=2000 if LONG else 60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(
    params=st.dictionaries(
        st.sampled_from(PARAMS),
        st.one_of(
            st.sampled_from(TIMES),
            st.sampled_from(["plan", "ask", "auto", "latest", "playhouse", "outage", True, None]),
            st.text(max_size=40),
            st.sampled_from(HOSTILE),
            st.recursive(
                st.none() | st.integers() | st.text(max_size=5),
                lambda x: st.lists(x) | st.dictionaries(st.text(max_size=3), x),
                max_leaves=5,
            ),
        ),
    )
)
def test_any_params_give_a_window_or_a_sentence(resolve: Any, params: dict[str, Any]) -> None:
    found: list[Any] = []
    said = outcome(lambda: found.append(resolve(params)), params)
    assert said is None or len(said) > 15
    for resolved in found:
        assert resolved["mode"] == "plan"  # no outage is known: nothing may come of it but a proposal
        read = Window.model_validate(resolved["window"])
        assert read.start < read.end


@pytest.mark.parametrize("start", ["0001-01-01T00:00", "2026-11-19T18:00"])
def test_a_window_that_nobody_can_mean_is_refused(resolve: Any, start: str) -> None:
    with pytest.raises(ConfigurationError, match="form: from and to"):
        resolve({"from": start, "to": "9999-12-31T23:59", "confirmed": True})
