"""The way to the tax system: a port, and its one adapter, a sheet of requests that finance uploads there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from flask_babel import force_locale
from flask_babel import gettext as _

from portal.billing.fapiao_models import Fapiao, FapiaoPart
from portal.billing.models import InvoiceLine
from portal.billing.pricing import split
from portal.core import labels, sheets
from portal.core.money import Money, spread


class FapiaoProvider(Protocol):
    """Whoever takes requests for fapiao: today a file, one day a direct connection."""

    name: str
    media_type: str

    def hand_over(self, requests: Sequence[Fapiao]) -> bytes:
        """Return what is given to the tax system for these requests; equal requests give equal bytes."""


class RequestSheet:
    """One row for each item of each request, in Chinese: the tax system and its clerks read that."""

    name = "fapiao-requests.xlsx"
    media_type = sheets.MEDIA_TYPE

    def hand_over(self, requests: Sequence[Fapiao]) -> bytes:
        """Return the sheet of the requests, in the order of their numbers."""
        with force_locale("zh_Hans_CN"):
            heads = (
                _("Number of the request"), _("Kind of fapiao"), _("Title of the fapiao"), _("Tax number"),
                _("Registered address"), _("Telephone"), _("Bank"), _("Account number"), _("Invoice"), _("Item"),
                _("Net"), _("Tax rate"), _("Tax"), _("Sum with tax"), _("Note of the payer"),
            )  # fmt: skip
            rows = [row for one in sorted(requests, key=lambda one: one.id) for row in _rows(one)]
            return sheets.xlsx(_("Fapiao requests"), heads, rows)


PROVIDER: FapiaoProvider = RequestSheet()


def _rows(one: Fapiao) -> Iterator[tuple[Any, ...]]:
    for part in one.parts:
        for line, gross in shares(part):
            whole = gross == line.gross
            bp = line.tax_bp or 0
            figures = split(gross.minor, bp)
            net, tax = (line.net, line.tax) if whole else (Money(figures.net), Money(figures.tax))
            yield (
                f"FP{one.id:06d}", labels.label(one.kind), one.title, one.tax_number, one.address, one.telephone,
                one.bank, one.bank_account, part.invoice.number, line.words.get("zh", ""), net,
                line.tax_words.get("zh", ""), tax, gross, one.note,
            )  # fmt: skip


def shares(part: FapiaoPart) -> list[tuple[InvoiceLine, Money]]:
    """Return what of a part falls on each line of its invoice: in proportion, summing to the part."""
    lines = [line for line in part.invoice.lines if line.gross > Money(0)]
    sums = spread(part.amount.minor, [line.gross.minor for line in lines])
    return [(line, Money(gross)) for line, gross in zip(lines, sums, strict=True) if gross]
