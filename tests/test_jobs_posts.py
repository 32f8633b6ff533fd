"""A post's life (jobs.md): every verb and refusal, slots, versions, standing, quotas, reminders, moderation."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.merge_models import Merge
from portal.accounts.merging import OrganisationsMerged
from portal.core import catalogue, clock, files, outgoing
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.outgoing import Answer, Unreachable
from portal.core.settings import place
from portal.core.states import TABLES
from portal.jobs import (
    chores,
    desk,
    employers,
    moderating,
    modes,
    posts,
    reporting,
    running,
    screening,
    slots,
    standing,
    submitting,
    terms,
    verify,
    words,
    writing,
)
from portal.jobs.kinds import ApplyBy, PausedBy, PostState, Remote, VersionState
from portal.jobs.models import Post, PostDecision
from portal.members import terms as memberships
from portal.members.belonging import Hold
from portal.members.standing import HoldCause
from tests import jobs_scene as s
from tests.jobs_scene import NO, OWNER, SILVER, at, house, on, org_of, person

P, V = PostState, VersionState
REASON = ["unclear"]


def clean() -> None:
    """Everything that always holds of the board holds."""
    for check in (verify.verify_posts, verify.verify_slots, verify.verify_terms):
        assert check()[1] == []


def mails(app: Flask, to: str) -> list[str]:
    with app.app_context():
        rows = db.session.query(MailMessage).filter_by(address=to).order_by(MailMessage.id)
        return [one.title for one in rows]


def test_from_a_draft_to_filled(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        post = s.draft()
        uid = post.uid
        assert (post.state, slots.held(post.org_id)) == (P.DRAFT, 0)
        submitting.submit(post, by=person("hr"))
        assert (s.the(uid).state, slots.held(post.org_id)) == (P.IN_REVIEW, 1)
    with at(app, "2026-03-06T18:00"):
        made = moderating.approve(s.the(uid), by=person("mo"))
        post = s.the(uid)
        assert (post.state, post.starts_on, post.ends_on, post.days) == (
            P.LIVE,
            date(2026, 3, 6),
            date(2026, 5, 5),
            60,
        )
        assert made.waited == 3 * 86_400 + 8 * 3_600
        assert posts.is_visible(post)
        clean()
    with at(app, "2026-03-20T10:00"):
        running.fill(s.the(uid), by=person("hr"), certificate=True, board=False)
        post = s.the(uid)
        assert (post.state, post.by_certificate, post.by_board) == (P.FILLED, True, False)
        assert not posts.is_visible(post)
        for verb in (running.pause, running.resume, submitting.renew, submitting.submit):
            with pytest.raises(Refused):
                verb(s.the(uid), by=person("hr"))
        with pytest.raises(Refused):
            writing.write(s.the(uid), s.said(), by=person("hr"))
        clean()
    assert mails(app, OWNER)[-1].startswith("Post approved: Operator developer")
    assert mails(app, "hr@galaxy.example")[-1].startswith("职位通过审核：算子开发工程师")


def test_a_wish_for_a_later_day_costs_days_and_never_comes_before_them(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        post = s.live(begins_on=date(2026, 3, 10))
        assert (post.starts_on, post.ends_on) == (date(2026, 3, 10), date(2026, 5, 2))
        assert not posts.is_visible(post)
        assert posts.is_visible(post, on=date(2026, 3, 10))
        late = s.draft(begins_on=date(2026, 6, 1))
        with pytest.raises(Refused, match="60 days"):
            submitting.submit(late, by=person(OWNER))


INCOMPLETE: list[tuple[dict[str, Any], str]] = [
    ({"title_zh": "", "title_en": "", "text_zh": "", "text_en": ""}, "title and a text"),
    ({"title_en": ""}, "no title or no text"),
    ({"title_zh": "", "text_zh": ""}, "no title or no text"),
    ({"pay_low": 0}, "range of the pay"),
    ({"city": ""}, "the city"),
    ({"remote": Remote.REMOTE}, "which countries"),
    ({"apply_by": ApplyBy.LINK, "link": ""}, "https page"),
    ({"text_en": "A registration fee of 200 is due."}, "registration fee"),
    ({"text_zh": "入职须交 押 金 五百元。"}, "押金"),
]


def test_what_is_incomplete_or_asks_for_money_is_not_sent(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.draft().uid
    for more, what in INCOMPLETE:
        with at(app, "2026-03-03T10:00"):
            writing.write(s.the(uid), s.said(**more), by=person("hr"))
        with pytest.raises(Refused, match=what), at(app, "2026-03-03T10:00"):
            submitting.submit(s.the(uid), by=person(OWNER))


def test_no_draft_holds_what_cannot_be(app: Flask) -> None:
    house(app)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"places": 0}, "number of places"), ({"pay_low": 9, "pay_high": 8}, "lower end"), ({"currency": "XXX"}, "currency"),
        ({"pay_months": 0}, "months"), ({"city": "atlantis"}, "city"), ({"remote_from": ("ZZ",)}, "countries"),
        ({"level": "OPDEV"}, "certificate"), ({"link": "http://galaxy.example"}, "https"),
        ({"link": "https://127.0.0.1/x"}, "https"), ({"link": "javascript:alert(1)"}, "https"),
    ]  # fmt: skip
    for more, what in wrong:
        with pytest.raises(Refused, match=what), at(app, "2026-03-03T10:00"):
            s.draft(**more)


def test_who_may_not_send(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        post = s.draft()
        uid = post.uid
        person(OWNER).verified_at = None
        with pytest.raises(Refused, match="mail address"):
            submitting.submit(post, by=person(OWNER))
    with pytest.raises(Refused, match="confirmed once a year"), at(app, "2027-03-02T10:00"):
        submitting.submit(s.the(uid), by=person("hr"))
    with at(app, "2026-03-03T10:00"):
        s.mode("off")
    with pytest.raises(Refused, match="closed"), at(app, "2026-03-03T11:00"):
        submitting.submit(s.the(uid), by=person("hr"))


def test_five_submissions_an_hour(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.draft().uid
    for n in range(5):
        with at(app, f"2026-03-03T10:0{n}"):
            submitting.submit(s.the(uid), by=person("hr"))
            submitting.take_back(s.the(uid), by=person("hr"))
    with pytest.raises(Refused, match="within the hour"), at(app, "2026-03-03T10:30"):
        submitting.submit(s.the(uid), by=person("hr"))
    with at(app, "2026-03-03T11:05"):
        submitting.submit(s.the(uid), by=person("hr"))


def test_slots_are_counted_and_freed(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        rows = [s.live(SILVER, title_en=f"Post {n}") for n in range(3)]
        first, last = rows[0].uid, s.draft(SILVER).uid
        with pytest.raises(Refused, match="All 3 posts"):
            submitting.submit(s.the(last), by=person(SILVER))
    with at(app, "2026-03-03T12:00"):
        running.pause(s.the(first), by=person(SILVER))
        submitting.submit(s.the(last), by=person(SILVER))
        with pytest.raises(Refused, match="All 3 posts"):
            running.resume(s.the(first), by=person(SILVER))
        submitting.take_back(s.the(last), by=person(SILVER))
        assert s.the(last).state is P.DRAFT
        running.resume(s.the(first), by=person(SILVER))
        assert s.the(first).state is P.LIVE
        clean()


def test_an_edit_is_reviewed_while_the_old_text_stays(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live(places=5).uid
    with at(app, "2026-03-05T10:00"):
        post = s.the(uid)
        with pytest.raises(Refused, match="nothing new"):
            submitting.submit(post, by=person("hr"))
        writing.write(post, s.said(title_en="Compiler developer", places=4), by=person("hr"))
        submitting.submit(s.the(uid), by=person("hr"))
        post = s.the(uid)
        assert (post.state, post.shown.title_en if post.shown else "", post.places) == (
            P.LIVE,
            "Operator developer",
            5,
        )
        assert slots.held(post.org_id) == 1
        with pytest.raises(Refused, match="Take it back"):
            writing.write(post, s.said(), by=person("hr"))
        writing.lower_places(post, 3, by=person("hr"))
        with pytest.raises(Refused, match="fewer"):
            writing.lower_places(s.the(uid), 3, by=person("hr"))
    with at(app, "2026-03-06T10:00"):
        moderating.send_back(s.the(uid), by=person("mo"), reasons=REASON, words=NO)
        post = s.the(uid)
        assert (post.state, post.shown.title_en if post.shown else "") == (P.LIVE, "Operator developer")
        writing.write(post, s.said(title_en="Compiler developer", places=3), by=person("hr"))
        submitting.submit(s.the(uid), by=person("hr"))
        ends = s.the(uid).ends_on
        moderating.approve(s.the(uid), by=person("mo"), n=3)
        post = s.the(uid)
        assert (post.shown.title_en if post.shown else "", post.ends_on, post.places) == (
            "Compiler developer",
            ends,
            3,
        )
        assert [one.n for one in writing.versions(post)] == [3, 2, 1]
        clean()


def test_moderators_are_others_than_the_writer_and_read_what_they_decide(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        post = s.sent()
        uid = post.uid
        for who in (OWNER, "hr"):
            with pytest.raises(Forbidden):
                moderating.approve(post, by=person(who))
            with pytest.raises(Forbidden):
                moderating.send_back(post, by=person(who), reasons=REASON, words=NO)
        with pytest.raises(Refused, match="Another version"):
            moderating.approve(post, by=person("mo"), n=2)
        for reasons, told, said in (
            ([], NO, "at least one reason"), (["untrue"], NO, "at least one reason"), (REASON, ("", "x"), "both languages"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=said):
                moderating.send_back(post, by=person("mo"), reasons=reasons, words=told)
        moderating.send_back(post, by=person("mo"), reasons=REASON, words=NO)
        assert s.the(uid).state is P.DRAFT
        with pytest.raises(Refused, match="moved on"):
            moderating.approve(s.the(uid), by=person("mo"))
        row = db.session.scalars(select(PostDecision)).one()
        assert (row.reasons, row.words_zh, row.words_en, row.version.n if row.version else 0) == (
            REASON,
            *NO,
            1,
        )


def test_a_removal_and_its_one_appeal(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        one, two = s.live().uid, s.live(title_en="Another").uid
        for uid in (one, two):
            moderating.remove(s.the(uid), by=person("mo"), reasons=["untrue"], words=NO)
        assert not posts.is_visible(s.the(one))
        with pytest.raises(Refused, match="renewed"):
            submitting.renew(s.the(one), by=person("hr"))
    with at(app, "2026-03-10T10:00"):
        running.appeal(s.the(one), "It is real.", by=person("hr"))
        with pytest.raises(Refused, match="one appeal"):
            running.appeal(s.the(one), "It is real!", by=person("hr"))
        assert [post.uid for post in desk.appeals()] == [one]
        with pytest.raises(Forbidden, match="Another moderator"):
            moderating.decide_appeal(s.the(one), by=person("mo"), granted=True, words=NO)
    with at(app, "2026-03-11T10:00"):
        moderating.decide_appeal(s.the(one), by=person("max"), granted=True, words=NO)
        assert s.the(one).state is P.IN_REVIEW
        assert desk.appeals() == []
        with pytest.raises(Refused, match="no appeal"):
            moderating.decide_appeal(s.the(one), by=person("max"), granted=True, words=NO)
        clean()
    with pytest.raises(Refused, match="14 days"), at(app, "2026-03-18T10:00"):
        running.appeal(s.the(two), "Late.", by=person("hr"))
    with at(app, "2026-03-17T10:00"):
        running.appeal(s.the(two), "In time.", by=person("hr"))
        moderating.decide_appeal(s.the(two), by=person("max"), granted=False, words=NO)
        assert (s.the(two).state, desk.appeals()) == (P.REMOVED, [])


def test_days_end_at_midnight_in_shanghai_and_the_chore_only_tidies(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
    for moment, seen in (("2026-05-01T23:59:59.999999", True), ("2026-05-02T00:00", False)):
        with app.app_context(), on(moment), reading():
            assert posts.is_visible(s.the(uid)) is seen
            assert s.the(uid).state is P.LIVE
    with app.app_context(), on("2026-05-02T00:12"):
        assert chores.expire_posts() == 1
        assert chores.expire_posts() == 0
    with at(app, "2026-05-03T10:00"):
        post = s.the(uid)
        assert post.state is P.EXPIRED
        version = submitting.renew(post, by=person("hr"))
        assert (post.state, version.n, version.renews) == (P.IN_REVIEW, 2, True)
        assert {mark["kind"] for mark in version.marks} == {screening.SAME}
        moderating.approve(s.the(uid), by=person("mo"))
        assert s.the(uid).ends_on == date(2026, 7, 2)
        clean()


def test_a_renewal_on_the_last_day_goes_on_without_losing_its_slot(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live(SILVER).uid
        for n in range(2):
            s.live(SILVER, title_en=f"Post {n}")
        assert s.the(uid).ends_on == date(2026, 4, 2)
    with pytest.raises(Refused, match="last days"), at(app, "2026-03-25T10:00"):
        submitting.renew(s.the(uid), by=person(SILVER))
    with at(app, "2026-04-01T23:50"):
        submitting.renew(s.the(uid), by=person(SILVER))
        assert s.the(uid).state is P.LIVE
    with app.app_context(), on("2026-04-02T00:12"):
        chores.expire_posts()
    with at(app, "2026-04-02T09:00"):
        assert s.the(uid).state is P.IN_REVIEW
        moderating.approve(s.the(uid), by=person("mo"))
        assert (s.the(uid).state, s.the(uid).ends_on) == (P.LIVE, date(2026, 5, 2))
        clean()
    with at(app, "2026-04-28T09:00"):
        submitting.renew(s.the(uid), by=person(SILVER))
        moderating.approve(s.the(uid), by=person("mo"))
        assert (s.the(uid).starts_on, s.the(uid).ends_on) == (date(2026, 4, 28), date(2026, 5, 28))


def hold(email: str, start: date, end: date) -> Hold:
    row = memberships.membership_of(org_of(email))
    assert row is not None
    made = Hold(
        membership=row, start=start, end=end, cause=HoldCause.CONDUCT, reason="because", by_name="test"
    )
    db.session.add(made)
    db.session.flush()
    return made


def test_standing_lost_on_a_sunday_hides_posts_at_once_and_brings_them_back(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        one, own = s.live().uid, s.live(title_en="Another").uid
        running.pause(s.the(own), by=person("hr"))
        hold(OWNER, date(2026, 3, 8), date(2026, 3, 10))
    for moment, seen in (("2026-03-07T23:59", True), ("2026-03-08T00:00", False)):
        with app.app_context(), on(moment), reading():
            assert posts.is_visible(s.the(one)) is seen
    with at(app, "2026-03-08T09:00"):
        row = memberships.membership_of(org_of(OWNER))
        assert row is not None
        memberships.refresh([row])
        assert (s.the(one).state, s.the(one).paused_by) == (P.PAUSED, PausedBy.STANDING)
        for verb in (running.resume, submitting.submit):
            with pytest.raises(Refused, match=r"not in force|nothing new"):
                verb(s.the(one), by=person("hr"))
    with at(app, "2026-03-10T09:00"):  # nobody heard of the end: the chore finds it
        assert s.the(one).state is P.PAUSED
    with app.app_context(), on("2026-03-10T10:00"):
        chores.expire_posts()
        with reading():
            assert (s.the(one).state, s.the(own).state) == (P.LIVE, P.PAUSED)
            clean()


def test_a_smaller_tier_gives_time_to_choose_and_pauses_the_newest(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uids = [s.live(title_en=f"Post {n}").uid for n in range(4)]
    with at(app, "2026-03-04T10:00"):
        uids.append(s.sent(title_en="Newest").uid)
        row = memberships.membership_of(org_of(OWNER))
        assert row is not None
        row.tier = "silver"
        assert standing.check_quota(row.org, by="standing") == 1
        assert standing.check_quota(row.org, by="standing") == 0
        choice = standing.open_choice(row.org_id)
        assert choice is not None
        assert choice.choose_by == date(2026, 3, 18)
        clean()
    with app.app_context(), on("2026-03-18T10:00"):
        chores.expire_posts()
        with reading():
            assert [s.the(uid).state for uid in uids] == [P.LIVE] * 4 + [P.IN_REVIEW]
    with app.app_context(), on("2026-03-19T00:12"):
        chores.expire_posts()
        with reading():
            assert [s.the(uid).state for uid in uids] == [P.LIVE] * 3 + [P.PAUSED, P.DRAFT]
            assert s.the(uids[3]).paused_by is PausedBy.QUOTA
            assert standing.open_choice(s.the(uids[0]).org_id) is None
            assert s.the(uids[0]).ends_on == date(2026, 5, 2)
            clean()


def test_reminders_come_once_and_silence_pauses(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
    with app.app_context(), on("2026-04-02T09:00"):
        assert (chores.remind_employers(), chores.remind_employers()) == (1, 0)
    with at(app, "2026-04-03T09:00"):
        assert s.the(uid).asked_on == date(2026, 4, 2)
        running.still_open(s.the(uid), by=person("hr"))
    with app.app_context(), on("2026-04-25T09:00"):
        assert (chores.remind_employers(), chores.remind_employers()) == (1, 0)
        assert [title for title in mails(app, OWNER) if "ends soon" in title] == [
            "Your post ends soon: Operator developer"
        ]
    with at(app, "2026-03-03T10:00"):
        silent = s.live(title_en="Silent").uid
    with app.app_context(), on("2026-04-02T09:00"):
        chores.remind_employers()
    for moment, state in (("2026-04-09T09:00", P.LIVE), ("2026-04-10T09:00", P.PAUSED)):
        with app.app_context(), on(moment):
            chores.remind_employers()
            with reading():
                assert s.the(silent).state is state
    with at(app, "2026-04-11T09:00"):
        assert s.the(silent).paused_by is PausedBy.SILENCE
        running.resume(s.the(silent), by=person("hr"))
        assert s.the(silent).state is P.LIVE


def test_a_dead_link_pauses_after_a_week(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
    asked: list[str] = []

    def answer(url: str) -> Answer:
        asked.append(url)
        if status[0] is None:
            raise Unreachable("no")
        return Answer(status[0], "", 1)

    status: list[int | None] = [404]
    monkeypatch.setattr(outgoing, "look", answer)
    for moment, code, state in (
        ("2026-03-04", 404, P.LIVE), ("2026-03-05", 302, P.LIVE), ("2026-03-06", None, P.LIVE), ("2026-03-12", 404, P.LIVE),
        ("2026-03-13", 404, P.PAUSED),
    ):  # fmt: skip
        status[0] = code
        with app.app_context(), on(f"{moment}T06:15"):
            chores.check_job_links()
            with reading():
                assert s.the(uid).state is state, moment
    assert set(asked) == {"https://jobs.galaxy.example/1"}
    with at(app, "2026-03-14T10:00"):
        assert s.the(uid).paused_by is PausedBy.LINK


def test_a_review_that_is_late_is_told_once(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-05T10:00"):  # a Thursday
        s.sent()
    for moment, told in (("2026-03-09T09:05", 0), ("2026-03-10T09:05", 1), ("2026-03-11T09:05", 0)):
        with app.app_context(), on(moment):
            assert chores.escalate_moderation() == told
    assert "waits for review" in mails(app, "eva@house.example")[-1]


def test_three_readers_call_a_moderator_and_none_takes_a_post_down(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live().uid
    told = [("hr", "1.1.1.1"), ("hr", "2.2.2.2"), (None, "3.3.3.3"), (None, "3.3.3.3"), (SILVER, "3.3.3.3")]
    made = []
    for who, address in told:
        with at(app, "2026-03-04T10:00"):
            made.append(
                reporting.report(
                    s.the(uid), reason="fees", words="", person=person(who) if who else None, address=address
                )
            )
    assert made == [True, False, True, False, True]
    with at(app, "2026-03-04T11:00"):
        assert [(post.uid, count) for post, count in desk.reported()] == [(uid, 3)]
        assert posts.is_visible(s.the(uid))
        with pytest.raises(Refused, match="reason"):
            reporting.report(s.the(uid), reason="nonsense", words="", person=None, address="")
        moderating.dismiss(s.the(uid), by=person("mo"))
        assert desk.reported() == []
        with pytest.raises(Refused, match="No report"):
            moderating.dismiss(s.the(uid), by=person("mo"))
        kept = db.session.scalars(select(AuditEntry.actor).where(AuditEntry.verb == "post.reported")).all()
        assert set(kept) == {"post reports"}
    assert sum("Readers report" in title for title in mails(app, "mo@house.example")) == 1


def test_marks_for_the_moderator(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        s.live(SILVER)
        post = s.sent(
            text_zh="仅限 男 性，35 岁以下，已婚已育者优先；需北京户口，身体健康，无宗教信仰；籍贯不限。请加微信：abcdef1",
            text_en="Female only, under 35, unmarried, hukou of Beijing, good health, no religion. Mail me@x.example",
            pay_low=1_000_000, pay_high=3_000_001, link="https://elsewhere.example/apply",
        )  # fmt: skip
        version = writing.newest(post)
        found = {(mark["kind"], mark["language"]) for mark in version.marks}
        kinds = ("sex", "age", "marriage", "register", "health", "religion", "contact")
        assert {(kind, tongue) for kind in kinds for tongue in ("zh", "en")} <= found
        assert ("origin", "zh") in found
        assert {("pay", ""), ("domain", "")} <= found
        with pytest.raises(Refused, match=r"elsewhere\.example"):
            moderating.approve(post, by=person("mo"))
        with pytest.raises(Refused, match="no domain"):
            employers.confirm_domain(post.org, "no domain", by=person("mo"))
        employers.confirm_domain(post.org, "elsewhere.example", by=person("mo"))
        moderating.approve(post, by=person("mo"))
        same = s.sent(title_en="Operator developer II")
        assert any(mark["kind"] == "alike" for mark in writing.newest(same).marks)
        for _n in range(2):
            moderating.send_back(same, by=person("mo"), reasons=REASON, words=NO)
            writing.write(same, s.said(title_en="Something else"), by=person("hr"))
            submitting.submit(same, by=person("hr"))
        assert any(mark["kind"] == "returned" for mark in writing.newest(same).marks)


def test_words_that_only_look_like_limits_are_left_alone() -> None:
    lists = {"x": {"en": ["men only", "married"], "zh": ["押金"]}}
    fine = s.said(text_en="Women only-child policies; unmarriedness", text_zh="抵押 金融")
    assert screening.by_lists(s.said(text_en="WOMEN ONLY"), lists) == []
    assert [one.language for one in screening.by_lists(fine, lists)] == ["zh"]  # blanks do not hide a word
    assert screening.wide_pay(s.said(pay_low=100, pay_high=300), 3) == []


def test_terms_of_texts() -> None:
    assert terms.terms_of(["算子开发 C++ Engineer"]) >= {
        "算子",
        "子开",
        "开发",
        "发",
        "c++",
        "c",
        "engineer",
    } - {"c"}
    assert terms.asked("算子 triton") == ["算子", "triton"]
    assert terms.asked("芯") == ["芯"]
    assert terms.asked("ＴＲＩＴＯＮ") == ["triton"]
    assert terms.asked("' OR 1=1 --") == ["or", "1"]


def test_employers_are_confirmed_by_others_and_once_a_year(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        org = org_of(OWNER)
        assert employers.is_confirmed(org)
        assert employers.is_confirmed(org, on=date(2027, 3, 1))
        assert not employers.is_confirmed(org, on=date(2027, 3, 2))
        assert employers.covers(employers.domains(org), "jobs.galaxy.example")
        assert not employers.covers(employers.domains(org), "galaxy.example.evil.example")
        assert not employers.covers(employers.domains(org), "evilgalaxy.example")
        file = (files.Content("0" * 64, 9, files.PDF), "a.pdf")
        with pytest.raises(Refused, match="Credit Code"):
            employers.ask(org, code="not a code", file=file, by=person("hr"))
        row = employers.ask(org, code=s.CODE, file=file, by=person("hr"))
        with pytest.raises(Refused, match="waits for us"):
            employers.ask(org, code=s.CODE, file=file, by=person("hr"))
        with pytest.raises(Forbidden):
            employers.confirm(row, by=person("hr"))
        employers.decline(row, by=person("mo"), words="The scan cannot be read.")
        assert employers.is_confirmed(org)


def test_every_state_can_be_reached() -> None:
    for kind in (PostState, VersionState):
        table = TABLES[kind]
        reached = {next(iter(kind))} | {to for moves in table.values() for to in moves}
        assert reached == set(kind)


def test_writers_of_the_catalogue_cannot_open_the_board_without_a_licence(app: Flask) -> None:
    house(app, full=False)
    for more in (
        {}, {**s.DEMO, "licence_valid_until": "2026-03-02"}, {**s.DEMO, "licence_number": ""},
        {**s.DEMO, "licence_valid_until": "soon"},
    ):  # fmt: skip
        with pytest.raises(Refused), at(app, "2026-03-02T10:00"):
            s.mode("full", **more)
    with pytest.raises(Refused), at(app, "2026-03-02T10:00"):
        s.mode("wide open")


def test_the_licence_lapses_at_midnight_and_the_board_falls_back_to_links(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        linked, inside = s.live().uid, s.live(title_en="Inside", apply_by=ApplyBy.PORTAL, link="").uid
        s.mode("full", **{**s.DEMO, "licence_valid_until": "2026-03-20"})
    for moment, seen in (("2026-03-19T23:59", True), ("2026-03-20T00:00", False)):
        with app.app_context(), on(moment), reading():
            assert posts.is_visible(s.the(linked))
            assert posts.is_visible(s.the(inside)) is seen
    with pytest.raises(Refused, match="https page"), at(app, "2026-03-20T10:00"):
        submitting.submit(s.draft(apply_by=ApplyBy.PORTAL, link=""), by=person("hr"))


def test_no_quota_no_post(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        row = memberships.membership_of(org_of(SILVER))
        assert row is not None
        row.tier = "individual"
        with pytest.raises(Refused, match="no posts"):
            submitting.submit(s.draft(SILVER), by=person(SILVER))
    with app.app_context(), transaction():
        assert db.session.scalars(select(Post).where(Post.state != P.DRAFT)).all() == []
    with app.app_context(), clock.stopped_at(date(2026, 3, 3)), reading():
        assert employers.domain_of(org_of(SILVER)) == "spruce.example"


def test_a_renewal_taken_back_is_no_renewal_any_more(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live(SILVER).uid
    with at(app, "2026-03-28T10:00"):
        submitting.renew(s.the(uid), by=person(SILVER))
        submitting.take_back(s.the(uid), by=person(SILVER))
        writing.write(
            s.the(uid), s.said(title_en="Edited", link="https://spruce.example/jobs"), by=person(SILVER)
        )
        submitting.submit(s.the(uid), by=person(SILVER))
        moderating.approve(s.the(uid), by=person("mo"))
        post = s.the(uid)
        assert (post.shown.title_en if post.shown else "", post.ends_on) == ("Edited", date(2026, 4, 2))
        clean()


def test_posts_and_domains_follow_a_merged_company(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        uid = s.live(SILVER).uid
        duplicate, kept = org_of(SILVER), org_of(OWNER)
        file = (files.Content("0" * 64, 9, files.PDF), "a.pdf")
        for who in (SILVER, OWNER):
            employers.ask(org_of(who), code=s.CODE, file=file, by=person(who))
        row = Merge(duplicate=duplicate, kept=kept, reason="the same", by_name="Mo", second_name="Max")
        db.session.add(row)
        db.session.flush()
        words.on_merged(OrganisationsMerged(row))
        assert s.the(uid).org_id == kept.id
        assert employers.domains(kept) == ["galaxy.example", "spruce.example"]
        assert posts.is_visible(s.the(uid))


def test_what_was_set_by_hand_stays_when_the_files_of_the_portal_are_loaded_again(app: Flask) -> None:
    """Every start loads them: a later row of the same code neither falls to them nor stops them."""
    with at(app, "2026-03-02T10:00"):
        s.mode("full", **s.DEMO)
    for _start in range(2):
        with at(app, "2026-03-03T10:00"):
            assert catalogue.load_folder(place("catalogue")) == []
            assert modes.mode() is modes.Mode.FULL
