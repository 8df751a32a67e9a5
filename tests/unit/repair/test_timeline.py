"""The picture of the report: well-formed, complete, inert, and right about the clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from pro2_reconciliation.domain.errors import ConfigurationError
from pro2_reconciliation.domain.plan import Window
from pro2_reconciliation.domain.words import ItemKind, Mode
from pro2_reconciliation.repair.report import End, Report, Row
from pro2_reconciliation.repair.timeline import LOOK_OF, LOOKS, cut, printable, timeline_svg

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
EVIL = "{{ conn.pro2.password }} <script>alert(1)</script>"
SVG = "{http://www.w3.org/2000/svg}"


def row(minutes: float | None, outcome: End = End.VERIFIED, seen: float | None = 200, **fields: Any) -> Row:
    base: dict[str, Any] = {
        "kind": ItemKind.CAMPAIGN,
        "item_id": "1",
        "name": "Item",
        "rule": "C11",
        "observation": "pending",
        "decision": "resend",
        "reason": "pending",
        "due": None if minutes is None else START + timedelta(minutes=minutes),
        "observed_at": None if seen is None else START + timedelta(minutes=seen),
    }
    return Row(outcome=outcome, **{**base, **fields})


def picture(
    *rows: Row, start: datetime = START, minutes: float = 185, zone: str = "America/Chicago"
) -> ElementTree.Element:
    made = Report(
        organization="Guthrie",
        zone=zone,
        window=Window(start=start, end=start + timedelta(minutes=minutes), outage_known=True),
        mode=Mode.ASK,
        plan_hash="9c41",
        made_at=start + timedelta(minutes=minutes + 30),
        health="open",
        rows=rows,
    )
    return ElementTree.fromstring(timeline_svg(made))  # noqa: S314 - our own text, and XML is stricter than HTML


def texts(svg: ElementTree.Element, css: str = "") -> list[str]:
    return ["".join(t.itertext()) for t in svg.iter(f"{SVG}text") if css in t.get("class", "")]


def items(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [g for g in svg.iter(f"{SVG}g") if g.get("class", "").startswith("tl-item")]


def test_one_row_per_item_with_a_due_time_grouped_and_in_order_of_due():
    svg = picture(
        row(60, name="late"),
        row(10, name="job", kind=ItemKind.OCCURRENCE),
        row(5, name="early"),
        row(None, name="no due time"),
    )
    assert texts(svg, "tl-name") == ["early", "late", "job"]
    assert texts(svg, "tl-group") == ["Campaigns (2)", "Occurrences of jobs (1)"]


def test_it_is_one_image_for_those_who_cannot_see_it():
    svg = picture(row(10), row(20, End.NEEDS_HUMAN), row(20, End.NOT_CHOSEN))
    assert svg.get("role") == "img"
    label = svg.get("aria-label", "")
    assert "3 items around Thu 19 Nov 18:00-21:05 CST" in label
    assert "1 needs a person, 1 verified, 1 not done" in label


def test_without_a_due_time_there_is_no_picture():
    made = Report(
        organization="Guthrie", zone="UTC", window=Window(start=START, end=START), mode=Mode.PLAN,
        plan_hash="9c41", made_at=START, health="open", rows=(row(None),),
    )  # fmt: skip
    assert timeline_svg(made) == ""


def test_hostile_names_are_cut_escaped_and_told_in_the_tooltip():
    svg = picture(
        row(10, name=EVIL, item_id='"><script>', observation=EVIL), row(20, name="a\x00\u202eb\n<b>")
    )
    assert {e.tag for e in svg.iter()} == {
        f"{SVG}{t}" for t in ("svg", "style", "defs", "g", "path", "rect", "text", "title", "use")
    }
    assert texts(svg, "tl-name") == [cut(EVIL, 36), "a  b <b>"]
    assert f'{EVIL} ("><script>)' in next(items(svg)[0].iter(f"{SVG}title")).text
    assert not [key for e in svg.iter() for key in e.attrib if key.startswith("on")]


def test_every_outcome_has_a_shape_and_colours_of_its_family():
    assert set(LOOK_OF) == set(End)
    for part in ("name", "label", "light", "dark", "glyph", "path"):
        assert len({getattr(look, part) for look in LOOKS}) == len(LOOKS)


@pytest.mark.parametrize(("colour", "page"), [("light", "#ffffff"), ("dark", "#1a2029")])
def test_words_in_these_colours_can_be_read(colour: str, page: str):
    def luminance(value: str) -> float:
        parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    for look in LOOKS:
        low, high = sorted((luminance(getattr(look, colour)), luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, look.name


def test_the_axis_is_the_wall_clock_of_the_organization():
    assert texts(picture(row(10)), "tl-tick")[::2] == [
        "18:00",
        "18:30",
        "19:00",
        "19:30",
        "20:00",
        "20:30",
        "21:00",
    ]
    assert texts(picture(row(10), zone="Asia/Kathmandu"), "tl-tick")[0] == "06:00"
    assert texts(picture(row(10)), "tl-day")[0] == "Thu 19 Nov, CST"


def test_where_the_clocks_go_back_the_hour_stands_twice():
    start = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)  # 23:00 CDT; at 07:00 UTC it is 01:00 CST again
    ticks = texts(picture(row(0, due=start, observed_at=None), start=start, minutes=360), "tl-tick")[::2]
    assert ticks == ["23:00", "00:00", "01:00", "01:00", "02:00", "03:00", "04:00"]


def test_times_far_away_are_arrows_and_do_not_squash_the_rest():
    svg = picture(row(10), row(60 * 24 * 40, name="moved to December"), row(20, seen=60 * 24 * 3))
    assert texts(svg, "tl-arrow") == ["▸", "▸"]
    assert "18:30" in texts(svg, "tl-tick")


@pytest.mark.parametrize("minutes", [0.1, 5, 185, 60 * 48, 60 * 24 * 90])
@pytest.mark.parametrize("count", [1, 40, 300])
def test_sensible_for_any_number_of_items_and_any_window(count: int, minutes: float):
    svg = picture(
        *(row(minutes * n / count, list(End)[n % 10], seen=minutes) for n in range(count)), minutes=minutes
    )
    assert len(items(svg)) == count
    width, height = (float(part) for part in svg.get("viewBox", "").split()[2:])
    assert height < 200 + 24 * count
    assert 1 <= len(texts(svg, "tl-tick")) / 2 <= 10
    for item in items(svg):
        y = re.fullmatch(r"translate\(0 ([\d.]+)\)", item.get("transform", ""))
        assert y
        assert 0 <= float(y[1]) <= height
        (mark,) = item.iter(f"{SVG}use")
        assert 0 <= float(mark.get("x", "nan")) <= width
        assert svg.find(f".//*[@id='{mark.get('href', '')[1:]}']") is not None


def test_an_item_nobody_looked_at_has_its_mark_where_it_was_due():
    item = items(picture(row(10, seen=None)))[0]
    line = next(p for p in item.iter(f"{SVG}path") if p.get("class") == "tl-line")
    start, end = re.findall(r"[MH]([\d.]+)", line.get("d", ""))
    assert start == end
    assert "looked at" not in (next(item.iter(f"{SVG}title")).text or "")


def test_an_unknown_zone_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigurationError, match="America/Chicago"):
        picture(row(10), zone="America/Chicgo")


def test_of_too_many_items_those_that_need_nothing_are_left_out_first():
    rows = [row(n, End.NONE if n % 2 else End.VERIFIED, name=str(n)) for n in range(60)]
    made = Report(
        organization="Guthrie", zone="UTC", window=Window(start=START, end=START + timedelta(hours=3)), mode=Mode.ASK,
        plan_hash="9c41", made_at=START, health="open", rows=tuple(rows),
    )  # fmt: skip

    def shown(most: int) -> list[str]:
        svg = ElementTree.fromstring(timeline_svg(made, most=most))  # noqa: S314 - our own text
        assert f"Timeline of {len(items(svg))}{'' if most >= 60 else ' of 60'} items" in svg.get(
            "aria-label", ""
        )
        return texts(svg, "tl-name")

    assert len(shown(60)) == 60
    assert shown(59) == [str(n) for n in range(60) if n % 2 == 0]
    assert shown(10) == [str(n) for n in range(0, 20, 2)]
    assert timeline_svg(made, most=0) == ""


def test_printable_text_is_one_line():
    assert printable(" a\r\nb\u2028c\u202e ") == "a  b c"
    assert cut("abcdef", 4) == "abc…"
