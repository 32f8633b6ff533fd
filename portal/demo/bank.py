"""The demo's bank: a statement whose lines wait to be cleared, and files to try the import with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import bank_clearing, bank_import
from portal.billing.bank_models import BankLine, OutsideMove, OutsideReason
from portal.billing.bank_upload import SAMPLE
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState
from portal.core import catalogue, clock, files
from portal.core.db import db, let_go, transaction
from portal.core.files import StoredFile
from portal.core.money import Money

Who = Callable[[str], Person]
ACCOUNT = "basic"
OPENING = 12_345_600
HEAD = "交易日期,收入金额,支出金额,账户余额,币种,对方户名,对方账号,摘要,交易流水号"


@dataclass(frozen=True, slots=True)
class Printed:
    """A line as the bank prints it; the sum in fen, negative where it went out."""

    day: date
    fen: int
    payer: str
    account: str = ""
    text: str = ""


def _amount(fen: int) -> str:
    return f"{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def sheet(lines: list[Printed], opening: int) -> bytes:
    """Return the lines as the bank's CSV in GB18030, with running balances and a reference each."""
    number = catalogue.entry("bank_account", ACCOUNT)["number"]
    rows, balance = [f"账号：{number}", HEAD], opening
    for n, one in enumerate(lines, 1):
        balance += one.fen
        into, out = (f'"{_amount(one.fen)}"', "") if one.fen > 0 else ("", f'"{_amount(one.fen)}"')
        sign = "-" if balance < 0 else ""
        rows.append(
            f'{one.day:%Y%m%d},{into},{out},"{sign}{_amount(balance)}",人民币,{one.payer},{one.account}\t,'
            f"{one.text},DEMO{one.day:%y%m%d}{n:04d}"
        )
    return "\r\n".join([*rows, ""]).encode("gb18030")


def _open() -> list[tuple[str, str, int]]:
    """Return payer, reference and what is owed of the open invoices, the oldest first."""
    rows = db.session.scalars(select(Invoice).where(Invoice.state == InvoiceState.OPEN).order_by(Invoice.id))
    return [(row.buyer_name, str(row.reference), owed(row).minor) for row in rows]


def _paid() -> tuple[str, str]:
    row = db.session.scalars(
        select(Invoice)
        .where(Invoice.state == InvoiceState.PAID, Invoice.gross > Money(0))
        .order_by(Invoice.id)
    ).first()
    return (row.buyer_name, str(row.reference)) if row else ("松塔科技有限公司", "")


def month(today: date) -> list[Printed]:
    """Return the lines of the last weeks: invoices paid in every way, and all that is none of the portal's business."""
    bills, paid = _open(), _paid()
    day = today - timedelta(days=12)
    lines = [
        Printed(day, -1_800_000, "示例物业管理有限公司", "622200010001", "房租"),
        Printed(day + timedelta(days=1), 4_321, "示例银行", "", "活期结息"),
        Printed(day + timedelta(days=2), 5_000_000, "FlagOS 开源基金会", "6222000000001111", "存款户转入"),
        Printed(day + timedelta(days=3), 2_000_000, paid[0], "622200010002", f"会费 {paid[1]}"),
        Printed(day + timedelta(days=5), 356_000, "个人 李梅", "622200010003", "认证考试费"),
        Printed(day + timedelta(days=6), -3_500, "示例银行", "", "网银手续费"),
    ]
    ways = ("会费 {ref}", "付款 {ref} 首期", "会费", "", "Membership {ref}")
    for n, (payer, ref, due) in enumerate(bills[:5]):
        sum_ = due // 2 if n == 1 else due
        name = payer if n != 3 else "代付人 王先生"
        text = ways[n].format(ref=f"{ref[:4]} {ref[4:]}")
        lines.append(Printed(day + timedelta(days=6 + n), sum_, name, f"62220002{n:04d}", text))
    lines += [
        Printed(day + timedelta(days=10), 888_800, "松塔贸易有限公司", "622200010004", "合同 2026-118"),
        Printed(day + timedelta(days=10), -2_436_700, "代发工资", "", "工资"),
        Printed(day + timedelta(days=11), 20_000, "张伟", "622200010005", "个人会员"),
        Printed(day + timedelta(days=11), 20_000, "张伟", "622200010005", "个人会员"),
    ]
    return lines


def take(data: bytes, name: str, by: Person, today: date) -> None:
    """Take a file in as the office does."""
    with clock.stopped_at(today):
        found = bank_import.read(data, ACCOUNT)
        let_go()
        content = files.put(data, "application/octet-stream")
        with transaction():
            bank_import.take(found, content, name=name, account=ACCOUNT, by=by)


def fill(who: Who, today: date) -> None:
    """Let finance take a statement in three days ago, and clear the rent, as an example."""
    lines, then = month(today), today - timedelta(days=1)
    finance = who("finance")
    let_go()
    take(sheet(lines, OPENING), f"对账单-{then:%Y-%m}.csv", finance, then)
    with clock.stopped_at(then), transaction():
        rent = db.session.scalars(select(BankLine).where(BankLine.payer.startswith("示例物业"))).first()
        if rent is not None:
            made = OutsideMove(
                line=rent, amount=rent.amount, reason=OutsideReason.RENT, note="", by_name=who("finance").name
            )
            bank_clearing.set_outside(rent, made, by=who("finance"))
    _lay_out(today, OPENING + sum(one.fen for one in lines))


def _lay_out(today: date, end: int) -> None:
    """Lay files out that the import page offers for trying."""
    let_go()
    made = [(name, files.put(data, "text/csv")) for name, data in samples(today, end).items()]
    with transaction():
        for name, content in made:
            db.session.add(
                StoredFile(
                    sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                    purpose=SAMPLE,
                )
            )  # fmt: skip


def samples(today: date, end: int) -> dict[str, bytes]:
    """Return files to try the import with: one that goes on from the demo's statement, a torn one, and one that misses a day."""
    fresh = [
        Printed(today, 1_500_000, "青禾智能有限公司", "622200030001", "会费"),
        Printed(today, -120_000, "示例文印店", "622200030002", "印刷"),
    ]
    good = sheet(fresh, end)
    bad = sheet(fresh, end + 100)
    return {"next.csv": good, "torn.csv": good[: len(good) - 30], "missing-day.csv": bad}
