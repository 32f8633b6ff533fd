"""Pages of a list: which rows, how many in all, and where the reader is."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Select, func, select

from portal.core.db import db
from portal.core.forms import clean

SIZES = (25, 50, 100)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list. `page` counts from 1 and is within the list."""

    items: list[Any]
    total: int
    page: int
    pages: int
    size: int = SIZES[0]
    sizes: tuple[int, ...] = SIZES

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
    sizes: tuple[int, ...] = SIZES,
) -> Page:
    """Return the page the reader asked for, in two statements (one if the total is known).

    `order` gives the columns to sort by, all up or all `down`, ending with one that is unique; then the pages of the
    second half are read from the end, so that the last one costs no more than the first. `rows` gives whole rows
    instead of first columns.
    """
    size = number("size", sizes[0])
    size = size if size in sizes else sizes[0]
    if total is None:
        whole = select(func.count()).select_from(statement.order_by(None).subquery())
        total = db.session.scalar(counted(statement) if order else whole) or 0
    pages = max(1, -(-total // size))
    page = min(max(1, number("page", 1)), pages)
    start = (page - 1) * size
    backwards = bool(order) and 2 * start > total
    if order:
        statement = statement.order_by(*(one.desc() if down != backwards else one for one in order))
    most = min(size, total - start) if backwards else size
    part = statement.limit(most).offset(total - start - most if backwards else start)
    found = db.session.execute(part).all() if rows else db.session.scalars(part).all()
    return Page(list(reversed(found) if backwards else found), total, page, pages, size, sizes)


def counted(statement: Select[Any]) -> Select[Any]:
    """Return the statement that counts another one's rows, without a table that was joined for its columns alone."""
    return statement.order_by(None).with_only_columns(func.count(), maintain_column_froms=True)
