"""What happens when: every chore with its time, in the office's zone. This is the one table."""

from __future__ import annotations

from portal.core import chores, outbox
from portal.core.chores import Chore
from portal.core.db import transaction


def purge_outbox() -> int:
    """Delete work that was done a month ago; return how many rows went."""
    with transaction():
        return outbox.purge()


def install() -> None:
    """Put every chore on the table."""
    chores.register(Chore("purge_outbox", "30 4 * * *", purge_outbox))
