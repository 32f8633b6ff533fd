"""Invoices and receipts as files: what the list shows, with its filters."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing.bank_models import BankLine
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.billing.office import STATES, money
from portal.billing.receipts import asked_for as asked_receipts
from portal.billing.views import asked_for
from portal.core import export, labels
from portal.core.money import Money


@money.get("/invoices/file")
@allow(May.READ_MONEY)
def invoices_file() -> Response:
    """Hand out the invoices asked for as CSV."""
    heads = (
        _("Number"), _("Reference"), _("For"), _("Issued"), _("Due"), _("Net"), _("Tax"), _("Sum"), _("State"),
    )  # fmt: skip

    def row(one: Invoice) -> tuple[Any, ...]:
        return (
            one.number, one.reference, one.buyer_name, one.issued_on, one.due_on, one.net, one.tax, one.gross,
            labels.label(one.state),
        )  # fmt: skip

    return export.csv_of("invoices", heads, asked_for(STATES), row, by=me().person)


@money.get("/receipts/file")
@allow(May.READ_MONEY)
def receipts_file() -> Response:
    """Hand out the receipts as CSV."""
    heads = (
        _("Payer"), _("Way"), _("Value date"), _("Party"), _("Amount"), _("Currency"), _("In that currency"),
        _("Reference of the bank or gateway"),
        _("Written down by"), _("Confirmed by"),
    )  # fmt: skip

    def row(found: tuple[Receipt, str | None]) -> tuple[Any, ...]:
        one, of_bank = found
        units = "" if one.units is None else Money(one.units, one.currency)
        return (
            one.payer, labels.label(one.way), one.received_on, one.party.name if one.party else "", one.amount,
            one.currency, units, one.provider_ref if of_bank is None else of_bank, one.recorded_by, one.confirmed_by,
        )  # fmt: skip

    statement = asked_receipts(request.args.get("show", ""))
    both = statement.outerjoin(BankLine, BankLine.receipt_id == Receipt.id).add_columns(BankLine.bank_ref)
    return export.csv_of("receipts", heads, both, row, by=me().person, rows=True)
