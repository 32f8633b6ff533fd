"""Reports by mail: with each close or Monday, once each, to whoever may read them, ended by one click."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage
from email.policy import default

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.accounts.people import Grant
from portal.billing import closing
from portal.core import clock, mail
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.reports.closed import mailing
from portal.reports.closed.models import ReportMail, Rhythm
from tests import books, sale
from tests.close_world import close
from tests.people import browser, make_person, post

JANUARY, FEBRUARY = date(2027, 1, 1), date(2027, 2, 1)
PAGE = "/office/reports/by-mail/"


@pytest.fixture
def office(app: Flask) -> Flask:
    """A year of support; Eva leads the foundation and reads Chinese."""
    books.house(app)
    with app.app_context(), clock.stopped_at(date(2027, 1, 5)), transaction():
        sale.sell(3_869_000, (date(2027, 1, 1), date(2028, 1, 1)))
        make_person("eva@house.example", "Eva", staff=(StaffRole.EXECUTIVE,), language="zh_Hans_CN")
    return app


def mails(who: str) -> list[MailMessage]:
    statement = select(MailMessage).where(
        MailMessage.address == f"{who}@house.example", MailMessage.key.startswith("report:")
    )
    return list(db.session.scalars(statement.order_by(MailMessage.id)))


def order(who: str, report: str, rhythm: Rhythm, **query: str) -> None:
    with transaction():
        mailing.begin(report, rhythm, {"period": "month", "stream": "", **query}, by=books.person(who))


def test_each_close_is_told_once_and_no_payer_is_named(office: Flask) -> None:
    with office.app_context():
        with clock.stopped_at(date(2027, 1, 6)):
            order("fang", "overview", Rhythm.MONTHLY)
            order("fang", "overview", Rhythm.MONTHLY)
            order("eva", "payers", Rhythm.MONTHLY, period="year")
        close(JANUARY, date(2027, 2, 3))
        close(FEBRUARY, date(2027, 3, 4))
        with clock.stopped_at(date(2027, 3, 5)):
            assert mailing.send() == 4  # two closes were missed, and nothing is lost
            assert mailing.send() == 0
            with reading():
                first, second = mails("fang")
                assert "2027-01" in first.title
                assert "3,100.00" in first.text
                assert "/office/reports/overview/xlsx/file?from=2027-01" in first.text
                assert "known=2027-02-03" in first.text
                assert "2027-02" in second.title
                assert f"/reports-by-mail/{mailing.mine(books.person('fang'))[0].uid}" in first.text
                for one in (*mails("fang"), *mails("eva")):
                    assert "Galaxy" not in one.text + one.title
                assert "停止" in mails("eva")[0].text
        with clock.stopped_at(date(2027, 3, 6)):
            with transaction():
                closing.propose_reopen(FEBRUARY, by=books.person("fang"), reason="late")
            with transaction():
                closing.reopen(FEBRUARY, by=books.person("feng"))
            assert mailing.send() == 0
        close(FEBRUARY, date(2027, 3, 7))
        with clock.stopped_at(date(2027, 3, 8)):
            assert mailing.send() == 2  # the second close of February is news


def test_every_monday_and_no_longer_than_one_may_read(office: Flask) -> None:
    with office.app_context():
        with clock.stopped_at(date(2027, 1, 6)):  # a Wednesday
            order("eva", "reconciliation", Rhythm.WEEKLY)
            assert mailing.send() == 0
        for day, sent in ((11, 1), (12, 0), (26, 1), (31, 0)):
            with clock.stopped_at(date(2027, 1, day)):
                assert mailing.send() == sent, day
        with clock.stopped_at(date(2027, 2, 1)):
            with transaction():
                for grant in db.session.query(Grant).filter_by(person_id=books.person("eva").id):
                    grant.end = clock.today()
            assert mailing.send() == 0
            with reading():
                assert len(mails("eva")) == 2
                assert db.session.query(ReportMail).one().ended_at is not None


def test_ordered_and_ended_on_the_page(office: Flask) -> None:
    with clock.stopped_at(date(2027, 1, 6)):
        fang, eva = browser(office, "fang@house.example"), browser(office, "eva@house.example")
        given = {"report": "deferred", "rhythm": "monthly", "period": "trailing", "stream": "support"}
        assert 'value="deferred" selected' not in fang.get(PAGE).text
        assert post(fang, PAGE, **{**given, "report": "nonsense"}).status_code == 422
        assert post(fang, PAGE, **given).status_code == 303
        with office.app_context(), reading():
            uid = db.session.query(ReportMail).one().uid
        assert "Twelve months up to it" in fang.get(PAGE).text
        assert post(eva, f"{PAGE}{uid}/end").status_code == 404
        assert post(fang, f"{PAGE}{uid}/end").status_code == 303
        assert post(fang, f"{PAGE}{uid}/end").status_code == 303
        assert uid not in fang.get(PAGE).text


def test_a_mail_program_ends_them_by_one_click_and_to_look_ends_nothing(office: Flask) -> None:
    with clock.stopped_at(date(2027, 1, 6)), office.app_context():
        order("eva", "overview", Rhythm.WEEKLY)
    with clock.stopped_at(date(2027, 1, 11)), office.app_context():
        assert mailing.send() == 1
        with reading():
            (row,) = mails("eva")
            sent = mail._message(row)
            uid = mailing.mine(books.person("eva"))[0].uid
            # A mail about something else offers no such button.
            row.topic = "order:1"
            assert mail._message(row)["List-Unsubscribe"] is None
            db.session.expire(row)
    address = f"http://127.0.0.1:8000/reports-by-mail/{uid}"
    assert (sent["List-Unsubscribe"], sent["List-Unsubscribe-Post"]) == (
        f"<{address}>", "List-Unsubscribe=One-Click",
    )  # fmt: skip
    anybody = office.test_client()
    path = f"/reports-by-mail/{uid}"
    assert "点一下即停止这些邮件" in anybody.get(path).text
    with office.app_context(), reading():
        assert len(mailing.mine(books.person("eva"))) == 1  # a program that looks into links ends nothing
    assert anybody.post(path).status_code == 400  # nor does anything but the words of the standard
    assert anybody.post(f"{path}/end").status_code == 400  # the page's own button brings its token
    for _twice in range(2):
        answer = anybody.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)
    with office.app_context(), reading():
        assert mailing.mine(books.person("eva")) == []
        ended = select(AuditEntry).where(AuditEntry.verb == "report_mail.ended")
        assert len(db.session.scalars(ended).all()) == 1
    assert "不再发送" in anybody.get(path).text
    assert anybody.get("/reports-by-mail/none").status_code == 404
    assert post(anybody, f"{path}/end", page="/register").status_code == 200


def test_a_long_address_stays_one_word_on_its_way() -> None:
    message = EmailMessage(policy=default.clone(refold_source="none"))
    address = "https://" + "a" * 60 + ".example.org/reports-by-mail/" + "b" * 32
    message.set_raw("List-Unsubscribe", f"<{address}>")
    assert f"List-Unsubscribe: <{address}>\n".encode() in message.as_bytes()
