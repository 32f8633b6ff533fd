"""Tables that several report pages share: codes by stream with their groups and total, and codes by month."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _

from portal.core import words as spoken
from portal.reports.income import links, words
from portal.reports.income.asked import Question
from portal.reports.income.books import Books
from portal.reports.income.figure import Figure, Head, Line, Link, Table
from portal.reports.lists import group_name

Sums = dict[str, int]


def sums(books: Books, code: str) -> Sums:
    """Return the amounts of a code by stream, of the whole list asked for; streams that are not on it come last."""
    found = (
        books.stands(code, books.stream_of)
        if code in words.STOCKS
        else books.by(code, lambda one: one.stream)
    )
    return {
        **dict.fromkeys(books.said.streams, 0),
        **dict(sorted(found.items(), key=lambda one: place(books, one[0]))),
    }


def place(books: Books, stream: str) -> tuple[int, str]:
    """Return where a stream stands: in the order of the list, those that are not on it last."""
    known = list(books.said.lists.groups)
    return (known.index(stream) if stream in known else len(known)), stream


def heads(codes: Sequence[str]) -> list[Head]:
    """Return the heads of columns of codes."""
    return [Head(str(words.NAMES[code])) for code in codes]


def by_stream(books: Books, key: str, title: str, codes: Sequence[str], *, said: str = "") -> Table:
    """Return codes as columns, streams as rows, with the groups and the total at the foot."""
    question = books.said
    columns = {code: sums(books, code) for code in codes}
    table = Table(key, title, _("Stream"), heads(codes), words=said)
    for stream in dict.fromkeys(stream for amounts in columns.values() for stream in amounts):
        cells = [Figure.of(code, columns[code].get(stream, 0), stream=stream) for code in codes]
        table.lines.append(Line(stream_link(question, stream), cells, note=_group_of(question, stream)))
    if not question.stream:
        table.lines += _groups(question, columns)
    table.lines.append(
        Line(_("In total"), [Figure.of(code, sum(columns[code].values())) for code in codes], total=True)
    )
    return table


def _group_of(question: Question, stream: str) -> str:
    """Return the group of a stream in words; nothing if it is called like the stream."""
    group = question.lists.groups.get(stream)
    name = group_name(group) if group else ""
    return "" if name == question.lists.called(stream) else name


def _groups(question: Question, columns: dict[str, Sums]) -> list[Line]:
    if question.group:
        return []
    sums = {code: question.lists.by_group(amounts) for code, amounts in columns.items()}
    return [
        Line(
            _group_name(question, group),
            [Figure.of(code, its.get(group, 0), group=group) for code, its in sums.items()],
            total=True,
            note=_("Group"),
        )
        for group in dict.fromkeys([*question.lists.groups.values(), *(name for its in sums.values() for name in its)])
    ]  # fmt: skip


def _group_name(question: Question, group: str) -> str:
    """Return what a group is called: a stream that is not on the list stands for itself."""
    return group_name(group) if group in question.lists.groups.values() else question.lists.called(group)


def stream_link(question: Question, stream: str) -> str | Link:
    """Return a stream's name as a way to its own page; plain if the list does not know it."""
    name = question.lists.called(stream)
    if stream not in question.lists.groups or question.stream:
        return name
    return Link(name, f"{links.to('reports.stream')}?{question.query(stream=stream, group=None)}")


def by_month(books: Books, key: str, title: str, codes: Sequence[str], *, said: str = "") -> Table:
    """Return flows as columns and the months of the period as rows, with the total."""
    table = Table(key, title, _("Month"), heads(codes), words=said)
    columns = {code: books.by(code, lambda one: one.month) for code in codes}
    for month in books.said.months:
        cells = [Figure.of(code, columns[code].get(month, 0), month=f"{month:%Y-%m}") for code in codes]
        table.lines.append(Line(spoken.month(month), cells))
    table.lines.append(
        Line(_("In total"), [Figure.of(code, sum(columns[code].values())) for code in codes], total=True)
    )
    return table


def name_of(said: Question) -> str:
    """Return what the stream or group asked for is called."""
    return said.lists.called(said.stream) if said.stream else group_name(said.group)


def nothing() -> tuple[str, str]:
    """Return what a page says that has no amount at all."""
    return (
        _("No income in this period"),
        _(
            "As known on that day nothing lies in these months. Choose another period above, or another stream."
        ),
    )
