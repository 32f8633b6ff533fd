"""The chore that asks finance about money nobody has found the payer of for days."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.people import Grant, Person
from portal.billing import bank_queries
from portal.core import clock, mail, web
from portal.core.db import db, transaction
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import money


def _finance() -> list[Person]:
    """Return who works in finance today."""
    today = clock.today()
    held = select(Grant.person_id).where(Grant.role == StaffRole.FINANCE, Grant.start <= today, (Grant.end.is_(None)) | (Grant.end > today))  # fmt: skip
    return list(db.session.scalars(select(Person).where(Person.id.in_(held)).order_by(Person.id)))


def chase() -> int:
    """Write to finance once for each day's newly overdue lines; return how many lines wait too long."""
    with transaction():
        rows = list(db.session.scalars(bank_queries.overdue()))
        if not rows:
            return 0
        count, total = len(rows), sum((row.amount for row in rows), Money(0))

        def letter() -> Letter:
            return Letter(
                ngettext(
                    "%(num)s bank line waits for its payer", "%(num)s bank lines wait for their payer", count
                ),
                (_("%(sum)s came and nobody has said whose it is.", sum=money(total)),),
                button=(_("Clear the bank"), web.absolute("money.bank", account=rows[0].account)),
            )

        for person in _finance():
            mail.send(
                f"bank-chase:{rows[-1].id}:{person.uid}", person.email, person.name, person.language, letter
            )
        return count
