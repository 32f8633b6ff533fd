"""An account as people read it: its lines, shares and words in one language, the same on pages, in CSV and on paper."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _

from portal.core import i18n
from portal.core.catalogue import in_words
from portal.core.money import Money, half_up
from portal.members import wall
from portal.reports.closed.models import HalfYear


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of an account prints; `waived` is None where it would tell what one payer was spared."""

    period: tuple[str, str]
    lines: list[tuple[str, Money, Money, str]]
    totals: tuple[Money, Money]
    diversity: list[tuple[str, str, str, str, bool]]
    waived: Money | None
    uses: list[tuple[str, Money]]
    used: Money
    members: list[tuple[str, int]]
    member_total: int
    certified: int
    benchmarks: list[tuple[str, str, str, str]]
    words: str
    reason: str
    fewest: int
    listed: int
    hashes: list[tuple[str, str]]
    ceiling: str


def percent(ratio: Fraction | None) -> str:
    """Return a share with one decimal, half up; words where there is nothing to divide by."""
    if ratio is None:
        return _("no data")
    tenths = half_up(ratio.numerator * 1000, ratio.denominator)
    sign, size = ("-" if tenths < 0 else ""), abs(tenths)
    return f"{sign}{size // 10}.{size % 10} %"


def _part(part: int, whole: int) -> str:
    return percent(Fraction(part, whole) if whole > 0 else None)


def _benchmark(body: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    names = {"dues": _("dues"), "largest_payer": _("largest payer")}
    found = []
    for one in body.get("shares", []):
        if "share" in one:
            ratio = Fraction(str(one["share"]))
        else:
            ratio = Fraction(str(one["part"])) / Fraction(str(one["whole"]))
        what = names.get(str(one["of"]), str(one["of"]))
        source = in_words(body.get("source", ""))
        found.append(
            (in_words(body["body"]), str(body.get("year") or "–"), f"{what}: {percent(ratio)}", source)
        )
    return found


def shown(row: HalfYear) -> Shown:
    """Return an edition in the reader's language."""
    said, zh = row.figures, i18n.language().startswith("zh")
    totals = said["totals"]
    names = {"recognised": _("Recognised"), "collected": _("Collected")}
    return Shown(
        (said["period"][0], said["period"][1]),
        [
            (in_words(one["name"]), Money(one["recognised"]), Money(one["collected"]), _part(one["recognised"], totals["recognised"]))
            for one in said["lines"]
        ],
        (Money(totals["recognised"]), Money(totals["collected"])),
        [
            (names[basis], percent(Fraction(one["top_share"]) if one["top_share"] else None), one["hhi"] or _("no data"), one["effective_number"] or _("no data"), one["limit_breached"])
            for basis, one in said["diversity"].items()
        ],
        None if said["waived"] is None else Money(said["waived"]),
        [(one["zh" if zh else "en"], Money(one["amount"])) for one in row.uses],
        Money(sum(one["amount"] for one in row.uses)),
        [(wall.tier_name(code), count) for code, count in said["members"].items()], sum(said["members"].values()), said["certified"],
        [line for body in said["benchmarks"] for line in _benchmark(body)],
        row.words_zh if zh else row.words_en, row.reason_zh if zh else row.reason_en, said["fewest"], said["listed"],
        [(one["month"], one["hash"]) for one in said["snapshots"]], percent(Fraction(said["ceiling"])),
    )  # fmt: skip
