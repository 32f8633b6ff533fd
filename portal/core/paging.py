"""Pages of a list: which rows, how many in all, and where the reader is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from flask import request
from sqlalchemy import Integer, Select, bindparam, func, literal, select

from portal.core.db import db
from portal.core.forms import clean

SIZES = (25, 50, 100)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list. `page` counts from 1 and is within the list; `more`: it goes on beyond the total that is counted."""

    items: list[Any]
    total: int
    page: int
    pages: int
    size: int = SIZES[0]
    sizes: tuple[int, ...] = SIZES
    more: bool = False

    @property
    def start(self) -> int:
        """How many rows stand on the pages before."""
        return (self.page - 1) * self.size

    @property
    def has_prev(self) -> bool:
        """Whether there is a page before."""
        return self.page > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after."""
        return self.page < self.pages


def number(name: str, otherwise: int) -> int:
    """Return a whole number of the query, or the other one when it is missing or no number."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def asked(name: str, *, most: int = 200) -> str:
    """Return a text of the query without controls (PostgreSQL takes no NUL), trimmed and cut."""
    return str(clean(request.args.get(name, ""))).strip()[:most]


def folded(text: str) -> str:
    """Return text as names are searched: NFKC, one case, without controls, trimmed."""
    return unicodedata.normalize("NFKC", str(clean(text))).casefold().strip()


def page_of(
    statement: Select[Any],
    *,
    order: Sequence[Any] = (),
    down: bool = False,
    total: int | None = None,
    rows: bool = False,
    plain: bool = False,
    sizes: tuple[int, ...] = SIZES,
    upto: int = 0,
    tally: Select[Any] | None = None,
) -> Page:
    """Return the page the reader asked for, in two statements (one if the total is known, or a first page is not full).

    `order` gives the columns to sort by, all up or all `down`, ending with one that is unique; then the pages of the
    second half are read from the end, so that the last one costs no more than the first. `rows` gives whole rows
    instead of first columns; `plain` does so for a statement of columns alone, without the work entities need. `upto` ends
    the counting, and the list, at so many rows: for lists that nobody reads to the end and that grow without bound.
    `tally` is the same list without what was joined for its columns alone; it is counted instead.
    """

    read = partial(_rows, statement, tuple(order), down=down, rows=rows, plain=plain)
    first: list[Any] | None = None
    if total is None and number("page", 1) <= 1:
        first, size = read(_size(sizes), 0), _size(sizes)
        if len(first) < size:  # all there is: nothing is left to count
            return replace(place_in(len(first), sizes), items=first)
    if total is None:
        total = _total(statement if tally is None else tally, upto, ordered=bool(order), plain=plain)
    more = 0 < upto < total
    place = replace(place_in(upto if more else total, sizes), more=more)
    if first is not None:
        return replace(place, items=first)
    start, backwards = place.start, bool(order) and not more and 2 * place.start > total
    most = min(place.size, total - start) if backwards else place.size
    return replace(place, items=read(most, total - start - most if backwards else start, backwards=backwards))


def _rows(
    statement: Select[Any], order: tuple[Any, ...], most: int, start: int, *, down: bool, rows: bool, plain: bool,
    backwards: bool = False,
) -> list[Any]:  # fmt: skip
    put = _part if order else _part.__wrapped__
    part, asked = put(statement, order, down != backwards), {"page_most": most, "page_start": start}
    found: Sequence[Any]
    if plain:
        found = db.session.connection().execute(part, asked).all()
    else:
        found = db.session.execute(part, asked).all() if rows else db.session.scalars(part, asked).all()
    return list(reversed(found) if backwards else found)


def _total(listed: Select[Any], upto: int, *, ordered: bool, plain: bool) -> int:
    """Return how many rows a list has, counted to one beyond `upto` at most."""
    whole = _no_further(listed, upto) if upto else counted(listed) if ordered else _whole(listed)
    return (db.session.connection() if plain else db.session()).scalar(whole) or 0


def _size(sizes: tuple[int, ...]) -> int:
    asked = number("size", sizes[0])
    return asked if asked in sizes else sizes[0]


def place_in(total: int, sizes: tuple[int, ...] = SIZES) -> Page:
    """Return the page the reader asked for of a list of so many rows, without its rows."""
    size = _size(sizes)
    pages = max(1, -(-total // size))
    return Page([], total, min(max(1, number("page", 1)), pages), pages, size, sizes)


# A list that nothing narrows is one statement for as long as the process lives; others pass through.
@lru_cache(maxsize=128)
def _part(statement: Select[Any], order: tuple[Any, ...], down: bool) -> Select[Any]:
    """Return the statement of any page of a list."""
    if order:
        statement = statement.order_by(*(one.desc() if down else one for one in order))
    most, start = (bindparam(name, type_=Integer) for name in ("page_most", "page_start"))
    return statement.limit(most).offset(start)


def _whole(statement: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(statement.order_by(None).subquery())


def _no_further(statement: Select[Any], upto: int) -> Select[Any]:
    """Return the statement that counts another one's rows up to one more than asked."""
    some = statement.order_by(None).with_only_columns(literal(1).label("one"), maintain_column_froms=True)
    return select(func.count()).select_from(some.limit(upto + 1).subquery())


@lru_cache(maxsize=128)
def counted(statement: Select[Any]) -> Select[Any]:
    """Return the statement that counts another one's rows, without a table that was joined for its columns alone."""
    return statement.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)
