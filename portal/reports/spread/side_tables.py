"""Tables beside the verdicts: the largest payers, the largest within each stream, and dues beside those of others."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.core.money import Money
from portal.reports.goals import targets
from portal.reports.income import links, payers, words
from portal.reports.income.figure import Figure, Head, Line, Link, Table
from portal.reports.spread import spoken
from portal.reports.spread.judging import off, points
from portal.reports.spread.reporting import together
from portal.reports.spread.windows import BASES, Sources, Window, figure

LARGEST, MOST = 3, 10


def largest(sources: Sources, window: Window) -> Table:
    """Return the largest payers by corporate group on the recognised basis, the three largest together."""
    one = sources.judged(window, BASES[0], "payers")
    ranked = one.ranked()
    people = payers.named(int(code) for code, _fen in ranked[:MOST])
    table = Table(
        "payers",
        _("Largest payers"),
        _("Payer"),
        [Head(str(words.NAMES[BASES[0]])), Head(_("Share"), "share")],
    )
    watch = sources.settings.payers.watch
    largest = one.of_largest(LARGEST)
    table.words = _(
        "By corporate group, as the rows of ownership say; watched from %(watch)s.", watch=spoken.whole(watch)
    )
    if largest is not None:
        said = _("The three largest bring %(share)s together.", share=spoken.percent(largest))
        table.words = together(table.words, said)
    for code, fen in ranked[:MOST]:
        name = spoken.name_of(sources.said, "payers", code, people)
        table.lines.append(
            Line(name, [figure(BASES[0], fen, window, "payers", code), spoken.share(one.share_of(code))])
        )
    rest = sum(fen for _code, fen in ranked[MOST:])
    if len(ranked) > MOST:
        every = Link(f"{Money(rest).decimal:,.2f}", f"{links.to('reports.payers')}?{sources.said.query()}")
        table.lines.append(Line(_("%(count)s others", count=len(ranked) - MOST), [every, ""]))
    table.lines.append(Line(_("In total"), [figure(BASES[0], one.plain, window), ""], total=True))
    return table


def within(sources: Sources, window: Window) -> Table:
    """Return the largest payer within each stream."""
    heads = [
        Head(_("Payers"), "count"),
        Head(_("Largest payer"), "text"),
        Head(_("Its income")),
        Head(_("Share"), "share"),
    ]
    table = Table("within", _("Payers within a stream"), _("Stream"), heads, words=str(words.NAMES[BASES[0]]))
    found = {code: sources.within(window, BASES[0], code) for code in sources.said.lists.streams}
    people = payers.named(int(one.found.top) for one in found.values() if one.found.top is not None)
    for code, one in found.items():
        top = one.found.top
        if top is None:
            table.lines.append(
                Line(sources.said.lists.called(code), [len(one.amounts), "–", "–", _("no data")])
            )
            continue
        amount = Figure.of(
            f"in_{BASES[0]}",
            one.most,
            start=f"{window.start:%Y-%m}",
            end=f"{window.end:%Y-%m}",
            stream=code,
            payer=top,
        )
        name = spoken.name_of(sources.said, "payers", top, people)
        table.lines.append(
            Line(
                sources.said.lists.called(code), [len(one.amounts), name, amount, spoken.share(one.top_share)]
            )
        )
    return table


def benchmarks(sources: Sources, window: Window) -> Table:
    """Return the share of dues against what other bodies report."""
    one, mark = sources.judged(window, BASES[0], "groups"), sources.settings.benchmark
    dues = one.share_of("dues") if "dues" in one.amounts else None
    table = Table(
        "benchmarks", _("Dues beside those of others"), _("Whose"),
        [Head(_("Year"), "text"), Head(_("Share"), "share"), Head(_("Ours less theirs, in points"), "share"), Head(_("Source"), "text"),
         Head(_("Quality"), "text")],
        words=_("A benchmark is no target."),
    )  # fmt: skip
    verdict = _("no data")
    if dues is not None:
        amber = off(dues, mark, sources.settings.points)
        verdict = _("more than %(points)s points off", points=sources.settings.points) if amber else _("within %(points)s points", points=sources.settings.points)  # fmt: skip
    own = spoken.points(points(dues, mark)) if dues is not None else "–"
    table.lines.append(
        Line(_("Ours"), [window.name, spoken.share(dues), own, _("Recognised, group of dues"), verdict])
    )
    table.lines.append(Line(_("Benchmark of the plan"), ["–", spoken.whole(mark), "–", _("Catalogue"), ""]))
    for row in targets.benchmarks(sources.said.known):
        gap = spoken.points(points(dues, row.share)) if dues is not None and row.of == "dues" else "–"
        of = _("dues") if row.of == "dues" else _("largest payer")
        source = f"{row.source} ({row.said})" if row.said else row.source
        table.lines.append(
            Line(row.body, [row.year or "–", spoken.percent(row.share), gap, source, row.quality], note=of)
        )
    return table
