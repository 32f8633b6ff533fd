"""What a credit note takes off each line: copied from the line, tax to date, so that parts sum and the last takes the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import earning, recognition
from portal.billing.models import Invoice, InvoiceLine, OrderLine
from portal.billing.note_models import Charged, CreditNote, CreditNoteLine, NoteKind, NoteState
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money, half_up

NONE = Money(0)
K = NoteKind


@dataclass(frozen=True, slots=True)
class Figures:
    """What a note takes off one order line, below zero what a change charges; `line` is what had charged it, if an invoice.

    `printed` holds the figures on paper where the invoice is in another currency; `since` when a change ends the line.
    """

    line: InvoiceLine | None
    net: Money
    tax: Money
    printed: dict[str, Any] | None = None
    of: OrderLine | None = None
    words: dict[str, str] | None = None
    since: date | None = None

    @property
    def gross(self) -> Money:
        """Return net and tax together."""
        return self.net + self.tax

    @property
    def order_line(self) -> OrderLine:
        """Return the order line it is about."""
        found = self.of or (self.line.order_line if self.line is not None else None)
        if found is None:
            raise ValueError("a credit note's line is about an order line")
        return found

    @property
    def said(self) -> dict[str, str]:
        """Return what the line says: the words given, or those of what charged it."""
        return self.words or (self.line.words if self.line is not None else self.order_line.words)

    @property
    def tax_said(self) -> dict[str, str]:
        """Return the words for its tax: those of its invoice, or today's where the note itself charges."""
        if self.line is not None:
            return self.line.tax_words
        charge = recognition.charges(self.order_line)
        if charge:
            return charge[-1].tax_words
        return dict(catalogue.entry("tax", self.order_line.tax_category)["words"])


def tax_credited(line: Charged) -> int:
    """Return the fen of tax that issued notes and changes took off a line."""
    return recognition.taken_back(line)[1]


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


def figures(line: Charged, net: Money) -> Figures:
    """Return what a credit of `net` on a line is: its tax to date, less the tax credited before. `Refused` beyond the line."""
    before, (whole, tax) = recognition.credited_net(line), recognition.charged(line)
    if net.minor < 0 or before + net.minor > max(0, whole):
        raise Refused(_l("At most what is left of the line can be credited."), field="net", status=422)
    part = Money(tax_to_date(tax, whole, before + net.minor) - tax_credited(line))
    if isinstance(line, InvoiceLine):
        return Figures(line, net, part, printed_part(line, net.minor))
    return Figures(None, net, part, of=line.order_line, words=line.words)


def charged_on(invoice: Invoice) -> list[Charged]:
    """Return what charges on an invoice: its lines above zero, and what the notes of changes on it charged."""
    by_notes = (
        select(CreditNoteLine)
        .join(CreditNote)
        .where(
            CreditNote.invoice_id == invoice.id,
            CreditNote.state == NoteState.ISSUED,
            CreditNoteLine.net < NONE,
        )
    )
    found: list[Charged] = [line for line in invoice.lines if line.net > NONE]
    return found + list(db.session.scalars(by_notes.order_by(CreditNoteLine.id)))


def wanted(
    invoice: Invoice, kind: NoteKind, *, last_day: date | None = None, nets: Mapping[int, Money] | None = None
) -> list[Figures]:
    """Return what a note of a kind takes off each line: `nets` by line for a price cut, else it follows from the plan."""
    found = []
    for line in charged_on(invoice):
        if kind is K.TERMINATION:
            if last_day is None:
                raise Refused(_l("Please say the last day served."), field="last_day", status=422)
            net = earning.remaining(line, last_day)
        elif kind is K.CANCELLATION:
            net = Money(max(0, recognition.charged(line)[0] - recognition.credited_net(line)))
        else:
            net = (nets or {}).get(line.id, NONE) if isinstance(line, InvoiceLine) else NONE
        if net:
            found.append(figures(line, net))
    if not found:
        raise Refused(_l("Nothing would be credited."), status=422)
    return found
