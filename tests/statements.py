"""Builders of bank statement files for tests, benchmark and trying out: the same lines in each of the forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from portal.billing import bank_import
from portal.billing.bank_import import Outcome
from portal.core import files
from portal.core.db import let_go, transaction
from portal.core.money import Money

NUMBER = "1100000000000000"


@dataclass(frozen=True)
class Told:
    """A line as the test tells it: fen, day, and what the bank prints."""

    amount: int
    day: date
    payer: str = "Galaxy Ltd"
    account: str = ""
    text: str = ""
    ref: str = ""


def yuan(fen: int) -> str:
    """Return fen as a bank prints them."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def camt(
    lines: Sequence[Told], opening: int, *, number: str = NUMBER, currency: str = "CNY", version: str = "02",
    closing: int | None = None,
) -> bytes:  # fmt: skip
    """Return a camt.053 file."""
    end = opening + sum(one.amount for one in lines) if closing is None else closing
    body = _balance("OPBD", opening, currency) + _balance("CLBD", end, currency)
    for one in lines:
        body += entry(one, currency, version)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><Othr><Id>{number}</Id></Othr></Id></Acct>{body}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def _side(fen: int) -> str:
    return "CRDT" if fen >= 0 else "DBIT"


def _balance(code: str, fen: int, currency: str) -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{yuan(abs(fen))}</Amt>'
        f"<CdtDbtInd>{_side(fen)}</CdtDbtInd></Bal>"
    )


def entry(one: Told, currency: str = "CNY", version: str = "02", status: str = "BOOK") -> str:
    """Return one entry of camt.053."""
    who = "Dbtr" if one.amount > 0 else "Cdtr"
    name = f"<Nm>{escape(one.payer)}</Nm>"
    name = name if version == "02" else f"<Pty>{name}</Pty>"
    account = f"<{who}Acct><Id><Othr><Id>{one.account}</Id></Othr></Id></{who}Acct>" if one.account else ""
    state = status if version == "02" else f"<Cd>{status}</Cd>"
    ref = f"<AcctSvcrRef>{escape(one.ref)}</AcctSvcrRef>" if one.ref else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{yuan(abs(one.amount))}</Amt><CdtDbtInd>{_side(one.amount)}</CdtDbtInd>'
        f"<Sts>{state}</Sts><BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>{ref}"
        f"<NtryDtls><TxDtls><RltdPties><{who}>{name}</{who}>{account}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def mt940(lines: Sequence[Told], opening: int, *, closing: int | None = None) -> bytes:
    """Return an MT940 file."""

    def stood(tag: str, fen: int, day: date) -> str:
        return f":{tag}:{'C' if fen >= 0 else 'D'}{day:%y%m%d}CNY{yuan(abs(fen)).replace('.', ',')}"

    end = opening + sum(one.amount for one in lines) if closing is None else closing
    first, last = min(one.day for one in lines), max(one.day for one in lines)
    rows = [":20:STATEMENT", f":25:{NUMBER}", ":28C:1/1", stood("60F", opening, first)]
    for one in lines:
        side = "C" if one.amount > 0 else "D"
        ref = f"//{one.ref}" if one.ref else ""
        rows.append(f":61:{one.day:%y%m%d%m%d}{side}{yuan(abs(one.amount)).replace('.', ',')}NTRFNONREF{ref}")
        rows.append(f":86:?20{one.text}?31{one.account}?32{one.payer}")
    return "\r\n".join([*rows, stood("62F", end, last), "-", ""]).encode("gb18030")


def csv_two(lines: Sequence[Told], opening: int | None, *, encoding: str = "utf-8-sig") -> bytes:
    """Return a CSV of the profile with two columns, oldest first; without balances if no opening is given."""
    rows = [f"账号：{NUMBER}", "交易日期,收入金额,支出金额,账户余额,币种,对方户名,对方账号,摘要,交易流水号"]
    balance = opening
    for one in lines:
        balance = None if balance is None else balance + one.amount
        into, out = (f'"{abs(one.amount) / 100:,.2f}"', "")
        if one.amount < 0:
            into, out = out, into
        told = "" if balance is None else yuan(balance)
        rows.append(
            f'{one.day:%Y%m%d},{into},{out},{told},人民币,"{one.payer}",{one.account}\t,"{one.text}",{one.ref}'
        )
    rows.append(f"合计,{len(lines)}")
    return "\r\n".join(rows).encode(encoding)


def bring(
    data: bytes, *, account: str = "basic", name: str = "statement", closing: int | None = None
) -> Outcome:
    """Take a file in as every door does: read first, store, then one transaction."""
    found = bank_import.read(data, account)
    let_go()
    content = files.put(data, "application/octet-stream")
    typed = None if closing is None else Money(closing)
    with transaction():
        return bank_import.take(found, content, name=name, account=account, by="test", closing=typed)
