"""Lists by cursor: an opaque mark of the last row seen, so that rows added meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, and_, or_

from portal.core.db import db
from portal.core.errors import Refused


def mark(values: Sequence[str | int]) -> str:
    """Return the cursor behind a row with these sort keys."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def read(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """Return the sort keys of a cursor; `Refused` if we did not make it."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        good = isinstance(found, list) and [type(one) for one in found] == list(kinds)
        for one in found if good else ():
            if isinstance(one, str):
                good = good and "\0" not in one and bool(one.encode() or True)
            else:
                good = good and 0 <= one < 2**62
    except (ValueError, binascii.Error, RecursionError):
        good = False
    if not good:
        raise Refused(_("This cursor is not one of ours."), field="cursor", status=422)
    return list(found)


def page(
    statement: Select[Any], keys: Sequence[tuple[Any, type]], *, limit: int, cursor: str, newest: bool = False
) -> tuple[list[Any], str | None]:
    """Return the next rows of a statement, sorted by its keys, and the cursor behind them (None at the end).

    The keys must name a row uniquely; each is a column of the statement and the type of its values.
    """
    columns = [column for column, _kind in keys]
    if cursor:
        seen = read(cursor, [kind for _column, kind in keys])
        steps = [
            and_(
                *(columns[i] == seen[i] for i in range(n)),
                columns[n] < seen[n] if newest else columns[n] > seen[n],
            )
            for n in range(len(columns))
        ]
        statement = statement.where(or_(*steps))
    order = [column.desc() for column in columns] if newest else columns
    rows = db.session.execute(statement.add_columns(*columns).order_by(*order).limit(limit + 1)).all()
    found = rows[:limit]
    onward = mark(found[-1][-len(columns) :]) if len(rows) > limit else None
    return [row[0] for row in found], onward
