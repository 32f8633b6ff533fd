"""What the amounts of the reports are called, and what each of them means."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

NAMES: dict[str, LazyString] = {
    "booked": _l("Booked"),
    "invoiced_net": _l("Invoiced, net"),
    "invoiced_tax": _l("VAT invoiced"),
    "invoiced_gross": _l("Invoiced, gross"),
    "credited_net": _l("Credited, net"),
    "credited_tax": _l("VAT credited"),
    "credited_gross": _l("Credited, gross"),
    "net_invoiced": _l("Invoiced less credited"),
    "collected_gross": _l("Collected, gross"),
    "collected_net": _l("Collected, net"),
    "refunded_gross": _l("Refunded, gross"),
    "refunded_net": _l("Refunded, net"),
    "recognised": _l("Recognised"),
    "deferred": _l("Deferred"),
    "unpaid": _l("Deferred, of which unpaid"),
    "contract_asset": _l("Contract asset"),
    "rpo": _l("To be performed (RPO)"),
    "rpo_next": _l("RPO, next 12 months"),
    "rpo_later": _l("RPO, later"),
    "rpo_undated": _l("RPO without a date"),
    "ar": _l("Receivables, gross"),
    "waived": _l("Waived value"),
    "billed": _l("Change of the contract balance"),
    "opened": _l("Contract balance before"),
    "closed": _l("Contract balance after"),
}
MEANINGS: dict[str, LazyString] = {
    "booked": _l("Net of contract lines on the day they were agreed, with what changes, terminations and price cuts took back on their day. Usage counts in its month."),
    "invoiced_net": _l("Net of invoice lines by the day of issue; void invoices are taken out."),
    "invoiced_tax": _l("VAT of invoice lines by the day of issue."),
    "invoiced_gross": _l("Invoice lines with their VAT by the day of issue."),
    "credited_net": _l("Net of credit notes by their own day of issue."),
    "credited_tax": _l("VAT of credit notes by their own day of issue."),
    "credited_gross": _l("Credit notes with their VAT by their own day of issue."),
    "net_invoiced": _l("Net of invoices less net of credit notes, each by its own day of issue."),
    "collected_gross": _l("Receipts put on invoices, by the day of value, in CNY at the bank’s rate."),
    "collected_net": _l("Receipts put on invoices less the VAT they paid, by the day of value."),
    "refunded_gross": _l("Money sent back to payers, by the day it left."),
    "refunded_net": _l("Money sent back to payers less its VAT, by the day it left."),
    "recognised": _l("Income earned, by the month in which it is posted."),
    "deferred": _l("Invoiced less credited less recognised, for each contract line where that is above nothing, at the end of the period."),
    "unpaid": _l("The part of deferred income whose invoices are not paid, for each contract line, at the end of the period."),
    "contract_asset": _l("Recognised and not yet invoiced, for each contract line, at the end of the period; never netted against deferred income."),
    "rpo": _l("Booked less recognised to date, for each contract line, at the end of the period."),
    "rpo_next": _l("What plans and agreed periods date into the next twelve months."),
    "rpo_later": _l("What plans and agreed periods date after the next twelve months."),
    "rpo_undated": _l("Milestones not accepted, units not used, lines without a period; below nothing what was earned without a signed order."),
    "ar": _l("What is owed of invoices, gross, at the end of the period, spread over their lines."),
    "waived": _l("List price less price, net, of lines agreed in the period. It is in no column of income."),
    "billed": _l("Invoiced less credited less recognised in the period."),
    "opened": _l("Invoiced less credited less recognised up to the day before, deferred income less contract asset."),
    "closed": _l("Invoiced less credited less recognised to date, deferred income less contract asset."),
}  # fmt: skip
FLOWS = (
    "booked", "invoiced_net", "invoiced_tax", "invoiced_gross", "credited_net", "credited_tax", "credited_gross",
    "net_invoiced", "collected_gross", "collected_net", "refunded_gross", "refunded_net", "recognised", "waived",
    "billed",
)  # fmt: skip
STOCKS = ("deferred", "unpaid", "contract_asset", "rpo", "rpo_next", "rpo_later", "rpo_undated", "ar")
# The code behind each basis of the question.
OF_BASIS = {
    "booked": "booked",
    "invoiced": "net_invoiced",
    "collected": "collected_net",
    "recognised": "recognised",
    "deferred": "deferred",
}
