"""What time and the foundation's numbers do on the board: old posts go, confirmations are called to mind, a pace, a head start."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from portal.core import audit, catalogue, clock, retaining
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.jobs import (
    applying,
    chores,
    early,
    employers,
    hires,
    hiring,
    leaving,
    moderating,
    old_posts,
    running,
    submitting,
)
from portal.jobs.application_models import ApplicationStep, JobApplication
from portal.jobs.applying import Handed
from portal.jobs.board_models import EmployerCheck, PostReport
from portal.jobs.kinds import ApplyBy
from portal.jobs.models import Post, PostDecision, PostNotice, PostTerm, PostVersion
from portal.jobs.stages import Field
from portal.jobs.stages import JobApplicationState as A
from tests import job_people_world as w
from tests import jobs_scene as s
from tests.jobs_scene import NO, OWNER, at, house, on, person
from tests.people import browser, make_person

KINDS = (Post, PostVersion, PostDecision, PostNotice, PostTerm, PostReport, JobApplication, ApplicationStep)


def counts() -> list[int]:
    return [int(db.session.scalar(select(func.count()).select_from(kind)) or 0) for kind in KINDS]


def applied(uid: str, name: str) -> JobApplication:
    return applying.apply(
        s.the(uid), Handed("Dear employer", [Field.NAME]), by=make_person(f"{name}@people.example", name)
    )


def test_posts_go_three_years_after_they_closed_with_all_that_hangs_on_them(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        empty = counts()
        gone, held, open_ = (s.live(apply_by=ApplyBy.PORTAL, link="").uid for _n in range(3))
    with at(app, "2026-03-04T10:00"):
        left = applied(gone, "ann")
        applied(held, "bob")
        leaving.erase_application(left, by="candidate")
        for uid in (gone, held):
            running.fill(s.the(uid), by=person(OWNER), certificate=False, board=True)
    with app.app_context(), on("2026-03-05T10:00"):
        decision = (
            select(PostDecision.id).join(Post, PostDecision.post_id == Post.id).where(Post.uid == open_)
        )
        with pytest.raises(DBAPIError), transaction():  # on record while the post is open
            db.session.execute(delete(PostDecision).where(PostDecision.id.in_(decision)))
        with pytest.raises(Refused), transaction():
            old_posts.let_go(s.the(open_).id)
    with app.app_context(), on("2029-03-03T10:00"), reading():
        assert next(one for one in retaining.dry_run() if one.kind == "job_posts").count == 0
    with app.app_context(), on("2029-03-06T10:00"):
        with reading():
            assert next(one for one in retaining.dry_run() if one.kind == "job_posts").count == 1
            number = s.the(gone).id
            before = counts()
        assert retaining.run(by="retain") >= 1
        with reading():
            assert db.session.scalar(select(Post.id).where(Post.uid == gone)) is None
            assert [a - b for a, b in zip(before, counts(), strict=True)][:3] == [1, 1, 1]
            (entry,) = db.session.scalars(
                select(audit.AuditEntry)
                .where(audit.AuditEntry.verb == "post.deleted")
                .order_by(audit.AuditEntry.id)
            )
            assert entry.subject == f"job_post:{number}"
            assert {entry.detail[one] for one in ("versions", "decisions", "job_applications")} == {1}
            assert s.the(held).id
            assert s.the(open_).id
        with transaction():
            leaving.erase(person("bob"))
            moderating.remove(s.the(open_), by=person("mo"), reasons=["untrue"], words=NO)
    with app.app_context(), on("2032-03-08T10:00"):
        assert retaining.run(by="retain") >= 2
        with reading():
            assert counts() == empty


def test_figures_of_hires_outlive_the_posts_they_came_from(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        catalogue.take("policy", {"code": "jobs.figure_least", "value": 1}, clock.today())
        uid, elsewhere = (s.live(apply_by=ApplyBy.PORTAL, link="").uid for _n in range(2))
    with at(app, "2026-03-31T23:30"):  # March in the office, whatever month it is in UTC
        first, second = applied(uid, "ann"), applied(uid, "bob")
        hiring.open_(first, by=person(OWNER))
        for to in (A.OFFER, A.HIRED):
            hiring.step(first, to, by=person(OWNER), by_certificate=True)
    with at(app, "2026-04-01T00:30"):
        for row in (first, second):
            leaving.erase_application(db.session.merge(row), by="candidate")
        for one in (uid, elsewhere):
            running.fill(s.the(one), by=person(OWNER), certificate=True, board=True)

    def told() -> tuple[hires.Figures, hires.Figures, int | None]:
        march, april, may = (date(2026, n, 1) for n in (3, 4, 5))
        return hires.figures(march, april), hires.figures(april, may), hires.through_certificate()

    with app.app_context(), on("2029-04-03T10:00"):
        with reading():
            before, number = told(), s.the(uid).id
        march, april, through = before
        assert (march.sent, march.hires, march.by_certificate, april.sent, through) == (2, 1, 1, 0, 2)
        assert retaining.run(by="retain") >= 2
        with reading():
            assert db.session.scalar(select(Post.id).where(Post.uid.in_([uid, elsewhere]))) is None
            assert told() == before
        with (
            pytest.raises(Refused, match="gone already"),
            transaction(),
        ):  # another run beside this one counts nothing twice
            old_posts.let_go(number)
    with on("2029-04-03T11:00"):
        moderator = browser(app, "mo@house.example")
        pages = [moderator.get(f"/office/hires/?months={months}").text for months in (60, 12)]
        assert ['<dd class="figure-value">2</dd>' in page for page in pages] == [True, False]


def test_an_employer_is_reminded_once_before_its_confirmation_ends(app: Flask) -> None:
    house(app)
    mails = (
        select(MailMessage.address)
        .where(MailMessage.key.startswith("employer-ends:"))
        .order_by(MailMessage.address)
    )

    def told(moment: str) -> list[str]:
        with app.app_context(), on(moment):
            chores.remind_employers()
            with reading():
                return list(db.session.scalars(mails))

    assert told("2027-01-30T09:00") == []  # thirty-one days before
    with at(app, "2027-01-30T10:00"):  # Spruce has handed in anew
        spruce = s.org_of(s.SILVER)
        file = db.session.query(EmployerCheck).filter_by(org_id=spruce.id).one().file
        again = EmployerCheck(
            org=spruce, code=s.CODE, domain="spruce.example", mail_domain="spruce.example", file=file, by=person(s.SILVER)
        )  # fmt: skip
        db.session.add(again)
    for moment in ("2027-01-31T09:00", "2027-02-01T09:00", "2027-03-01T09:00"):
        assert told(moment) == [OWNER, s.HR], moment
    with at(app, "2027-02-02T09:00"):
        assert employers.is_confirmed(s.org_of(OWNER))


def test_posts_and_applications_count_towards_the_same_hour(app: Flask) -> None:
    house(app)
    with at(app, "2026-03-03T10:00"):
        targets = [s.live(s.SILVER, apply_by=ApplyBy.PORTAL, link="").uid for _n in range(3)]
    with at(app, "2026-03-03T11:00"):
        for _n in range(3):
            s.sent()
    with at(app, "2026-03-03T11:30"):
        for uid in targets[:2]:
            applying.apply(s.the(uid), Handed("x", [Field.NAME]), by=person(OWNER))
    for deed in (
        lambda: applying.apply(s.the(targets[2]), Handed("x", [Field.NAME]), by=person(OWNER)),
        lambda: submitting.submit(s.draft(), by=person(OWNER)),
    ):
        with (
            pytest.raises(Refused, match="5 posts or applications within the hour"),
            at(app, "2026-03-03T11:59"),
        ):
            deed()
    with at(app, "2026-03-03T12:01"):  # the posts are an hour old, the applications are not
        applying.apply(s.the(targets[2]), Handed("x", [Field.NAME]), by=person(OWNER))
        s.sent()


def test_the_certified_may_begin_earlier_where_the_foundation_says_so_and_all_see_the_post(
    app: Flask,
) -> None:
    w.house(app)
    with clock.stopped_at(w.DAY):
        with app.app_context():
            with transaction():
                post = w.post_of("galaxy")
                uid, (ann, bob) = post.uid, (w.candidate("ann", "OPDEV"), w.candidate("bob"))
                assert (early.opens_at(post), early.rule()) == (None, [])
                catalogue.take("policy", {"code": early.HOURS, "value": 24}, w.DAY)
            with transaction():
                w.applied(w.post_of("galaxy"), ann)
            with pytest.raises(Refused), transaction():
                w.applied(w.post_of("galaxy"), bob)
        page = app.test_client().get(f"/jobs/{uid}", headers={"Accept-Language": "en"})
        assert (page.status_code, "takes applications from holders of a certificate" in page.text) == (
            200,
            True,
        )
        form = browser(app, "bob@people.example").get(f"/jobs/mine/apply/{uid}").text
        assert "takes applications from holders of a certificate" in form
        assert "In its first 24 hours" in form
    with clock.stopped_at(w.DAY + timedelta(days=1)), app.app_context(), transaction():
        assert w.applied(w.post_of("galaxy"), w.person("bob@people.example")).id
