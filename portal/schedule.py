"""What happens when: every chore with its time, in the office's zone. This is the one table."""

from __future__ import annotations

from portal.accounts import throttle
from portal.billing import online
from portal.core import chores, outbox
from portal.core.chores import Chore
from portal.core.db import transaction
from portal.members import chores as members


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
        Chore("announce_standings", "5 0 * * *", members.announce_standings),
        Chore("expire_applications", "0 9 * * *", members.expire_applications),
        Chore("close_unfulfilled", "10 9 * * *", members.close_unfulfilled),
        Chore("void_envelopes", "20 9 * * *", members.void_envelopes),
    )
