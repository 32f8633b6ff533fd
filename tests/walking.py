"""The road in as people walk it in a browser: each step by the person whose step it is, in his language."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import yaml
from playwright.sync_api import Browser

from portal.accounts.may import StaffRole
from portal.core.db import transaction
from portal.core.settings import place
from tests.browser import Served, Visitor, as_person, visit
from tests.people import PASSWORD, make_person
from tests.road import picture

STAFF = {
    "rui": ("芮敏", StaffRole.REVIEWER),
    "rong": ("容安", StaffRole.REVIEWER),
    "lena": ("方律", StaffRole.LEGAL),
    "lou": ("娄嘉", StaffRole.LEGAL),
    "fang": ("高云", StaffRole.FINANCE),
    "feng": ("冯远", StaffRole.FINANCE),
    "dai": ("戴博", StaffRole.DIRECTOR),
    "dong": ("董宁", StaffRole.DIRECTOR),
    "cao": ("程越", StaffRole.COUNTER_SIGNER),
    "sun": ("孙瑜", StaffRole.SECRETARY),
}


def hire(served: Served) -> None:
    """Add the staff of the stories."""
    with served.app.app_context(), transaction():
        for key, (name, role) in STAFF.items():
            make_person(f"{key}@house.example", name, staff=(role,))


class House:
    """The staff at their desks: each browser is opened when it is first needed."""

    def __init__(self, browser: Browser, served: Served, language: str) -> None:
        self.browser, self.served, self.language = browser, served, language
        self.desks: dict[str, Visitor] = {}

    def desk(self, key: str) -> Visitor:
        """Return somebody of the staff at a signed-in browser."""
        if key not in self.desks:
            email = f"{key}@house.example"
            self.desks[key] = as_person(self.browser, self.served, email, language=self.language)
        return self.desks[key]

    def at_case(self, key: str, org: str) -> Visitor:
        """Return somebody of the staff who has opened a case from the list of applications."""
        desk = self.desk(key)
        desk.open(f"/office/applications/?state=all&q={org}")
        desk.page.get_by_role("link", name=org).first.click()
        desk.page.get_by_role("heading", level=1, name=org).wait_for()
        return desk

    def well(self) -> None:
        """Nothing went wrong on any page of the staff."""
        for desk in self.desks.values():
            desk.well()


@cache
def labels() -> dict[str, dict[str, str]]:
    """Return the labels of the application form by field, in each language."""
    with (place("catalogue") / "members.yml").open(encoding="utf-8") as source:
        return {row["code"]: row["label"] for row in yaml.safe_load(source)["form"]}


def register(visitor: Visitor, name: str, email: str) -> None:
    """Fill in the page of registration, and confirm the address from the mail."""
    visitor.fill("Your name", name)
    visitor.fill("Mail address", email)
    visitor.fill("Password", PASSWORD)
    visitor.press("Register")
    visitor.sees("Look into your mail")
    visitor.mail(email, "Confirm your address for %(brand)s")
    visitor.link_of_mail()
    visitor.press("Yes, confirm it")


def sign_in(visitor: Visitor, email: str, password: str = PASSWORD) -> None:
    """Type address and password on the page of the sign-in."""
    visitor.open("/sign-in")
    visitor.fill("Mail address", email)
    visitor.fill("Password", password)
    visitor.press("Sign in", within=visitor.page.get_by_role("main"))


def mail_code(visitor: Visitor, email: str) -> str:
    """Read the newest sign-in code in another tab, as from one's mail program."""
    tab = visitor.context.new_page()
    mailbox = Visitor(visitor.served, visitor.context, tab, visitor.language, visitor.troubles)
    text = mailbox.mail(email, "%(code)s is your sign-in code")
    tab.close()
    found = re.search(r"\b\d{8}\b", text)
    assert found is not None, text
    return found.group()


def sign_out(visitor: Visitor) -> None:
    """Leave by the account menu."""
    menu = visitor.page.locator("details.account > summary")
    if not menu.is_visible():
        visitor.press("Menu")
    menu.click()
    visitor.press("Sign out")
    visitor.sees("You are signed out.")


def answer(visitor: Visitor, answers: dict[str, Any]) -> None:
    """Fill in the fields of the form that the page shows."""
    tongue = "zh" if visitor.language.startswith("zh") else "en"
    value: Any
    for code, value in answers.items():
        field = visitor.page.get_by_label(re.compile("^" + re.escape(labels()[code][tongue]))).first
        if not isinstance(value, str):
            field.set_input_files(value)
        elif value == "tick":
            field.check()
        elif field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def licence(name: str = "licence.png") -> Any:
    """Return the picture of a licence to upload."""
    return {"name": name, "mimeType": "image/png", "buffer": picture()}


def fill_form(
    visitor: Visitor, organisation: dict[str, Any], membership: list[dict[str, Any]], people: dict[str, Any]
) -> None:
    """Fill in every page; what a page asks only after the first answers comes in a second round."""
    answer(visitor, organisation)
    visitor.press("Save and continue")
    for round_of in membership:
        answer(visitor, round_of)
        visitor.press("Save and continue")
    answer(visitor, people)
    visitor.press("Save and continue")
    answer(visitor, {"licence": licence()})
    visitor.press("Save and continue")
    visitor.titled("Check and send")


def accept_as_signatory(
    browser: Browser, served: Served, name: str, email: str, *, language: str, **more: Any
) -> Visitor:
    """Let the signatory follow the invitation: register, confirm, accept."""
    signatory = visit(browser, served, language=language, **more)
    signatory.mail(email, "%(who)s invites you to act for %(org)s")
    signatory.link_of_mail()
    signatory.follow("Register", within=signatory.page.get_by_role("main"))
    register(signatory, name, email)
    signatory.press("Accept")
    signatory.sees("You now act for %(org)s.")
    return signatory


def review(house: House, org: str, *, owner: str = "rui", voices: tuple[str, ...] = ("lena", "fang")) -> None:
    """Take the case and give the recommendations."""
    if owner:
        house.at_case(owner, org).press("Take the case")
    for key in voices:
        desk = house.at_case(key, org)
        desk.field("Your recommendation").select_option("yes")
        desk.fill("Your reasons", "材料齐全，与公开登记信息一致。")
        desk.press("Record the recommendation")
        desk.reads("材料齐全，与公开登记信息一致。")


def attach_minute(house: House, org: str, *, owner: str = "rui") -> None:
    """Attach the minute of the board, which the highest tier's decision needs."""
    desk = house.at_case(owner, org)
    desk.field("Minute of the board").set_input_files(licence("minute.png"))
    desk.press("Attach the minute")
    desk.reads("minute.png")


def approve(house: House, org: str, *, by: str = "dai") -> None:
    """Decide the case."""
    desk = house.at_case(by, org)
    desk.press("Approve")
    desk.sees("Agreement and payment, in any order.")


def agree(house: House, signatory: Visitor, org: str, name: str, email: str) -> None:
    """Send, sign by click and counter-sign the agreement."""
    legal = house.at_case("lena", org)
    legal.until("Document")  # the worker makes the PDF
    legal.press("Send the agreement")
    signatory.mail(email, "Please sign the membership agreement of %(org)s")
    signatory.link_of_mail()
    signatory.fill("Type your name to sign", name)
    signatory.field("I have read the whole document and may sign for the organisation.").check()
    signatory.press("Sign")
    signatory.sees("Signed. We counter-sign and write to you.")
    house.at_case("cao", org).press("Counter-sign")


def transfer(house: House, payer: str, amount: str, reference: str, *, bank_ref: str) -> None:
    """Record a transfer by its reference, and let a second person confirm it."""
    first, second = house.desk("fang"), house.desk("feng")
    first.open("/office/money/")
    first.follow("Record a transfer")
    first.fill("Bank reference", bank_ref)
    first.fill("Amount (CNY)", amount)
    first.fill("Payer as printed", payer)
    first.fill("Text of the transfer", f"会费 {reference}")
    first.press("Write it down")
    first.reads(payer)
    second.open("/office/money/")
    second.press("Confirm", within=second.page.get_by_role("row").filter(has_text=payer))
    second.sees("The receipt is booked.")


def to_transfer(visitor: Visitor) -> tuple[str, str]:
    """Return the sum and the reference that the page of an invoice asks to transfer."""
    term = visitor.page.locator("dt").filter(has_text=visitor.t("Amount")).first
    beside = term.locator("xpath=following-sibling::dd").first.inner_text()
    amount = re.search(r"[\d,]+\.\d\d", beside)
    assert amount is not None, beside
    return amount.group(), visitor.page.locator(".reference code").inner_text().strip()


def member_at_home(visitor: Visitor, email: str, shown: str) -> None:
    """Look at what a new member has: home, benefits, certificate, the wall, the welcome mail."""
    visitor.open("/home")
    visitor.sees("Settling in")
    visitor.sees("Membership year")
    visitor.open("/membership")
    visitor.follow("See your benefits")
    visitor.titled("Benefits")
    visitor.open("/membership")
    visitor.until("Certificate")  # the worker makes the PDF
    href = (
        visitor.page.get_by_role("main")
        .get_by_role("link", name=visitor.t("Certificate"))
        .first.get_attribute("href")
    )
    paper = visitor.context.request.get(visitor.served.base + str(href))
    assert paper.status == 200
    assert paper.body().startswith(b"%PDF-")
    visitor.open("/members")
    visitor.page.get_by_role("main").get_by_role("link", name=shown).wait_for()
    assert visitor.mail(email, "Welcome to %(brand)s, %(org)s")
