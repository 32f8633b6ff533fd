"""Pages of a list: which rows, how many in all, and where the reader is."""

from __future__ import annotations

import unicodedata
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
    statement: Select[Any], *, total: int | None = None, rows: bool = False, sizes: tuple[int, ...] = SIZES
) -> Page:
    """Return the page the reader asked for, in two statements (one if the total is known).

    `rows` gives whole rows instead of first columns.
    """
    size = number("size", sizes[0])
    size = size if size in sizes else sizes[0]
    if total is None:
        total = db.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    pages = max(1, -(-total // size))
    page = min(max(1, number("page", 1)), pages)
    part = statement.limit(size).offset((page - 1) * size)
    found = db.session.execute(part).all() if rows else db.session.scalars(part).all()
    return Page(list(found), total, page, pages, size, sizes)
