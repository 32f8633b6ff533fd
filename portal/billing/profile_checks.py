"""What a payer's details must say before a fapiao can be asked for."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.accounts.registration import Verdict, check_uscc, plain
from portal.billing.models import Party
from portal.core.errors import Refused

FAPIAO_FIELDS = ("title", "tax_number", "address", "telephone", "bank", "bank_account")
NAMES = {
    "title": _l("Title on the invoice"),
    "tax_number": _l("Tax number"),
    "address": _l("Registered address"),
    "telephone": _l("Telephone"),
    "bank": _l("Bank"),
    "bank_account": _l("Account number"),
}


def missing_for(party: Party, *, special: bool) -> list[LazyString]:
    """Return the fields a fapiao needs and the payer has not given; a person needs no tax number."""
    needed = FAPIAO_FIELDS if special else ("title", "tax_number") if party.org_id else ("title",)
    return [NAMES[name] for name in needed if not str(getattr(party, name)).strip()]


def check_tax_number(text: str, country: str) -> str:
    """Return a tax number as it is kept; `Refused` if a Chinese one cannot be right."""
    if not text.strip():
        return ""
    if country != "CN":
        return plain(text)[:40]
    found = check_uscc(text)
    if found.verdict is Verdict.refused:
        words = (
            _l("This is a personal identity number. Please do not give it to us; we need the organisation's credit code.")
            if found.reason == "personal_number"
            else _l("This cannot be a Unified Social Credit Code: please compare it with the business licence.")
        )  # fmt: skip
        raise Refused(words, field="tax_number", status=422)
    return found.code


def number_for(party: Party, text: str) -> str:
    """Return the tax number a fapiao of this payer carries; `Refused` if it cannot be right."""
    return check_tax_number(text, party.org.country if party.org is not None else "")
