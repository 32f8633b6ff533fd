"""Stories in real Chromium: companies on the road in, as they and the staff click their way along it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser import Served, visit
from tests.walking import (
    House,
    accept_as_signatory,
    agree,
    answer,
    approve,
    attach_minute,
    fill_form,
    mail_code,
    member_at_home,
    register,
    review,
    sign_in,
    sign_out,
    to_transfer,
    transfer,
)  # fmt: skip

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ZH = "zh_Hans_CN"


def test_a_chip_vendor_becomes_platinum_by_bank_transfer_in_chinese(browser: Browser, served: Served) -> None:
    shown, payer = "启明芯片", "启明芯片有限公司"
    mail, signs = "chen@qiming-chips.example", "luo@qiming-chips.example"
    house = House(browser, served, ZH)
    chen = visit(browser, served, language=ZH)
    chen.open("/")
    chen.follow("Apply for membership")
    chen.follow("Register and apply")
    register(chen, "陈薇", mail)
    sign_out(chen)
    sign_in(chen, mail)
    chen.fill("Code", mail_code(chen, mail))
    chen.press("Continue")
    chen.open("/home")
    chen.follow("Apply for membership")
    chen.press("Start the application")
    fill_form(
        chen,
        {
            "legal_name": payer, "legal_name_en": "Qiming Chips Ltd", "country": "CN", "registration": "91110000600037341L",
            "category": "chip", "homepage": "https://www.qiming-chips.example", "address": "上海市示例路 8 号",
        },
        [
            {"tier": "platinum", "why": "希望每个模型都能在我们的芯片上运行。", "chips": "启明一号", "display_name_zh": shown, "listing": "tick"},
            {"strategy": "由首席技术官参与技术治理。"},
        ],
        {"signatory_name": "罗岚", "signatory_email": signs, "billing_name": "陈薇", "billing_email": mail},
    )  # fmt: skip
    chen.press("Send the application")
    chen.sees("Sent. We have written to you what happens next.")
    luo = accept_as_signatory(browser, served, "罗岚", signs, language=ZH)
    review(house, shown)
    attach_minute(house, shown)
    approve(house, shown)
    agree(house, luo, shown, "罗岚", signs)
    chen.open("/home")
    chen.follow("Pay invoice %(number)s")
    amount, reference = to_transfer(chen)
    transfer(house, payer, amount, reference, bank_ref="STORY-A")
    member_at_home(chen, mail, shown)
    house.well()
    luo.well()
    chen.well()


def test_a_startup_becomes_silver_by_card_on_a_phone(browser: Browser, served: Served) -> None:
    shown = "Harbour Agents"
    mail, signs = "mei@harbour-agents.example", "tan@harbour-agents.example"
    house = House(browser, served, "en")
    mei = visit(browser, served, phone=True)
    mei.open("/")
    mei.press("Menu")
    mei.follow("Apply")
    mei.follow("Register and apply")
    register(mei, "Mei Ong", mail)
    mei.press("Start the application")
    fill_form(
        mei,
        {
            "legal_name": "Harbour Agents Pte Ltd", "country": "SG", "registration": "201912345K", "category": "software",
            "homepage": "https://harbour-agents.example", "address": "1 Example Quay, Singapore",
        },
        [{"tier": "silver", "why": "We build agents and want them to run on every chip.", "display_name_en": shown, "listing": "tick"}],
        {"signatory_name": "Tan Wei", "signatory_email": signs, "billing_name": "Mei Ong", "billing_email": mail},
    )  # fmt: skip
    mei.press("Send the application")
    mei.sees("Sent. We have written to you what happens next.")
    tan = accept_as_signatory(browser, served, "Tan Wei", signs, language="en", phone=True)
    review(house, shown, voices=("lena",))
    approve(house, shown)
    agree(house, tan, shown, "Tan Wei", signs)
    mei.open("/home")
    mei.follow("Pay invoice %(number)s")
    mei.press("Pay %(sum)s online")
    mei.reads("TEST GATEWAY – no money moves")
    mei.press("Decline")
    mei.sees("Declined: the bank says no. You may try again.")
    mei.press("Pay")
    mei.sees("Thank you: the payment is booked.")
    member_at_home(mei, mail, shown)
    house.well()
    tan.well()
    mei.well()


def test_an_application_is_returned_answered_rejected_and_appealed(browser: Browser, served: Served) -> None:
    shown, mail = "Elbe Compilers", "ida@elbe-compilers.example"
    house = House(browser, served, "en")
    ida = visit(browser, served)
    ida.open("/apply?tier=silver")
    ida.follow("Register and apply")
    register(ida, "Ida Brandt", mail)
    ida.press("Start the application")
    fill_form(
        ida,
        {
            "legal_name": "Elbe Compilers GmbH", "country": "DE", "registration": "HRB 123456", "category": "software",
            "homepage": "https://elbe-compilers.example", "address": "Beispielweg 1, Hamburg",
        },
        [{"tier": "silver", "why": "We write compilers.", "display_name_en": shown, "listing": "tick"}],
        {"signatory_name": "Ida Brandt", "signatory_email": mail, "billing_name": "Ida Brandt", "billing_email": mail},
    )  # fmt: skip
    ida.press("Send the application")

    reviewer = house.at_case("rui", shown)
    reviewer.press("Take the case")
    asked = reviewer.page.locator("details.ask").filter(has_text="What do you want to do together")
    asked.locator("summary").click()
    asked.get_by_role("textbox").fill("Which compilers, for which chips?")
    reviewer.press("Return with these questions")
    reviewer.reads("Which compilers, for which chips?")

    ida.mail(mail, "%(org)s: your application needs a few more answers")
    ida.link_of_mail()
    ida.reads("Which compilers, for which chips?")
    ida.follow("Answer the questions")
    ida.follow("Change", within=ida.page.get_by_role("region", name="Membership"))
    assert ida.field("Tier").is_disabled()
    answer(ida, {"why": "A Triton back end for three families of chips."})
    ida.press("Save and continue")
    ida.press("Send the answers")

    changed = house.at_case("rui", shown).page.get_by_role("region", name="Changed in round 2")
    assert changed.get_by_text("We write compilers.").is_visible()
    assert changed.get_by_text("A Triton back end for three families of chips.").is_visible()
    review(house, shown, owner="", voices=("lena",))
    director = house.at_case("dai", shown)
    director.page.locator("summary").filter(has_text="Reject").click()
    director.field("Reason").select_option(index=1)
    director.fill("Words to the applicant in Chinese", "材料不足。")
    director.fill("Words to the applicant in English", "The papers do not prove enough yet.")
    director.press("Reject", within=director.page.locator("details[open]"))

    ida.mail(mail, "%(org)s: the decision on your application to %(brand)s")
    ida.link_of_mail()
    ida.reads("The papers do not prove enough yet.")
    ida.fill("Why do you think the decision is wrong?", "The register shows our foundation in 2019.")
    ida.press("Appeal")
    ida.sees("Your appeal is on its way to the secretary of the board.")
    house.at_case("sun", shown).press("Hear the appeal")
    house.at_case("lena", shown).sees("You had a part in the first decision.")
    review(house, shown, owner="rong", voices=("lou",))
    approve(house, shown, by="dong")
    ida.mail(mail, "%(org)s: your application to %(brand)s is approved")
    ida.link_of_mail()
    ida.follow("Pay the invoice")
    ida.titled("Invoice %(number)s")
    house.well()
    ida.well()
