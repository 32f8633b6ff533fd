"""What is kept of people here: who made, proposed and released; figures name payers by number and nobody by name."""

from __future__ import annotations

from portal.core import personal
from portal.core.personal import Keeping, Purpose


def install() -> None:
    """Put the columns into the register."""
    personal.holds(Purpose.ACTING, Keeping.ACCOUNT, "report_mail.person_id")
