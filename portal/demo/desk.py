"""What the demo shows of fapiao and reminders: requests, one issued, a red letter, late payers at several steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import dunning, dunning_letters, fapiao, issuing, ladder, settling
from portal.billing.catalogue import price_of, tax_of
from portal.billing.dunning_models import HoldKind
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoState
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.money_models import ReceiptEntry
from portal.billing.pricing import Terms
from portal.core import clock, files, pdf
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.members.models import Application

Who = Callable[[str], Person]


class Sold(NamedTuple):
    """Something sold to a firm: days ago, the firm's site, words, gross fen, and whether it was paid at once."""

    days_ago: int
    site: str
    zh: str
    en: str
    gross: int
    paid: bool = False


SOLD = [
    Sold(97, "inkspring", "适配培训", "Adaptation training", 1_280_000),
    Sold(72, "polaris-compute", "技术支持服务", "Technical support", 3_600_000, paid=True),
    Sold(66, "whitestone", "适配测试服务", "Adaptation testing", 6_800_000),
    Sold(58, "galaxy-chips", "适配测试服务", "Adaptation testing", 6_000_000, paid=True),
    Sold(49, "spruce-software", "技术支持服务", "Technical support", 3_600_000),
    Sold(39, "seachart-ai", "适配培训", "Adaptation training", 960_000),
    Sold(33, "galaxy-chips", "适配培训", "Adaptation training", 1_280_000),
    Sold(27, "lumenflow", "技术支持服务", "Technical support", 2_600_000),
]
PAPER = '<html lang="zh-Hans"><head><title>发票样张</title></head><body><h1>发票样张 SPECIMEN</h1><p>{}</p></body></html>'


def sales(who: Who, today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return what was sold, how many days ago, and what to do for it; to be done in order of time."""
    return [(sold.days_ago, partial(_sell, who, today, n, sold)) for n, sold in enumerate(SOLD)]


def _sell(who: Who, today: date, n: int, sold: Sold) -> None:
    day = today - timedelta(days=sold.days_ago)
    with clock.stopped_at(day), transaction():
        _bill(who, sold, n)
    if sold.paid:
        _pay(who, day, n)


def _bill(who: Who, sold: Sold, n: int) -> None:
    application = select(Application).where(Application.applicant_id == who(sold.site).id)
    party = issuing.party_of(db.session.scalars(application).all()[0].org)
    price = dataclasses.replace(
        price_of("dues.startup"), words={"zh": sold.zh, "en": sold.en}, terms=Terms(flat=sold.gross),
        tax=tax_of("services", clock.today()),
    )  # fmt: skip
    order = issuing.place_order(party, f"demo.sale:{n}", [Item(price)])
    issuing.issue_invoice(order, language=who(sold.site).language, by="demo", ladder=ladder.STANDARD)


def _invoice(n: int) -> Invoice:
    return db.session.scalars(select(Invoice).where(Invoice.billed_subject == f"demo.sale:{n}")).one()


def _pay(who: Who, day: date, n: int) -> None:
    with clock.stopped_at(day), transaction():
        row = _invoice(n)
        entry = settling.propose_receipt(
            bank_ref=f"SALE-{n:04d}", amount=row.gross, received_on=day, payer=row.buyer_name,
            text=f"服务费 {row.reference}", by=who("finance"),
        )  # fmt: skip
        number = entry.id
    with clock.stopped_at(day), transaction():
        settling.confirm_receipt(db.session.get_one(ReceiptEntry, number), by=who("finance2"))


def fill(who: Who, today: date) -> None:
    """Let the reminders of the past weeks go out, and fapiao stand at several points of their lives."""
    _remind(today)
    _promise(who, today)
    _fapiao(who, today)


def _remind(today: date) -> None:
    days = {
        today - timedelta(days=sold.days_ago - 30 - at)
        for sold in SOLD
        if not sold.paid
        for at in (-7, 0, 7, 15, 30, 60)
    }
    for day in sorted(one for one in days if one <= today):
        with clock.stopped_at(day):
            dunning.sweep()
            words = ladder.next_working_day(day)
        if words <= today:
            with clock.stopped_at(words), transaction():
                for number in db.session.scalars(select(Invoice.party_id).distinct()).all():
                    dunning_letters.send(number, key=f"demo:{words.isoformat()}:{number}")


def _promise(who: Who, today: date) -> None:
    with clock.stopped_at(today), transaction():
        dunning.hold(
            _invoice(5), HoldKind.PROMISE, by=who("finance"), reason="对方财务来电，承诺下周付款。",
            until=today + timedelta(days=7),
        )  # fmt: skip


def _ask(who: Who, day: date, n: int, fen: int, kind: FapiaoKind) -> int:
    with clock.stopped_at(day), transaction():
        row = _invoice(n)
        party = row.party
        party.telephone, party.bank, party.bank_account = (
            "010-0000 0000",
            "示例银行北京分行",
            "6222 0000 0000 0000",
        )
        made = fapiao.request_fapiao(
            party, {row.id: Money(fen)}, kind=kind, by=who(SOLD[n].site), note="请在备注栏注明合同编号。"
        )
        return made.id


def _issue(who: Who, day: date, number: int, outside: str) -> None:
    page = files.put(pdf.render(PAPER.format(outside)), files.PDF)
    with clock.stopped_at(day), transaction():
        given = fapiao.Issued(outside, day, page, f"fapiao-{outside}.pdf")
        fapiao.record_issue(db.session.get_one(Fapiao, number), given, by=who("finance"))


def _fapiao(who: Who, today: date) -> None:
    earlier = today - timedelta(days=20)
    _issue(who, earlier, _ask(who, earlier, 3, 4_000_000, FapiaoKind.SPECIAL), "25112000000000000001")
    _issue(who, earlier, _ask(who, earlier, 1, 3_600_000, FapiaoKind.NORMAL), "25112000000000000002")
    with clock.stopped_at(today), transaction():
        wrong = db.session.scalars(select(Fapiao).where(Fapiao.state == FapiaoState.ISSUED)).all()[-1]
        fapiao.ask_red(wrong, by=who("finance2"), reason="抬头有误，红冲后重开。")
    _ask(who, today, 3, 1_500_000, FapiaoKind.NORMAL)
