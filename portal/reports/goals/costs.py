"""What months cost, as finance states it: dated rows of the catalogue, so that reports as known earlier keep the figure of then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts.people import Person
from portal.billing import months
from portal.core import audit, catalogue, clock, story
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.periods import nth

KIND, SHOWN, BACK = "cost", 12, 60
MOST = Money(10**13)
CODE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Cost:
    """What stands for a month: nothing yet, or the amount of its last version with where it comes from."""

    month: date
    version: int
    amount: Money | None = None
    source: str = ""
    since: date | None = None

    @property
    def code(self) -> str:
        """The month as the catalogue and addresses write it."""
        return f"{self.month:%Y-%m}"


def subject(month: date) -> str:
    """Return what the history of a month's cost is kept under."""
    return f"cost:{month:%Y-%m}"


def of_month(month: date) -> Cost:
    """Return what stands for a month."""
    row = db.session.scalars(
        select(CatalogueEntry)
        .where(CatalogueEntry.kind == KIND, CatalogueEntry.code == f"{month:%Y-%m}")
        .order_by(CatalogueEntry.version.desc())
        .limit(1)
    ).first()
    if row is None:
        return Cost(month, 0)
    source = catalogue.in_words(row.body.get("source", ""))
    return Cost(month, row.version, Money(int(row.body["amount"])), source, row.valid_from)


def lately() -> list[Cost]:
    """Return what stands for the last months that are over, the newest first."""
    this = months.first_of(clock.today())
    return [of_month(nth(this, 1, -n)) for n in range(1, SHOWN + 1)]


def state(month: date, amount: Money, *, zh: str, en: str, seen: int, by: Person) -> None:
    """State what a month cost, or correct it; `seen` is the version that whoever states it has read, 0 for none.

    The row is in force from today: what was known on earlier days stays.
    """
    this = months.first_of(clock.today())
    if month >= this:
        raise Refused(_l("A month's cost is stated when the month is over."), field="month", status=422)
    if month < nth(this, 1, -BACK):
        raise Refused(_l("Only the last five years can be stated."), field="month", status=422)
    if not Money(0) <= amount <= MOST:
        raise Refused(_l("Please give a cost that is not below zero."), field="amount", status=422)
    was = of_month(month)
    if was.version != seen:
        raise _meanwhile()
    if was.amount == amount:
        raise Refused(_l("This very amount stands already."), field="amount", status=422)
    code = was.code
    body: dict[str, Any] = {
        "code": code, "amount": amount.minor, "source": {"en": en, "zh": zh},
        "order": month.year * 12 + month.month,
    }  # fmt: skip
    try:
        catalogue.put(KIND, code, body, clock.today())
    except IntegrityError:  # another was faster: the version is taken
        raise _meanwhile() from None
    more: dict[str, Any] = {} if was.amount is None else {"before": was.amount}
    audit.record(
        "cost.stated", subject(month), by=by, month=code, amount=amount, origin=f"{zh} / {en}", **more
    )


def _meanwhile() -> Refused:
    return Refused(
        _l("Somebody stated this month meanwhile. Please look at what stands in the table; send it again to correct that."),
        status=409,
    )  # fmt: skip


def from_file(body: dict[str, Any]) -> None:
    """Check a month's cost of a catalogue file; `Refused` says what is wrong with it."""
    code, amount = str(body.get("code", "")), body.get("amount")
    if not CODE.fullmatch(code) or isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
        raise Refused(f"cost {code}: a month like 2026-05 and an amount in fen that is not below zero")


def install() -> None:
    """Let the catalogue look at costs before it takes them, and say how their history reads."""
    catalogue.checked(KIND, from_file)
    story.words(
        {"cost.stated": (_l("Cost of a month stated"), "cash-coin")},
        {"before": _l("Before"), "origin": _l("Source")},
    )
