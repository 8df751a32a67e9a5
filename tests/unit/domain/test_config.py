"""A site's files: what they mean, and what a wrong value says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pro2_reconciliation.domain.config import DIRECTORY, Declared, Feed, Probe, load_site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.jobs import Audience, EarlierSchedule, Job
from pro2_reconciliation.domain.policy import CampaignPolicy, Policy
from pro2_reconciliation.domain.words import ProcessType, Service

ROOT = Path(__file__).parents[3]
CHICAGO = "America/Chicago"
JOBS = """
organization: playhouse
zone: America/Chicago
jobs:
  - {id: "j-201", name: Members sync, process_type: data_sync, cron: "30 18 * * *"}
"""


@pytest.fixture
def site(tmp_path):
    def write(jobs=JOBS, policy=None, sources=None):
        for name, text in (("jobs", jobs), ("policy", policy), ("sources", sources)):
            if text is not None:
                (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path

    return write


def complaints(directory: Path) -> list[str]:
    """The sentences of the error, without the directory."""
    with pytest.raises(ConfigurationError) as caught:
        load_site(directory)
    return str(caught.value).replace(f"{directory}/", "").splitlines()


def with_job(line: str) -> str:
    return JOBS + f"  - {line}\n"


def with_schedules(entries: str) -> str:
    return f'{{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", schedules: [{entries}]}}'


def test_the_examples_of_the_project_load():
    site = load_site(ROOT / "config")
    assert [job.id for job in site.jobs] == ["j-201", "j-310", "j-415", "j-500"]
    assert site.jobs_by_id["j-415"].audience == Audience(kind="exact", window_hours=14, valid_hours=9)
    assert site.policy.campaigns[0].leave_alone
    assert site.sources.feeds[0].min_impact == "major"


def test_organization_and_zone_hold_for_every_job_and_a_job_may_have_its_own_zone(site):
    loaded = load_site(
        site(with_job('{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", zone: Asia/Beirut}'))
    )
    assert {job.organization for job in loaded.jobs} == {"playhouse"}
    assert [job.zone for job in loaded.jobs] == [CHICAGO, "Asia/Beirut"]


def test_until_of_an_earlier_schedule_is_read_on_its_own_wall_clock(site):
    entries = (
        '{cron: "0 2 * * *", until: "2026-11-17T18:00"}',
        '{cron: "0 3 * * *", zone: America/New_York, until: "2026-11-18T18:00"}',
        '{cron: "0 4 * * *", until: "2026-11-19T18:00:00+01:00"}',
    )
    job = load_site(site(with_job(with_schedules(", ".join(entries))))).jobs_by_id["b"]
    assert [f"{one.until:%d %H:%M}" for one in job.schedules] == ["18 00:00", "18 23:00", "19 17:00"]


def test_a_pause_is_an_earlier_schedule_without_a_cron(site):
    entry = '{cron: none, until: "2026-11-19T18:00"}'
    (earlier,) = load_site(site(with_job(with_schedules(entry)))).jobs_by_id["b"].schedules
    assert earlier.paused


def test_without_policy_and_sources_the_defaults_hold(site):
    loaded = load_site(site(policy="", sources=None))
    assert loaded.policy == Policy()
    assert loaded.sources.feeds == ()


def test_the_directory_comes_from_the_environment(site, monkeypatch):
    monkeypatch.setenv(DIRECTORY, str(site()))
    assert load_site().organization == "playhouse"


def test_without_a_directory_the_error_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv(DIRECTORY, raising=False)
    with pytest.raises(ConfigurationError, match=f"{DIRECTORY} is not set; set it to"):
        load_site()
    with pytest.raises(ConfigurationError, match="nowhere is not a directory; set"):
        load_site(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"jobs\.yaml does not exist; copy the example"):
        load_site(tmp_path)


def test_an_unquoted_no_and_unquoted_clock_times_mean_what_they_say(site):
    line = '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", starts_mail: no}'
    loaded = load_site(site(with_job(line), policy="sending_hours: [08:00, 21:30]"))
    assert loaded.jobs[1].starts_mail == "no"
    assert loaded.policy.sending_hours == ("08:00", "21:30")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            '{id: b, name: B, process_type: datasync, cron: "0 1 * * *"}',
            "jobs.yaml, job 'b': process_type 'datasync' is not known; write one of data_sync, "
            "scheduled_trigger, integrated_import, segment_transfer, eaddress_changes",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", grase_minutes: 5}',
            "jobs.yaml, job 'b': unknown key 'grase_minutes'; did you mean 'grace_minutes'?",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", zone: Qxz}',
            "job 'b': zone 'Qxz' is not known; write an IANA name such as America/Chicago; fix jobs.yaml",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "61 1 * * *"}',
            "job 'b': cron '61 1 * * *' has no minute 61; fix jobs.yaml",
        ),
        (
            '{id: j-201, name: B, process_type: data_sync, cron: "0 1 * * *"}',
            "jobs.yaml: job id 'j-201' stands 2 times; give each job an id of its own",
        ),
        (
            "{id: b, name: B, process_type: data_sync}",
            "jobs.yaml, job 'b': 'cron' is missing; add for example cron: \"30 18 * * *\"",
        ),
        (
            '{id: 310, name: B, process_type: data_sync, cron: "0 1 * * *"}',
            'jobs.yaml, job 310: id 310 is not text; write it in quotes, id: "310"',
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", grace_minutes: 0}',
            "jobs.yaml, job 'b': grace_minutes 0 must be more than 0.0; see docs/configuration.md",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", usual_minutes: soon}',
            "jobs.yaml, job 'b': usual_minutes 'soon' is not a number; see docs/configuration.md",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", paused: 3}',
            "jobs.yaml, job 'b': paused 3 is not true or false; see docs/configuration.md",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", feeds: "103"}',
            "jobs.yaml, job 'b': feeds '103' is not a list such as [a, b]; see docs/configuration.md",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", audience: {kind: daily}}',
            "jobs.yaml, job 'b', audience: kind 'daily' is not known; "
            "write one of exact, range, static, unknown",
        ),
        (
            '{id: b, name: B, process_type: data_sync, cron: "0 1 * * *", audience: {hours: 3}}',
            "jobs.yaml, job 'b', audience: unknown key 'hours'; see docs/configuration.md",
        ),
        (
            with_schedules('{cron: "61 1 * * *", until: "2026-11-19T18:00"}'),
            "job 'b', schedules number 1: cron '61 1 * * *' has no minute 61; fix jobs.yaml",
        ),
        (
            with_schedules('{cron: "0 2 * * *", zone: America/Chicgo, until: "2026-11-19T18:00"}'),
            "job 'b', schedules number 1: zone 'America/Chicgo' is not known; did you mean 'America/Chicago'?; "
            "fix jobs.yaml",
        ),
        (
            with_schedules('{cron: "0 2 * * *", until: yesterday}'),
            "jobs.yaml, job 'b', schedules number 1: until 'yesterday' is not a time; write 2026-11-23T18:00",
        ),
        (
            with_schedules('{cron: "0 2 * * *"}'),
            "jobs.yaml, job 'b', schedules number 1: 'until' is missing; add it, see docs/configuration.md",
        ),
        (
            with_schedules(
                '{cron: "0 2 * * *", until: "2026-11-19T18:00"}, {cron: "0 3 * * *", until: "2026-11-18T18:00"}'
            ),
            "jobs.yaml, job 'b', schedules number 2: until Wed 18 Nov 18:00 CST is not after that of number 1, "
            "Thu 19 Nov 18:00 CST; write the oldest schedule first",
        ),
        ("j-9", "jobs.yaml: job number 2 is 'j-9'; write keys with values, - {id: ...}"),
    ],
)
def test_a_wrong_job_says_what_where_and_what_to_do(site, line, said):
    assert complaints(site(with_job(line))) == [said]


def test_every_mistake_of_a_file_is_named_at_once(site):
    found = complaints(site(JOBS.replace("data_sync", "sync").replace("zone: America/Chicago", "zon: x")))
    assert found == [
        "jobs.yaml: unknown key 'zon'; did you mean 'zone'?",
        "jobs.yaml: zone None is not a name; write for example zone: America/Chicago",
        "jobs.yaml, job 'j-201': process_type 'sync' is not known; write one of data_sync, "
        "scheduled_trigger, integrated_import, segment_transfer, eaddress_changes",
    ]


def test_a_wrong_zone_of_the_file_is_named_once(site):
    assert complaints(site(JOBS.replace("Chicago", "Chicgo"))) == [
        "jobs.yaml: zone 'America/Chicgo' is not known; did you mean 'America/Chicago'?"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "jobs.yaml holds None, not keys with values; see docs/configuration.md"),
        (
            "organization: a\nzone: UTC\n",
            "jobs.yaml: jobs is None, not a list; write each entry on a line that begins with -",
        ),
        ("zone: UTC\nzone: UTC\n", "jobs.yaml, line 2: key 'zone' stands twice; correct the YAML there"),
        (
            "organization: [a\n",
            "jobs.yaml, line 2: expected ',' or ']', but got '<stream end>'; correct the YAML there",
        ),
    ],
)
def test_a_file_that_is_no_jobs_file_says_so(site, text, said):
    assert complaints(site(text)) == [said]


def test_policy_entries_replace_defaults(site):
    loaded = load_site(site(policy="settle_seconds: 5\ncampaigns: [{match: 'Gala*', leave_alone: true}]"))
    assert loaded.policy.settle_seconds == 5
    assert loaded.policy.max_sends == 5
    assert loaded.policy.campaigns == (CampaignPolicy(match="Gala*", leave_alone=True),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_send: 3", "policy.yaml: unknown key 'max_send'; did you mean 'max_sends'?"),
        ("max_sends: -1", "policy.yaml: max_sends -1 must be at least 0; see docs/configuration.md"),
        ("max_sends: many", "policy.yaml: max_sends 'many' is not a whole number; see docs/configuration.md"),
        (
            "predictive_sending: always",
            "policy.yaml: predictive_sending 'always' is not known; write one of never, unknown",
        ),
        (
            "campaigns: [{leave_alone: true}]",
            "policy.yaml, campaigns number 1: 'match' is missing; add for example match: \"Gala*\"",
        ),
    ],
)
def test_a_wrong_policy_says_what_where_and_what_to_do(site, text, said):
    assert complaints(site(policy=text)) == [said]


def test_a_wrong_clock_time_in_the_policy_is_named(site):
    (said,) = complaints(site(policy="sending_hours: ['25:00', '21:30']"))
    assert said.startswith("policy.yaml: sending_hours ['25:00', '21:30'] cannot be used (")


def test_sources_are_read_and_declared_times_are_local(site):
    loaded = load_site(
        site(
            sources="""
feeds: [{connection: page, service: sending, components: [Sending]}]
probes: [{connection: api, service: dashboard}]
declared:
  - {service: tessitura, start: 2026-11-19T18:00, end: "2026-11-20T03:05:00Z", reason: by phone}
  - {service: sending, start: 2026-11-19 18:00, reason: lasts}
"""
        )
    )
    start = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
    assert loaded.sources.feeds == (
        Feed(connection="page", service=Service.SENDING, components=("Sending",), min_impact="minor"),
    )
    assert loaded.sources.probes == (Probe(connection="api", service=Service.DASHBOARD),)
    assert loaded.sources.declared == (
        Declared(
            service=Service.TESSITURA,
            start=start,
            end=start + timedelta(hours=3, minutes=5),
            reason="by phone",
        ),
        Declared(service=Service.SENDING, start=start, reason="lasts"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "probes: [{connection: api, service: sendng}]",
            "sources.yaml, probes number 1: service 'sendng' is not known; "
            "write one of sending, dashboard, tessitura",
        ),
        ("feed: []", "sources.yaml: unknown key 'feed'; did you mean 'feeds'?"),
        (
            "declared: [{service: sending, start: yesterday, reason: x}]",
            "sources.yaml, declared number 1: start 'yesterday' is not a time; write 2026-11-23T18:00",
        ),
        (
            "declared: [{service: sending, start: 2026-11-19T18:00, end: 2026-11-19T17:00, reason: x}]",
            "sources.yaml, declared number 1: end 2026-11-19T17:00 is not after start 2026-11-19T18:00; "
            "write a later end, or leave it out while the outage lasts",
        ),
        (
            'maintenance: [{service: tessitura, cron: "61 3 * * 0", duration_minutes: 120}]',
            "sources.yaml, maintenance number 1: cron '61 3 * * 0' has no minute 61; fix sources.yaml",
        ),
        (
            "probes: [{service: sending, url: 'ftp://x'}]",
            "sources.yaml, probes number 1: url 'ftp://x' cannot be used "
            "(an address begins with https:// or http://); see docs/configuration.md",
        ),
        (
            "activity: {min_jobs: 1}",
            "sources.yaml, activity: min_jobs 1 must be at least 2; see docs/configuration.md",
        ),
        (
            "declared: now",
            "sources.yaml: declared is 'now', not a list; write each entry on a line that begins with -",
        ),
    ],
)
def test_wrong_sources_say_what_where_and_what_to_do(site, text, said):
    assert complaints(site(sources=text)) == [said]


def test_every_key_is_documented():
    text = (ROOT / "docs" / "configuration.md").read_text()
    documented = set(re.findall(r"`(\w+)`", text))
    models = (Job, Audience, EarlierSchedule, Policy, CampaignPolicy, Feed, Probe, Declared)
    assert {key for model in models for key in model.model_fields} <= documented
    assert {kind.value for kind in ProcessType} <= documented


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("campaigns: &again [*again]\n", "(Circular reference detected)"),
        ("guard_hours: 1.0e999\n", "(Out of range float values are not JSON compliant)"),
    ],
)
def test_a_value_that_has_no_end_is_refused(site, text, said):
    assert complaints(site(policy=text)) == [
        f"policy.yaml holds a number without end or an alias of itself {said}; write the value out"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("settle_seconds: false", "settle_seconds False is not a number; see docs/configuration.md"),
        ('settle_seconds: "600"', "settle_seconds '600' is not a number; see docs/configuration.md"),
        ("max_sends: true", "max_sends True is not a whole number; see docs/configuration.md"),
    ],
)
def test_a_value_of_another_kind_is_not_read_as_the_one_that_was_meant(site, line, said):
    assert complaints(site(policy=f"{line}\n")) == [f"policy.yaml: {said}"]


def test_a_number_is_no_time(site):
    declared = "declared:\n  - {service: sending, start: 2026, reason: x}\n"
    assert complaints(site(sources=declared)) == [
        "sources.yaml, declared number 1: start 2026 is not a time such as 2026-11-23T18:00; see docs/configuration.md"
    ]
    assert complaints(site(with_job(with_schedules('{cron: "0 2 * * *", until: 2026}')))) == [
        "jobs.yaml, job 'b', schedules number 1: until 2026 is not a time such as 2026-11-23T18:00; "
        "see docs/configuration.md"
    ]


def test_a_zone_of_an_earlier_schedule_that_is_no_text_is_named(site):
    job = with_schedules('{cron: "0 2 * * *", zone: [a], until: "2026-11-17T18:00"}')
    assert complaints(site(with_job(job))) == [
        "jobs.yaml, job 'b', schedules number 1: zone ['a'] is not text; write it in quotes, zone: \"['a']\""
    ]


@pytest.mark.parametrize("job_id", ["members-sync", "zone-sync"])
def test_an_impossible_cron_is_refused_whatever_the_job_is_called(tmp_path: Path, job_id: str) -> None:
    folder = tmp_path / "timezone"
    folder.mkdir()
    job = f'{{id: "{job_id}", name: A, process_type: data_sync, cron: "61 * * * *"}}'
    (folder / "jobs.yaml").write_text(f"organization: playhouse\nzone: America/Chicago\njobs: [{job}]\n")
    with pytest.raises(ConfigurationError, match=rf"job '{job_id}': cron '61 \* \* \* \*' has no minute 61"):
        load_site(folder)


def test_a_secret_in_the_address_of_a_probe_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("organization: playhouse\nzone: America/Chicago\njobs: []\n")
    (tmp_path / "sources.yaml").write_text(
        "probes: [{url: 'https://me:s3cret@x.example', service: sending}]\n"
    )
    with pytest.raises(ConfigurationError, match="probes number 1: url names a user") as caught:
        load_site(tmp_path)
    assert "s3cret" not in str(caught.value)
