"""The learning path: declared by a candidate, confirmed by somebody else or by a list, an alternative for every course."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.certs import completions, learning
from portal.certs.models.learning import StepRecord, StepSource, StepState
from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from tests.exam_items import english
from tests.people import browser, make_person, post

S = StepState


@pytest.fixture
def li(app: Flask) -> Flask:
    """The application with a candidate and two of staff."""
    with app.app_context(), transaction():
        make_person("li@nowhere.example", "Li")
        make_person("staff@house.example", "Cen", staff=(StaffRole.CERTIFICATION,))
        make_person("proctor@house.example", "Ke", staff=(StaffRole.PROCTOR,))
    return app


def who(name: str) -> Person:
    return db.session.query(Person).filter(Person.email.startswith(f"{name}@")).one()


def declare(code: str, **more: object) -> StepRecord:
    with transaction():
        words = {"evidence": "two years at work", "link": "", "done_on": None, **more}
        return learning.declare(who("li"), code, by=who("li"), **words)  # type: ignore[arg-type] # what is typed


def path() -> tuple[int, int, str | None, bool]:
    with reading():
        found = learning.path("OPDEV", who("li"))
        return found.done, found.groups, found.following.code if found.following else None, found.ready


def test_a_path_is_walked_by_declaring_and_confirming(li: Flask) -> None:
    with english(li):
        assert path() == (0, 3, "opdev.course", False)
        row = declare("opdev.practice")
        assert path() == (0, 3, "opdev.exercises", False)
        with pytest.raises(Forbidden), transaction():
            learning.confirm(db.session.get_one(StepRecord, row.id), by=who("li"))
        with transaction():
            learning.send_back(
                db.session.get_one(StepRecord, row.id), by=who("staff"), reason="Which project?"
            )
        assert path() == (0, 3, "opdev.course", False)
        declare("opdev.practice", evidence="", link="https://git.example/li")
        with transaction():
            learning.confirm(db.session.get_one(StepRecord, row.id), by=who("staff"))
        assert path() == (1, 3, "opdev.exercises", False), "the course's alternative is enough"
        exercises = declare("opdev.exercises")
        with transaction():
            learning.confirm(db.session.get_one(StepRecord, exercises.id), by=who("staff"))
        assert path() == (2, 3, "opdev.guide", True), "the guide is not required"
        with reading():
            assert db.session.get_one(StepRecord, row.id).source is StepSource.STAFF


def test_what_shows_nothing_or_lies_ahead_is_refused(li: Flask) -> None:
    with english(li):
        tomorrow = clock.today() + timedelta(days=1)
        for more in (
            {"evidence": " "},
            {"link": "http://x.example"},
            {"link": "javascript:alert(1)"},
            {"done_on": tomorrow},
        ):
            with pytest.raises(Refused):
                declare("opdev.course", **more)
        declare("opdev.course")
        with pytest.raises(Refused):
            declare("opdev.course")
        with reading():
            assert db.session.scalar(select(func.count(StepRecord.id))) == 1


def test_a_course_of_our_own_needs_an_alternative(li: Flask) -> None:
    with english(li), pytest.raises(Refused, match="17024"), transaction():
        row = {"code": "x", "level": "OPDEV", "kind": "course", "name": {"en": "x", "zh": "x"}, "own": True}
        catalogue.take("step", row, date(2026, 1, 1))


def test_a_list_of_completions_is_taken_whole_or_not_at_all(li: Flask) -> None:
    head = "email,step,done_on\n"
    good = f"{head}LI@nowhere.example,opdev.course,2026-01-05\n"
    with english(li):
        for line, said in (
            ("nobody@x.example,opdev.course,2026-01-05", "line 3: email"), ("li@nowhere.example,no.step,2026-01-05", "line 3: step"),
            ("li@nowhere.example,opdev.course,tomorrow", "line 3: done_on"), ("li@nowhere.example,opdev.course,2999-01-01", "not come yet"),
            ("li@nowhere.example", "line 3: there must be 3"), ("a\x00@x.example,opdev.course,2026-01-05", "line 3: email"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=said), transaction():
                completions.bring_in((good + line).encode(), "x.csv", by="command line")
        with pytest.raises(Refused, match="line 1"), transaction():
            completions.bring_in(b"\xff", "x.csv", by="command line")
        with reading():
            assert db.session.scalar(select(func.count(StepRecord.id))) == 0
        for confirmed, same in ((1, 0), (0, 1)):
            with transaction():
                done = completions.bring_in(good.encode(), "x.csv", by="command line")
            assert (done.confirmed, done.same) == (confirmed, same)
        assert path() == (1, 3, "opdev.exercises", False)


def test_candidate_and_staff_walk_it_on_the_pages(li: Flask) -> None:
    candidate, staff = browser(li, "li@nowhere.example"), browser(li, "staff@house.example")
    assert "学习路径" in li.test_client().get("/exams/OPDEV/path").text
    assert li.test_client().get("/exams/path").status_code == 303
    bad = post(candidate, "/exams/steps/opdev.practice/declaration", evidence="", link="kept words")
    assert bad.status_code == 422
    assert "kept words" in bad.text
    assert post(candidate, "/exams/steps/none/declaration", evidence="x").status_code == 404
    assert (
        post(candidate, "/exams/steps/opdev.practice/declaration", evidence="Two years at work").status_code
        == 303
    )
    assert post(candidate, "/exams/steps/opdev.practice/withdrawal").status_code == 303
    assert (
        post(candidate, "/exams/steps/opdev.practice/declaration", evidence="Two years at work").status_code
        == 303
    )
    page = staff.get("/office/exams/steps?q=li")
    assert "Two years at work" in page.text
    assert browser(li, "proctor@house.example").get("/office/exams/steps").status_code == 403
    with li.app_context(), reading():
        uid = db.session.scalars(select(StepRecord.uid)).one()
    assert post(staff, f"/office/exams/steps/{uid}/return", reason="").status_code == 422
    assert post(staff, f"/office/exams/steps/{uid}/return", reason="Which project?").status_code == 303
    assert "Which project?" in candidate.get("/exams/OPDEV/path").text
    assert post(staff, f"/office/exams/steps/{uid}/confirmation").status_code == 303
    assert post(staff, "/office/exams/steps/none/confirmation").status_code == 404
    zh = browser(li, "li@nowhere.example", language="zh_Hans_CN").get("/exams/path").text
    assert "算子开发工程师" in zh


def test_staff_take_a_list_of_completions_in_on_its_page(li: Flask) -> None:
    staff, page = browser(li, "staff@house.example"), "/office/exams/steps/completions"
    assert browser(li, "proctor@house.example").get(page).status_code == 403
    assert "List of completions" in staff.get("/office/exams/steps").text
    assert "完成名单" in browser(li, "staff@house.example", language="zh_Hans_CN").get(page).text

    def sent(data: bytes, **more: str) -> tuple[int, str]:
        answer = post(staff, page, file=(io.BytesIO(data), "<b>list.csv"), **more)
        with li.app_context(), reading():
            rows = db.session.scalars(select(StepRecord.state)).all()
        return answer.status_code, f"{len(rows)} {answer.text}"

    head, good = "email,step,done_on\n", "li@nowhere.example,opdev.course,2026-01-05\n"
    for bad in (
        b"", b"\xff\xfe\x00", b"email;step\n", (head + good + '"').encode(), (head + good + "<script>,x,y\n").encode(),
        (head + good + "=cmd|' /C calc'!A0,opdev.course,2026-01-05\n").encode(), b"x" * (completions.BIGGEST + 1),
    ):  # fmt: skip
        status, text = sent(bad)
        assert (status, text[:1]) == (422, "0")
        assert "<script>,x" not in text
        assert "<b>list" not in text
    assert post(staff, page).status_code == 422
    status, text = sent((head + good).encode(), check_only="y")
    assert (status, text[:1], "nothing was changed" in text) == (200, "0", True)
    status, text = sent((head + good).encode())
    assert (status, text[:1], "The list is taken in" in text) == (200, "1", True)
    assert sent((head + good).encode())[0] == 200
    with li.app_context(), reading():
        assert db.session.scalars(select(StepRecord.source)).one() is StepSource.FILE
