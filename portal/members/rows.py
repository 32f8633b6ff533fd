"""How chores walk their rows: a transaction each, and one that fails keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused

log = structlog.get_logger(__name__)


def each(chore: str, ids: Iterable[int], do: Callable[[int], int]) -> int:
    """Do one thing for each row, a transaction each; a row that fails is logged and the rest go on."""
    done = 0
    for one in ids:
        try:
            with transaction():
                done += do(one)
        except Refused as refusal:
            log.info("chore.refused", chore=chore, row=one, why=str(refusal))
        except Exception:
            log.exception("chore.failed", chore=chore, row=one)
    return done


def ids_of(statement: Any) -> list[int]:
    """Return the numbers a statement selects, and let the reading end."""
    found = list(db.session.scalars(statement))
    let_go()
    return found
