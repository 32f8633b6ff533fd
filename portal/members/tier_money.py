"""The documents of a change of tier: one invoice with both lines, or a credit note; and the way back from an unpaid one."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing import crediting, issuing, recognition
from portal.billing.models import Invoice, InvoiceLine, Order, OrderLine
from portal.billing.note_figures import Figures
from portal.billing.note_models import NoteKind
from portal.billing.note_shares import home_of, lineage, room
from portal.billing.quote_models import LineRole
from portal.billing.selling import Part
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members.tier_models import TierLine, TierQuote

NONE = Money(0)


def issue(quote: TierQuote, *, by: Person) -> None:
    """Issue the lines of a confirmed preview as they stand: one invoice, or one credit note where the sum is negative.

    What is sold new is agreed when the change takes effect: until then it is an offer and earns nothing.
    """
    lines = _billed(quote)
    if not lines:
        return
    order = Order(party=issuing.party_of(quote.membership.org), ordered_subject=quote.subject)
    db.session.add(order)
    for line in lines:
        if line.role is LineRole.CHARGE:
            line.new_line = _sold(order, quote, line)
    db.session.flush()
    if quote.gross < NONE:
        for line in lines:
            if line.new_line is not None:
                _days(line.new_line, line)
        parts = [_noted(line) for line in lines]
        note = crediting.issue_change(
            _lowered(quote), NoteKind.PRICE_ADJUSTMENT, parts, by=by, reason=quote.number
        )
        quote.credit_note_number = str(note.number)
        return
    quote.invoice = issuing.issue_invoice(
        order, language=quote.application.language, by=by, parts=[_part(line) for line in lines],
        subject=quote.subject,
    )  # fmt: skip


def _sold(order: Order, quote: TierQuote, line: TierLine) -> OrderLine:
    price = quote.price
    made = OrderLine(
        order=order, product=price.product.code, stream=price.product.stream, recognition=price.product.recognition,
        price_version=price.version, quantity=1, list_amount=line.list_amount, discount=line.discount,
        gross=line.gross, net=line.net, tax=line.tax, tax_category=line.tax_category, tax_bp=line.tax_bp,
        words=line.words, discount_words=line.discount_words,
    )  # fmt: skip
    db.session.add(made)
    return made


def _of(line: TierLine) -> OrderLine:
    found = line.new_line or line.old_line
    if found is None:
        raise ValueError(f"{line.subject} belongs to no order")
    return found


def _part(line: TierLine) -> Part:
    return Part(
        _of(line), line.gross, line.net, line.tax, line.list_amount, line.discount, line.words,
        line.discount_words, since=line.starts,
    )  # fmt: skip


def _noted(line: TierLine) -> Figures:
    """Return a line as a credit note says it: above zero what is given back, below what is charged."""
    if line.new_line is not None:
        return Figures(None, -line.net, -line.tax, of=line.new_line, words=line.words)
    there = recognition.charges(_of(line))
    by = there[-1] if there and isinstance(there[-1], InvoiceLine) else None
    return Figures(by, -line.net, -line.tax, of=_of(line), words=line.words, since=line.starts)


def _lowered(quote: TierQuote) -> Invoice:
    """Return the invoice that a note goes by: the newest of those that led to what ends and still hold something."""
    homes = [home_of(line.old_line) for line in quote.lines if line.old_line is not None]
    for invoice in lineage(*(home for home in homes if home is not None)):
        if room(invoice) > 0:
            return invoice
    raise Refused(_l("There is no invoice that this change could lower: finance changes it by hand."))


def _days(of: OrderLine, line: TierLine) -> None:
    of.agreed_on, of.period_start, of.period_end = clock.today(), line.starts, line.ends


def agree(line: TierLine) -> None:
    """Agree on what a change sells: from its day on it earns, days already past are caught up."""
    if line.new_line is not None and line.new_line.agreed_on is None:
        recognition.agree(line.new_line, (line.starts, line.ends))


def take_back(quote: TierQuote, *, by: Person | str) -> Money:
    """Take the invoice of a dropped change back by one note: the new days are credited, the old ones charged again.

    Returns what was paid on it and is the payer's credit now.
    """
    if quote.invoice is None or issuing.cover(quote.invoice) == "reversed":
        return NONE
    paid = issuing.allocated(quote.invoice)
    order = Order(party=quote.invoice.party, ordered_subject=quote.subject)
    db.session.add(order)
    parts = []
    for line, billed in zip(_billed(quote), quote.invoice.lines, strict=True):
        if line.role is LineRole.CHARGE and billed.net:
            parts.append(Figures(billed, billed.net, billed.tax, of=billed.order_line, since=line.starts))
        elif line.role is LineRole.CREDIT:
            line.restored = _restored(order, line)
            parts.append(Figures(None, line.net, line.tax, of=line.restored, words=line.restored.words))
    crediting.issue_change(quote.invoice, NoteKind.PRICE_ADJUSTMENT, parts[::-1], by=by, reason=quote.number)
    return paid


def _billed(quote: TierQuote) -> list[TierLine]:
    return [line for line in quote.lines if line.list_amount or line.gross]


def _restored(order: Order, line: TierLine) -> OrderLine:
    """Write the order line on which the old tier's days stand again after a change that was not paid."""
    old = _of(line)
    words = {"en": f"As before: {line.words['en'].removeprefix('Not used: ')}",
             "zh": f"恢复原等级：{line.words['zh'].removeprefix('未使用部分：')}"}  # fmt: skip
    made = OrderLine(
        order=order, product=old.product, stream=old.stream, recognition=old.recognition,
        price_version=old.price_version, quantity=1, list_amount=-line.gross, discount=NONE, gross=-line.gross,
        net=-line.net, tax=-line.tax, tax_category=old.tax_category, tax_bp=old.tax_bp, words=words,
    )  # fmt: skip
    _days(made, line)
    db.session.add(made)
    db.session.flush()
    return made
