"""How verdicts and shares are said: with one decimal, and never as more than they are."""

from __future__ import annotations

from fractions import Fraction

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.money import Money, half_up
from portal.core.words import money
from portal.reports.income import payers
from portal.reports.income.asked import Question
from portal.reports.lists import group_name
from portal.reports.measures import rounded
from portal.reports.spread.judging import Judged, Limits, Verdict, printed

SPACE = "\u00a0"  # a figure and its sign stay on one line
V = Verdict
labels.name(
    Verdict,
    {
        V.PASSES: _l("Below the ceiling"), V.WATCH: _l("Watch: near the ceiling"), V.BREACH: _l("Breach of the ceiling"),
        V.NO_DATA: _l("no data"),
    },
    {V.PASSES: "good", V.WATCH: "warn", V.BREACH: "bad"},
)  # fmt: skip


def percent(ratio: Fraction, places: int = 1) -> str:
    """Return a ratio in per cent, half up: `60.0 %`."""
    scaled = half_up(ratio.numerator * 100 * 10**places, ratio.denominator)
    whole, part = divmod(abs(scaled), 10**places)
    return f"{'−' if scaled < 0 else ''}{whole}.{part:0{places}d}{SPACE}%"


def share(found: Fraction | None, limits: Limits | None = None) -> str:
    """Return a share with one decimal; one that prints as the ceiling without reaching it is just under it."""
    if found is None:
        return _("no data")
    if limits is not None and printed(found, limits.ceiling)[1]:
        return _("just under %(ceiling)s", ceiling=whole(limits.ceiling))
    return percent(found)


def whole(ratio: Fraction) -> str:
    """Return a ratio of the catalogue in per cent as short as it is exact: `60 %`, `12.5 %`."""
    return f"{ratio * 100}{SPACE}%" if (ratio * 100).denominator == 1 else percent(ratio)


def points(found: Fraction) -> str:
    """Return points of percent with a sign: `+6.2`."""
    tenths = rounded(found * 10)
    return f"{'+' if tenths > 0 else '−' if tenths < 0 else '±'}{abs(tenths) // 10}.{abs(tenths) % 10}"


def name_of(said: Question, level: str, code: str, people: dict[int, payers.Payer]) -> str:
    """Return what a source is called: a stream, a group, a payer."""
    if level == "streams":
        return said.lists.called(code)
    if level == "groups":
        return group_name(code)
    found = people.get(int(code))
    return found.name if found else code


SHORT = {
    V.PASSES: _l("passes"), V.WATCH: _l("watch"), V.BREACH: _l("breach"), V.NO_DATA: _l("no data"),
}  # fmt: skip


def room(one: Judged) -> str:
    """Return what there is left, or needed, in words."""
    if one.verdict is Verdict.NO_DATA:
        return "–"
    if one.verdict is Verdict.BREACH:
        return _("others need more than %(sum)s", sum=money(Money(one.found.others)))
    return _("headroom below %(sum)s", sum=money(Money(one.found.headroom)))


def fen(amount: int | None) -> str:
    """Return whole fen as tables of reports write them: thousands marks, two decimals, no currency."""
    return "–" if amount is None else f"{Money(amount).decimal:,.2f}"
