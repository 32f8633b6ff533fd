"""MT940 by the `mt-940` package: its sign of reversed credits is put right, and only the balance is trusted."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing.bank_files import Entry, Statement, bad, torn
from portal.core.money import Money

OPENS, CLOSES, LINE = (re.compile(rf"^:{tag}:", re.M) for tag in ("60[FM]", "62[FM]", "61"))
ACCOUNT = re.compile(r"^:25:\s*(\S[^\r\n]*)", re.M)
PAYER = re.compile(r"\?3[23]([^?]*)")
PAYER_ACCOUNT = re.compile(r"\?31([^?]*)")
REMITTANCE = re.compile(r"\?2[0-9]([^?]*)")


def is_one(text: str) -> bool:
    """Whether a text looks like MT940."""
    return bool(re.search(r"^:20:", text, re.M) and OPENS.search(text))


def _fen(amount: Any, where: str, field: str, currency: str) -> Money:
    """Return the package's decimal as exact minor units."""
    if str(amount.currency or currency) != currency:
        raise torn(
            _l(
                "%(where)s is in %(there)s, the account in %(here)s.",
                where=where, there=amount.currency, here=currency,
            )
        )  # fmt: skip
    units = amount.amount * 100
    if units != int(units):
        raise bad(where, field, amount.amount)
    return Money(int(units))


def _told(details: str) -> tuple[str, str, str]:
    """Return payer, account and text of field 86: by its ?-marks where the bank uses them, else all as text."""
    joined = details.replace("\n", "")
    if not re.search(r"\?[23][0-9]", joined):
        return "", "", details.replace("\n", " ")
    account = "".join(PAYER_ACCOUNT.findall(joined)).strip()
    return "".join(PAYER.findall(joined)).strip(), account, "".join(REMITTANCE.findall(joined)).strip()


def _entry(number: int, data: dict[str, Any], currency: str) -> Entry:
    where = f":61: {number}"
    if not data.get("date") or data.get("amount") is None:
        raise bad(where, ":61:", data.get("transaction_reference", ""))
    amount = _fen(data["amount"], where, ":61:", currency)
    if data.get("status") == "RC" and amount > Money(0):  # the package gives a reversal of credit as money in
        amount = -amount
    payer, account, text = _told(str(data.get("transaction_details") or ""))
    ref = str(data.get("bank_reference") or "")
    said = [text, str(data.get("extra_details") or ""), str(data.get("customer_reference") or "")]
    words = " ".join(one for one in said if one and one != "NONREF")
    value, booked = data["date"], data.get("entry_date") or data["date"]
    return Entry(
        where=where, booked_on=_day(booked), value_on=_day(value), amount=amount, payer=payer,
        payer_account=account, text=words, bank_ref=ref,
    )  # fmt: skip


def _day(found: Any) -> Any:
    from datetime import date  # noqa: PLC0415 - the package's own Date is a subclass

    return date(found.year, found.month, found.day)


def read(text: str, currency: str) -> Statement:
    """Read an MT940 file of one account; a file without its closing balance was cut off."""
    import mt940  # noqa: PLC0415 - only where a file is read

    if len(OPENS.findall(text)) != len(CLOSES.findall(text)):
        raise torn(_l("a statement in it has no closing balance (:62F:): it was cut off."))
    accounts = {re.sub(r"\s", "", one) for one in ACCOUNT.findall(text)}
    if len(accounts) > 1:
        raise torn(_l("it holds statements of several accounts."))
    try:
        found: Any = mt940.parse(text)
    except Exception:  # the package raises whatever its pattern stumbles over
        raise torn(_l("it is no readable MT940.")) from None
    lines = [dict(one.data) for one in found if one.data.get("amount") is not None]
    if len(lines) != len(LINE.findall(text)):
        raise torn(
            _l(
                "%(read)s of its %(all)s lines (:61:) can be read.",
                read=len(lines), all=len(LINE.findall(text)),
            )
        )  # fmt: skip
    return _statement(
        found, [_entry(n, data, currency) for n, data in enumerate(lines, 1)], accounts, currency
    )


def _statement(found: Any, entries: list[Entry], accounts: set[str], currency: str) -> Statement:
    opening = found.data.get("final_opening_balance") or found.data.get("intermediate_opening_balance")
    closing = found.data.get("final_closing_balance") or found.data.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise torn(_l("a balance in it cannot be read."))
    return Statement(
        form="mt940", entries=tuple(entries), number=next(iter(accounts), ""), currency=currency,
        opening=_fen(opening.amount, ":60F:", ":60F:", currency),
        closing=_fen(closing.amount, ":62F:", ":62F:", currency), until=_day(closing.date),
    )  # fmt: skip
