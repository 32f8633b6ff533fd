"""What a credit note takes off each line: copied from the line, tax to date, so that parts sum and the last takes the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing import earning, recognition
from portal.billing.models import Invoice, InvoiceLine
from portal.billing.note_models import CreditNote, CreditNoteLine, NoteKind, NoteState
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money, half_up

NONE = Money(0)
K = NoteKind


@dataclass(frozen=True, slots=True)
class Figures:
    """What a note takes off one line; `units` are those on paper where the invoice is in another currency."""

    line: InvoiceLine
    net: Money
    tax: Money
    printed: dict[str, Any] | None = None

    @property
    def gross(self) -> Money:
        """Return net and tax together."""
        return self.net + self.tax


def tax_credited(line: InvoiceLine) -> int:
    """Return the fen of tax that issued notes took off a line."""
    found = db.session.scalar(
        select(func.coalesce(func.sum(CreditNoteLine.tax), 0))
        .join(CreditNote)
        .where(CreditNoteLine.invoice_line_id == line.id, CreditNote.state == NoteState.ISSUED)
    )
    return found.minor if isinstance(found, Money) else int(found or 0)


def tax_to_date(tax: int, net: int, credited_net: int) -> int:
    """Return the tax that belongs to what was credited of a line so far: parts sum, and the last takes the rest."""
    return half_up(tax * credited_net, net) if net > 0 else 0


def printed_part(line: InvoiceLine, net: int) -> dict[str, Any] | None:
    """Return the figures on paper of a note over `net` fen, in proportion to the line and to date."""
    if line.printed is None:
        return None
    before, gone = recognition.credited_net(line), [
        one.printed or {} for one in db.session.scalars(
            select(CreditNoteLine).join(CreditNote).where(
                CreditNoteLine.invoice_line_id == line.id, CreditNote.state == NoteState.ISSUED
            )
        )
    ]  # fmt: skip
    found: dict[str, Any] = {"currency": line.printed["currency"]}
    for name in ("net", "tax"):
        to_date = half_up(int(line.printed[name]) * (before + net), line.net.minor) if line.net else 0
        found[name] = to_date - sum(int(one.get(name, 0)) for one in gone)
    found["gross"] = found["net"] + found["tax"]
    return found


def figures(line: InvoiceLine, net: Money) -> Figures:
    """Return what a credit of `net` on a line is: its tax to date, less the tax credited before. `Refused` beyond the line."""
    before, whole = recognition.credited_net(line), line.net.minor
    if net.minor < 0 or before + net.minor > max(0, whole):
        raise Refused(_l("At most what is left of the line can be credited."), field="net", status=422)
    tax = tax_to_date(line.tax.minor, whole, before + net.minor) - tax_credited(line)
    return Figures(line, net, Money(tax), printed_part(line, net.minor))


def wanted(
    invoice: Invoice, kind: NoteKind, *, last_day: date | None = None, nets: Mapping[int, Money] | None = None
) -> list[Figures]:
    """Return what a note of a kind takes off each line: `nets` by line for a price cut, else it follows from the plan."""
    found = []
    for line in invoice.lines:
        if kind is K.TERMINATION:
            if last_day is None:
                raise Refused(_l("Please say the last day served."), field="last_day", status=422)
            net = earning.remaining(line, last_day) if line.net.minor > 0 else NONE
        elif kind is K.CANCELLATION:
            net = Money(max(0, line.net.minor - recognition.credited_net(line)))
        else:
            net = (nets or {}).get(line.id, NONE)
        if net:
            found.append(figures(line, net))
    if not found:
        raise Refused(_l("Nothing would be credited."), status=422)
    return found
