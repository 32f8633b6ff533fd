"""Fapiao: asked for within what was paid, issued and recorded, taken back by red letter; pages, files, refusals."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from werkzeug.datastructures import FileStorage

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact
from portal.billing import crediting, fapiao, fapiao_files, issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.fapiao_export import PROVIDER, shares
from portal.billing.fapiao_models import Fapiao, FapiaoKind, FapiaoPart, FapiaoState
from portal.billing.issuing import Item
from portal.billing.models import Invoice, InvoiceLine, Party
from portal.billing.note_models import NoteKind
from portal.billing.profile import set_profile
from portal.billing.verify import verify_books
from portal.core import catalogue, clock, outbox, pdf
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.money import Money
from tests import books
from tests.people import browser, make_org, make_person, post

SILVER = Money(2_000_000)
CODE = "91110108551385082Q"
S = FapiaoState


def details(**more: str) -> dict[str, str]:
    """Return the details of a payer, all of them."""
    given = {
        "title": "Galaxy Ltd", "tax_number": CODE, "address": "1 Road", "telephone": "010-1", "bank": "Bank",
        "bank_account": "62220000",
    }  # fmt: skip
    return {**given, **more}


def paid(app: Flask, subject: str = "test:1", amount: Money = SILVER) -> str:
    """Issue an invoice and let money arrive for it; return its uid."""
    with app.app_context(), transaction():
        invoice = books.bill(subject)
        if amount:
            books.transfer(f"B-{subject}", amount, str(invoice.reference))
        return invoice.uid


def invoice(uid: str) -> Invoice:
    return db.session.scalars(select(Invoice).where(Invoice.uid == uid)).one()


def ask(app: Flask, uid: str, amount: Money, kind: FapiaoKind = FapiaoKind.NORMAL) -> str:
    with app.app_context(), transaction():
        row = fapiao.request_fapiao(
            books.party(), {invoice(uid).id: amount}, kind=kind, by=books.person("chen")
        )
        return row.uid


def found(uid: str) -> Fapiao:
    return db.session.scalars(select(Fapiao).where(Fapiao.uid == uid)).one()


def issue(app: Flask, uid: str, number: str = "25112000000012345678") -> None:
    with app.app_context(), transaction():
        fapiao.record_issue(found(uid), fapiao.Issued(number, clock.today()), by=books.person("fang"))


@pytest.fixture
def firm(app: Flask) -> Flask:
    """A company with full details, and two of finance."""
    books.house(app)
    with app.app_context(), transaction():
        set_profile(books.party(), details(), by=books.person("chen"))
    return app


def test_a_request_takes_at_most_what_was_paid_and_has_none_yet(firm: Flask) -> None:
    uid = paid(firm, amount=Money(1_200_000))
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, Money(1_200_001))
    ask(firm, uid, Money(700_000))
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, Money(500_001))
    ask(firm, uid, Money(500_000))
    with firm.app_context(), reading():
        assert fapiao.limit_of(invoice(uid)) == Money(0)
        assert verify_books()[1] == []


def test_what_was_declined_withdrawn_or_taken_back_frees_its_sum(firm: Flask) -> None:
    uid = paid(firm)
    first, chen, fang = ask(firm, uid, SILVER), books.person, books.person
    with firm.app_context(), transaction():
        fapiao.withdraw(found(first), by=chen("chen"))
    second = ask(firm, uid, SILVER)
    with firm.app_context(), transaction():
        fapiao.reject(found(second), by=fang("fang"), reason="wrong title")
    third = ask(firm, uid, SILVER)
    issue(firm, third)
    with firm.app_context(), transaction():
        fapiao.ask_red(found(third), by=fang("fang"), reason="wrong title")
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, Money(1))
    with firm.app_context(), transaction():
        fapiao.record_red(found(third), fapiao.Issued("R-1", clock.today()), by=fang("fang"))
    ask(firm, uid, SILVER)
    with firm.app_context(), reading():
        states = [row.state for row in db.session.scalars(select(Fapiao).order_by(Fapiao.id))]
        assert states == [S.WITHDRAWN, S.REJECTED, S.RED_ISSUED, S.REQUESTED]
        assert verify_books()[1] == []


def test_before_payment_only_when_the_catalogue_says_so(firm: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = paid(firm, amount=Money(0))
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, Money(1))
    real = catalogue.policy
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: name == "fapiao.before_payment" or real(name, **more)
    )
    ask(firm, uid, SILVER)
    with pytest.raises(Refused, match="more than was paid"):
        ask(firm, uid, Money(1))


def test_one_fapiao_over_several_invoices_of_one_payer_only(firm: Flask) -> None:
    one, two = paid(firm, "test:1"), paid(firm, "test:2")
    with firm.app_context(), transaction():
        parts = {invoice(one).id: Money(100), invoice(two).id: SILVER}
        row = fapiao.request_fapiao(books.party(), parts, kind=FapiaoKind.NORMAL, by=books.person("chen"))
        assert row.amount == SILVER + Money(100)
        other = issuing.party_of(make_org("Other Ltd"))
        other.tax_number = CODE
    with pytest.raises(Refused, match="different payers"), firm.app_context(), transaction():
        stranger = db.session.scalars(select(Party).where(Party.title == "Other Ltd")).one()
        fapiao.request_fapiao(
            stranger, {invoice(one).id: Money(1)}, kind=FapiaoKind.NORMAL, by=books.person("chen")
        )
    with firm.app_context(), reading():
        assert verify_books()[1] == []


def test_no_fapiao_for_a_waiver_or_a_void_invoice(firm: Flask) -> None:
    with firm.app_context(), transaction():
        waived = books.bill("test:1", off=SILVER).uid
        gone = books.bill("test:2")
        crediting.reverse_invoice(gone, by="test", reason="because")
        void = gone.uid
    for uid in (waived, void):
        with pytest.raises(Refused):
            ask(firm, uid, Money(1))


@pytest.mark.parametrize("field", ["address", "telephone", "bank", "bank_account"])
def test_a_special_fapiao_needs_every_detail(firm: Flask, field: str) -> None:
    uid = paid(firm)
    with firm.app_context(), transaction():
        set_profile(books.party(), details(**{field: ""}), by=books.person("chen"))
    with pytest.raises(Refused, match="details lack"):
        ask(firm, uid, SILVER, FapiaoKind.SPECIAL)
    ask(firm, uid, SILVER)


def test_a_chinese_tax_number_is_checked_again_when_it_counts(firm: Flask) -> None:
    uid = paid(firm)
    with firm.app_context(), transaction():
        party = books.party()
        assert party.org is not None
        party.org.country, party.tax_number = "CN", "９１１１０１０８ ５５１３８５０８２ｑ"
    row = ask(firm, uid, Money(1))
    with firm.app_context(), transaction():
        assert found(row).tax_number == CODE
        books.party().tax_number = "91110108551385082X"[:17] + "?"
    with pytest.raises(Refused, match="Unified Social Credit Code"):
        ask(firm, uid, Money(1))


def test_what_was_asked_for_cannot_be_changed_in_the_database(firm: Flask) -> None:
    uid = paid(firm)
    issue(firm, ask(firm, uid, SILVER))
    for statement in (
        "UPDATE fapiao SET amount = 1", "UPDATE fapiao SET title = 'X'", "DELETE FROM fapiao",
        "UPDATE fapiao SET number = '9'", "UPDATE fapiao_part SET amount = 1", "DELETE FROM fapiao_part",
    ):  # fmt: skip
        with firm.app_context(), pytest.raises(DatabaseError), transaction():
            db.session.execute(text(statement))


def test_a_credit_note_calls_back_the_newest_fapiaos_that_are_too_much(firm: Flask) -> None:
    uid = paid(firm)
    old, new = ask(firm, uid, Money(1_500_000)), ask(firm, uid, Money(400_000))
    issue(firm, old, "F-1")
    issue(firm, new, "F-2")
    waiting = ask(firm, uid, Money(100_000))
    with (
        firm.app_context(),
        transaction(),
    ):  # 15,000.00 is left: the request and the newest fapiao are too much
        row = invoice(uid)
        note = crediting.propose_note(
            row, NoteKind.PRICE_ADJUSTMENT, by=books.person("fang"), reason="because",
            nets={row.lines[0].id: Money(500_000)},
        )  # fmt: skip
        crediting.issue_note(note, by=books.person("feng"))
    with firm.app_context(), reading():
        assert [found(one).state for one in (old, new, waiting)] == [S.ISSUED, S.RED_REQUESTED, S.REJECTED]
        assert fapiao.outstanding(invoice(uid))
        assert fapiao.limit_of(invoice(uid)) >= Money(0)


def test_an_invoice_with_an_issued_fapiao_is_not_voided(firm: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = catalogue.policy
    monkeypatch.setattr(
        catalogue, "policy", lambda name, **more: name == "fapiao.before_payment" or real(name, **more)
    )
    one, two = paid(firm, "test:1", Money(0)), paid(firm, "test:2", Money(0))
    issue(firm, ask(firm, one, SILVER))
    waiting = ask(firm, two, SILVER)
    with pytest.raises(Refused, match="red letter"), firm.app_context(), transaction():
        crediting.reverse_invoice(invoice(one), by="test", reason="because")
    with firm.app_context(), transaction():
        crediting.reverse_invoice(invoice(two), by="test", reason="because")
    with firm.app_context(), reading():
        assert found(waiting).state is S.REJECTED


def test_money_that_went_away_stops_the_record(firm: Flask) -> None:
    uid = paid(firm)
    row = ask(firm, uid, SILVER)
    with firm.app_context(), transaction():
        from portal.billing.money_models import Allocation

        settling.release(db.session.scalars(select(Allocation)).one(), by="test", reason="returned")
    with pytest.raises(Refused, match="gone again"):
        issue(firm, row)


def test_a_number_is_recorded_once_and_never_for_a_day_to_come(firm: Flask) -> None:
    uid = paid(firm)
    one, two = ask(firm, uid, Money(100)), ask(firm, uid, Money(100))
    issue(firm, one, "2511 2000")
    with pytest.raises(Refused, match="recorded already"):
        issue(firm, two, "25112000")
    with pytest.raises(Refused, match="not come yet"), firm.app_context(), transaction():
        given = fapiao.Issued("7", clock.today() + timedelta(days=1))
        fapiao.record_issue(found(two), given, by=books.person("fang"))


def test_the_request_file_is_the_same_twice_and_holds_no_formula(firm: Flask) -> None:
    uid = paid(firm)
    with firm.app_context(), transaction():
        books.party().title = "=1+1"
    ask(firm, uid, Money(1_234_567))
    ask(firm, uid, Money(1))
    with firm.app_context(), reading():
        rows = list(db.session.scalars(select(Fapiao)))
        first = PROVIDER.hand_over(rows)
        with clock.stopped_at(date(2030, 5, 5)):
            assert PROVIDER.hand_over(rows[::-1]) == first
    sheet: Any = load_workbook(io.BytesIO(first)).active
    values = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert len(values) == 2
    assert values[0][2] == "=1+1"
    assert sheet["C2"].data_type == "s"
    assert values[0][13] == 12345.67


parts = st.integers(1, 10**12)


@settings(max_examples=500, deadline=None)
@given(parts, st.lists(st.integers(0, 10**11), min_size=1, max_size=6).filter(any))
def test_shares_of_a_part_sum_to_the_part(amount: int, lines: list[int]) -> None:
    """Whatever the lines are, what goes to the tax system is what was asked for."""
    doc: Any = type("Doc", (), {"lines": [type("Line", (), {"gross": Money(one)})() for one in lines]})()
    part: Any = type("Part", (), {"invoice": doc, "amount": Money(amount)})()
    assert sum((share for _line, share in shares(part)), Money(0)) == Money(amount)
    assert all(share > Money(0) for _line, share in shares(part))


ACTS = st.lists(
    st.tuples(st.sampled_from(["ask", "withdraw", "issue", "credit", "red"]), st.integers(1, 900)),
    max_size=25,
)


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 1000), ACTS)
def test_sums_of_fapiao_never_exceed_what_was_settled(settled: int, acts: list[tuple[str, int]]) -> None:
    """The rule of limits as arithmetic: any story of requests, withdrawals, credit notes and red letters."""
    rows: list[list[Any]] = []
    credited = 0

    def live(*states: FapiaoState) -> int:
        return sum(amount for amount, state in rows if state in states)

    for what, n in acts:
        left = settled - credited
        if what == "ask" and n <= left - live(S.REQUESTED, S.ISSUED, S.RED_REQUESTED):
            rows.append([n, S.REQUESTED])
        elif what == "credit" and n <= left:
            credited += n
            for state, to in ((S.REQUESTED, S.REJECTED), (S.ISSUED, S.RED_REQUESTED)):
                for row in reversed(rows):
                    if row[1] is state and live(S.REQUESTED, S.ISSUED) > settled - credited:
                        row[1] = to
        elif rows:
            row = rows[n % len(rows)]
            step = {
                "withdraw": (S.REQUESTED, S.WITHDRAWN),
                "issue": (S.REQUESTED, S.ISSUED),
                "red": (S.RED_REQUESTED, S.RED_ISSUED),
            }.get(what)
            if step and row[1] is step[0]:
                row[1] = step[1]
        assert live(S.REQUESTED, S.ISSUED) <= settled - credited


def ofd(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"OFD.xml": b'<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"/>', **parts}.items():
            archive.writestr(name, data)
    return out.getvalue()


def upload(data: bytes, name: str) -> FileStorage:
    return FileStorage(io.BytesIO(data), filename=name)


def test_a_plain_pdf_and_an_ofd_are_taken(sqlite_app: Flask) -> None:
    with sqlite_app.app_context():
        page = pdf.render('<html lang="en"><title>f</title><body><p>fapiao</p></body></html>')
        assert fapiao_files.check(upload(page, "f.PDF")) == (page, "application/pdf", "pdf")
        data = ofd()
        assert fapiao_files.check(upload(data, "f.ofd")) == (data, "application/ofd", "ofd")
        assert fapiao_files.check(upload(b"", "")) is None


HOSTILE = [
    ("f.exe", b"MZ"), ("f.pdf", b"PK\x03\x04"), ("f.pdf", b"%PDF-1.4 not really"), ("f.ofd", b"%PDF-1.4"),
    ("f.ofd", b"PK\x03\x04 torn"), ("f.ofd", ofd(**{"../evil": b"x"})), ("f.ofd", ofd(**{"/etc/x": b"x"})),
    ("f.ofd", ofd(**{"a\\..\\x": b"x"})), ("f.ofd", ofd(bomb=b"0" * 30_000_000)),
    ("f.ofd", ofd(**{"OFD.xml": b"<html/>"})),
    ("f.ofd", ofd(**{"OFD.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><OFD>&b;</OFD>'})),
    ("f.pdf", b"%PDF-" + b"0" * (10 * 1024 * 1024)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data"), HOSTILE)
def test_hostile_files_are_refused_in_words(sqlite_app: Flask, name: str, data: bytes) -> None:
    with sqlite_app.test_request_context("/"), pytest.raises(Refused) as refusal:
        fapiao_files.check(upload(data, name))
    assert refusal.value.status == 422
    assert refusal.value.field == "file"


def test_from_request_to_download_through_the_pages(firm: Flask) -> None:
    uid = paid(firm)
    chen, fang = browser(firm, "chen@galaxy.example"), browser(firm, "fang@house.example")
    assert "You can ask for a fapiao over" in chen.get(f"/invoices/{uid}").text
    assert chen.get("/fapiao").status_code == 200
    form = chen.get(f"/fapiao/new?invoice={uid}").text
    assert 'value="20000.00"' in form
    bad = post(chen, "/fapiao/new", kind="normal", note="mine", **{f"amount-{uid}": "much"})
    assert bad.status_code == 422
    assert 'value="much"' in bad.text
    assert "mine" in bad.text
    asked = post(chen, "/fapiao/new", kind="special", **{f"amount-{uid}": "20,000.00"})
    assert asked.status_code == 303, asked.text
    one = asked.location.rsplit("/", 1)[1]
    assert "Fapiao to issue" in fang.get("/office/money/").text
    assert "Galaxy Ltd" in fang.get("/office/money/fapiao/").text
    assert post(fang, "/office/money/fapiao/export").status_code == 303
    assert post(fang, "/office/money/fapiao/export").status_code == 409
    sheet = fang.get("/office/money/fapiao/requests/file")
    assert sheet.data[:2] == b"PK"
    assert CODE in fang.get("/office/money/fapiao/file?state=all").text
    with firm.app_context():
        page = pdf.render('<html lang="en"><title>f</title><body><p>fapiao</p></body></html>')
    again = post(fang, f"/office/money/fapiao/{one}/record", number="", day="2026-01-01")
    assert again.status_code == 422
    recorded = post(
        fang, f"/office/money/fapiao/{one}/record", number="2511 2000 0000", day=str(clock_today(firm)),
        file=(io.BytesIO(page), "whatever.pdf"),
    )  # fmt: skip
    assert recorded.status_code == 303, recorded.text
    got = chen.get(f"/fapiao/{one}/file")
    assert got.data == page
    assert "attachment" in got.headers["Content-Disposition"]
    assert "fapiao-251120000000.pdf" in got.headers["Content-Disposition"]
    assert "251120000000" in chen.get(f"/fapiao/{one}").text
    assert "251120000000" in fang.get(f"/office/money/invoices/{uid}").text
    with firm.app_context(), transaction():
        fapiao.ask_red(found(one), by="credit note", reason="CN-1")
    assert "Red letter outstanding" in chen.get(f"/invoices/{uid}").text
    red = post(fang, f"/office/money/fapiao/{one}/record", number="R-77", day=str(clock_today(firm)))
    assert red.status_code == 303
    assert "R-77" in chen.get(f"/fapiao/{one}").text
    with firm.app_context():
        outbox.drain()
    with firm.app_context(), reading():
        titles = [row.title for row in db.session.scalars(select(MailMessage)) if "apiao" in row.title]
        assert len(titles) == 2
        assert verify_books()[1] == []


def clock_today(app: Flask) -> date:
    with app.app_context():
        return clock.today()


def test_decline_and_withdraw_through_the_pages(firm: Flask) -> None:
    uid = paid(firm)
    chen, fang = browser(firm, "chen@galaxy.example"), browser(firm, "fang@house.example")
    one, two = ask(firm, uid, Money(100)), ask(firm, uid, Money(200))
    assert post(fang, f"/office/money/fapiao/{one}/refusal", reason="").status_code == 422
    assert post(fang, f"/office/money/fapiao/{one}/refusal", reason="wrong title").status_code == 303
    assert "wrong title" in chen.get(f"/fapiao/{one}").text
    assert post(chen, f"/fapiao/{two}/withdrawal").status_code == 303
    assert post(chen, f"/fapiao/{two}/withdrawal").status_code == 409
    assert post(fang, f"/office/money/fapiao/{two}/refusal", reason="late").status_code == 409


def test_foreign_fapiao_look_missing_and_readers_change_nothing(firm: Flask) -> None:
    uid = paid(firm)
    one = ask(firm, uid, Money(100))
    with firm.app_context(), transaction():
        make_org("Rival Ltd", (make_person("rival@rival.example"), ContactRole.OWNER))
        make_person("audit@house.example", staff=(StaffRole.AUDITOR,))
        org = books.party().org
        assert org is not None
        alternate = make_person("alt@galaxy.example")
        db.session.add(Contact(person=alternate, org=org, role=ContactRole.ALTERNATE, start=clock.today()))
    rival, audit = browser(firm, "rival@rival.example"), browser(firm, "audit@house.example")
    for client in (rival, browser(firm, "alt@galaxy.example")):
        for path in (f"/fapiao/{one}", f"/fapiao/{one}/file", f"/fapiao/{'0' * 32}"):
            assert client.get(path).status_code == 404
        assert post(client, f"/fapiao/{one}/withdrawal").status_code == 404
    assert audit.get(f"/office/money/fapiao/{one}").status_code == 200
    assert post(audit, f"/office/money/fapiao/{one}/refusal", reason="x").status_code == 403
    assert post(audit, f"/office/money/fapiao/{one}/record", number="1").status_code == 403
    assert post(audit, f"/fapiao/{one}/withdrawal").status_code == 404


def test_verify_names_what_breaks(firm: Flask) -> None:
    uid = paid(firm)
    issue(firm, ask(firm, uid, SILVER))
    with firm.app_context(), transaction():
        row = db.session.scalars(select(Fapiao)).one()
        db.session.add(Fapiao(
            party=row.party, kind=row.kind, title="x", tax_number="", address="", telephone="", bank="",
            bank_account="", amount=Money(5), by=row.by, state=S.ISSUED,
        ))  # fmt: skip
        db.session.flush()
        wrong = db.session.scalars(select(Fapiao).order_by(Fapiao.id.desc())).all()[0]
        db.session.add(FapiaoPart(fapiao=wrong, invoice=invoice(uid), amount=Money(7)))
    with firm.app_context(), reading():
        said = " ".join(verify_books()[1])
        assert "its parts make 7" in said
        assert "stands for 2000000 fen and has fapiaos over 2000007" in said
        assert "has the number None" in said


def test_every_deed_is_on_record(firm: Flask) -> None:
    uid = paid(firm)
    issue(firm, ask(firm, uid, SILVER))
    with firm.app_context(), reading():
        verbs = set(
            db.session.scalars(select(AuditEntry.verb).where(AuditEntry.subject == invoice(uid).subject))
        )
        assert {"fapiao.requested", "fapiao.issued"} <= verbs
        assert db.session.scalars(select(InvoiceLine)).first() is not None


def test_a_person_asks_for_himself_and_whoever_also_acts_for_a_company_from_the_invoice(firm: Flask) -> None:
    with firm.app_context(), transaction():
        solo = make_person("solo@else.example", "Solo")
        make_org("Side Ltd", (solo, ContactRole.OWNER))
        order = issuing.place_order(issuing.party_of(solo), "solo:1", [Item(price_of("dues.individual"))])
        row = issuing.issue_invoice(order, language="en", by="test")
        books.transfer("B-9", row.gross, str(row.reference), payer="Solo")
        uid = row.uid
    client = browser(firm, "solo@else.example")
    page = client.get(f"/fapiao/new?invoice={uid}")
    assert 'value="200.00"' in page.text
    asked = post(client, f"/fapiao/new?invoice={uid}", kind="normal", **{f"amount-{uid}": "200.00"})
    assert asked.status_code == 303, asked.text
    assert "200.00" in client.get("/fapiao").text
    chen = browser(firm, "chen@galaxy.example")
    assert chen.get(f"/fapiao/new?invoice={uid}").status_code == 404
    with firm.app_context(), reading():
        assert verify_books()[1] == []
