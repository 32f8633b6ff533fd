"""What happens when: every chore with its time, in the office's zone. This is the one table."""

from __future__ import annotations

from portal.accounts import throttle
from portal.billing import online, sending
from portal.core import chores, outbox
from portal.core.chores import Chore
from portal.core.db import transaction


def purge_outbox() -> int:
    """Delete work that was done a month ago; return how many rows went."""
    with transaction():
        return outbox.purge()


def install() -> None:
    """Put every chore on the table."""
    chores.register(
        Chore("purge_outbox", "30 4 * * *", purge_outbox),
        Chore("forget_sign_in_tries", "40 4 * * *", throttle.forget_old),
        Chore("settle_payments", "*/10 * * * *", online.sweep),
        Chore("send_refunds", "5-59/10 * * * *", sending.sweep),
    )
