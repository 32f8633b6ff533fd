"""Charts: equal input gives equal bytes, nothing that a policy forbids, words for whoever does not see, and a PDF that shows them."""

from __future__ import annotations

import io
import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from portal.core import pdf
from portal.core.money import Money
from portal.reports.charts import ageing, bands, bullets, scale, shares, spark, stacked, waterfall
from portal.reports.charts.gauge import gauge
from portal.reports.charts.paired import paired
from portal.reports.charts.scale import Unit, axis, grouped, ticks, unit
from portal.reports.charts.svg import PALETTE

U = unit("en")
MONTHS = ["Jan", "Feb", "Mar"]
SAID: dict[str, Any] = {"title": "Is it <so>?", "said": "Dues: 1,836.40 & more"}
DRAWN: dict[str, Callable[[str, float], Markup]] = {
    "stacked": lambda p, w: stacked.columns(
        p, MONTHS, [(f"S{n}", [n * 7_000_000, -n * 1_000_000, n * 900_000]) for n in range(9)], unit=U, width=w, **SAID
    ),
    "shares": lambda p, w: shares.bars(
        p, [shares.Share("Dues", Fraction(51, 100), "51.0 %", 0), shares.Share("A very long name of a stream of income that is cut", Fraction(0), "0.0 %", 1)],
        ceiling=shares.Line(Fraction(3, 5), "Ceiling 60 %"), benchmark=shares.Line(Fraction(45, 100), "45 %"), width=w, **SAID,
    ),
    "bullets": lambda p, w: bullets.bullets(
        p, [bullets.Bullet("Dues", 500, 400, Fraction(300), "500 of 400"), bullets.Bullet("None", -5, 400, Fraction(900), "-5 of 400", 1)],
        pace="by now", width=w, **SAID,
    ),
    "waterfall": lambda p, w: waterfall.waterfall(
        p, [waterfall.Step("Opening", 29_400_000, True), waterfall.Step("New", 2_000_000), waterfall.Step("Churn", -40_000_000),
            waterfall.Step("Closing", -8_600_000, True)], unit=U, width=w, **SAID,
    ),
    "bands": lambda p, w: bands.bands(
        p, MONTHS, [bands.Band("Recognised", [5, 6, 0]), bands.Band("Hoped", [0, 0, 9_000_000])], unit=U, known=2, today="today",
        goal=(10_000_000, "Target"), width=w, **SAID,
    ),
    "ageing": lambda p, w: ageing.ageing(p, [("Not due", 7_000_000), ("1–30", 0), ("over 90", 1_000)], unit=U, width=w, **SAID),
    "spark": lambda p, w: spark.spark(p, [1, 5, -3, 8], width=w, **SAID),
    "gauge": lambda p, w: gauge(p, Fraction(7, 5), Fraction(9, 10), limit=True, width=w, **SAID),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_a_picture_for_screens_papers_and_readers(name: str) -> None:
    for width in (720.0, 340.0):
        one = DRAWN[name](f"x-{name}", width)
        assert one == DRAWN[name](f"x-{name}", width)
        root = ET.fromstring(str(one))
        assert root.get("role") == "img"
        ids = re.findall(r' id="([^"]+)"', str(one))
        assert len(ids) == len(set(ids))
        assert all(one.startswith(f"x-{name}-") for one in ids)
        assert set(root.get("aria-labelledby", "").split()) <= set(ids)
        assert set(re.findall(r"url\(#([^)]+)\)", str(one))) <= set(ids)
        assert not re.search(r"style=|<script|foreignObject|currentColor|var\(|href=|on\w+=", str(one))
        assert "Is it &lt;so&gt;?" in one
        assert "1,836.40 &amp; more" in one
        for shape in root.iter():
            tag = shape.tag.rpartition("}")[2]
            if tag in ("rect", "text", "circle", "polygon"):
                assert re.fullmatch(r"#[0-9a-f]{6}|url\(#[\w-]+\)", shape.get("fill", "")), ET.tostring(shape)
            if tag == "rect":
                assert float(shape.get("width", "-1")) >= 0
                assert float(shape.get("height", "-1")) >= 0


def test_both_drawings_share_a_page_without_an_id_in_common() -> None:
    page = str(paired("one", DRAWN["stacked"])) + str(paired("two", DRAWN["stacked"]))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_fills_differ_without_colour_and_each_colour_is_seen_on_white() -> None:
    drawn = str(DRAWN["stacked"]("p", 720))
    patterns = re.findall(r"<pattern [^>]*>(.*?)</pattern>", drawn)
    kinds = re.findall(
        r'<pattern [^>]*width="(\d+)"[^>]*?(?:patternTransform="([^"]+)")?>(.*?)</pattern>', drawn
    )
    assert len(patterns) == 8
    assert len({(size, turn, "circle" in body) for size, turn, body in kinds}) == 8

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert all(1.05 / (light(colour) + 0.05) >= 3 for colour in PALETTE)


@pytest.mark.papers
def test_a_pdf_shows_every_chart() -> None:
    body = "".join(str(draw(f"pdf-{name}", 680)) for name, draw in DRAWN.items())
    html = f'<!doctype html><html lang="en"><head><title>Charts</title><meta name="dcterms.created" content="2026-11-27"></head><body>{body}</body></html>'
    made = pdf.render(html)
    assert made == pdf.render(html)
    from pypdf import PdfReader

    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)
    for one in ("Ceiling 60 %", "Opening", "Target", "Not due", "CNY thousand"):
        assert one in words


# ---- Scale


def test_units_are_those_of_the_reader() -> None:
    assert (unit("zh_Hans_CN").name, unit("en").name, unit("en", "EUR").name) == (
        "万元",
        "CNY thousand",
        "EUR thousand",
    )
    assert unit("zh_Hans_CN").said(Money(183_640_000)) == "184"
    assert unit("en").fitting([183_640_000]).said(Money(183_640_000)) == "1,836"
    assert unit("en").fitting([1_886_792]).said(Money(-1_886_792)) == "\u221218.9"
    assert grouped(-1_234_567, 2) == "\u221212,345.67"


@given(st.integers(-(10**13), 10**13), st.integers(-(10**13), 10**13))
def test_axes_hold_zero_and_everything(low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    marks = ticks(low, high)
    assert 0 in marks
    assert marks[0] <= low
    assert marks[-1] >= high
    steps = {b - a for a, b in itertools.pairwise(marks)}
    assert len(steps) == 1
    step = steps.pop()
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert len(marks) <= 9
    up = axis([low, high], 300, 0)
    assert 0 <= up.at(high) <= up.at(low) <= 300


@given(st.integers(-(10**12), 10**12))
def test_words_of_an_amount_round_half_up(fen: int) -> None:
    said = Unit("x", 100_000, 0).said(Money(fen))
    assert abs(int(said.replace(",", "").replace("\u2212", "-")) * 100_000 - fen) <= 50_000


def test_words_are_cut_only_where_they_leave_their_room() -> None:
    assert scale.shortened("Dues", 100, 12) == "Dues"
    assert scale.shortened("企业级技术支持", 50, 12) == "企业级…"
    assert scale.thinned(["Jan"] * 12, 40, 11) == 1
    assert scale.thinned(["January 2026"] * 12, 40, 11) == 2
