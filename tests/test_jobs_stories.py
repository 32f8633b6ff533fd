"""Stories of the job board in real Chromium: an employer, a candidate and moderators, in Chinese at a desk, in English on a phone."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Browser, expect

from tests import jobs_scene as s
from tests import jobs_story as j
from tests.browser import Served
from tests.jobs_story import Board, choose, click, paper, tick, unfold, worth

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DEPOSIT = "A post that asks for fees, deposits or papers cannot be sent."
SENT = "Sent. A moderator looks at it within %(days)s working days."
SCRIPT = "<script>document.title = 'taken'</script>"


@pytest.fixture(scope="module")
def house(served: Served) -> Served:
    """The board, open to everybody, with moderators, a neighbour and people in the pool."""
    j.found(served)
    return served


# Both languages live the trunk of the story; of what branches off, each has its share every day, and all by `make proofs`.
@pytest.mark.parametrize("language", ["zh_Hans_CN", "en"])
def test_a_member_recruits_somebody_with_a_certificate(
    browser: Browser, house: Served, language: str
) -> None:
    board = Board(browser, house, language)
    at_a_desk, on_a_phone = (bool(os.environ.get("PROOFS")) or one == board.key for one in ("zh", "en"))
    j.people(board, confirmed=not at_a_desk, profiled=not on_a_phone)
    if at_a_desk:
        _the_employer_is_confirmed(board)
    _a_post_is_written_and_sent(board)
    _a_moderator_sends_it_back(board)
    _it_is_changed_and_approved(board)
    if on_a_phone:
        _a_reader_reports_it(board)
        _somebody_writes_a_profile(board)
        _the_pool_is_searched_while_consent_comes_and_goes(board)
        _a_request_is_answered_and_taken_back(board)
    _somebody_applies(board)
    _the_certificate_is_revoked_during_the_interview(board)
    _somebody_is_hired_and_the_post_is_filled(board)
    _the_candidate_reads_who_saw_what(board, shown=on_a_phone)
    if at_a_desk:
        _another_post_is_taken_down_and_comes_back(board)
        _the_membership_rests(board)
    for one in board.seen.values():
        one.well()


def _the_employer_is_confirmed(board: Board) -> None:
    boss, mod = board.at(board.boss), board.at("mo")
    boss.open("/recruiting/")
    boss.sees("No post here")
    boss.follow("Confirm the employer", within=boss.page.get_by_role("main"))
    boss.fill("Unified Social Credit Code, or registration number", s.CODE)
    boss.press("Hand in")
    boss.sees("Please attach the registration document.")
    boss.page.locator("[name=file]").set_input_files(paper(j.CV, "licence.pdf"))
    boss.press("Hand in")
    boss.sees("Thank you. We look at it within a day or two and write to you.")
    mod.open("/office/jobs/")
    click(mod, board.words.company)
    mod.press("Confirm for a year")
    mod.sees("Confirmed for a year. The employer is told.")


def _a_post_is_written_and_sent(board: Board) -> None:
    boss, words = board.at(board.boss), board.words
    boss.open("/recruiting/")
    boss.follow("Write a post")
    for label, text in (
        ("Title in Chinese", j.TITLE_ZH), ("Title in English", j.TITLE_EN), ("About the work, in Chinese", j.COPIED_ZH),
        ("About the work, in English", j.COPIED_EN), ("Pay from", "45000"), ("Pay up to", "25000"), ("Skills", "Triton, C++"),
    ):  # fmt: skip
        boss.fill(label, text)
    own = f"About the work, in {'Chinese' if board.key == 'zh' else 'English'}"
    text = boss.field(own).input_value()
    boss.fill(own, f"{text} {words.deposit} {SCRIPT}")
    boss.field("City").select_option("beijing")
    boss.press("Keep and look at it")
    boss.sees("The lower end of the pay may not be above the upper end.")
    assert SCRIPT in boss.field(own).input_value()
    boss.fill("Pay up to", "65000")
    boss.press("Keep and look at it")
    boss.sees(DEPOSIT)
    boss.press("Send for review")
    boss.sees("It cannot be sent yet")
    boss.follow("Change")
    boss.fill(own, f"{text} {words.limit} {SCRIPT}")
    boss.press("Keep and look at it")
    assert boss.page.locator("article script").count() == 0
    boss.press("Send for review")
    boss.sees(SENT)


def _a_moderator_sends_it_back(board: Board) -> None:
    mod, words = board.at("mo"), board.words
    mod.open("/office/jobs/")
    click(mod, board.title)
    mod.reads(words.mark)
    mod.sees("Nearly the same text as another post")
    back = unfold(mod, "Send the post back")
    mod.press("Send the post back", within=back)
    mod.sees("Please check the following")
    mod.page.get_by_label(words.reason).check()
    mod.fill("To the employer, in Chinese", "请写明芯片，并删去年龄。")
    mod.fill("To the employer, in English", "Which chips? And take the age out.")
    mod.press("Send the post back", within=mod.page.locator("details[open]"))
    mod.sees("Sent back. The employer reads your words in both languages.")


def _it_is_changed_and_approved(board: Board) -> None:
    boss, mod, words = board.at(board.boss), board.at("mo"), board.words
    boss.mail(board.boss, "%(verdict)s: %(title)s")
    boss.link_of_mail()
    boss.reads(words.reason)
    boss.reads("请写明芯片，并删去年龄。")
    boss.reads("Which chips? And take the age out.")
    boss.follow("Change")
    boss.fill("About the work, in Chinese", f"{j.ZH.text}{SCRIPT}")
    boss.fill("About the work, in English", f"{j.EN.text}{SCRIPT}")
    boss.press("Keep and look at it")
    boss.press("Send for review")
    boss.sees(SENT)
    mod.open("/office/jobs/")
    click(mod, board.title)
    mod.press("Approve version %(n)s")
    mod.sees("Approved. The employer is told.")
    boss.open(f"/recruiting/{board.second()}/check")
    boss.press("Send for review")
    boss.sees(
        "All %(count)s posts of your tier are in review or live. Pause or close one, then send this one."
    )


def _a_reader_reports_it(board: Board) -> None:
    reader, mod = board.passer_by(), board.at("mo")
    reader.open("/jobs/")
    click(reader, board.title)
    assert reader.page.locator("main script").count() == 0
    assert board.title in reader.page.title()
    other = ("English", j.TITLE_EN, j.EN.text) if board.key == "zh" else ("中文", j.TITLE_ZH, j.ZH.text)
    click(reader, other[0])
    reader.page.get_by_role("heading", level=1, name=other[1]).wait_for()
    reader.reads(other[2])
    reader.page.go_back()
    report = unfold(reader, "Report this post")
    report.get_by_role("combobox").select_option("other")
    report.get_by_role("textbox").fill("The chips are another firm's.")
    reader.press("Report it")
    reader.sees("Thank you. We look into reports; the post stays until somebody has decided.")
    mod.open(f"/office/jobs/posts/{board.post()}")
    mod.reads("The chips are another firm's.")
    mod.press("Looked into: the post stays")
    mod.sees("Written down: the post stays.")


def _somebody_writes_a_profile(board: Board) -> None:
    mei, words = board.at(board.mei), board.words
    mei.open("/jobs/mine/")
    mei.sees("No application yet")
    mei.follow("Write a profile")
    mei.sees("Write your profile first.")
    mei.field("City you live in or would work in").select_option("beijing")
    mei.fill("Skills", f"Triton, {words.skill}")
    mei.fill("How to reach you, for employers you show it to", "signal mei.77")
    mei.press("Save the profile")
    mei.sees("Saved. Nobody sees it unless you say so below, or tick it in an application.")
    for data, said in (
        (b"MZ a program", "This file is no PDF, whatever its name says."),
        (j.CV, "Your résumé is kept. An employer gets it only where you tick it."),
    ):
        mei.field("Résumé (PDF)").set_input_files(paper(data, "cv.pdf"))
        mei.press("Keep this résumé")
        mei.sees(said)


def _the_pool_is_searched_while_consent_comes_and_goes(board: Board) -> None:
    boss, mei = board.at(board.boss), board.at(board.mei)
    boss.open("/jobs/hiring/pool")
    boss.press("Search the pool")
    boss.sees("Fewer than %(least)s people match")
    for press, shown in (
        ("I agree: let members that recruit find me", True), ("Leave the pool", False),
        ("I agree: let members that recruit find me", True),
    ):  # fmt: skip
        mei.press(press)
        mei.sees("You are in the pool" if shown else "You are not in the pool")
        boss.page.reload()  # consent changes while the employer looks
        rows = boss.page.get_by_role("main").locator("ul.rows > li")
        expect(rows).to_have_count(5 if shown else 0)
    assert board.words.candidate not in boss.page.inner_text("main")


def _a_request_is_answered_and_taken_back(board: Board) -> None:
    boss, mei, words = board.at(board.boss), board.at(board.mei), board.words
    row = boss.page.get_by_role("main").locator("ul.rows > li").filter(has_text=words.skill).first
    boss.follow("Ask for contact", within=row)
    boss.fill("Why you ask this person", words.why)
    boss.press("Send the request")
    boss.sees("Asked. You hear of the answer; who it is you learn only with a yes.")
    mei.open("/jobs/mine/")
    mei.reads(words.why)
    mei.follow("Read and answer")
    tick(mei, "My name", "How to reach me")
    mei.press("Yes, show this")
    mei.sees("Please tick that you agree, or leave this page: nothing is sent.")
    tick(mei, "I agree that this employer sees what I ticked above")
    mei.press("Yes, show this")
    mei.sees("What they see")
    boss.page.reload()
    click(boss, board.title)
    boss.page.get_by_role("heading", level=1, name=words.candidate).wait_for()
    boss.reads("signal mei.77")
    mei.press("Take back")
    mei.sees("Taken back. It counts from this moment on.")
    boss.page.reload()
    boss.sees("Nothing any more: the time is over, or the consent was taken back.")
    assert words.candidate not in boss.page.inner_text("main")


def _somebody_applies(board: Board) -> None:
    mei, words = board.at(board.mei), board.words
    mei.open(f"/jobs/{board.post()}")
    mei.follow("Apply for this post")
    mei.fill("What you write to the employer", words.letter)
    mei.page.locator("[name=resume]").set_input_files(paper(b"<html>no", "cv.pdf"))
    tick(
        mei,
        "My name",
        "What I write to the employer",
        "My certificates, with what each is worth at the moment",
        "My résumé",
    )
    tick(mei, "I agree that this employer sees, for this post, what I ticked above")
    mei.press("Send the application")
    mei.sees("This file is no PDF, whatever its name says.")
    assert mei.field("What you write to the employer").input_value() == words.letter
    mei.press("Send the application")  # now with the one of the profile
    mei.sees("Sent. We write to you when it is opened and at each step.")


def _the_certificate_is_revoked_during_the_interview(board: Board) -> None:
    boss, mei, words = board.at(board.boss), board.at(board.mei), board.words
    boss.mail(board.boss, "A new application: %(post)s")
    boss.link_of_mail()
    expect(worth(boss, "valid")).to_have_count(1)
    click(boss, words.candidate)
    boss.press("Open the application")
    boss.reads(words.letter)
    boss.field("What comes next").select_option("interview")
    boss.fill("Your words to the candidate", words.come)
    boss.press("Take this step")
    boss.sees("Done. The candidate gets a letter with your words.")
    mei.page.reload()
    mei.sees("In interviews")
    mei.reads(words.come)
    board.revoke()
    boss.page.reload()
    expect(worth(boss, "revoked")).to_have_count(1)
    expect(worth(boss, "valid")).to_have_count(0)
    assert words.candidate not in boss.mail(
        board.boss, "A certificate behind an application is not in force any more: %(post)s"
    )
    boss.open(f"/jobs/hiring/posts/{board.post()}")
    expect(worth(boss, "revoked")).to_have_count(1)
    click(boss, words.candidate)


def _somebody_is_hired_and_the_post_is_filled(board: Board) -> None:
    boss, mei = board.at(board.boss), board.at(board.mei)
    for to, more in (("offer", ""), ("hired", ""), ("hired", "No")):
        boss.field("What comes next").select_option(to)
        if more:
            choose(boss, "If hired: did a certificate count?", more)
        boss.press("Take this step")
        boss.sees("Please say whether a certificate counted." if (to, more) == ("hired", "") else "Done. The candidate gets a letter with your words.")  # fmt: skip
    mei.page.reload()
    mei.sees("Hired")
    boss.open(f"/recruiting/{board.post()}")
    choose(boss, "Does whoever you hired hold one of our certificates?", "No")
    choose(boss, "Did you find each other through this board?", "Yes")
    boss.press("Close as filled")
    boss.sees("Congratulations. The post is closed; whoever comes to its page is told so.")
    reader = board.passer_by()
    reader.open(f"/jobs/{board.post()}")
    reader.sees("This post is no longer open")


def _the_candidate_reads_who_saw_what(board: Board, *, shown: bool) -> None:
    mei, words = board.at(board.mei), board.words
    mei.open("/jobs/mine/privacy")
    mei.reads(words.company)
    mei.sees("My résumé")
    mei.follow("Every word, also those taken back, and all we keep about you")
    mei.sees("taken back" if shown else "given")
    href = mei.page.get_by_role("link", name=mei.t("For programs (JSON)")).get_attribute("href")
    kept = mei.context.request.get(f"{board.served.base}{href}").json()
    assert [one["letter"] for one in kept["job_applications"]] == [words.letter]
    assert words.company in {one["employer"] for one in kept["job_looks"]}
    ledger = [one["receiver"] for one in kept["consents"]]
    assert ledger.count(words.company) == (3 if shown else 1)  # to apply; to show oneself, and its end


def _another_post_is_taken_down_and_comes_back(board: Board) -> None:
    boss, mod, second = board.at(board.boss), board.at("mo"), board.at("max")
    boss.open("/recruiting/")
    click(boss, "Second")
    boss.follow("Check and send it")
    boss.press("Send for review")
    boss.sees(SENT)
    mod.open("/office/jobs/")
    click(mod, "Second")
    down = unfold(mod, "Take it down")
    down.get_by_role("checkbox").first.check()
    for box in down.get_by_role("textbox").all():
        box.fill("Not a post of yours. 不是贵单位的职位。")
    mod.press("Take it down", within=down)
    mod.sees("Taken down. The employer is told and may appeal once.")
    boss.page.reload()
    boss.reads("Not a post of yours. 不是贵单位的职位。")
    boss.fill("Why should the post come back?", "It is ours, see our site.")
    boss.press("Appeal")
    boss.sees("Another moderator looks at it, and you hear from us.")
    mod.page.reload()
    mod.sees("Another moderator decides about an appeal: you took the post down.")
    assert mod.button("Back into review").count() == 0
    second.open("/office/")
    second.page.get_by_role("link", name="Second").first.click()
    second.reads("It is ours, see our site.")
    second.fill("To the employer, in Chinese", "核实无误。")
    second.fill("To the employer, in English", "It is.")
    second.press("Back into review")
    second.sees("Decided. The employer is told.")
    second.press("Approve version %(n)s")
    second.sees("Approved. The employer is told.")


def _the_membership_rests(board: Board) -> None:
    boss, reader = board.at(board.boss), board.passer_by()
    reader.open("/jobs/")
    reader.reads("Second")
    board.lapse()
    reader.page.reload()
    assert "Second" not in reader.page.inner_text("main")
    boss.open("/recruiting/")
    boss.sees("Your membership is not in force: posts are off the board until it is.")
    boss.open("/jobs/hiring/pool")
    boss.sees("The talent pool is for members whose membership is in force.")
