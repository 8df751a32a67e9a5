"""The incident format: offsets, schedules, errors that help, and the incident that is shipped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sandbox.desk import SMALL

from pro2_sandbox import (
    IncidentError,
    World,
    build_incident,
    load_incident,
    organizations,
    parse_incident,
    truth,
)
from pro2_sandbox.__main__ import main
from pro2_sandbox.incident_jobs import ScheduleModel
from pro2_sandbox.loader import INCIDENTS, incident_schema
from pro2_sandbox.schedule import Schedule
from pro2_sandbox.timeshift import parse, written
from pro2_sandbox.world import wall_clock

CHICAGO = ZoneInfo("America/Chicago")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-3h05m", -11_100), ("+45s", 45), ("-2d", -172_800), ("0", 0), ("+1d2h3m4s", 93_784), ("-90m", -5_400)],
)
def test_an_offset_is_a_sign_and_units(text, seconds):
    assert parse(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["3h", "-", "+", "", "-3h 5m", "-3x", "tomorrow", None, "-1.5h"])
def test_what_is_no_offset_is_refused(text):
    with pytest.raises(ValueError, match="not an offset"):
        parse(text)


@given(st.integers(-(10**7), 10**7))
def test_an_offset_reads_back_as_it_was_written(seconds):
    assert parse(written(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def schedule(model, t0=datetime(2031, 3, 4, 18, 0, 25, tzinfo=UTC)):
    return Schedule.around(ScheduleModel.model_validate(model), t0, CHICAGO)


@pytest.mark.parametrize(
    ("model", "cron"),
    [
        ({"daily": "-2h"}, "0 10 * * *"),
        ({"hourly": "-35m"}, "25 * * * *"),
        ({"every_hours": 6, "at": "-1h10m"}, "50 4,10,16,22 * * *"),
    ],
)
def test_a_schedule_is_a_cron_in_the_zone_of_the_organization(model, cron):
    assert schedule(model).cron == cron


def test_the_next_occurrence_follows_the_one_that_was_named():
    due = schedule({"every_hours": 3, "at": "-2h50m"}).after(datetime(2031, 3, 4, 18, 0, 25, tzinfo=UTC))
    assert due == datetime(2031, 3, 4, 18, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("night", "due"),
    [
        (datetime(2031, 3, 9, tzinfo=UTC), datetime(2031, 3, 9, 8, 0, tzinfo=UTC)),
        (datetime(2031, 11, 2, tzinfo=UTC), datetime(2031, 11, 2, 6, 30, tzinfo=UTC)),
    ],
    ids=[
        "a time that does not exist is due when the gap ends",
        "a time that occurs twice is due the first time",
    ],
)
def test_a_clock_change_leaves_exactly_one_occurrence(night, due):
    model, start = {"daily": "0"}, (8 if night.month == 3 else 6)
    daily = schedule(model, datetime(2031, night.month, 1, start, 30, tzinfo=UTC))
    assert list(daily.between(night + timedelta(hours=5), night + timedelta(hours=12))) == [due]


def test_an_hourly_job_is_due_in_every_hour_that_passes():
    night = datetime(2031, 11, 2, 5, tzinfo=UTC)
    found = list(schedule({"hourly": "0"}).between(night, night + timedelta(hours=4)))
    assert found == [night + timedelta(hours=hour) for hour in range(4)]


@pytest.mark.parametrize(
    "model", [{}, {"daily": "-1h", "hourly": "-1h"}, {"every_hours": 6}, {"every_hours": 5, "at": "0"}]
)
def test_a_schedule_has_exactly_one_form(model):
    with pytest.raises(ValueError, match=r"exactly one of|Input should be"):
        ScheduleModel.model_validate(model)


def broken(section, **change):
    content = json.loads(json.dumps(SMALL))
    content[section][0] |= change
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (broken("campaigns", due="soon"), ["campaigns[103].due", "'soon'", "-3h05m"]),
        (broken("campaigns", colour="red"), ["campaigns[103].colour", "does not exist"]),
        (broken("campaigns", list="9"), ["campaigns[103].list", "'9'", "add it to lists"]),
        (broken("campaigns", recipients=999), ["campaigns[103].recipients 999", "300"]),
        (broken("campaigns", due=None), ["campaigns[103]", "without due"]),
        (broken("jobs", tessitura_list="9"), ["jobs[j-1].tessitura_list", "'9'"]),
        (broken("jobs", tag="Nobody"), ["jobs[j-1].tag", "'Nobody'"]),
        (broken("jobs", runs=[{"due": "-1h"}]), ["jobs[j-1].runs[0].due -1h", "due at -2h"]),
        (SMALL | {"zone": "Chicago"}, ["zone", "'Chicago'", "America/Chicago"]),
        (SMALL | {"people": [{"at": "+1s", "does": "send", "item": "7"}]}, ["people[0].item", "'7'"]),
        (SMALL | {"people": [{"at": "+1s", "does": "reschedule", "item": "103"}]}, ["add to: +20h"]),
        (SMALL | {"expected": [{"kind": "occurrence", "id": "j-1"}]}, ["write j-1@-35m", "lacks rule"]),
        (SMALL | {"must_reach": {"jobs": ["j-1@-1h"]}}, ["must_reach.jobs", "no due time of j-1"]),
        (
            SMALL | {"outages": [{"services": ["sending"], "start": "-1h", "end": "-2h"}]},
            ["outages[0].end", "later"],
        ),
        (SMALL | {"alarms": ["7"]}, ["alarms '7'", "add it to campaigns"]),
        (SMALL | {"neighbours": [{"organization": "playhouse"}]}, ["'playhouse'", "give another name"]),
        (SMALL | {"play": {"desk": [{"at": "+1s", "does": "declare"}]}}, ["without start", "start: -1h"]),
        (SMALL | {"campaigns": SMALL["campaigns"] * 2}, ["campaigns has the id '103' 2 times"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_do(content, words):
    with pytest.raises(IncidentError) as caught:
        build_incident(content, "my.yaml")
    assert all(word in str(caught.value) for word in ["my.yaml", "--check", *words]), str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "- 1", ""])
def test_a_file_that_is_no_mapping_is_refused(text):
    with pytest.raises(IncidentError, match=r"my\.yaml"):
        parse_incident(text, "my.yaml")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(IncidentError, match=r"nowhere\.yaml: cannot be read"):
        load_incident("nowhere.yaml")


def test_the_schema_in_the_documentation_is_that_of_the_models():
    documented = json.loads(Path("docs/incident.schema.json").read_text(encoding="utf-8"))
    assert documented == incident_schema(), "python -m pro2_sandbox --schema > docs/incident.schema.json"


def test_the_example_in_the_documentation_is_a_complete_incident():
    text = Path("docs/sandbox.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n", 1)[1].split("```", 1)[0]
    incident = parse_incident(example, "docs/sandbox.md")
    assert truth.expected(World(incident))


SHIPPED = sorted(path.stem for path in INCIDENTS.glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_incident_loads_and_fits_the_schema(name):
    incident = load_incident(name)
    world = World(incident, (lambda: incident.t0) if incident.t0 else wall_clock)
    assert truth.expected(world)
    content = yaml.safe_load((INCIDENTS / f"{name}.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(incident_schema()).validate(content)


def test_the_evening_has_a_word_on_every_campaign_job_and_every_outcome():
    incident = load_incident("evening-outage")
    named = {item.id.partition("@")[0] for item in incident.expected}
    everything = {campaign.id for campaign in incident.campaigns} | {job.id for job in incident.jobs}
    assert everything <= named
    assert {item.outcome for item in incident.expected if not item.absent} == {
        "none",
        "open",
        "needs_human",
        "verified",
        "reported",
    }


def test_an_occurrence_is_named_by_its_due_time_in_utc():
    world = World(load_incident("evening-outage"), lambda: datetime(2026, 11, 24, 18, 0, 30, tzinfo=UTC))
    assert truth.occurrence_id(world, "j-211@-35m") == "j-211@2026-11-24T17:25:00Z"


def test_the_same_seed_makes_the_same_world():
    clock = lambda: datetime(2031, 1, 1, tzinfo=UTC)  # noqa: E731
    one, other = (World(build_incident(SMALL), clock) for _ in range(2))
    assert one.campaigns.all[103].audience == other.campaigns.all[103].audience
    different = World(build_incident(SMALL | {"seed": 2}), clock)
    assert one.campaigns.all[103].audience != different.campaigns.all[103].audience


def test_an_incident_of_one_day_is_not_served(capsys):
    assert main(["--incident", "dst-autumn"]) == 2
    assert "happens on 2026-11-01 only, so it needs a clock of its own" in capsys.readouterr().err


def test_a_neighbour_is_the_same_incident_but_for_its_changes():
    own, opera, ballet = organizations(load_incident("three-organizations"))
    assert [one.organization for one in (own, opera, ballet)] == ["playhouse", "opera", "ballet"]
    assert opera.campaigns == own.campaigns != ballet.campaigns
    assert (opera.outages, opera.neighbours) == ((), ())


def test_the_first_copy_of_a_campaign_has_a_name_before_it_exists():
    expected = [{"kind": "campaign", "id": "103+1", "absent": True}]
    world = World(
        build_incident(SMALL | {"expected": expected}), lambda: datetime(2031, 3, 4, 18, tzinfo=UTC)
    )
    assert truth.expected(world)[0]["id"] == "103+1"
    world.campaigns.copy(world.campaigns.all[103], world.now, "us")
    assert truth.expected(world)[0]["id"] == "104"


def test_a_file_is_checked_from_the_command_line(capsys, tmp_path):
    assert main(["--check", "evening-outage"]) == 0
    assert "complete incident" in capsys.readouterr().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: x\n", encoding="utf-8")
    assert main(["--check", str(wrong)]) == 2
    assert "outages: Field required" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.org"])  # noqa: S104 - that is refused
def test_the_sandbox_is_served_on_loopback_only(host, capsys):
    with pytest.raises(SystemExit):
        main(["--host", host])
    assert "not a loopback address" in capsys.readouterr().err
