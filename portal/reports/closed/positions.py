"""The roll-forwards: opening + movements = closing, beside what the accounts say, each difference in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from portal.billing import ledger
from portal.core.money import Money
from portal.reports import revenue
from portal.reports.closed import ledger_sums
from portal.reports.closed.ledger_sums import CUSTOMERS, Sums
from portal.reports.flows import Flows
from portal.reports.journal import CASH, CONTRACT, RECEIVABLE


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of a roll-forward: its code, its name, and what it adds (or takes away, below zero)."""

    code: str
    words: str
    amount: int


@dataclass(frozen=True, slots=True)
class Position:
    """A balance over a period: by the report's rows `closing`, by its accounts `booked`.

    `loose` is what stands on the accounts and belongs to no row; `waits` is earned and not booked yet, which the
    report counts and the accounts do not.
    """

    code: str
    words: str
    opening: int
    moves: tuple[Move, ...]
    closing: int
    booked: int
    accounts: tuple[str, ...]
    loose: int = 0
    waits: int = 0
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def rolled(self) -> int:
        """Opening and movements together."""
        return self.opening + sum(one.amount for one in self.moves)

    @property
    def apart(self) -> int:
        """By how much the accounts differ from the report's rows, once what waits is taken in."""
        return self.booked - (self.closing + self.waits)

    @property
    def holds(self) -> bool:
        """Whether movements lead to the closing, and the accounts say the same."""
        return self.rolled == self.closing and not self.apart and all(a == b for a, b in self.parts.values())

    def faults(self) -> list[str]:
        """Say in words what does not hold."""
        found = []
        if self.rolled != self.closing:
            found.append(
                _(
                    "Opening and movements make %(rolled)s, the rows make %(closing)s.",
                    rolled=said(self.rolled), closing=said(self.closing),
                )
            )  # fmt: skip
        if self.apart:
            found.append(
                _(
                    "The accounts %(accounts)s stand at %(booked)s, the rows make %(closing)s: %(apart)s apart.",
                    accounts=_(", ").join(self.accounts), booked=said(self.booked), closing=said(self.closing + self.waits),
                    apart=said(self.apart),
                )
            )  # fmt: skip
        if self.loose:
            found.append(
                _("%(sum)s of it belongs to no invoice, contract line or receipt.", sum=said(self.loose))
            )
        found += [
            _(
                "%(part)s: the account says %(booked)s, the report %(told)s.",
                part=part, booked=said(booked), told=said(told),
            )
            for part, (told, booked) in sorted(self.parts.items())
            if told != booked
        ]  # fmt: skip
        return found


def said(fen: int) -> str:
    """Return an amount as these sentences write it."""
    return f"{Money(fen).decimal:,.2f}"


def _moves(*told: tuple[str, Any, int]) -> tuple[Move, ...]:
    """Return movements; those of nothing that only a few books have (named `other…`) are left out."""
    return tuple(
        Move(code, str(words), amount)
        for code, words, amount in told
        if amount or not code.startswith("other")
    )


def contract(flows: Flows, found: dict[str, Any], sums: Sums) -> Position:
    """Contract balances: what is deferred less contract assets; invoiced, credited and earned move them.

    The two accounts are read as one: what an invoice of a later month earned in this one lies on the first of them,
    and is a contract asset all the same.
    """
    totals = found["totals"]
    return Position(
        "contract", _("Contract balances (deferred less contract assets)"), flows.opened(),
        _moves(
            ("invoiced_net", _("invoiced"), totals["invoiced_net"]),
            ("credited_net", _("credited"), -totals["credited_net"]),
            ("recognised", _("recognised"), -totals["recognised"]),
        ),
        totals["deferred"] - totals["contract_asset"], -sums.closing(*CONTRACT), CONTRACT,
        loose=-sums.loose(*CONTRACT), waits=sum(flows.late.values()),
    )  # fmt: skip


def receivable(flows: Flows, found: dict[str, Any], sums: Sums) -> Position:
    """Receivables, gross."""
    rolled = found["ar_rollforward"]
    return Position(
        "ar", _("Receivables"), rolled["opening"],
        _moves(
            ("invoiced_gross", _("invoiced"), rolled["plus_invoiced_gross"]),
            ("credited_gross", _("credited"), -rolled["minus_credit_notes_gross"]),
            ("settled", _("settled"), -rolled["minus_collected_gross"]),
            ("released", _("given back by credit notes"), rolled["plus_refunds"]),
            ("fx", _("exchange differences"), rolled["fx"]),
            ("other_ar", _("written off and other"), rolled.get("write_offs_and_other", 0)),
        ),
        sum(flows.facts.owed.values()), sums.closing(*RECEIVABLE), RECEIVABLE, loose=sums.loose(*RECEIVABLE),
    )  # fmt: skip


COLLECTED = ("receipt",)
SENT = ("refund_done", "refund_failed", "refund_came_back", "reversal", "dispute", "dispute_won")
FEES = ("fee", "payout_fee", "bank_line")


def cash(sums: Sums) -> Position:
    """Bank and payment providers: what came in, fees, what went back, and what is none of the portal's business."""
    rest = sums.moved(CASH) - sums.moved(CASH, *COLLECTED, *FEES, *SENT)
    stands = sums.closing(*CASH)
    return Position(
        "bank", _("Bank and payment providers"), sums.opening(*CASH),
        _moves(
            ("cash_in", _("collected"), sums.moved(CASH, *COLLECTED)),
            ("fees", _("fees and other lines of the bank"), sums.moved(CASH, *FEES)),
            ("cash_back", _("refunds and payments taken back"), sums.moved(CASH, *SENT)),
            ("other_cash", _("outside the portal, opening balances, payouts and entries by hand"), rest),
        ),
        stands, stands, CASH,
    )  # fmt: skip


def vat(found: dict[str, Any], sums: Sums) -> Position:
    """Output VAT: of invoices, less that of credit notes."""
    totals, account, named = found["totals"], (ledger.VAT,), sums.named()
    return Position(
        "vat", _("Output VAT"), -named.opening(*account),
        _moves(
            ("invoiced_tax", _("of invoices"), totals["invoiced_tax"]),
            ("credited_tax", _("of credit notes"), -totals["credited_tax"]),
        ),
        -named.closing(*account), -sums.closing(*account), account, loose=-sums.loose(*account),
    )  # fmt: skip


def credit(sums: Sums) -> Position:
    """Customer credit: money that came and that no invoice took yet, unidentified money with it."""
    named = sums.named()

    def moved(*kinds: str) -> int:
        return -named.moved(CUSTOMERS, *kinds)

    known = ("receipt", "allocation", "credited", "refund_approved", "refund_failed", "refund_came_back")
    return Position(
        "credit", _("Customer credit"), -named.opening(*CUSTOMERS),
        _moves(
            ("received", _("received"), moved("receipt")), ("put", _("put on invoices"), moved("allocation")),
            ("freed", _("freed by credit notes"), moved("credited")),
            ("promised", _("approved as refunds"), moved("refund_approved", "refund_failed", "refund_came_back")),
            ("other_credit", _("other"), moved() - moved(*known)),
        ),
        -named.closing(*CUSTOMERS), -sums.closing(*CUSTOMERS), CUSTOMERS, loose=-sums.loose(*CUSTOMERS),
    )  # fmt: skip


def streams(flows: Flows, found: dict[str, Any], sums: Sums) -> Position:
    """The streams report beside the income accounts, stream by stream."""
    told: dict[str, int] = dict(found["by_stream"]["recognised"])
    booked = sums.income()
    late: dict[str, int] = {}
    for part in flows.parts:
        if flows.start <= part.month <= flows.end:
            late[part.stream] = late.get(part.stream, 0) + part.amount
    parts = {
        stream: (told.get(stream, 0) - late.get(stream, 0), booked.get(stream, 0)) for stream in {*told, *booked}
    }  # fmt: skip
    closing = sum(told.values())
    names: Iterable[str] = sorted(f"{ledger.INCOME}.{stream}" for stream, amount in booked.items() if amount)
    return Position(
        "streams", _("Streams report against the journal"), 0,
        _moves(("recognised", _("recognised"), closing)), closing, sum(booked.values()),
        tuple(names) or (ledger.INCOME,), waits=-sum(late.values()), parts=parts,
    )  # fmt: skip


def positions(flows: Flows) -> list[Position]:
    """Return every roll-forward of a period."""
    found = revenue.figures(flows)
    sums = ledger_sums.sums(flows.facts.until, flows.start, flows.end)
    return [
        contract(flows, found, sums), receivable(flows, found, sums), cash(sums), vat(found, sums), credit(sums),
        streams(flows, found, sums),
    ]  # fmt: skip
