"""Two years of sold, invoiced, paid and earned contract lines, written straight into the tables as the house would have booked them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Table, func, insert, select

from portal.accounts.organisations import Organisation
from portal.accounts.people import new_uid
from portal.billing import ledger, months
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, InvoiceLine, Order, OrderLine, Party
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt
from portal.billing.pricing import split
from portal.core import catalogue
from portal.core.db import Model, db, reading, transaction
from portal.core.money import Money
from portal.core.periods import earned, nth

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
LINES_EACH = 31  # of the journal, for a line that was paid and has been earned for a year
BATCH = 2_000
ORDER: tuple[type[Model], ...] = (
    Organisation, Party, Order, OrderLine, Invoice, InvoiceLine, Segment, Receipt, Allocation, JournalEntry, JournalLine,
)  # fmt: skip


class Past:
    """Rows waiting to be written, with the numbers they will have."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.rows: dict[type[Model], list[dict[str, Any]]] = defaultdict(list)
        self.last: dict[type[Model], int] = defaultdict(int)
        self.streams = sorted(catalogue.entries("stream"))
        self.lines = 0

    def add(self, table: type[Model], /, **cells: Any) -> int:
        """Keep one row and return its number."""
        self.last[table] += 1
        self.rows[table].append({"id": self.last[table], **cells})
        return self.last[table]

    def post(
        self, kind: str, source: str, day: date, *sides: tuple[str, int, dict[str, int]], n: int = 1
    ) -> None:
        """Keep one entry known at the end of its day."""
        known = months.end_of(day)
        entry = self.add(
            JournalEntry, kind=kind, source=source, n=n, posted_on=day, service_month=months.first_of(day),
            known_at=known, recorded_at=known, reason="",
        )  # fmt: skip
        for account, amount, of in sides:
            if amount:
                keys = dict.fromkeys(("party_id", "invoice_id", "order_line_id", "receipt_id")) | of
                self.add(
                    JournalLine, entry_id=entry, account=account, amount=Money(amount), currency="CNY", units=None, **keys
                )  # fmt: skip
                self.lines += 1

    def flush(self) -> None:
        """Write all that waits, in the order of the foreign keys."""
        with transaction():
            for table in ORDER:
                if self.rows[table]:
                    assert isinstance(table.__table__, Table)
                    db.session.connection().execute(insert(table.__table__), self.rows[table])
        self.rows.clear()


def _payer(past: Past, n: int) -> int:
    org = past.add(
        Organisation, uid=new_uid(), legal_name=f"示例{n:06d}号科技有限公司", legal_name_en=f"Example {n} Ltd",
        display_name_zh=f"示例{n:06d}", display_name_en=f"Example {n}", country="CN", legal_key=f"CN:PAST{n:09d}",
        created_at=months.end_of(FIRST), version=1, registration_verdict="", category="", homepage="", address="",
        about="", search_text="", sort_zh="", sort_en="", listing_consent=False, unclaimed=False,
    )  # fmt: skip
    return past.add(
        Party, uid=new_uid(), org_id=org, title="", tax_number="", address="", telephone="", bank="",
        bank_account="", version=1,
    )  # fmt: skip


def _sell(past: Past, n: int, party: int) -> None:
    """One contract line of a year: invoiced on its first day, mostly paid, earned day by day and booked month by month."""
    dice = past.dice
    day = FIRST + timedelta(days=dice.randrange((LAST - FIRST).days))
    end, gross, stream = nth(day, 12, 1), dice.randrange(100_000, 50_000_000), dice.choice(past.streams)
    taxed = split(gross, 600)
    net, tax = taxed.net, taxed.tax
    at = months.end_of(day)
    money = {"gross": Money(gross), "net": Money(net), "tax": Money(tax)}
    worth = {**money, "list_amount": Money(gross), "discount": Money(0)}
    order = past.add(Order, party_id=party, ordered_subject=f"past:{n}", placed_at=at)
    line = past.add(
        OrderLine, order_id=order, product=stream, stream=stream, recognition="daily", price_version=1, quantity=1,
        tax_category="services", tax_bp=600, words={"en": "A year", "zh": "一年"}, discount_words={}, agreed_on=day,
        period_start=day, period_end=end, **worth,
    )  # fmt: skip
    invoice = past.add(
        Invoice, uid=new_uid(), party_id=party, order_id=order, billed_subject=f"past:{n}", language="zh_Hans_CN",
        ladder="none", state="open", number=f"INV-{day.year}-{n:06d}", reference=f"FO{n:08d}", issued_on=day,
        due_on=day + timedelta(days=30), seller={}, buyer={}, buyer_name="", currency="CNY", rate="1",
        reversed=False, created_at=at, **money,
    )  # fmt: skip
    row = past.add(
        InvoiceLine, invoice_id=invoice, order_line_id=line, n=1, words={}, discount_words={}, quantity=1, tax_bp=600,
        tax_words={}, **worth,
    )  # fmt: skip
    past.add(
        Segment, order_line_id=line, key=f"daily:{row}", starts=day, ends=end, amount=Money(net), known_at=at,
        invoice_line_id=row, cut_on=None, cut_known_at=None,
    )  # fmt: skip
    of = {"party_id": party, "invoice_id": invoice}
    past.post(
        "invoice", f"invoice:{invoice}", day, (ledger.RECEIVABLE, gross, of), (ledger.VAT, -tax, {**of, "order_line_id": line}),
        (ledger.DEFERRED, -net, {**of, "order_line_id": line}),
    )  # fmt: skip
    paid = day + timedelta(days=dice.randrange(1, 90))
    if dice.random() < 0.9 and paid <= LAST:
        _pay(past, party, invoice, gross if dice.random() < 0.9 else gross // 2, paid)
    _earn(past, line, party, net, (day, end))


def _pay(past: Past, party: int, invoice: int, amount: int, day: date) -> None:
    at = months.end_of(day)
    receipt = past.add(
        Receipt, uid=new_uid(), way="bank", provider="bank", provider_ref=f"past:{invoice}", party_id=party,
        amount=Money(amount), received_on=day, payer="", recorded_at=at, recorded_by="", confirmed_by="",
        currency="CNY",
    )  # fmt: skip
    put = past.add(
        Allocation, receipt_id=receipt, invoice_id=invoice, amount=Money(amount), day=day, taken=None, at=at
    )
    of = {"party_id": party, "receipt_id": receipt}
    past.post(
        "receipt",
        f"receipt:{receipt}",
        day,
        (ledger.BANK, amount, {"receipt_id": receipt}),
        (ledger.CREDIT, -amount, of),
    )
    past.post(
        "allocation", f"allocation:{put}", day, (ledger.CREDIT, amount, of),
        (ledger.RECEIVABLE, -amount, {"party_id": party, "invoice_id": invoice}),
    )  # fmt: skip


def _months(start: date, end: date) -> Iterator[date]:
    month = months.first_of(start)
    while month < end and months.last_of(month) <= LAST:
        yield month
        month = months.following(month)


def _earn(past: Past, line: int, party: int, net: int, period: tuple[date, date]) -> None:
    stream, so_far = past.rows[OrderLine][-1]["stream"], 0
    of = {"party_id": party, "order_line_id": line}
    for month in _months(*period):
        last = months.last_of(month)
        amount = earned(net, *period, last) - so_far
        so_far += amount
        past.post(
            "earned", f"order_line:{line}:{month:%Y-%m}", last, (ledger.DEFERRED, amount, of),
            (ledger.income(stream), -amount, of),
        )  # fmt: skip


def write(lines: int, *, after: int = 0) -> int:
    """Write about so many lines of the journal, beside those there are; return how many they are."""
    past = Past(7 + after)
    with reading():
        for kind in ORDER:
            past.last[kind] = db.session.scalar(select(func.max(kind.__table__.c.id))) or 0
    sold, parties = past.last[OrderLine], []
    while past.lines < lines:
        if sold % 6 == 0 or not parties:
            parties.append(_payer(past, past.last[Organisation] + 1))
        sold += 1
        _sell(past, sold, past.dice.choice(parties))
        if sold % BATCH == 0:
            past.flush()
    past.flush()
    return past.lines
