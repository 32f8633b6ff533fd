"""Bad input in real Chromium: hostile words, wrong files, double clicks, the back button, stale tabs; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.members.models import Application, Submission
from tests.browser import Served, Visitor, as_person, fresh_home, serve, visit
from tests.people import make_person
from tests.walking import answer, fill_form, licence, sign_out

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "公司\u202eexe.pdf",
    "zero\u200bwidth 👩🏽‍🚀🏴‍☠️ 𠮷野家",
    "'; DROP TABLE person; --",
    "{{ 7 * 7 }} %(org)s ${7*7}",
]
ORGANISATION = {
    "legal_name": "Plain Company", "country": "SG", "registration": "201900001A", "category": "software",
    "homepage": "https://plain.example", "address": "1 Plain Road",
}  # fmt: skip


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The portal, served."""
    with serve(fresh_home(sqlite_template, tmp_path_factory)) as found:
        yield found


def applicant(browser: Browser, served: Served, email: str) -> Visitor:
    """Let somebody begin an application for a new organisation."""
    with served.app.app_context(), transaction():
        make_person(email, "Ann")
    ann = as_person(browser, served, email)
    ann.page.on("dialog", lambda dialog: ann.troubles.append(f"a script ran: {dialog.message}"))
    ann.open("/apply")
    ann.press("Start the application")
    return ann


def ready(browser: Browser, served: Served, email: str, number: str) -> Visitor:
    """Let somebody fill in the whole form, up to the page where it is sent."""
    ann = applicant(browser, served, email)
    people = {
        "signatory_name": "Ann",
        "signatory_email": email,
        "billing_name": "Ann",
        "billing_email": email,
    }
    membership = [{"tier": "silver", "why": "Because."}]
    fill_form(
        ann, {**ORGANISATION, "legal_name": f"Plain {number}", "registration": number}, membership, people
    )
    return ann


def test_empty_and_hostile_fields_at_the_door_are_answered_in_words(browser: Browser, served: Served) -> None:
    someone = visit(browser, served, language="zh_Hans_CN")
    someone.open("/register")
    someone.press("Register", within=someone.page.get_by_role("main"))
    someone.sees("Please check the following")
    summary = someone.page.get_by_role("alert").get_by_role("link")
    assert summary.count() == 3
    summary.first.click()
    assert someone.field("Your name").evaluate("field => field === document.activeElement")
    for words in HOSTILE:
        someone.fill("Your name", words)
        someone.fill("Mail address", "no address")
        someone.fill("Password", words)
        someone.press("Register", within=someone.page.get_by_role("main"))
        someone.sees("Please check the following")
        assert someone.field("Your name").input_value().replace("\u202e", "") == words.replace("\u202e", "")
        assert someone.field("Mail address").input_value() == "no address"
    someone.open("/sign-in")
    for words in (*HOSTILE, "x" * 20_000):
        someone.fill("Mail address", "who@nowhere.example")
        someone.fill("Password", words)
        someone.press("Sign in", within=someone.page.get_by_role("main"))
        someone.page.get_by_role("alert").wait_for()
        assert someone.field("Mail address").input_value() == "who@nowhere.example"
    someone.well()


def test_what_is_wrong_in_the_form_is_kept_as_typed_and_shown_as_text(
    browser: Browser, served: Served
) -> None:
    ann = applicant(browser, served, "ann@plain.example")
    for words in HOSTILE:
        answer(ann, {**ORGANISATION, "legal_name": words, "homepage": "javascript:alert(1)"})
        ann.press("Save and continue")
        ann.sees("Saved. Please check the following before you send it.")
        assert ann.field("Legal name").input_value().replace("\u202e", "") == words.replace("\u202e", "")
        assert ann.field("Website").input_value() == "javascript:alert(1)"
        ann.follow("Check and send")
        ann.titled("Check and send")
        ann.follow("Change", within=ann.page.get_by_role("main"))
    answer(ann, ORGANISATION)
    ann.press("Save and continue")
    answer(ann, {"why": "长" * 20_000, "tier": "silver"})
    ann.press("Save and continue")
    ann.sees("Please use at most %(max)s characters.")
    assert (
        ann.page.get_by_role("textbox", name="What do you want to do together").input_value() == "长" * 20_000
    )
    ann.well()


def test_a_wrong_file_is_refused_in_words_and_a_right_one_stays(browser: Browser, served: Served) -> None:
    ann = applicant(browser, served, "ann@papers.example")
    ann.follow("Papers")
    wrong = [
        {"name": "licence.exe", "mimeType": "application/octet-stream", "buffer": b"MZ\x90\x00"},
        {"name": "licence.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"},
        {"name": "licence.pdf", "mimeType": "application/pdf", "buffer": b""},
    ]
    for file in wrong:
        answer(ann, {"licence": file})
        ann.press("Save and continue")
        ann.page.get_by_role("alert").get_by_role("link", name="Business licence").wait_for()
    answer(ann, {"licence": licence("营业执照 “扫描”.png")})
    ann.press("Save")
    ann.reads("营业执照 “扫描”.png")
    answer(ann, {"licence": wrong[0]})
    ann.press("Save and continue")
    ann.page.get_by_role("alert").wait_for()
    ann.reads("营业执照 “扫描”.png")
    ann.well()


def sent_times(served: Served, number: str) -> tuple[int, int]:
    """Return how often an application was filed, and how many mails of thanks went out for it."""
    with served.app.app_context(), reading():
        named = Organisation.legal_name == f"Plain {number}"
        row = db.session.scalars(select(Application).join(Organisation).where(named)).one()
        filed = db.session.scalar(select(func.count()).where(Submission.application_id == row.id))
        thanks = select(func.count()).where(
            MailMessage.topic == row.subject, MailMessage.title.startswith("We have your")
        )
        return filed or 0, db.session.scalar(thanks) or 0


def test_a_double_click_sends_once_and_the_way_back_is_polite(browser: Browser, served: Served) -> None:
    ann = ready(browser, served, "ann@double.example", "201900002B")
    ann.button("Send the application").dblclick()
    ann.sees("Sent. We have written to you what happens next.")
    assert sent_times(served, "201900002B") == (1, 1)
    ann.page.go_back()
    ann.page.reload()
    ann.sees("A reviewer takes your case. You hear from us within 10 working days.")
    assert sent_times(served, "201900002B") == (1, 1)
    ann.well()


def test_a_stale_tab_is_told_what_happened(browser: Browser, served: Served) -> None:
    ann = ready(browser, served, "ann@stale.example", "201900003C")
    other = Visitor(served, ann.context, ann.context.new_page(), "en", ann.troubles)
    other.open(ann.page.url.removeprefix(served.base))
    other.follow("Change", within=other.page.get_by_role("region", name="Membership"))
    ann.press("Send the application")
    ann.sees("Sent. We have written to you what happens next.")
    answer(other, {"why": "Second thoughts."})
    other.press("Save and continue")
    other.sees("This application cannot be changed now.")
    other.sees("What you typed")
    other.reads("Second thoughts.")
    other.open("/account")
    sign_out(ann)
    other.fill("Your name", "Ann Lee")
    other.press("Save")
    other.reads("Ann Lee")
    ann.well()
