"""Who pays: all payers by corporate group with what each means to the foundation, and one payer by stream and month."""

from __future__ import annotations

from collections import defaultdict

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.may import May
from portal.core.errors import Missing
from portal.core.words import day
from portal.reports.income import links, pages, payers, tables, words
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.books import of as books_of
from portal.reports.income.figure import Figure, Head, Line, Link, Report, Table
from portal.reports.income.pages import Page
from portal.reports.income.shares import percent

CODES = ("booked", "net_invoiced", "collected_net", "recognised", "deferred", "ar")
MONTHLY = ("booked", "invoiced_net", "credited_net", "collected_net", "recognised")


def install() -> None:
    """Add both pages."""
    pages.add(
        Page("payers", _l("Payers"), build, may=May.READ_MONEY, tab=40, asks=("basis",)),
        Page("payer", _l("Payer"), one, may=May.READ_MONEY, needs=("payer",), otherwise="payers"),
    )


def by_head(books: Books, code: str, heads: dict[int, int]) -> dict[int, int]:
    """Return the amounts of a code by payer: the head of its corporate group."""
    if code in words.STOCKS:
        found = books.stands(code, books.party_of)
    else:
        found = {party: amount for (party,), amount in books.moved(code, "party").items()}
    sums: dict[int, int] = defaultdict(int)
    for party, amount in found.items():
        sums[heads.get(party, party)] += amount
    return sums


def build(said: Question) -> Report:
    """Return all payers, the greatest on the basis asked for first."""
    books, heads = books_of(said), payers.heads(said.known)
    if said.payer and said.alone:
        heads = {}
    columns = {code: by_head(books, code, heads) for code in CODES}
    basis = words.OF_BASIS[said.basis]
    ranked = sorted(
        (head for head in {head for amounts in columns.values() for head in amounts}
         if any(columns[code].get(head) for code in CODES)),
        key=lambda head: (-columns[basis].get(head, 0), head),
    )  # fmt: skip
    table = _payers(said, columns, ranked, heads)
    return Report(
        "payers", _("Payers"),
        _("Related companies are one payer, as the rows of ownership say on the day known; a person pays alone."),
        str(words.NAMES[basis]), tables=[table] if ranked else [], detail=[Figure.of(basis, sum(columns[basis].values()))],
        empty=None if ranked else (_("No payer yet"), _("Payers appear here with their first order, invoice or receipt.")),
    )  # fmt: skip


def _payers(
    said: Question, columns: dict[str, dict[int, int]], ranked: list[int], heads: dict[int, int]
) -> Table:
    basis = words.OF_BASIS[said.basis]
    named = payers.named(ranked)
    others: dict[int, int] = defaultdict(int)
    for head in heads.values():
        others[head] += 1
    whole = sum(max(0, amount) for amount in columns[basis].values())
    table = Table(
        "payers", _("All payers"), _("Payer"), [*tables.heads(CODES), Head(_("Share"), "share")],
        words=_("The share is of what is above nothing on the basis %(basis)s.", basis=words.NAMES[basis]),
    )  # fmt: skip
    for head in ranked:
        payer = named[head]
        cells = [Figure.of(code, columns[code].get(head, 0), payer=head) for code in CODES]
        link = Link(payer.name, f"{links.to('reports.payer')}?{said.query(payer=payer.uid)}")
        note = (
            _("with related companies") if others[head] > 1 else _("pays as a person") if payer.person else ""
        )
        table.lines.append(
            Line(link, [*cells, percent(max(0, columns[basis].get(head, 0)), whole)], note=note)
        )
    totals = [Figure.of(code, sum(columns[code].values())) for code in CODES]
    table.lines.append(Line(_("In total"), [*totals, percent(whole, whole)], total=True))
    return table


def one(said: Question) -> Report:
    """Return one payer, with its corporate group, by stream and by month."""
    if not said.payer:
        raise Missing(_("Please choose a payer."))
    books = books_of(said)
    parties = sorted(books.parties or ())
    named = payers.named(parties)
    chosen = next(payer for payer in named.values() if payer.uid == said.payer)
    streams = tables.by_stream(books, "streams", _("By stream"), CODES)
    months = tables.by_month(books, "months", _("By month"), MONTHLY)
    report = Report(
        "payer", chosen.name, _lead(said, len(parties)), _("All bases"), tables=[streams, months],
        detail=list(streams.lines[-1].cells),
    )  # fmt: skip
    if len(parties) > 1 or said.alone:
        report.tables.append(_ties(said, parties))
    return report


def _lead(said: Question, count: int) -> str:
    if said.alone:
        return _("This payer alone, without related companies.")
    if count > 1:
        return _(
            "With %(count)s related payers as one corporate group, as of the day known.", count=count - 1
        )
    return _("What this payer agreed to, was invoiced, paid, and what of it was earned.")


def _ties(said: Question, parties: list[int]) -> Table:
    other = f"{links.to('reports.payer')}?{said.query(alone=None if said.alone else 'yes')}"
    words_ = _("Rows of ownership of more than half of the votes.")
    table = Table(
        "ties", _("Why they are one group"), _("Shareholder"),
        [Head(_("Owns"), "text"), Head(_("Share of votes"), "share"), Head(_("Since"), "text"), Head(_("Evidence"), "text")],
        words=words_,
    )  # fmt: skip
    for tie in payers.ties(parties, said.known):
        table.lines.append(Line(tie.owner, [tie.owned, tie.percent, day(tie.since), tie.evidence]))
    label = _("Show the group") if said.alone else _("Show this payer alone")
    table.lines.append(Line(Link(label, other), ["", "", "", ""]))
    return table
