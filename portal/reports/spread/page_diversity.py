"""How widely income is spread: every basis and level in one table, the board's figure first, no score."""

from __future__ import annotations

from fractions import Fraction

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.core import labels
from portal.core.money import Money
from portal.core.words import day, money
from portal.reports.charts import shares
from portal.reports.charts.paired import Draw
from portal.reports.income import links, pages, payers, words
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Head, Line, Link, Table
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers
from portal.reports.measures import digits, rounded
from portal.reports.spread import side_tables as tables
from portal.reports.spread import spoken
from portal.reports.spread.judging import Judged, Verdict
from portal.reports.spread.reporting import Banner, Pictured, sentence, together
from portal.reports.spread.windows import (
    BASES,
    LEVEL_NAMES,
    LEVELS,
    Sources,
    Window,
    figure,
    over,
)

OUTLOOK = "office/reports/outlook.html"


def install() -> None:
    """Add the page."""
    pages.add(Page("diversity", _l("Diversity"), build, tab=50, template=OUTLOOK))


def build(said: Question) -> Pictured:
    """Return the verdicts on all bases and levels, over the windows that end with the period asked for."""
    sources = Sources(said, by_payer=sees_payers())
    window = sources.window(sources.settings.window)
    main = sources.judged(window, BASES[0], sources.settings.binding)
    report = Pictured(
        "diversity", _("Is any source above the ceiling?"),
        _("The largest source of income must stay below the ceiling. An index marks a risk; it is no score, and says as much of how finely the list is cut."),
        _("Recognised, invoiced less credited, collected"), detail=[figure(BASES[0], main.plain, window)],
        folded={"measures", "windows", "within"},
        actions=[Link(_("What if …"), f"{links.to('reports.whatif')}?{said.query()}")],
    )  # fmt: skip
    report.banners.append(_banner(sources, window, main))
    report.draw(_streams(sources, window), _drawing(sources, window))
    report.tables.append(
        _verdicts(sources, [window], "verdicts", _("Verdicts, %(window)s", window=window.name))
    )
    report.tables.append(_measures(sources, window))
    others = [one for one in sources.windows if one is not window]
    report.tables.append(_verdicts(sources, others, "windows", _("Over other windows")))
    if sources.by_payer:
        report.tables.append(tables.largest(sources, window))
        report.tables.append(tables.within(sources, window))
    report.tables.append(tables.benchmarks(sources, window))
    report.warnings += _warnings(sources, window)
    return report


def _banner(sources: Sources, window: Window, main: Judged) -> Banner:
    level = sources.settings.binding
    verdict = labels.label(main.verdict)
    if main.found.top is None:
        return Banner(
            "mute", verdict, _("Nothing was recognised in this window, so there is nothing to divide.")
        )
    name = _name(sources, level, main.found.top)
    said = _(
        "%(name)s brings %(share)s of what was recognised in the %(window)s (%(start)s to %(end)s); the ceiling is %(ceiling)s.",
        name=name, share=spoken.share(main.top_share, main.limits), window=window.name.lower(), start=day(window.start),
        end=day(sources.said.last_day), ceiling=spoken.whole(main.limits.ceiling),
    )  # fmt: skip
    if main.verdict is Verdict.BREACH:
        rest = _("All other sources together must bring more than %(sum)s more to come back to it.", sum=money(Money(main.found.others)))  # fmt: skip
    else:
        rest = _("At %(sum)s more from that source alone it touches the ceiling.", sum=money(Money(main.found.headroom)))  # fmt: skip
    tone = labels.tone(main.verdict)
    note = _("The window is short: the figure is only indicative.") if window.indicative else ""
    return Banner(tone, verdict, together(said, rest, note))


def _name(sources: Sources, level: str, code: str) -> str:
    people = payers.named([int(code)]) if level == "payers" else {}
    return spoken.name_of(sources.said, level, code, people)


def _streams(sources: Sources, window: Window) -> Table:
    """Return what each stream brought on every basis, with its share."""
    judged = {basis: sources.judged(window, basis, "streams") for basis in BASES}
    heads = [head for basis in BASES for head in (Head(str(words.NAMES[basis])), Head(_("Share"), "share"))]
    table = Table("streams", _("Is any stream above the ceiling?"), _("Stream"), heads, words=window.name)
    for code in dict.fromkeys(code for one in judged.values() for code in one.amounts):
        cells: list[Figure | str] = []
        for basis, one in judged.items():
            cells += [
                figure(basis, one.amounts.get(code, 0), window, "streams", code),
                spoken.share(one.share_of(code), one.limits),
            ]
        table.lines.append(Line(sources.said.lists.called(code), cells))
    totals: list[Figure | str] = []
    for basis, one in judged.items():
        totals += [
            figure(basis, one.plain, window),
            spoken.percent(Fraction(1)) if one.total else _("no data"),
        ]
    table.lines.append(Line(_("In total"), totals, total=True))
    return table


def _drawing(sources: Sources, window: Window) -> Draw:
    one = sources.judged(window, BASES[0], "streams")
    rows = [
        shares.Share(sources.said.lists.called(code), one.share_of(code) or Fraction(0), spoken.share(one.share_of(code), one.limits), n)
        for n, code in enumerate(one.amounts)
    ]  # fmt: skip
    said = sentence((row.name, row.said) for row in rows)
    ceiling = shares.Line(one.limits.ceiling, _("Ceiling %(share)s", share=spoken.whole(one.limits.ceiling)))
    mark = sources.settings.benchmark
    benchmark = shares.Line(mark, _("Dues elsewhere %(share)s", share=spoken.whole(mark)))
    title = _("Shares of what was recognised by stream, against the ceiling")

    def draw(prefix: str, width: float) -> Markup:
        return shares.bars(
            prefix, rows, ceiling=ceiling, benchmark=benchmark, title=title, said=said, width=width
        )

    return draw


def _levels(sources: Sources) -> list[str]:
    return [level for level in LEVELS if level != "payers" or sources.by_payer]


def _verdicts(sources: Sources, windows: list[Window], key: str, title: str) -> Table:
    """Return the verdict of each basis and level: the sum, what shares are parts of, the largest source, what is left."""
    heads = [
        Head(_("Sum")), Head(_("Positive sum")), Head(_("Largest source"), "text"), Head(_("Its income")),
        Head(_("Share"), "share"), Head(_("Judgement"), "share"), Head(_("Headroom"), "share"), Head(_("Others needed"), "share"),
    ]  # fmt: skip
    table = Table(key, title, _("Basis and level"), heads)
    binding = sources.settings.binding
    table.words = _("The level of %(level)s binds; the others warn. Bases disagree, so they stand in one table.", level=str(LEVEL_NAMES[binding]).lower())  # fmt: skip
    for window in windows:
        for basis in BASES:
            for level in _levels(sources) if len(windows) == 1 else [binding]:
                one = sources.judged(window, basis, level)
                note = str(LEVEL_NAMES[level])
                if len(windows) > 1:
                    note = f"{window.name} · {note}"
                if window.indicative:
                    note += " · " + _("indicative")
                table.lines.append(
                    Line(str(words.NAMES[basis]), _verdict(sources, window, basis, level, one), note=note)
                )
    return table


def _verdict(sources: Sources, window: Window, basis: str, level: str, one: Judged) -> list[Figure | str]:
    top = one.found.top
    cells: list[Figure | str] = [
        figure(basis, one.plain, window),
        over(basis, one.total, window.start, window.end, above=level),
        _name(sources, level, top) if top is not None else "–",
        figure(basis, one.most, window, level, top) if top is not None else "–",
        spoken.share(one.top_share, one.limits),
        str(spoken.SHORT[one.verdict]),
        spoken.fen(one.found.headroom) if one.verdict in (Verdict.PASSES, Verdict.WATCH) else "–",
        spoken.fen(one.found.others) if one.verdict is Verdict.BREACH else "–",
    ]
    return cells


def _measures(sources: Sources, window: Window) -> Table:
    """Return the indices of each basis and level, with the size of the list they hang on."""
    heads = [
        Head("n", "count"), Head(_("HHI"), "share"), Head(_("0–10,000"), "count"), Head(_("Effective number"), "share"),
        Head(_("Shannon number"), "share"), Head(_("Normalised"), "share"),
    ]  # fmt: skip
    table = Table("measures", _("How many sources that is worth"), _("Basis and level"), heads)
    table.words = _("Never compare lists of a different size: n is the size of the list, not the number of sources with income.")  # fmt: skip
    for basis in BASES:
        for level in _levels(sources):
            one = sources.judged(window, basis, level)
            cells = [
                one.n, digits(one.hhi) or _("no data"), rounded(one.hhi * 10_000) if one.hhi is not None else _("no data"),
                digits(one.effective, 4) or _("no data"), one.shannon or _("no data"), digits(one.normalised) or _("no data"),
            ]  # fmt: skip
            table.lines.append(Line(str(words.NAMES[basis]), cells, note=str(LEVEL_NAMES[level])))
    return table


def _warnings(sources: Sources, window: Window) -> list[str]:
    found = []
    for basis in BASES:
        one = sources.judged(window, basis, "streams")
        if one.cut:
            names = ", ".join(sources.said.lists.called(code) for code in one.cut)
            found.append(_("%(basis)s: %(names)s below nothing and taken as nothing, so the two sums differ.", basis=words.NAMES[basis], names=names))  # fmt: skip
    return found
