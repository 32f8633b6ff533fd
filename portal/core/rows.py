"""How a chore walks its rows: asked for first, then one transaction each; a row that fails is logged and the rest go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused

log = structlog.get_logger(__name__)


def ids_of(statement: Any) -> list[int]:
    """Return the ids that a statement gives, and let go of the database."""
    found = list(db.session.scalars(statement))
    let_go()
    return found


def each(chore: str, ids: Iterable[int], do: Callable[[int], int]) -> int:
    """Do one thing for each row, a transaction each; return the sum of what was done."""
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
