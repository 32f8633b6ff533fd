"""camt.053 of any version: booked entries only, a batch as its parts or as one, never both."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask_babel import lazy_gettext as _l

from portal.billing.bank_files import Entry, Statement, amount_of, bad, day_of, torn
from portal.core.money import Money

DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["'](gb2312|gbk|gb18030)["'][^>]*\?>""", re.I)
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)


def _parsed(data: bytes) -> Element:
    chinese = DECLARED.match(data)
    try:
        # The parser knows no Chinese encodings: decode strictly and take the declaration away.
        body: Any = data if chinese is None else data[chinese.end() :].decode("gb18030")
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise torn(_l("it declares a document type or entities, which no bank needs.")) from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise torn(_l("its XML is cut off or broken, or is not in the encoding it claims.")) from None
    for node in root.iter():  # any version: what counts is the local name
        if isinstance(node.tag, str):
            node.tag = node.tag.rpartition("}")[2]
    return root


def _text(node: Element | None, *paths: str) -> str:
    for path in paths:
        found = node.find(path) if node is not None else None
        if found is not None and (found.text or "").strip():
            return (found.text or "").strip()
    return ""


def _signed(node: Element, where: str, currency: str) -> Money:
    tag = node.find("Amt")
    if tag is None:
        raise bad(where, "Amt", "")
    if tag.get("Ccy") != currency:
        raise torn(
            _l(
                "%(where)s is in %(there)s, the account in %(here)s.",
                where=where, there=tag.get("Ccy") or "–", here=currency,
            )
        )  # fmt: skip
    amount = amount_of(tag.text or "", where, "Amt", currency)
    side = _text(node, "CdtDbtInd")
    if side not in ("CRDT", "DBIT") or amount < Money(0):
        raise bad(where, "CdtDbtInd", side or amount)
    return amount if side == "CRDT" else -amount


def _day(node: Element, name: str, where: str) -> date | None:
    found = _text(node, f"{name}/Dt", f"{name}/DtTm")
    return day_of(found[:10], where, name, ("%Y-%m-%d",)) if found else None


def _booked(node: Element) -> bool:
    return (_text(node, "Sts/Cd") or _text(node, "Sts")) == "BOOK"


def _party(detail: Element | None, amount: Money) -> tuple[str, str]:
    side = "Dbtr" if amount > Money(0) else "Cdtr"
    base = f"RltdPties/{side}"
    name = _text(
        detail, f"{base}/Pty/Nm", f"{base}/Nm", f"RltdPties/Ultmt{side}/Pty/Nm", f"RltdPties/Ultmt{side}/Nm"
    )
    return name, _text(detail, f"{base}Acct/Id/IBAN", f"{base}Acct/Id/Othr/Id")


def _words(detail: Element | None, entry: Element) -> str:
    found: list[str] = []
    if detail is not None:
        found += [(node.text or "").strip() for node in detail.findall("RmtInf/Ustrd")]
        found += [(node.text or "").strip() for node in detail.findall("RmtInf/Strd/CdtrRefInf/Ref")]
        found += [_text(detail, "AddtlTxInf"), _text(detail, "Refs/EndToEndId").replace("NOTPROVIDED", "")]
    found.append(_text(entry, "AddtlNtryInf"))
    return " ".join(dict.fromkeys(one for one in found if one))


def _part(detail: Element, whole: Money, where: str, currency: str) -> Money | None:
    """Return what one detail of an entry moves, with the entry's side if it names none of its own."""
    tag = detail.find("Amt")
    if tag is None:
        tag = detail.find("AmtDtls/TxAmt/Amt")
    if tag is None or tag.get("Ccy") != currency:
        return None
    amount = amount_of(tag.text or "", where, "Amt", currency)
    side = _text(detail, "CdtDbtInd") or ("CRDT" if whole > Money(0) else "DBIT")
    return amount if side == "CRDT" else -amount


def _entries(node: Element, where: str, currency: str) -> list[Entry]:
    whole = _signed(node, where, currency)
    booked = _day(node, "BookgDt", where) or _day(node, "ValDt", where)
    if booked is None:
        raise bad(where, "BookgDt", "")
    value, ref = _day(node, "ValDt", where) or booked, _text(node, "AcctSvcrRef", "NtryRef")
    details = node.findall("NtryDtls/TxDtls")
    parts = [_part(one, whole, where, currency) for one in details]
    split: list[tuple[Element | None, Money]] = [(details[0] if len(details) == 1 else None, whole)]
    told = [(detail, part) for detail, part in zip(details, parts, strict=True) if part]
    # A batch is its parts where they are all told and make its sum; else the entry itself, once.
    if len(details) > 1 and len(told) == len(details) and sum((one for _d, one in told), Money(0)) == whole:
        split = [*told]
    found = []
    for index, (detail, part) in enumerate(split):
        name, account = _party(detail, part)
        own = ref or _text(detail, "Refs/AcctSvcrRef", "Refs/TxId")
        found.append(
            Entry(
                where=where, booked_on=booked, value_on=value, amount=part, payer=name, payer_account=account,
                text=_words(detail, node), bank_ref=own, index=index,
            )
        )  # fmt: skip
    return found


def _balance(statement: Element, codes: tuple[str, ...], currency: str) -> tuple[Money, date | None] | None:
    for code in codes:
        for node in statement.findall("Bal"):
            if _text(node, "Tp/CdOrPrtry/Cd") == code:
                return _signed(node, f"Bal {code}", currency), _day(node, "Dt", f"Bal {code}")
    return None


def _one(node: Element, currency: str, start: int) -> Statement:
    entries: list[Entry] = []
    for number, entry in enumerate(node.findall("Ntry"), start):
        if _booked(entry):
            entries += _entries(entry, f"Ntry {number}", currency)
    opening, closing = _balance(node, OPENING, currency), _balance(node, CLOSING, currency)
    if (_text(node, "Acct/Ccy") or currency) != currency:
        raise torn(_l("it is of an account in %(there)s.", there=_text(node, "Acct/Ccy")))
    return Statement(
        form="camt", entries=tuple(entries), number=_text(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        currency=currency, opening=opening[0] if opening else None, closing=closing[0] if closing else None,
        until=closing[1] if closing else None,
    )  # fmt: skip


def read(data: bytes, currency: str) -> Statement:
    """Read a camt.053 file; several statements of one account must follow on each other."""
    root = _parsed(data)
    nodes = list(root.iter("Stmt"))
    if not nodes:
        raise torn(_l("it is XML, and no camt.053 statement."))
    found: list[Statement] = []
    for node in nodes:
        one = _one(node, currency, 1 + sum(len(other.entries) for other in found))
        if found and one.number != found[0].number:
            raise torn(_l("it holds statements of several accounts."))
        if found and one.opening != found[-1].closing:
            raise torn(_l("its statements do not follow on each other."))
        found.append(one)
    entries = tuple(entry for one in found for entry in one.entries)
    last = found[-1]
    return Statement(
        form="camt", entries=entries, number=last.number, currency=currency, opening=found[0].opening,
        closing=last.closing, until=last.until,
    )  # fmt: skip
