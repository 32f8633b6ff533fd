"""Bank statements as read from a file: lines and balances, whichever bank and format; pure, no database."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.core.errors import Refused
from portal.core.money import Money

MOST_LINES = 50_000
FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked line; `where` is how the file itself counts it, for refusals."""

    where: Any
    booked_on: date
    value_on: date
    amount: Money
    payer: str = ""
    payer_account: str = ""
    text: str = ""
    bank_ref: str = ""
    index: int = 0
    balance: Money | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a file says: its form, whose account it is, balances if it has them, its lines oldest first."""

    form: str
    entries: tuple[Entry, ...]
    number: str = ""
    currency: str = ""
    opening: Money | None = None
    closing: Money | None = None
    until: date | None = None

    @property
    def total(self) -> Money:
        """Return the sum of the lines."""
        return sum((one.amount for one in self.entries), Money(0))

    @property
    def first_on(self) -> date | None:
        """Return the first day booked on."""
        return min((one.booked_on for one in self.entries), default=self.until)

    @property
    def last_on(self) -> date | None:
        """Return the last day the file speaks of."""
        days = [one.booked_on for one in self.entries] + ([self.until] if self.until else [])
        return max(days, default=None)


def bad(where: Any, field: str, value: object) -> Refused:
    """Return the refusal of a file, naming row and field; what was read is shown, shortened."""
    words = _l(
        "The file is refused: %(where)s, field %(field)s: “%(value)s” cannot be read.",
        where=where, field=field, value=plain(str(value))[:60],
    )  # fmt: skip
    return Refused(words, field="file", status=422)


def torn(why: Any) -> Refused:
    """Return the refusal of a whole file."""
    return Refused(_l("The file is refused: %(why)s", why=why), field="file", status=422)


def plain(text: str) -> str:
    """Return text in one line: NFKC, no control or direction characters, single spaces; Chinese is kept."""
    folded = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in folded).split())


def digits(text: str) -> str:
    """Return an account number as numbers are compared: NFKC, upper case, letters and digits alone."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())


def amount_of(text: str, where: Any, field: str, currency: str) -> Money:
    """Read an amount exactly; what is unreadable refuses the file, and is never 0.00."""
    bare = unicodedata.normalize("NFKC", text).strip().strip("\t'\"¥ ")
    try:
        found = Money.parse(bare.replace("−", "-").replace("–", "-"), currency)
    except ValueError:
        raise bad(where, field, text) from None
    if abs(found.minor) > 10**15:
        raise bad(where, field, text)
    return Money(found.minor)


def day_of(text: str, where: Any, field: str, forms: tuple[str, ...]) -> date:
    """Read a date by one of the bank's forms."""
    bare = unicodedata.normalize("NFKC", text).strip().strip("\t'\"")
    for form in forms:
        try:
            found = datetime.strptime(bare, form).date()  # noqa: DTZ007 - a date of the bank has no zone
        except ValueError:
            continue
        if found.year >= FIRST_YEAR:
            return found
    raise bad(where, field, text)


def decoded(data: bytes) -> str:
    """Return a file's text: UTF-8 strictly, else GB18030; anything else refuses the file."""
    for name in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    raise torn(_l("its text is neither UTF-8 nor GB18030."))


def fingerprints(account: str, entries: tuple[Entry, ...]) -> list[str]:
    """Return each line's fingerprint: the same line of another file has the same, n equal lines have n.

    Made of the bank's reference and place in its batch where there is one, else of day, sum, payer and text; always
    of account, sum and the occurrence among equal lines of the file.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for one in entries:
        key: tuple[str, ...]
        if one.bank_ref:
            key = (account, "ref", one.bank_ref, str(one.index), str(one.amount.minor))
        else:
            names = (plain(one.payer), digits(one.payer_account), plain(one.text))
            key = (account, "line", one.booked_on.isoformat(), str(one.amount.minor), *names)
        seen[key] += 1
        found.append(hashlib.sha256("\x1f".join((*key, str(seen[key]))).encode()).hexdigest())
    return found


def check_inside(found: Statement) -> None:
    """Let the balances inside the file judge it: opening + lines = closing, and every running balance."""
    running = found.opening
    for one in found.entries:
        running = running + one.amount if running is not None else one.balance
        if one.balance is not None and one.balance != running:
            raise torn(
                _l(
                    "%(where)s: the balance after this line should be %(sum)s, the file says %(said)s.",
                    where=one.where, sum=running, said=one.balance,
                )
            )  # fmt: skip
    if found.opening is not None and found.closing is not None:
        said = found.opening + found.total
        if said != found.closing:
            raise torn(
                _l(
                    "opening balance and lines make %(sum)s, the closing balance says %(closing)s.",
                    sum=said, closing=found.closing,
                )
            )  # fmt: skip


def read(data: bytes, profile: dict[str, Any] | None, currency: str) -> Statement:
    """Read a statement of any known form and check its inner balances; `Refused` naming row and field."""
    from portal.billing import bank_camt, bank_csv, bank_mt940  # noqa: PLC0415 - they build on this module

    head = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise torn(_l("it is empty."))
    if head.startswith(b"<") or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        found = bank_camt.read(data, currency)
    else:
        text = decoded(data)
        if bank_mt940.is_one(text):
            found = bank_mt940.read(text, currency)
        elif profile is None:
            raise torn(_l("it is neither camt.053 nor MT940, and this account has no CSV profile."))
        else:
            found = bank_csv.read(text, profile, currency)
    if len(found.entries) > MOST_LINES:
        raise torn(_l("it has more than %(most)s lines; please split it.", most=MOST_LINES))
    check_inside(found)
    return found
