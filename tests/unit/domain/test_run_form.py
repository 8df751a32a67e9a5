"""What the form of a dag run may hold, and every value that is refused in words before anything is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.domain import factories as f

from pro2_reconciliation.domain.config import Site
from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.policy import Policy
from pro2_reconciliation.domain.restriction import KINDS, UNRESTRICTED, Restriction
from pro2_reconciliation.domain.run_form import FIELDS, read_form
from pro2_reconciliation.domain.words import Mode

NOW = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
SITE = Site(
    organization="playhouse", zone="America/Chicago", jobs=(), policy=Policy(max_sends=5, max_actions=20)
)
EVENING = {"from": "2026-11-19T18:00", "to": "2026-11-19T21:05"}


def read(**given: Any) -> Any:
    return read_form(given, SITE, now=NOW)


class TestAFormThatIsMeant:
    def test_that_nobody_filled_in_is_a_plan_of_the_latest_outage(self) -> None:
        for nothing in (
            {},
            dict.fromkeys(FIELDS),
            {"from": "", "kinds": [], "reason": " ", "leave_alone": [""]},
        ):
            form = read(**nothing)
            assert (form.outage, form.window, form.mode, form.confirmed) == ("latest", None, Mode.PLAN, False)
            assert form.restriction == UNRESTRICTED
            assert not form.restriction

    def test_has_a_window_in_the_zone_of_the_organization(self) -> None:
        window = read(**EVENING).window
        assert window == Window(start=f.START, end=f.END, source="form")

    def test_may_be_narrowed(self) -> None:
        form = read(
            kinds=["data_sync", "campaign"],
            max_sends=0,
            max_actions=20.0,
            leave_alone=[" 103 ", "Gala", "Gala"],
        )
        assert form.restriction == Restriction(
            kinds=("campaign", "data_sync"), max_sends=0, max_actions=20, leave_alone=("103", "Gala")
        )
        assert form.restriction

    def test_with_every_kind_chosen_is_not_restricted(self) -> None:
        assert not read(kinds=list(KINDS)).restriction

    def test_keeps_a_reason_on_one_line(self) -> None:
        assert read(reason="the phones\nring").reason == "the phones ring"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"kind": ["campaign"]}, "unknown key 'kind'; did you mean 'kinds'?"),
    ({"MODE": "ask"}, "unknown key 'MODE'; did you mean 'mode'?"),
    ({"dry_run": True}, f"unknown key 'dry_run'; the keys are {', '.join(FIELDS)}"),
    ({"mode": "PLAN"}, "mode 'PLAN' is unknown; did you mean 'plan'?"),
    ({"mode": "yolo"}, "mode 'yolo' is unknown; choose plan, ask or auto"),
    ({"mode": ["plan"]}, "mode ['plan'] is not text; choose plan, ask or auto"),
    ({"mode": True}, "mode True is not text; choose plan, ask or auto"),
    (
        {"organization": "opera"},
        "organization 'opera' is not configured here; jobs.yaml is about 'playhouse'. Leave it empty",
    ),
    ({"organization": 7}, "organization 7 is not text; write it in quotes"),
    ({"outage": 7}, "outage 7 is not text; write latest, or the id of an outage"),
    ({"outage": "{{ conn.x }}"}, "outage '{{ conn.x }}' cannot be one; write latest, or the id of an outage"),
    ({"from": 20261119, "to": EVENING["to"]}, "from 20261119 is not text; write it in quotes"),
    ({"from": EVENING["from"]}, "to is empty and from is not; give both, or neither and an outage"),
    ({"to": EVENING["to"]}, "from is empty and to is not; give both, or neither and an outage"),
    (
        EVENING | {"outage": "3f2a"},
        "outage '3f2a' and a window are both given; write outage latest, or leave from and to empty",
    ),
    (EVENING | {"from": "yesterday"}, "from and to: 'yesterday' is not a time; write 2026-11-18T18:00"),
    (
        EVENING | {"from": "2026-02-31T18:00"},
        "from and to: '2026-02-31T18:00' is not a time; write 2026-11-18T18:00",
    ),
    (
        {"from": EVENING["to"], "to": EVENING["from"]},
        "from and to: the end, Thu 19 Nov 18:00 CST, is not after the start, Thu 19 Nov 21:05 CST; write a later end",
    ),
    (
        {"from": "2026-03-08T02:30", "to": "2026-03-08T08:00"},
        "from and to: '2026-03-08T02:30' does not exist in America/Chicago, the clocks skip it; "
        "write a time before or after the jump",
    ),
    (
        {"from": "2026-11-01T01:30", "to": "2026-11-01T08:00"},
        "from and to: '2026-11-01T01:30' happens twice in America/Chicago; "
        "write 2026-11-01T01:30-05:00 or 2026-11-01T01:30-06:00",
    ),
    ({"confirmed": "false"}, "confirmed 'false' is not true or false; write it without quotes"),
    ({"confirmed": 1}, "confirmed 1 is not true or false; write it without quotes"),
    ({"reason": {"a": 1}}, "reason {'a': 1} is not text; write it in quotes"),
    ({"kinds": "campaign"}, f"kinds 'campaign' is not a list; choose from {', '.join(KINDS)}"),
    ({"kinds": ["campaigns"]}, "kinds 'campaigns' is unknown; did you mean 'campaign'?"),
    ({"kinds": [1]}, f"kinds has 1, which is not text; choose from {', '.join(KINDS)}"),
    ({"max_sends": -1}, "max_sends -1 is less than nothing; write 0 to 5, or leave it empty"),
    (
        {"max_sends": 6},
        "max_sends 6 is more than the policy allows; write at most 5, or raise max_sends in policy.yaml",
    ),
    ({"max_actions": "3"}, "max_actions '3' is not a whole number; write 0 to 20, or leave it empty"),
    ({"max_actions": 1.5}, "max_actions 1.5 is not a whole number; write 0 to 20, or leave it empty"),
    ({"max_actions": True}, "max_actions True is not a whole number; write 0 to 20, or leave it empty"),
    (
        {"leave_alone": "103"},
        'leave_alone \'103\' is not a list; write ids or names, such as ["103", "Gala invitation"]',
    ),
    (
        {"leave_alone": [103]},
        'leave_alone has 103, which is not text; write ids or names, such as ["103", "Gala invitation"]',
    ),
    (
        {"leave_alone": [str(n) for n in range(101)]},
        "leave_alone names 101 campaigns; name at most 100, or leave campaigns out of kinds",
    ),
    ({"follow_up": "{{ 1 }}"}, "follow_up '{{ 1 }}' cannot be one; it is the hash of a plan; leave it out"),
    (
        {"follow_up": "0123456789abcdef", "leave_alone": ["103"]},
        "follow_up is restricted as the plan is that it follows; leave kinds, max_sends, max_actions and leave_alone "
        "out",
    ),
]


class TestAFormThatCannotBeMeant:
    @pytest.mark.parametrize(("given", "said"), REFUSED)
    def test_is_refused_in_words(self, given: dict[str, Any], said: str) -> None:
        with pytest.raises(ConfigurationError) as caught:
            read(**given)
        assert str(caught.value) == f"form: {said}"

    def test_is_told_every_mistake_at_once(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            read(mode="ASK", max_sends=-1, kinds=["mails"], **EVENING | {"to": "soon"})
        said = str(caught.value).splitlines()
        assert [line.split()[:2] for line in said] == [
            ["form:", "kinds"], ["form:", "max_sends"], ["form:", "from"], ["form:", "mode"]
        ]  # fmt: skip

    def test_cannot_break_a_line_of_the_log(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            read(organization="a\n2026-11-20 ERROR forged \x1b[31m" + "x" * 500)
        assert len(str(caught.value).splitlines()) == 1
        assert len(str(caught.value)) < 300

    def test_a_window_that_is_too_long_is_refused_unless_it_is_meant(self) -> None:
        long = EVENING | {"from": "2026-11-17T09:05"}
        with pytest.raises(ConfigurationError, match="lasts 60 h, longer than 48 h; shorten it, or confirm"):
            read(**long)
        assert read(**long, confirmed=True).window.end - read(
            **long, confirmed=True
        ).window.start == timedelta(hours=60)
