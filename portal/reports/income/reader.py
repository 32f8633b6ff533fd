"""Whether whoever reads sees who paid: finance, the executive and auditors do, the board sees streams and groups."""

from __future__ import annotations

from flask import has_request_context

from portal.accounts.access import who
from portal.accounts.may import May


def sees_payers() -> bool:
    """Whether payers may be shown; a command on the machine itself sees all."""
    if not has_request_context():
        return True
    reader = who()
    return reader is not None and reader.staff_may(May.READ_MONEY)
