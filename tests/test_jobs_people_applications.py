"""Applications: the road to a hire with its letters, the order, limits, closing, nudges, erasure; the states as a table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts import erasing
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel, Consent
from portal.certs import award_steps, awarding
from portal.certs.models.award import RevokeCause
from portal.core import catalogue, clock, labels, retaining
from portal.core.db import Model, db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from portal.core.settings import place
from portal.core.states import TABLES
from portal.jobs import (
    applying,
    consents,
    hires,
    hiring,
    modes,
    ordering,
    people_chores,
    people_hearing,
    people_verify,
    profiles,
)
from portal.jobs.application_models import ContactRequest, JobApplication
from portal.jobs.events import PostClosed
from portal.jobs.kinds import Need, PostState
from portal.jobs.people_models import Look, Profile
from portal.jobs.stages import (
    OPEN,
    TO_APPLY,
    Closing,
    ContactState,
    Field,
    JobApplicationState,
    Purpose,
    ReferralState,
)
from portal.members.belonging import Hold
from portal.members.standing import HoldCause
from portal.members.terms import membership_of
from tests import job_people_world as w
from tests.people import browser, make_person, post
from tests.undone import part, undone

A, F, P = JobApplicationState, Field, Purpose
HR = "hr@galaxy.example"


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """Two employers, and Ann with a certificate."""
    w.house(app, ("ann", "ADAPT"))
    with clock.stopped_at(w.DAY):
        yield app


def ann() -> Person:
    return w.person("ann@people.example")


def mails(topic: str, to: str = "") -> list[MailMessage]:
    rows = select(MailMessage).where(MailMessage.topic == topic).order_by(MailMessage.id)
    return [one for one in db.session.scalars(rows) if not to or one.address == to]


def test_the_states_are_the_specified_table_with_their_labels() -> None:
    ends = {A.HIRED, A.DECLINED, A.WITHDRAWN}
    for state, moves in TABLES[A].items():
        assert (not moves) == (state in ends)
        if state not in ends:
            assert {A.DECLINED, A.WITHDRAWN} <= moves
    assert set(OPEN) == set(A) - ends
    assert TABLES[ContactState][ContactState.ASKED] == {ContactState.AGREED, ContactState.DECLINED}
    assert TABLES[ReferralState][ReferralState.ASKED] == set(ReferralState) - {ReferralState.ASKED}


def test_the_labels_are_those_of_the_trade(house: Flask) -> None:
    with house.app_context(), force_locale("zh_Hans_CN"):
        said = [labels.label(one) for one in A]
    assert said == ["已投递", "已查看", "面试中", "已发录用意向", "已录用", "未录用", "已撤回"]


def test_from_the_form_to_the_hire_with_a_letter_at_each_step(house: Flask) -> None:
    with house.app_context(), reading():
        uid = w.post_of("galaxy").uid
    client, page = browser(house, "ann@people.example"), f"/jobs/mine/apply/{uid}"
    stranger = house.test_client().get(page)
    assert stranger.status_code == 303
    assert page in stranger.headers["Location"].replace("%2F", "/")  # signing in leads back to the form
    fields = ["name", "letter", "certificates"]
    tries: tuple[tuple[dict[str, Any], str], ...] = (
        ({"fields": fields, "letter": "Hi"}, "agree"),
        ({"fields": ["letter"], "letter": "Hi", "agree": "y"}, "fields"),
        ({"fields": ["name"], "letter": "Hi", "agree": "y"}, "fields"),
        ({"fields": ["name", "resume"], "agree": "y"}, "resume"),
    )
    for given_, at in tries:
        answer = post(client, page, **given_)
        assert answer.status_code == 422
        assert f'id="{at}-error"' in answer.text
        assert "Hi" in answer.text or "letter" not in given_
    sent = post(client, page, fields=fields, letter="Hi there", agree="y", keep="y")
    assert sent.status_code == 303, sent.text
    again = post(client, page, fields=["name"], agree="y")
    assert again.headers["Location"] == sent.headers["Location"] == client.get(page).headers["Location"]
    hr = browser(house, HR)
    with house.app_context(), reading():
        row = db.session.scalars(select(JobApplication)).one()
        here = f"/jobs/hiring/applications/{row.uid}"
        assert consents.allowed(ann(), P.KEEP, row.post, "application")
    assert "Hi there" not in hr.get(here).text
    assert post(hr, f"{here}/step", to="interview").status_code in (409, 422)
    assert post(hr, f"{here}/opening").status_code == 303
    assert "Hi there" in hr.get(here).text
    for to, more in (
        ("interview", {"words": "Monday at ten"}),
        ("offer", {}),
        ("hired", {"by_certificate": "yes"}),
    ):
        if to == "hired":
            assert post(hr, f"{here}/step", to=to).status_code == 422
        assert post(hr, f"{here}/step", to=to, **more).status_code == 303, to
    assert post(hr, f"{here}/step", to="declined").status_code in (409, 422)
    with house.app_context(), reading():
        row = db.session.scalars(select(JobApplication)).one()
        assert (row.state, row.by_certificate) == (A.HIRED, True)
        letters = mails(row.subject, "ann@people.example")
        assert len(letters) == 4
        assert "Monday at ten" in letters[1].text
        to_them = mails(row.post.subject)
        assert {one.address for one in to_them} == {HR, "owner@galaxy.example"}
        assert not any("Ann" in one.text + one.title for one in to_them)
        assert hires.through_certificate() is None
        assert [one.value for one in (step.state for step in applying.steps_of(row))] == [
            "sent", "seen", "interview", "offer", "hired",
        ]  # fmt: skip


def test_only_a_visible_post_takes_applications_and_limits_hold(house: Flask) -> None:
    with house.app_context(), force_locale("en"):
        with transaction():
            org = w.post_of("galaxy").org
            posts = [w.post(org, f"Post {n}") for n in range(24)]
            first = posts.pop()
            first.state = PostState.FILLED
        for gone in (first,):
            with pytest.raises(Refused, match="takes no applications"), transaction():
                w.applied(gone, ann())
        hour = 0
        for n, one in enumerate(posts[:20]):
            if n and n % 5 == 0:
                now = clock.start_of(w.DAY) + timedelta(hours=hour)
                with clock.stopped_at(now), pytest.raises(Refused, match="within the hour"), transaction():
                    w.applied(one, ann())
                hour += 2
            with clock.stopped_at(clock.start_of(w.DAY) + timedelta(hours=hour)), transaction():
                w.applied(one, ann())
        late = clock.start_of(w.DAY) + timedelta(hours=20)
        with clock.stopped_at(late), pytest.raises(Refused, match="Please go on tomorrow"), transaction():
            w.applied(posts[20], ann())
        with clock.stopped_at(w.DAY + timedelta(days=1)), transaction():
            w.applied(posts[20], ann())
        with transaction():
            unconfirmed = make_person("new@people.example", "New")
            unconfirmed.verified_at = None
        with pytest.raises(Refused, match="confirm your mail"), transaction():
            w.applied(posts[21], unconfirmed)
        with clock.stopped_at(w.DAY + timedelta(days=400)), pytest.raises(Refused), transaction():
            w.applied(posts[22], ann())


def test_a_thousand_applications_by_one_account_stop_at_the_limit(house: Flask) -> None:
    """Whoever sends the same one a thousand times has sent one; other posts stop at the sixth within the hour."""
    with house.app_context():
        with transaction():
            galaxy = w.post_of("galaxy")
            for _n in range(993):
                w.applied(galaxy, ann())
            more = [w.post(galaxy.org, f"Post {n}") for n in range(7)]
        for n, one in enumerate(more):
            if n < 4:
                with transaction():
                    w.applied(one, ann())
                continue
            with pytest.raises(Refused) as refusal, transaction():
                w.applied(one, ann())
            assert refusal.value.status == 429
        assert len(db.session.scalars(select(JobApplication)).all()) == 5


def test_a_resume_is_a_pdf_by_its_bytes_and_of_five_megabytes(house: Flask) -> None:
    client = browser(house, "ann@people.example")

    def send(data: bytes, name: str = "cv.pdf") -> int:
        return post(client, "/jobs/mine/profile/resume", resume=(io.BytesIO(data), name)).status_code

    good = w.pdf()
    for bad in (
        b"",
        b"MZ\x90 program",
        b"<html>%PDF-1.7",
        b"%PDF-1.7 broken",
        good + b"0" * (5 * 1024 * 1024),
    ):
        assert send(bad) == 422, bad[:20]
    assert send(b"\x89PNG\r\n", "cv.png") == 422
    assert send(good, "cv.exe") == 303
    answer = client.get("/jobs/mine/profile/resume/file")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert browser(house, HR).get("/jobs/mine/profile/resume/file").status_code == 404
    assert post(client, "/jobs/mine/profile/resume/deletion").status_code == 303
    assert client.get("/jobs/mine/profile/resume/file").status_code == 404


PERSON = st.tuples(
    st.sampled_from(["", "OPDEV", "ADAPT", "ARCH"]), st.booleans(), st.integers(0, 2), st.booleans()
)


def test_the_order_is_the_printed_rule(house: Flask) -> None:
    """Against the rule said in Python, over people with and without certificates, revoked ones, and ones not shown."""
    with house.app_context():

        @settings(max_examples=max(4, part(house, one_in=12)), deadline=None)
        @given(
            people=st.lists(PERSON, min_size=1, max_size=7),
            need=st.sampled_from(["", "OPDEV", "ADAPT", "ARCH"]),
        )
        def orders(people: list[tuple[str, bool, int, bool]], need: str) -> None:
            with undone(house):
                galaxy = w.post(
                    w.post_of("galaxy").org, "Order", need=Need.REQUIRED if need else Need.NONE, level=need
                )
                expected = []
                for n, (level, shows, minutes, revoked) in enumerate(people):
                    who = make_person(f"p{n}@order.example", f"P{n}")
                    if level:
                        award = w.certified(who, level)
                        if revoked:
                            w.revoke(award)
                    with clock.stopped_at(clock.start_of(w.DAY) + timedelta(hours=12, minutes=minutes)):
                        row = w.applied(
                            galaxy, who, fields=[F.NAME, F.LETTER, *([F.CERTIFICATES] if shows else [])]
                        )
                    rank = ordering.rank_of(level) if level and shows and not revoked else 0
                    expected.append((-(rank >= ordering.rank_of(need)), -rank, minutes, row.id))
                with clock.stopped_at(w.DAY + timedelta(days=1)):
                    ranking = ordering.ranked(galaxy)
                    found = [
                        row.id
                        for row, _rank in db.session.execute(ranking.statement.order_by(*ranking.order))
                    ]
                    assert found == [one[-1] for one in sorted(expected)]
                    for least in (1, 2, 3):
                        assert ordering.left_out(ranking, least) == sum(-one[1] < least for one in expected)

        orders()


def test_the_filter_says_how_many_it_leaves_out_and_the_rule_is_read_by_both_sides(house: Flask) -> None:
    with house.app_context(), transaction():
        galaxy = w.post_of("galaxy")
        w.applied(galaxy, ann())
        row = w.applied(galaxy, w.candidate("bob"))
        here, mine = f"/jobs/hiring/posts/{galaxy.uid}", f"/jobs/mine/applications/{row.uid}"
    client = browser(house, HR)
    everybody = client.get(here).text
    assert everybody.index("Ann Quokka") < everybody.index("Bob Quokka")
    only = client.get(f"{here}?level=2").text
    assert "leaves out 1 application." in only
    assert "Bob Quokka" not in only
    assert "Bob Quokka" in client.get(here).text  # it is never remembered
    with house.app_context(), force_locale("en"):
        rule = ordering.rule()[1]
    assert rule in everybody
    assert rule in browser(house, "bob@people.example").get(mine).text


def test_a_revoked_certificate_changes_badge_and_order_at_once_and_is_told_once(house: Flask) -> None:
    with house.app_context(), transaction():
        galaxy = w.post_of("galaxy")
        w.applied(galaxy, w.candidate("bob"), fields=[F.NAME, F.CERTIFICATES])
        row = w.applied(galaxy, ann())
        w.applied(w.post_of("alder"), ann(), fields=[F.NAME])  # does not rely on the certificate
        hiring.open_(row, by=w.person(HR))
        hiring.step(row, A.INTERVIEW, by=w.person(HR))
        here, uid = f"/jobs/hiring/posts/{galaxy.uid}", row.uid
    client = browser(house, HR)
    before = client.get(here).text
    assert before.index("Ann Quokka") < before.index("Bob Quokka")
    assert "valid" in before
    with house.app_context():
        award = awarding.of_person(ann())[0]
        with transaction():
            award_steps.revoke(
                award, cause=RevokeCause.MISCONDUCT, by=w.person("ada@house.example"), reason="x"
            )
        for _twice in range(2):
            with transaction():
                people_hearing.certificate_ended(ann(), award.level, award.uid)
    after = client.get(here).text
    assert after.index("Bob Quokka") < after.index("Ann Quokka")
    assert "revoked" in after
    assert "revoked" in client.get(f"/jobs/hiring/applications/{uid}").text
    with house.app_context(), reading():
        told = [
            one
            for one in db.session.scalars(select(MailMessage).order_by(MailMessage.id))
            if one.key.startswith("job-award:")
        ]
        assert sorted(one.address for one in told) == [HR, "owner@galaxy.example"]
        assert not any("Ann" in one.text or "revoked" in one.text for one in told)
    with house.app_context(), transaction():  # heard late: it counts again by now
        w.certified(ann(), "OPDEV")
        people_hearing.certificate_ended(ann(), "OPDEV", "late")
    with house.app_context(), reading():
        assert not [one for one in db.session.scalars(select(MailMessage.key)) if "late" in one]


def test_a_post_that_is_filled_closes_its_applications_each_with_a_letter(house: Flask) -> None:
    with house.app_context():
        with transaction():
            galaxy = w.post_of("galaxy")
            rows = [w.applied(galaxy, one) for one in (ann(), w.candidate("bob"), w.candidate("cora"))]
            hiring.open_(rows[0], by=w.person(HR))
            applying.withdraw(rows[1], by=w.person("bob@people.example"))
            galaxy.state = PostState.FILLED
            for _twice in range(2):
                people_hearing.on_post_closed(PostClosed(galaxy))
        assert [(one.state, one.closing) for one in rows] == [
            (A.DECLINED, Closing.FILLED), (A.WITHDRAWN, None), (A.DECLINED, Closing.FILLED),
        ]  # fmt: skip
        assert [len([m for m in mails(one.subject) if m.key.startswith("job-closed")]) for one in rows] == [
            1,
            0,
            1,
        ]
        with force_locale("en"), pytest.raises(Refused), transaction():
            hiring.step(rows[0], A.INTERVIEW, by=w.person(HR))


def test_an_employer_that_lapses_takes_no_more_and_still_answers_what_it_has(house: Flask) -> None:
    with house.app_context(), transaction():
        galaxy = w.post_of("galaxy")
        row = w.applied(galaxy, ann())
        w.candidate("bob")
        here, form = f"/jobs/hiring/applications/{row.uid}", f"/jobs/mine/apply/{galaxy.uid}"
        mine, member = f"/jobs/mine/applications/{row.uid}", membership_of(galaxy.org)
        assert member is not None
        hold = Hold(
            membership=member, start=w.DAY, end=w.DAY + timedelta(days=9), cause=HoldCause.CONDUCT, reason="x", by_name="test"
        )  # fmt: skip
        db.session.add(hold)
    bob, hr, client = (browser(house, one) for one in ("bob@people.example", HR, "ann@people.example"))
    assert bob.get(form).status_code == 404
    assert post(bob, form, fields=["name"], agree="y").status_code == 404
    assert post(hr, f"{here}/opening").status_code == 303
    assert "Ann Quokka" in hr.get(here).text
    assert "in force" in hr.get("/jobs/hiring/pool").text
    assert post(hr, f"{here}/step", to="declined", words="We are shut for now").status_code == 303
    assert "We are shut for now" in client.get(mine).text
    with house.app_context(), reading():
        assert [one.state for one in db.session.scalars(select(JobApplication))] == [A.DECLINED]
        assert people_verify.verify_candidates()[1] == []


def test_employers_are_nudged_once_a_standstill(house: Flask) -> None:
    with house.app_context():
        with transaction():
            rows = [w.applied(w.post_of("galaxy"), one) for one in (ann(), w.candidate("bob"))]
        for days, done in ((13, 0), (14, 1), (15, 0), (40, 0)):
            with clock.stopped_at(w.DAY + timedelta(days=days)):
                assert people_chores.nudge_employers() == done, days
        with clock.stopped_at(w.DAY + timedelta(days=41)), transaction():
            hiring.open_(db.session.get_one(JobApplication, rows[0].id), by=w.person(HR))
        with clock.stopped_at(w.DAY + timedelta(days=55)):
            assert people_chores.nudge_employers() == 1
        nudges = [
            one
            for one in db.session.scalars(select(MailMessage).order_by(MailMessage.id))
            if one.key.startswith("job-nudge")
        ]
        assert len(nudges) == 4  # two people, twice
        assert "2 applications" in nudges[0].text


def test_what_is_over_is_erased_and_what_may_be_kept_stays_until_that_is_taken_back(house: Flask) -> None:
    with house.app_context():
        with transaction():
            galaxy = w.post_of("galaxy")
            gone, kept = w.applied(galaxy, ann()), w.applied(galaxy, w.candidate("bob"), keep=True)
            galaxy.state, galaxy.closed_at = PostState.FILLED, clock.now()
        for days, done in ((179, 0), (181, 1), (182, 0)):
            with clock.stopped_at(w.DAY + timedelta(days=days)):
                assert people_chores.erase_job_data() == done, days
        db.session.expire_all()
        assert (gone.person, gone.letter, kept.letter) == (None, "", "Dear employer, Bob Quokka")
        assert gone.state is A.WITHDRAWN
        with clock.stopped_at(w.DAY + timedelta(days=183)), transaction():
            assert not consents.allowed(ann(), P.APPLY, galaxy, F.NAME)
            consents.take_back(w.person("bob@people.example"), P.KEEP, galaxy)
        with clock.stopped_at(w.DAY + timedelta(days=184)):
            assert people_chores.erase_job_data() == 1
        with clock.stopped_at(w.DAY + timedelta(days=729)):
            assert people_chores.erase_job_data() == 0
        with clock.stopped_at(w.DAY + timedelta(days=732)):
            assert people_chores.erase_job_data() == 2
        assert db.session.scalars(select(Profile)).all() == []
        assert len(db.session.scalars(select(retaining.Deletion)).all()) == 4
        assert people_verify.verify_candidates()[1] == []


def _holding(words: str) -> set[str]:
    found = set()
    for table in Model.metadata.sorted_tables:
        for line in db.session.execute(select(table)):
            if any(words in str(value) for value in line if value is not None):
                found.add(table.name)
    return found


def test_a_candidate_erases_alone_and_the_employer_reads_withdrawn(house: Flask) -> None:
    with house.app_context():
        w.resume(ann())
        with transaction():
            row = w.applied(w.post_of("galaxy"), ann(), fields=TO_APPLY)
            hiring.open_(row, by=w.person(HR))
            w.pooled(ann())
            profiles.shut_out(ann(), w.post_of("alder").org)
        here = f"/jobs/hiring/applications/{row.uid}"
    hr, client = browser(house, HR), browser(house, "ann@people.example")
    assert "Ann Quokka" in hr.get(here).text
    assert post(client, "/jobs/mine/erasure").status_code == 303
    page = hr.get(here).text
    assert "Withdrawn" in page
    assert "Ann" not in page
    with house.app_context(), reading():
        assert _holding("Dear employer") == set()
        assert _holding("wechat ann") == set()
        assert _holding("cv.pdf") == set()
        assert [db.session.scalars(select(one)).all() for one in (Look, Profile)] == [[], []]
        assert consents.in_force(ann()) == []
        assert people_verify.verify_candidates()[1] == []


def test_an_erased_person_leaves_nothing_in_recruitment(house: Flask) -> None:
    """Through the house's own erasure by two of staff: the dump holds the name only where the house says it is kept."""
    with house.app_context():
        with transaction():
            row = w.applied(w.post_of("galaxy"), ann())
            hiring.open_(row, by=w.person(HR))
            db.session.add(
                ContactRequest(
                    org=w.post_of("alder").org, person=ann(), post=w.post_of("alder"), reason="Ann Quokka fits",
                    by=w.person("hr@alder.example"), answer_by=w.DAY + timedelta(days=14),
                )
            )  # fmt: skip
        browser_page = f"/jobs/hiring/applications/{row.uid}"
    browser(house, HR).get(browser_page)
    with house.app_context():
        with transaction():
            asked = erasing.propose(ann(), by=w.person("sun@house.example"), reason="asked")
            kinds = {one["item"] for one in asked.plan}
        assert {"job_profile", "job_applications", "job_looks", "job_contacts"} <= kinds
        with transaction():
            erasing.carry_out(asked, by=w.person("ada@house.example"))
        assert _holding("Ann Quokka") <= {"mail_message", "audit_entry", "award"}
        assert _holding("wechat ann") == set()
        texts = [one.text for one in db.session.scalars(select(MailMessage)) if "Ann Quokka" in one.text]
        assert len(texts) <= 1  # the last letter, to the person
        words = select(Consent).where(Consent.channel == Channel.ERASURE, Consent.withdrawn)
        assert {one.purpose for one in db.session.scalars(words.order_by(Consent.id))} >= {P.APPLY.value}
    text = browser(house, HR).get(browser_page).text
    assert "Withdrawn" in text
    assert "Quokka" not in text


def test_my_data_hold_the_profile_applications_looks_and_words(house: Flask) -> None:
    with house.app_context(), transaction():
        row = w.applied(w.post_of("galaxy"), ann())
        hiring.open_(row, by=w.person(HR))
        here = f"/jobs/hiring/applications/{row.uid}"
    browser(house, HR).get(here)
    body = browser(house, "ann@people.example").get("/account/privacy/data/json/file").get_json()
    assert body["job_profile"][0]["skills"] == ["Triton", "算子开发"]
    assert body["job_applications"][0]["letter"] == "Dear employer, Ann Quokka"
    assert body["job_looks"][0]["employer"] == "Galaxy Ltd"
    assert body["consents"][0]["receiver"] == "Galaxy Ltd"


def test_hires_through_a_certificate_are_shown_from_five_on(house: Flask) -> None:
    with house.app_context():
        with transaction():
            org = w.post_of("galaxy").org
            for n in range(5):
                row = w.applied(w.post(org, f"Hire {n}"), w.candidate(f"hire{n}"))
                hiring.open_(row, by=w.person(HR))
                hiring.step(row, A.OFFER, by=w.person(HR))
                hiring.step(row, A.HIRED, by=w.person(HR), by_certificate=n < 4)
        assert hires.through_certificate() is None
        with transaction():
            filled = w.post(org, "Elsewhere")
            filled.state, filled.by_certificate = PostState.FILLED, True
        assert hires.through_certificate() == 5
        found = hires.figures(w.DAY.replace(day=1), w.DAY + timedelta(days=30))
        assert (found.sent, found.hires, found.by_certificate) == (5, 5, 4)


def test_a_start_does_not_write_the_files_row_again_beside_a_later_decision(house: Flask) -> None:
    """The board was opened for a later day than the file's: each start loads the files, and changes nothing."""
    with house.app_context():
        for _start in range(2):
            with transaction():
                assert catalogue.load_folder(place("catalogue")) == []
        assert modes.mode() is modes.Mode.FULL
