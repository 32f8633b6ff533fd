"""Taking a statement file in, whole or not at all: balances judge it, fingerprints keep each line single."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.people import Person
from portal.billing import bank_clearing, bank_files, ledger
from portal.billing.bank_files import Entry, Statement, digits, fingerprints, plain, torn
from portal.billing.bank_models import BankBook, BankLine, StatementFile
from portal.billing.ledger import Line
from portal.core import audit, catalogue, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Missing, Refused
from portal.core.files import Content, StoredFile
from portal.core.money import Money

TOGETHER = 400


@dataclass(slots=True)
class Outcome:
    """What taking a file did: lines told and new, what the ladder made of them, the balances."""

    account: str
    form: str
    told: int
    fresh: int
    opening: Money
    closing: Money
    steps: Counter[int] = field(default_factory=Counter)
    out: int = 0
    again: bool = False


def account_of(code: str) -> dict[str, Any]:
    """Return one of our bank accounts from the catalogue; `Missing` names those there are."""
    known = catalogue.entries("bank_account")
    if code not in known:
        raise Missing(
            _l(
                "There is no bank account %(code)s; there are: %(known)s.",
                code=code,
                known=", ".join(known) or "–",
            )
        )
    return known[code]


def read(data: bytes, code: str) -> Statement:
    """Read a file for an account; `Refused` for another account, currency or day than it can be."""
    account = account_of(code)
    if account["currency"] != LEDGER_CURRENCY:
        raise torn(_l("statements are taken for accounts in %(here)s only.", here=LEDGER_CURRENCY))
    profile = catalogue.entries("bank_csv").get(account.get("csv", ""))
    found = bank_files.read(data, profile, account["currency"])
    ours = digits(str(account["number"]))
    if found.number and not digits(found.number).endswith(ours):
        raise torn(_l("it is of account %(there)s, and not of %(code)s.", there=found.number[:40], code=code))
    late = next((one for one in found.entries if one.booked_on > clock.today()), None)
    if late is not None:
        raise torn(
            _l(
                "%(where)s is booked on %(day)s, which has not come yet.",
                where=late.where,
                day=late.booked_on,
            )
        )
    return found


def _book(code: str, opening: Money, opened_on: date) -> BankBook:
    """Return the account's book under its lock; the first file opens it with its opening balance."""
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = db.session.execute(
        build(BankBook)
        .values(account=code, opening=opening, opened_on=opened_on)
        .on_conflict_do_nothing()
        .returning(BankBook.id)
    ).first()
    book = db.session.scalars(select(BankBook).where(BankBook.account == code).with_for_update()).one()
    if made is not None:
        sides = [Line(ledger.BANK, opening), Line(ledger.OUTSIDE, -opening)]
        ledger.post("bank_opening", f"bank_account:{code}", sides, on=opened_on)
        audit.record("bank.opened", book, by="bank statement", account=code, balance=opening)
    return book


def _known(prints: list[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(prints), TOGETHER):
        part = prints[at : at + TOGETHER]
        found.update(db.session.scalars(select(BankLine.fingerprint).where(BankLine.fingerprint.in_(part))))
    return found


def _sum(*conditions: Any) -> Money:
    found = db.session.scalar(select(func.coalesce(func.sum(BankLine.amount), 0)).where(*conditions))
    return found if isinstance(found, Money) else Money(int(found or 0))


def balance(book: BankBook, until: date | None = None) -> Money:
    """Return what our lines say is on an account (at the end of a day)."""
    day = () if until is None else (BankLine.booked_on <= until,)
    return book.opening + _sum(BankLine.account == book.account, *day)


def _check_across(book: BankBook, found: Statement, fresh: list[Entry], closing: Money) -> None:
    """With the new lines taken, the account's balance at the file's end is its closing balance."""
    early = next((one for one in fresh if one.booked_on < book.opened_on), None)
    if early is not None:
        raise torn(
            _l(
                "%(where)s is of %(day)s, and this account's book begins on %(start)s.",
                where=early.where, day=early.booked_on, start=book.opened_on,
            )
        )  # fmt: skip
    last = found.last_on or book.opened_on
    made = balance(book, last) + sum((one.amount for one in fresh), Money(0))
    if made == closing:
        return
    # A file may end within a day of which another told more: then its own lines of that day count.
    before = book.opening + _sum(BankLine.account == book.account, BankLine.booked_on < last)
    before += sum((one.amount for one in fresh if one.booked_on < last), Money(0))
    if before + sum((one.amount for one in found.entries if one.booked_on == last), Money(0)) != closing:
        raise torn(
            _l(
                "with its new lines the account stands at %(made)s on %(day)s, the file says %(closing)s: a day or a line is missing.",
                made=made, day=last, closing=closing,
            )
        )  # fmt: skip


def _balances(found: Statement, typed: Money | None) -> tuple[Money, Money]:
    if found.closing is not None:
        if typed is not None and typed != found.closing:
            raise Refused(
                _l("The file itself says the closing balance is %(closing)s.", closing=found.closing),
                field="closing", status=422,
            )  # fmt: skip
        return found.closing - found.total, found.closing
    if typed is None:
        raise Refused(
            _l("This file has no balances: please type the closing balance of its last day."),
            field="closing", status=422,
        )  # fmt: skip
    return typed - found.total, typed


def _same(code: str, content: Content) -> StatementFile | None:
    known = db.session.scalars(select(StatementFile).where(StatementFile.sha256 == content.sha256)).first()
    if known is not None and known.account != code:
        raise torn(_l("it was taken for account %(code)s already.", code=known.account))
    return known


def take(
    found: Statement, content: Content, *, name: str, account: str, by: Person | str, closing: Money | None = None
) -> Outcome:  # fmt: skip
    """Take a read statement in; in the present transaction, all of it or a `Refused`. Twice adds nothing."""
    if found.first_on is None:
        raise torn(_l("it has no line that counts."))
    opening, end = _balances(found, closing)
    book = _book(account, opening, found.first_on)
    if (known := _same(account, content)) is not None:
        return Outcome(account, known.form, known.told, 0, known.opening, known.closing, again=True)
    prints = fingerprints(account, found.entries)
    there = _known(prints)
    fresh = [(one, key) for one, key in zip(found.entries, prints, strict=True) if key not in there]
    if fresh:
        _check_across(book, found, [one for one, _key in fresh], end)
    row = _file(found, content, name, account, by, len(fresh), (opening, end))
    outcome = Outcome(account, found.form, len(prints), len(fresh), opening, end)
    lines = [_line(row, one, key, by) for one, key in fresh]
    db.session.flush()
    for step, count in bank_clearing.climb(lines, by=by).items():
        if step:
            outcome.steps[step] += count
        else:
            outcome.out += count
    audit.record(
        "statement.imported", row, by=by, account=account, file=name, lines=len(prints), fresh=len(fresh), closing=end
    )  # fmt: skip
    return outcome


def _file(
    found: Statement, content: Content, name: str, account: str, by: Person | str, fresh: int,
    balances: tuple[Money, Money],
) -> StatementFile:  # fmt: skip
    stored = StoredFile(
        sha256=content.sha256,
        name=name,
        media_type=content.media_type,
        size=content.size,
        purpose="statement",
    )
    first, last = found.first_on or clock.today(), found.last_on or clock.today()
    row = StatementFile(
        sha256=content.sha256, account=account, name=name, form=found.form, first_on=first, last_on=last,
        opening=balances[0], closing=balances[1], told=len(found.entries), fresh=fresh,
        by_name=str(getattr(by, "name", by))[:120], stored=stored,
    )  # fmt: skip
    db.session.add_all([stored, row])
    db.session.flush()
    return row


def _line(row: StatementFile, entry: Entry, key: str, by: Person | str) -> BankLine:
    """Write one line; money in is a receipt at once."""
    receipt = None
    if entry.amount > Money(0):
        receipt = bank_clearing.receipt_of(row.account, entry, key, by=by)
    line = BankLine(
        file=row, account=row.account, fingerprint=key, booked_on=entry.booked_on, value_on=entry.value_on,
        amount=entry.amount, payer=plain(entry.payer)[:200], payer_account=digits(entry.payer_account)[:64],
        text=plain(entry.text)[:1000], bank_ref=plain(entry.bank_ref)[:100], receipt=receipt,
    )  # fmt: skip
    db.session.add(line)
    return line
