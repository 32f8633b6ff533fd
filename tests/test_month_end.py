"""A finance person's month in real Chromium: statement in, lines cleared with the keyboard, month closed, files out."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator

from portal.accounts.may import ContactRole
from portal.billing import exchange, issuing, months, recognition, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.money_models import Way
from portal.billing.plain_text import Dialect
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.money import Money
from tests import sale
from tests.browser import Served, Visitor
from tests.people import make_org, make_person
from tests.statements import Told, csv_two
from tests.test_plain_text import check
from tests.test_processes import environment
from tests.walking import House

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ZH = "zh_Hans_CN"
SILVER, STARTUP = 2_000_000, 500_000
GALAXY, POLARIS, WHALE, SPRUCE, OCEAN = (
    "银河科技有限公司", "北辰算力有限公司", "蓝鲸数据有限公司", "云杉软件有限公司", "远洋集成有限公司",
)  # fmt: skip
ABROAD, LANDLORD, BANK = "Harbour Agents Pte Ltd", "示例物业有限公司", "示例银行"


def bill(name: str, item: Item) -> Invoice:
    """Issue an invoice to a company of its own; call inside a transaction."""
    owner = make_person(f"owner{len(name)}{ord(name[0])}@{ord(name[1])}.example", "Owner")
    org = make_org(name, (owner, ContactRole.OWNER))
    order = issuing.place_order(issuing.party_of(org), f"story:{name}", [item])
    return issuing.issue_invoice(order, language=ZH, by="test")


def invoice_all(served: Served, start: date) -> dict[str, str]:
    """Issue last month's invoices, one in dollars that earns over a year; return their references by payer."""
    with served.app.app_context(), clock.stopped_at(start), transaction():
        exchange.load_rate("USD", start, "7.20", source="PBOC", by="test")
        found = {
            name: str(bill(name, Item(price_of(product))).reference)
            for name, product in (
                (GALAXY, "dues.silver"), (POLARIS, "dues.silver"), (WHALE, "dues.gold"), (SPRUCE, "dues.startup"),
                (OCEAN, "dues.silver"),
            )
        }  # fmt: skip
        support = bill(ABROAD, Item(sale.price(100_000, tax=sale.FREE, currency="USD")))
        recognition.agree(support.lines[0].order_line, (start, start.replace(year=start.year + 1)))
        return found | {ABROAD: str(support.reference)}


def statement(start: date, refs: dict[str, str]) -> bytes:
    """Return last month's statement: two lines that match alone, and seven that a person clears, one a way."""
    day = [start + timedelta(days=n) for n in range(3, 20)]
    lines = [
        Told(SILVER, day[0], GALAXY, "62220001", f"会费 {refs[GALAXY]}", "R01"),
        Told(SILVER // 2, day[1], POLARIS, "62220002", f"首期 {refs[POLARIS]}", "R02"),
        Told(8 * SILVER, day[2], WHALE, "62220003", "会费", "R03"),
        Told(STARTUP, day[3], "代付 王先生", "62220004", "", "R04"),
        Told(SILVER - 50_000, day[4], "某银行过渡户", "62220005", "货款", "R05"),
        Told(SILVER, day[5], GALAXY, "62220001", f"会费 {refs[GALAXY]}", "R06"),
        Told(-1_800_000, day[6], LANDLORD, "62220007", "房租", "R07"),
        Told(-3_500, day[7], BANK, "", "网银手续费", "R08"),
    ]
    return csv_two(lines, 10_000_000, encoding="gb18030")


def picture(visitor: Visitor, name: str) -> None:
    """Leave a picture of the page, wide and narrow, where PORTAL_PICTURES says: for those who look at the pages."""
    folder = os.environ.get("PORTAL_PICTURES")
    for width, height in ((390, 844), (1360, 900)) if folder else ():
        visitor.page.set_viewport_size({"width": width, "height": height})
        file = Path(str(folder)) / f"{name}-{visitor.language[:2]}-{width}.png"
        visitor.page.screenshot(path=file, full_page=True)


def chosen(visitor: Visitor, payer: str) -> None:
    """Wait until the page stands at the line of a payer."""
    visitor.page.locator(".bank-list [aria-current]").filter(has_text=payer).wait_for()
    visitor.page.locator(".bank-head").filter(has_text=payer).wait_for()


def key(visitor: Visitor, *keys: str) -> None:
    """Press keys one after the other, with nothing of a mouse, once the page's script is there to hear them."""
    visitor.page.wait_for_load_state("load")
    for one in keys:
        visitor.page.keyboard.press(one)


def offer(visitor: Visitor, number: int = 1) -> Locator:
    """Return the box of an invoice that the page offers."""
    return visitor.page.locator("[data-match] input[type=checkbox]").nth(number - 1)


def take_in(fang: Visitor, data: bytes) -> None:
    """Upload the statement; the same file again adds nothing."""
    for said in ("%(new)s of %(told)s; %(alone)s matched at once.", "Nothing new: every line of this file is here already."):  # fmt: skip
        fang.open("/office/money/bank")
        fang.follow("Take a statement in", within=fang.page.get_by_role("main"))
        fang.titled("Take a statement in")
        picture(fang, "01-import")
        upload: Any = {"name": "对账单.csv", "mimeType": "text/csv", "buffer": data}
        fang.field("Statement file").set_input_files(upload)
        fang.press("Take it in")
        fang.sees(said)


def walk_with_keys(fang: Visitor) -> None:
    """The keys that only look: the list of keys, the next line and the one before, by letters and by arrows."""
    keys = fang.page.locator("[data-keys]")
    assert keys.get_attribute("open") is None
    key(fang, "?")
    fang.sees("match as chosen")
    picture(fang, "02-keys")
    key(fang, "?")
    fang.page.locator("[data-keys]:not([open])").wait_for()
    chosen(fang, POLARIS)
    for onward, back in (("j", "k"), ("ArrowDown", "ArrowUp")):
        key(fang, onward)
        chosen(fang, WHALE)
        key(fang, back)
        chosen(fang, POLARIS)


def clear_with_keys(fang: Visitor) -> None:
    """The keys that clear: match, undo, choose, search, keep as credit, set outside."""
    assert offer(fang).is_checked()
    key(fang, "Enter")  # the suggestion as it stands: a part payment
    fang.sees("Matched.")
    chosen(fang, WHALE)
    key(fang, "u")
    fang.sees("Undone: the line waits again.")
    chosen(fang, POLARIS)
    key(fang, "Enter")
    chosen(fang, WHALE)
    picture(fang, "03-suggestion")
    key(fang, "Enter")
    chosen(fang, "代付 王先生")
    assert not offer(fang).is_checked()  # the same sum alone is a hint, chosen by nobody but a person
    key(fang, "1")
    assert offer(fang).is_checked()
    key(fang, "1")
    assert not offer(fang).is_checked()
    key(fang, "1", "Enter")
    chosen(fang, "某银行过渡户")
    key(fang, "s")
    fang.page.keyboard.type(OCEAN)
    key(fang, "Enter")
    fang.page.locator("[data-match]").filter(has_text=OCEAN).wait_for()
    picture(fang, "04-searched")
    key(fang, "1", "Enter")
    chosen(fang, GALAXY)
    picture(fang, "05-paid-twice")
    key(fang, "c")
    fang.sees("Kept as credit of its payer.")
    chosen(fang, LANDLORD)


def set_outside_with_keys(fang: Visitor) -> None:
    """Two lines are none of the portal's business; the reason is chosen with the arrows."""
    for payer, reason in ((LANDLORD, "rent"), (BANK, "charges")):
        chosen(fang, payer)
        key(fang, "o")
        choice = fang.page.locator("[data-outside] select")
        assert choice.evaluate("one => one === document.activeElement")
        for _ in range(choice.locator("option").count()):
            if choice.input_value() == reason:
                break
            key(fang, "ArrowDown")
        picture(fang, f"06-outside-{reason}")
        key(fang, "Tab")
        fang.page.keyboard.type("本月")
        key(fang, "Enter")
        fang.sees("Set outside.")
    fang.sees("Every line of this account has found its place.")
    picture(fang, "07-cleared")


def send_back(fang: Visitor, feng: Visitor) -> None:
    """The double payment goes back: asked for by one, approved by the other and not by the first."""
    fang.open("/office/money/receipts")
    fang.follow("Paid twice")
    picture(fang, "08-receipts")
    fang.page.get_by_role("main").get_by_role("link", name=GALAXY).first.click()
    fang.titled("Receipt of %(sum)s")
    picture(fang, "09-receipt")
    details = fang.page.get_by_role("region", name=fang.t("Send it back"))
    if details.locator("details:not([open])").count():
        details.locator("summary").click()
    fang.fill("Reason", "重复付款")
    fang.fill("Payee's account", "6222 0001")
    fang.press("Ask for the refund")
    fang.sees("You asked for it yourself, so somebody else takes the next step.")
    assert fang.button("Approve").count() == 0
    feng.open(fang.page.url.removeprefix(fang.served.base))
    picture(feng, "11-refund")
    feng.press("Approve")
    feng.sees("A second person hands the transfer to the bank.")


def take_dollars(fang: Visitor, feng: Visitor, reference: str) -> None:
    """Half of the invoice in dollars comes in dollars: written down by one, confirmed by the other."""
    fang.open("/office/money/")
    fang.follow("Record a transfer")
    fang.fill("Bank reference", "US-1")
    fang.field("Currency").select_option("USD")
    fang.fill("Sum in that currency", "500.00")
    fang.fill("Amount (CNY)", "3,575.00")
    fang.fill("Payer as printed", ABROAD)
    fang.fill("Text of the transfer", reference)
    picture(fang, "10-dollars")
    fang.press("Write it down")
    row = fang.page.get_by_role("row").filter(has_text=ABROAD)
    assert fang.button("Confirm", within=row).count() == 0
    feng.open("/office/money/")
    feng.reads("$500.00")
    picture(feng, "10-desk")
    feng.press("Confirm", within=feng.page.get_by_role("row").filter(has_text=ABROAD))
    feng.sees("The receipt is booked.")
    picture(feng, "10-receipt-in-dollars")


def convert(fang: Visitor) -> None:
    """The rest is paid in yuan: a person states both sums, reads what is booked, and books it."""
    with fang.served.app.app_context(), transaction():
        party = db.session.query(Invoice).filter_by(currency="USD").one().party
        settling.record_receipt(
            Way.BANK, "bank", "CN-1", Money(360_000), clock.today(), payer=ABROAD, party=party, by="test"
        )
    fang.open("/office/money/receipts?show=credit&q=CN-1")
    fang.page.get_by_role("main").get_by_role("link", name=ABROAD).first.click()
    fang.follow("Convert")
    fang.titled("Pay an invoice in another currency")
    fang.fill("Off the receipt (%(currency)s)", "3,600.00")
    fang.fill("Off the invoice (its own currency)", "501")
    fang.press("Show what is booked")
    fang.sees("At most %(most)s of this invoice is to be paid.")
    fang.fill("Off the invoice (its own currency)", "500")
    fang.press("Show what is booked")
    fang.reads("1 USD = 7.2000 CNY")
    picture(fang, "12-conversion")
    fang.press("Convert and pay")
    fang.sees("Converted and put on invoice %(number)s.")
    picture(fang, "12-converted")


def mend(fang: Visitor, month: str) -> None:
    """Open the month, read what hinders its close, and mend each from there."""
    fang.open("/office/money/months")
    picture(fang, "12-months")
    fang.page.get_by_role("main").get_by_role("link", name=month).click()
    fang.titled("Month %(month)s")
    fang.sees("No exchange rate of %(currency)s is loaded for %(day)s.")
    fang.sees("Look at what the checks found; then propose to close the month.")
    assert fang.button("Propose to close it").count() == 0
    picture(fang, "13-hindered")
    fang.follow("Load the rate")
    assert fang.field("Currency").input_value() == "USD"
    fang.fill("CNY for one unit", "7.10")
    fang.fill("Where it is from", "中国外汇交易中心")
    picture(fang, "14-rates")
    fang.press("Load it")
    fang.open(f"/office/money/months/{month}")
    fang.sees("Receivables in other currencies are not revalued yet.")
    fang.press("Book it now")
    fang.sees("Booked: %(earned)s of income, %(revalued)s revalued.")
    fang.sees("All is well: propose to close the month.")
    picture(fang, "15-mended")


def shut(fang: Visitor, feng: Visitor, month: str) -> None:
    """Propose to close the month; the proposer cannot close it, the other does."""
    fang.press("Propose to close it")
    fang.sees("You proposed it yourself, so somebody else takes the next step.")
    assert fang.button("Close the month").count() == 0
    picture(fang, "16-proposed")
    feng.open(f"/office/money/months/{month}")
    feng.press("Close the month")
    feng.sees("The month is closed: nothing is posted into it any more.")
    picture(feng, "17-closed")


def taken(visitor: Visitor, words: str, row: str) -> bytes:
    """Click a file of the month and return what came."""
    place = visitor.page.get_by_role("listitem").filter(has_text=visitor.words(row))
    with visitor.page.expect_download() as coming:
        place.get_by_role("link", name=words, exact=True).click()
    return Path(coming.value.path()).read_bytes()


def take_files(feng: Visitor, folder: Path, month: str) -> None:
    """Download every file of the month and read each as its reader does."""
    rows = list(csv.DictReader(io.StringIO(taken(feng, "CSV", "Journal of the month").decode("utf-8-sig"))))
    assert {row[str(feng.t("Booked").pattern.strip("^$"))][:7] for row in rows} == {month}
    sheet: Any = load_workbook(io.BytesIO(taken(feng, "XLSX", "Journal of the month"))).active
    assert sheet.max_row == len(rows) + 1
    for dialect in Dialect:
        text = taken(feng, dialect.value, "Whole ledger until the end of the month").decode()
        assert check(dialect, text, folder).returncode == 0
    ageing = taken(feng, "CSV", "Ageing at the end of the month").decode("utf-8-sig")
    assert ABROAD in ageing
    sheet = load_workbook(io.BytesIO(taken(feng, "XLSX", "Ageing at the end of the month"))).active
    assert sheet.max_row == len(ageing.splitlines())


def look_round(fang: Visitor, feng: Visitor) -> None:
    """Look at the other pages of finance as they stand at the month's end; each scrolls only downwards."""
    for name, path in (
        ("journal", "journal"), ("invoices", "invoices"), ("ageing", "ageing/"), ("notes", "notes"), ("refunds", "refunds"),
        ("chart", "books"), ("fapiao", "fapiao/"), ("bank-all", "bank?show=all"), ("entries", "entries"),
    ):  # fmt: skip
        for visitor in (fang, feng):
            visitor.open(f"/office/money/{path}")
            picture(visitor, f"20-{name}")


def verified(served: Served) -> subprocess.CompletedProcess[str]:
    """Run `portal verify` on the installation."""
    home = served.app.extensions["settings"].home
    return subprocess.run(
        [sys.executable, "-m", "portal.cli", "verify"], env=environment(served.app, home), capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_a_month_from_the_statement_to_the_closed_books(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    start = months.first_of(months.first_of(clock.today()) - timedelta(days=1))
    refs, month = invoice_all(served, start), f"{start:%Y-%m}"
    chinese, english = House(browser, served, ZH), House(browser, served, "en")
    fang, feng = chinese.desk("fang"), english.desk("feng")
    take_in(fang, statement(start, refs))
    fang.open("/office/money/bank")
    walk_with_keys(fang)
    clear_with_keys(fang)
    set_outside_with_keys(fang)
    send_back(fang, feng)
    take_dollars(fang, feng, refs[ABROAD])
    convert(fang)
    mend(fang, month)
    shut(fang, feng, month)
    take_files(feng, tmp_path, month)
    look_round(fang, feng)
    found = verified(served)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout
    with served.app.app_context(), reading():
        assert verify_books()[1] == []
        assert db.session.query(Invoice).filter_by(reference=refs[GALAXY]).one().state.value == "paid"
    chinese.well()
    english.well()
