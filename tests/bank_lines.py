"""Invented bank lines for a great statement: what a year of payers, landlords and typing errors looks like."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.bank_import import Outcome
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.core.db import db, transaction
from tests.people import make_org
from tests.statements import Told, bring, camt

START = date(2026, 1, 5)
PRODUCTS = ("dues.platinum", "dues.gold", "dues.silver", "dues.startup")
STEPS = {
    1: "reference and sum, matched alone",
    2: "reference, other sum",
    3: "known payer or name",
    4: "same sum, a hint",
    5: "unidentified",
}


def _bills(count: int) -> list[Invoice]:
    """Issue invoices to companies with Chinese names, a few to each."""
    from portal.accounts.passwords import HASHER

    found: list[Invoice] = []
    with transaction():
        owner = db.session.scalars(select(Person).where(Person.email == "owner@bench.example")).first()
        if owner is None:
            owner = Person(
                email="owner@bench.example", name="Owner", language="en", password_hash=HASHER.hash("x")
            )
            db.session.add(owner)
            db.session.flush()
        for n in range(count):
            org = make_org(f"示例{n:05d}号科技有限公司", (owner, ContactRole.OWNER))
            order = issuing.place_order(
                issuing.party_of(org), f"bench:{n}", [Item(price_of(PRODUCTS[n % 4]))]
            )
            found.append(issuing.issue_invoice(order, language="zh_Hans_CN", by="bench"))
    return found


def _paying(bill: Invoice, day: date, dice: Random) -> Told:
    """Let a payer pay as payers do: mostly with the reference, some spoilt, short, or with the name alone."""
    gross, ref, name = bill.gross.minor, str(bill.reference), bill.buyer_name
    way = dice.random()
    if way < 0.62:
        marks = (ref, ref.lower(), f"{ref[:2]}-{ref[2:6]} {ref[6:]}", f"会费{ref}转账", ref.replace("0", "O"))
        return Told(gross, day, name, text=dice.choice(marks))
    if way < 0.70:
        return Told(gross // 2, day, name, text=f"首期 {ref}")
    if way < 0.90:
        return Told(gross, day, dice.choice((name, name.replace("有限公司", " 有限公司"))), text="会费")
    return Told(gross, day, "代付", text=ref[:-1] + dice.choice("0123456789"))


def invent(count: int, dice: Random) -> list[Told]:
    """Return so many lines, half of them for invoices issued here; the rest is no invoice's."""
    lines = [
        _paying(bill, START + timedelta(days=n * 200 // count), dice)
        for n, bill in enumerate(_bills(count // 2))
    ]
    for n in range(count - len(lines)):
        day = START + timedelta(days=n * 200 // count)
        if n % 5 == 0:
            lines.append(Told(-dice.randrange(1_000, 900_000), day, "供应商", text=f"货款 {n}"))
        else:
            lines.append(
                Told(dice.randrange(1, 99_999), day, f"散户{n % 97}", text=dice.choice(("", "款项")))
            )
    return sorted(lines, key=lambda one: one.day)


def take(told: list[Told], name: str = "invented") -> Outcome:
    """Take the lines in as one camt.053 file; the name makes its bytes its own."""
    return bring(camt(told, 100_000).replace(b"<Id>1</Id>", f"<Id>{name}</Id>".encode()), name=name)


def rates(done: Outcome) -> str:
    """Return the rate of each step of the ladder, of the lines of money in."""
    into = sum(done.steps.values())
    rows = [
        f"  step {step}: {done.steps[step]:6d}  {100 * done.steps[step] / into:5.1f} %  {words}"
        for step, words in STEPS.items()
    ]
    return "\n".join([f"{into} lines of money in, {done.out} of money out", *rows])
