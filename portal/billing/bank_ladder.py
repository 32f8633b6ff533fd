"""The ladder: whose money a line of the bank is, by reference, known account, name or sum; derived, never stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.billing.bank_files import digits
from portal.billing.bank_models import NAMED, BankLine, PayerAccount
from portal.billing.matching import plain
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.queries import owed_sql
from portal.billing.reference import find
from portal.core import catalogue
from portal.core.db import db

ALONE, OTHER_SUM, KNOWN_PAYER, SAME_SUM, UNKNOWN = 1, NAMED, 3, 4, 5
SUGGESTS = (OTHER_SUM, KNOWN_PAYER)
TOGETHER = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ladder says of a line: its step, the invoices it means, and the party where that is certain."""

    step: int
    invoices: tuple[int, ...] = ()
    party: int | None = None


@dataclass(slots=True)
class Ladder:
    """What the steps look things up in, read once for any number of lines and kept up to date while they match."""

    prefix: str
    owed: dict[int, int] = field(default_factory=dict)
    party_of: dict[int, int] = field(default_factory=dict)
    referenced: dict[str, int] = field(default_factory=dict)
    of_party: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    of_sum: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    named: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    accounts: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def decide(self, line: BankLine) -> Verdict:
        """Climb the ladder for one line of money in."""
        sum_, refs = line.amount.minor, find(line.text, self.prefix)
        meant = tuple(sorted({self.referenced[ref] for ref in refs if ref in self.referenced}))
        if meant:
            parties = {self.party_of[one] for one in meant}
            party = parties.pop() if len(parties) == 1 else None
            exact = sum(self.owed.get(one, 0) for one in meant) == sum_
            if party is not None and exact and all(self.owed.get(one) for one in meant):
                return Verdict(ALONE, meant, party)
            return Verdict(OTHER_SUM, meant, party)
        return self._by_payer(line) or self._by_sum(sum_)

    def _by_payer(self, line: BankLine) -> Verdict | None:
        known = self.accounts.get(digits(line.payer_account), set()) if line.payer_account else set()
        parties = known or (self.named.get(plain(line.payer), set()) if line.payer else set())
        fits: list[Verdict] = []
        for party in parties:
            mine, sum_ = self.of_party.get(party, set()), line.amount.minor
            single = [one for one in mine if self.owed[one] == sum_]
            if len(single) == 1:
                fits.append(Verdict(KNOWN_PAYER, (single[0],), party))
            elif mine and sum(self.owed[one] for one in mine) == sum_:
                fits.append(Verdict(KNOWN_PAYER, tuple(sorted(mine)), party))
        return fits[0] if len(fits) == 1 else None

    def _by_sum(self, sum_: int) -> Verdict:
        same = self.of_sum.get(sum_, set())
        if len(same) == 1:
            return Verdict(SAME_SUM, tuple(same))
        return Verdict(UNKNOWN)

    def add(self, invoice: int, party: int, owed: int) -> None:
        """Take an open invoice in."""
        self.owed[invoice], self.party_of[invoice] = owed, party
        self.of_party[party].add(invoice)
        self.of_sum[owed].add(invoice)

    def paid(self, invoices: Iterable[int]) -> None:
        """Take invoices out that a line of this very file has paid."""
        for one in invoices:
            owed = self.owed.pop(one, 0)
            self.of_party[self.party_of[one]].discard(one)
            self.of_sum[owed].discard(one)


def ladder_for(lines: Iterable[BankLine]) -> Ladder:
    """Read what the steps need: open invoices, those the lines name, payers' names and known accounts."""
    lines = list(lines)
    made = Ladder(str(catalogue.policy("invoice.reference_prefix")))
    open_ones = select(Invoice.id, Invoice.party_id, Invoice.buyer_name, owed_sql()).where(
        Invoice.state == InvoiceState.OPEN
    )
    for number, party, name, owed in db.session.execute(open_ones):
        made.add(number, party, owed.minor)
        made.named[plain(name)].add(party)
    titles = select(Party.id, Party.title, Organisation.legal_name).outerjoin(
        Organisation, Organisation.id == Party.org_id
    )
    for party, title, legal in db.session.execute(titles):
        if party in made.of_party:
            for name in (title, legal):
                if name:
                    made.named[plain(name)].add(party)
    for account, party in db.session.execute(select(PayerAccount.account, PayerAccount.party_id)):
        made.accounts[account].add(party)
    _referenced(made, sorted({ref for line in lines for ref in find(line.text, made.prefix)}))
    return made


def _referenced(made: Ladder, refs: list[str]) -> None:
    for at in range(0, len(refs), TOGETHER):
        rows = select(Invoice.reference, Invoice.id, Invoice.party_id).where(
            Invoice.reference.in_(refs[at : at + TOGETHER]), Invoice.state != InvoiceState.DRAFT
        )
        for ref, number, party in db.session.execute(rows):
            made.referenced[str(ref)] = number
            made.party_of.setdefault(number, party)
