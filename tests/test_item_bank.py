"""The item bank: versions that never change, two people for every item, files whole or not at all, fair forms."""

from __future__ import annotations

import io
from collections import Counter
from random import Random

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError
from werkzeug.test import TestResponse

from portal.accounts.may import StaffRole
from portal.certs import exam_forms, item_import, items
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content
from portal.certs.models.bank import (
    Form,
    FormItem,
    Frozen,
    Ground,
    Item,
    ItemReview,
    ItemState,
    ItemVersion,
)
from portal.core import audit, catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from tests.exam_items import EVERY, ZH, Bank, approved, content, english, in_use, who
from tests.people import browser, make_person, post, token

S = ItemState


@pytest.fixture
def bank(app: Flask) -> Flask:
    """The application with the people of the bank."""
    with app.app_context(), transaction():
        Bank()
    return app


def take(text_: str, *, by: str | None = "author", language: str = "auto") -> item_import.Outcome:
    with transaction():
        found = item_import.read(text_.encode(), "items.gift")
        return item_import.bring_in(found, "OPDEV", by=who(by) if by else None, language=language)


def version(key: str) -> ItemVersion:
    return items.newest(db.session.query(Item).filter_by(key=key).one())


def test_a_file_with_every_type_is_taken_and_the_same_file_again_changes_nothing(bank: Flask) -> None:
    with english(bank):
        first = take(EVERY)
        assert (len(first.new), first.changed, first.same) == (9, [], 0)
        assert ["passed over" in line for line in first.warnings] == [True]
        again = take(EVERY)
        assert (again.new, again.changed, again.same) == ([], [], 9)
        with reading():
            rows = db.session.scalars(select(ItemVersion)).all()
            assert Counter(row.kind for row in rows) == {
                Kind.SINGLE: 2, Kind.MULTIPLE: 1, Kind.NUMERIC: 3, Kind.SHORT: 2, Kind.PRACTICAL: 1,
            }  # fmt: skip
            assert {row.state for row in rows} == {S.DRAFT}
            assert {row.author_id for row in rows} == {who("author").id}
            assert version("M1").item.topic == "memory/layout"
            assert version("M2").numbers == [{"value": "3", "tolerance": "2", "weight": "1"}]
            assert version("M3").text == {"en": "When? <b>year</b>"}
            assert version("M4").text == {"en": "The _____ is fast."}
            assert version("O3").options[0]["text"] == {"en": "True", "zh": "正确"}


def test_other_content_is_a_new_draft_and_the_other_language_joins_it(bank: Flask) -> None:
    with english(bank):
        take(EVERY)
        changed = take(EVERY.replace("Which one is a kernel?", "Which of these is a kernel?"))
        assert (changed.new, changed.changed, changed.same) == ([], ["O1"], 8)
        assert version("O1").n == 2
        assert take(ZH).changed == ["O1"]
        with reading():
            row = version("O1")
            assert (row.n, row.text) == (3, {"en": "Which of these is a kernel?", "zh": "哪一个是内核？"})
            assert row.options[0]["text"] == {"en": "add", "zh": "加法"}
        assert take(ZH).same == 1
        assert take(EVERY.replace("=add #yes", "=add =sum")).changed == ["O1"]
        with reading():
            assert version("O1").text == {"en": "Which one is a kernel?"}, (
                "other options: the Chinese is asked for anew"
            )


def test_a_file_that_cannot_be_taken_changes_nothing_and_names_its_lines(bank: Flask) -> None:
    with english(bank):
        with pytest.raises(Refused) as refused:
            take(EVERY + "\n::X1:: Match {=a -> b}\n\n::X2:: open {=a\n")
        lines = str(refused.value).split("\n")
        assert len(lines) == 3
        assert "line 25" in lines[1]
        assert "line 27" in lines[2]
        with pytest.raises(Refused, match="not UTF-8"):
            item_import.read(b"\xff\xfe", "x.gift")
        with pytest.raises(Refused, match="no item"):
            item_import.read(b"\n\n", "x.gift")
        with pytest.raises(Refused, match="OPDEV"), transaction():
            item_import.bring_in(item_import.read(EVERY.encode(), "x.gift"), "NOPE", by=None)
        with reading():
            assert db.session.scalar(select(func.count(Item.id))) == 0


def test_an_item_goes_from_its_author_over_another_person_to_the_chief_examiner(bank: Flask) -> None:
    with english(bank):
        take(EVERY)
        with pytest.raises(Refused, match="both languages"), transaction():
            items.submit(version("O1"), by=who("author"))
        take(ZH)
        with transaction():
            items.submit(version("O1"), by=who("author"))
        with pytest.raises(Forbidden), transaction():
            items.review(
                version("O1"), by=who("author"), approved=True, ticked=list(items.CHECKS), comments={}
            )
        with pytest.raises(Refused, match="checklist"), transaction():
            items.review(version("O1"), by=who("check"), approved=True, ticked=["key"], comments={})
        with pytest.raises(Refused, match="what the author"), transaction():
            items.review(version("O1"), by=who("check"), approved=False, ticked=[], comments={"text": " "})
        with transaction():
            items.review(
                version("O1"), by=who("check"), approved=False, ticked=[], comments={"text": "Too long"}
            )
        with transaction():
            items.submit(version("O1"), by=who("author"))
        with transaction():
            items.review(
                version("O1"), by=who("check"), approved=True, ticked=list(items.CHECKS), comments={}
            )
        with pytest.raises(Refused, match="tried in 20"), transaction():
            items.take_into_use(version("O1"), by=who("chief"), ground=Ground.PILOT)
        with pytest.raises(Refused, match="0 to 1"), transaction():
            items.take_into_use(version("O1"), by=who("chief"), ground=Ground.ANGOFF, rating="65")
        with transaction():
            items.take_into_use(version("O1"), by=who("chief"), ground=Ground.ANGOFF, rating="0.65")
        with reading():
            assert (version("O1").state, version("O1").rating) == (S.LIVE, "0.65")
            verbs = [row.verb for row in db.session.scalars(audit.of_subject(version("O1").item.subject))]
        assert verbs[-4:] == ["item.returned", "item.submitted", "item.approved", "item.taken_into_use"]
        assert verbs.count("item.written") == 2


def test_a_new_version_leaves_the_one_in_use_and_takes_its_place_when_it_is_ready(bank: Flask) -> None:
    with english(bank):
        with transaction():
            first = in_use("K", "memory")
            newer = items.write(first.item, content(2), by=who("author"))
        with reading():
            assert [db.session.get_one(ItemVersion, one.id).state for one in (first, newer)] == [
                S.LIVE,
                S.DRAFT,
            ]
        with pytest.raises(Refused, match="newer version"), transaction():
            items.submit(db.session.get_one(ItemVersion, first.id), by=who("author"))
        with transaction():
            row = version("K")
            items.submit(row, by=who("author"))
            items.review(row, by=who("check"), approved=True, ticked=list(items.CHECKS), comments={})
            items.take_into_use(row, by=who("chief"), ground=Ground.ANGOFF, rating="0.5")
        with reading():
            assert [db.session.get_one(ItemVersion, one.id).state for one in (first, newer)] == [
                S.RETIRED,
                S.LIVE,
            ]


def test_a_practical_task_without_a_rubric_is_not_taken_into_use(bank: Flask) -> None:
    with english(bank):
        with transaction():
            level = {**catalogue.entry("level", "OPDEV"), "code": "UNMARKED"}
            catalogue.put("level", "UNMARKED", level, clock.today())
            task = Content(Kind.PRACTICAL, {"en": "Write an operator.", "zh": "编写一个算子。"})
            row = items.write(items.begin("UNMARKED", "P1", by=who("author")), task, by=who("author"))
            items.submit(row, by=who("author"))
            items.review(row, by=who("check"), approved=True, ticked=list(items.CHECKS), comments={})
        with pytest.raises(Refused, match="rubric"), transaction():
            items.take_into_use(version("P1"), by=who("chief"), ground=Ground.ANGOFF, rating="0.5")


def test_versions_reviews_and_forms_never_change(bank: Flask) -> None:
    with english(bank):
        with transaction():
            for n in range(20):
                topic = ("operators", "memory", "testing")[0 if n < 8 else 1 if n < 14 else 2]
                in_use(f"I{n}", topic, n)
            exam_forms.draw_form("OPDEV", "written", candidate=None, by=who("chief"), called="A")
        for table, column in (
            ("item_version", "points = 5"), ("item_version", "reference = 'x'"), ("item_version", "text = '{}'"),
            ("item_review", "approved = (1 = 0)"), ("form_item", "position = 99"), ("exam_form", "called = 'B'"),
        ):  # fmt: skip
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(f"UPDATE {table} SET {column} WHERE id = 1"))
        for table in ("item_version", "item_review", "form_item", "exam_form"):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(f"DELETE FROM {table} WHERE id = 1"))
        with pytest.raises(Frozen), transaction():
            db.session.get_one(ItemVersion, 1).points = 3
        with pytest.raises(Frozen), transaction():
            db.session.delete(db.session.scalars(select(ItemReview)).all()[0])
        with transaction():
            db.session.execute(update(ItemVersion).where(ItemVersion.id == 1).values(state=S.RESTING))


def fill(count: int = 24) -> None:
    """Put items of every topic of the level into use: two more than the blueprint asks for, each."""
    for n in range(count):
        topic = "operators" if n % 24 < 10 else "memory" if n % 24 < 17 else "testing"
        in_use(f"I{n}", f"{topic}/x", n)


def drawn(form: Form) -> list[FormItem]:
    return list(
        db.session.scalars(select(FormItem).where(FormItem.form_id == form.id).order_by(FormItem.position))
    )


def test_a_form_meets_the_blueprint_and_what_is_short_is_listed(bank: Flask) -> None:
    with english(bank):
        with transaction():
            for n in range(8):
                in_use(f"I{n}", "operators", n)
        with pytest.raises(Refused) as refused, transaction():
            exam_forms.draw_form("OPDEV", "written", candidate=None, by=who("chief"), called="A")
        assert "Memory and layout (0/6), Tests and precision (0/6)" in str(refused.value)
        with reading():
            assert [one.topic for one in exam_forms.short_topics("OPDEV")] == ["memory", "testing"]
        with transaction():
            for n in range(8, 20):
                in_use(f"I{n}", "memory" if n < 14 else "testing/fp16", n)
            for n in range(3):
                approved(f"T{n}", "memory", n)
            form = exam_forms.draw_form(
                "OPDEV", "written", candidate=None, by=who("chief"), called="A", random=Random(1)
            )
        with reading():
            rows = drawn(form)
            scored = [row for row in rows if row.scored]
            topics = Counter(row.version.item.topic for row in scored)
            assert topics == {"operators": 8, "memory": 6, "testing/fp16": 6}
            assert [row.version.state for row in rows if not row.scored] == [S.APPROVED, S.APPROVED]
            assert sorted(rows[0].shuffled) == ["a", "b", "c"]
            assert [row.position for row in rows] == list(range(1, 23))


def test_a_retaker_meets_nothing_seen_before_while_the_bank_allows(bank: Flask) -> None:
    with english(bank):
        with transaction():
            fill(48)
            candidate = make_person("candidate@nowhere.example")
        seen: list[set[int]] = []
        for n in range(3):
            with transaction():
                form = exam_forms.draw_form(
                    "OPDEV", "written", candidate=candidate, by=who("chief"), random=Random(n)
                )
                seen.append({row.version_id for row in drawn(form)})
        assert seen[0] & seen[1] == set()
        assert len(seen[2] & (seen[0] | seen[1])) == 20 - 8, "48 items: eight were still unseen"


def test_enemies_never_share_a_form_and_a_leaked_item_is_in_none(bank: Flask) -> None:
    with english(bank):
        with transaction():
            fill()
            one, other = version("I0"), version("I1")
            items.part(one.item, other.item, by=who("author"), reason="one gives the other away")
        with pytest.raises(Refused, match="already"), transaction():
            items.part(other.item, one.item, by=who("author"), reason="")
        with transaction():
            forms = [
                exam_forms.draw_form(
                    "OPDEV", "written", candidate=None, by=who("chief"), called=str(n), random=Random(n)
                )
                for n in range(6)
            ]
        with transaction():
            for form in forms:
                keys = {row.version.item.key for row in drawn(form)}
                assert not {"I0", "I1"} <= keys
            known = {row.version.item.key for row in drawn(forms[0])}
            leaked = version(sorted(known)[0]).item
            count = items.compromise(leaked, by=who("chief"), reason="seen in a forum")
            assert count == sum(leaked.key in {row.version.item.key for row in drawn(form)} for form in forms)
        with reading():
            assert [row.version.item.key for row in exam_forms.spoilt(forms[0])] == [leaked.key]
            assert len(db.session.scalars(exam_forms.forms_with(leaked)).all()) == count
        with transaction():
            form = exam_forms.draw_form("OPDEV", "written", candidate=None, by=who("chief"), called="new")
            assert leaked.key not in {row.version.item.key for row in drawn(form)}
        with pytest.raises(Refused, match="not in use"), transaction():
            items.compromise(version(leaked.key).item, by=who("chief"), reason="again")


def test_what_is_shown_too_often_rests_while_its_topic_can_spare_it(
    bank: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with english(bank):
        with transaction():
            fill()
        monkeypatch.setattr(exam_forms, "most_shown", lambda: 2)
        for n in range(5):
            with transaction():
                candidate = make_person(f"c{n}@nowhere.example")
                exam_forms.draw_form(
                    "OPDEV", "written", candidate=candidate, by=who("chief"), random=Random(n)
                )
        with reading():
            states = Counter((row.item.topic, row.state) for row in db.session.scalars(select(ItemVersion)))
            assert states[("operators/x", S.RESTING)] == 2
            assert states[("operators/x", S.LIVE)] == 8
            assert exam_forms.short_topics("OPDEV") == []


def test_the_pages_of_the_bank_open_to_its_people_and_do_what_they_say(bank: Flask) -> None:
    with bank.app_context(), transaction():
        make_person("staff@house.example", staff=(StaffRole.CERTIFICATION,))
        make_person("grader@house.example", staff=(StaffRole.GRADER,))
    author, checker, chief = (browser(bank, f"{name}@house.example") for name in ("author", "check", "chief"))
    assert browser(bank, "grader@house.example").get("/office/exams/items").status_code == 403
    for more, count in ({"check_only": "y"}, 0), ({}, 9):
        file = (io.BytesIO(EVERY.encode()), "x.gift")
        page = author.post(
            "/office/exams/items/import",
            data={"csrf_token": token(author), "exam": "OPDEV", "file": file, **more},
        )
        assert page.status_code == 200
        with bank.app_context(), reading():
            assert db.session.scalar(select(func.count(Item.id))) == count
    made = post(
        author, "/office/exams/items/new", exam="OPDEV", key="W1", topic="memory", kind="single", points="1", format="plain",
        text_zh="哪个更快？", text_en="Which is faster?", **{
            "options-0-zh": "寄存器", "options-0-en": "registers", "options-0-weight": "100", "options-1-zh": "磁盘",
            "options-1-en": "disk", "options-1-weight": "", "options-2-zh": "", "options-2-en": "", "options-2-weight": "",
        },
    )  # fmt: skip
    assert made.status_code == 303, made.text
    where = made.location
    assert post(author, f"{where}/submission").status_code == 303
    assert post(author, f"{where}/review", outcome="approved").status_code == 403
    assert "Your review" in checker.get(where).text
    refused = post(checker, f"{where}/review", outcome="approved", key="y")
    assert refused.status_code == 422
    assert "Every point of the checklist" in refused.text
    ticks = dict.fromkeys(("key", "parity", "bias", "reference"), "y")
    assert post(checker, f"{where}/review", outcome="approved", **ticks).status_code == 303
    assert post(chief, f"{where}/use", ground="pilot", rating="").status_code == 409
    assert post(chief, f"{where}/use", ground="angoff", rating="0.7").status_code == 303
    assert post(chief, f"{where}/enemies", enemy="nothing").status_code == 422
    assert post(chief, f"{where}/enemies", enemy="O1").status_code == 303
    assert post(chief, f"{where}/versions/1/rest").status_code == 303
    assert post(chief, f"{where}/versions/1/use").status_code == 303
    assert post(chief, f"{where}/leak", reason="").status_code == 422
    assert post(chief, f"{where}/leak", reason="seen in a forum").status_code == 303
    chinese = browser(bank, "staff@house.example", language="zh_Hans_CN").get(where).text
    assert "哪个更快？" in chinese
    assert "Which is faster?" in chinese
    for path in (
        "items",
        "items?state=live&kind=single",
        "items?exam=OPDEV&topic=memory",
        "items?q=w1",
        "blueprints",
    ):
        assert chief.get(f"/office/exams/{path}").status_code == 200
    assert chief.get("/office/exams/items/0/versions/1").status_code == 404
    bad = post(
        author,
        "/office/exams/items/new",
        exam="OPDEV",
        key="W2",
        kind="single",
        points="1",
        format="plain",
        text_en="x",
    )
    assert bad.status_code == 422
    assert "at least two options" in bad.text


def test_a_wrong_file_of_a_task_is_said_in_its_form_and_a_task_in_use_takes_none(bank: Flask) -> None:
    with bank.app_context(), transaction():
        item = items.begin("OPDEV", "T1", by=who("author"), topic="memory")
        task = items.write(
            item, Content(Kind.PRACTICAL, {"en": "Write it.", "zh": "编写。"}), by=who("author")
        ).id
        page = f"/office/exams/items/{item.uid}"
    client = browser(bank, "author@house.example")

    def attach(*file: object) -> TestResponse:
        sent = {"file": file} if file else {}
        return client.post(f"{page}/files", data={"csrf_token": token(client, page), **sent})

    for file, said in (
        ((), "Please fill this in."), ((io.BytesIO(b"MZ"), "a.exe"), "this file is something else"),
        ((io.BytesIO(b"PK"), "a.zip"), "This file is no archive"),
    ):  # fmt: skip
        answer = attach(*file)
        assert (answer.status_code, said in answer.text) == (422, True), said
        assert f'action="{page}/files"' in answer.text
    assert attach(io.BytesIO(b"print()\n"), "a.py").status_code == 303
    assert "a.py" in client.get(page).text
    with bank.app_context(), transaction():
        db.session.get_one(ItemVersion, task).state = S.LIVE
    assert attach(io.BytesIO(b"print()\n"), "b.py").status_code == 409
