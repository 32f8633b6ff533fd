"""Pictures of exam items: told in both languages, in their places, unchangeable, and seen by nobody whom they are not asked."""

from __future__ import annotations

import io
import re
import struct
import zlib
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import text as sql
from sqlalchemy.exc import DatabaseError
from werkzeug.datastructures import FileStorage

from portal.accounts.may import StaffRole
from portal.certs import (
    exam_forms,
    item_import,
    item_pictures,
    items,
    picture_verify,
    picturing,
    sitting,
    sitting_chores,
)
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content
from portal.certs.models.bank import Frozen, Item, ItemState, ItemVersion
from portal.certs.models.booking import Booking
from portal.certs.models.cutting import CutJudge, CutPanel
from portal.certs.models.delivery import Attempt
from portal.certs.models.pictures import ItemPicture
from portal.certs.picture_marks import faults, marks
from portal.core import audit, clock, files, store
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.files import StoredFile
from portal.members import uploads
from tests import exam_items, seats
from tests import sittings as sit
from tests.exam_items import Bank, english
from tests.membership import inside
from tests.people import browser, make_person, post

ALT = {"alt_zh": "一张柱状图", "alt_en": "A bar chart"}


def drawn(size: tuple[int, int] = (40, 20), form: str = "PNG", colour: str = "red", **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form, **more)
    return out.getvalue()


def checked(data: bytes, name: str, side: int = 2000) -> uploads.Picture:
    return uploads.check_picture(FileStorage(io.BytesIO(data), name), most=5 * 1024 * 1024, side=side)


def taken(colour: str = "red") -> tuple[files.Content, uploads.Picture]:
    """Lay a picture in the store, outside any transaction."""
    picture = checked(drawn(colour=colour), "a.png")
    return files.put(picture.data, picture.media_type), picture


def asking(zh: str, en: str, option: str = "") -> Content:
    plain = exam_items.content()
    rows = [
        {**one, "text": {key: said + option for key, said in one["text"].items()}}
        for one in plain.options[:1]
    ]
    return Content(Kind.SINGLE, {"zh": zh, "en": en}, options=[*rows, *plain.options[1:]])


# ---- Marks


@pytest.mark.parametrize(
    ("content", "places", "said"),
    [
        (asking("看 [[picture:1]]", "See [[picture:1]]"), {1}, []),
        (asking("看 [[Picture：1]]", "See [[ picture : 1 ]]", " [[picture:2]]"), {1, 2}, []),
        (asking("看 [[picture:1]]", "See"), {1}, ["different places"]),
        (asking("看 [[picture:1]]", "See [[picture:1]]"), set(), ["is not here"]),
        (asking("看", "See"), {1}, ["stands nowhere"]),
        (asking("看 [[picture:x]]", "See [[picture:x]]"), set(), ["not written rightly"]),
        (asking("看 [[picture:0]]", "See [[picture:0]]"), set(), ["is not here"]),
        (
            Content(
                Kind.SHORT,
                {"zh": "看", "en": "See"},
                options=[{"code": "a", "text": {"zh": "[[picture:1]]", "en": "[[picture:1]]"}, "weight": "1"}],
            ),
            {1},
            ["not in what is said afterwards", "stands nowhere"],
        ),
    ],
)  # fmt: skip
def test_marks_and_pictures_fit_in_both_languages(
    app: Flask, content: Content, places: set[int], said: list[str]
) -> None:
    with english(app):
        found = [str(one) for one in faults(content, places)]
    assert len(found) == len(said)
    assert all(words in one for words, one in zip(said, found, strict=True))


# ---- Files


def test_a_picture_is_drawn_anew_upright_within_the_size_without_what_the_camera_wrote() -> None:
    facts = Image.Exif()
    facts[274], facts[271] = 6, "Camera of Ou"
    made = checked(drawn((400, 100), "JPEG", exif=facts), "p.jpeg", side=200)
    assert (made.width, made.height, made.media_type) == (50, 200, "image/jpeg")
    assert b"Camera" not in made.data
    notes = PngInfo()
    notes.add_text("Author", "Ou")
    made = checked(drawn(pnginfo=notes), "p.PNG")
    assert b"Ou" not in made.data
    assert made.data.startswith(b"\x89PNG")


def _huge() -> bytes:
    """Return a PNG whose head says that it is 30,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "a.png"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg"),
        (b"<!doctype html><script>x()</script>", "a.png"),
        (b"\x89PNG\r\n\x1a\n<script>x()</script>", "a.png"),
        (b"%PDF-1.4", "a.pdf"),
        (drawn(form="GIF"), "a.png"),
        (drawn(form="PNG"), "a.jpg"),
        (drawn()[:60], "a.png"),
        (_huge(), "a.png"),
        (b"\x89PNG" + b"0" * (5 * 1024 * 1024), "a.png"),
        (drawn(), "noending"),
    ],
    ids=["svg", "svg by name", "html", "html behind", "pdf", "gif", "png as jpg", "torn", "huge", "heavy", "no ending"],
)  # fmt: skip
def test_what_is_no_plain_picture_is_refused(app: Flask, data: bytes, name: str) -> None:
    with english(app), pytest.raises(Refused):
        checked(data, name)


# ---- The life of a picture


def test_a_picture_goes_from_draft_to_use_and_never_changes_after(app: Flask) -> None:
    with inside(app), english(app):
        with transaction():
            Bank()
        red, blue = taken(), taken("blue")
        by, author = exam_items.who, "author"
        with transaction():
            item = items.begin("OPDEV", "P1", by=by(author), topic="operators")
            items.write(item, asking("看 [[picture:1]]", "See [[picture:1]]"), by=by(author))
            with pytest.raises(Refused, match="is not here"):
                items.submit(items.newest(item), by=by(author))
            with pytest.raises(Refused, match="both languages"):
                picturing.add(item, *red, zh="图", en=" ", by=by(author))
            row = picturing.add(item, *red, zh="图", en="A chart", by=by(author))
            other = picturing.add(item, *blue, zh="图二", en="Another", by=by(author))
            assert (row.place, other.place) == (1, 2)
            with pytest.raises(Refused, match="stands nowhere"):
                items.submit(items.newest(item), by=by(author))
            assert picturing.remove(item, other.uid, by=by(author)) == 2
            items.submit(items.newest(item), by=by(author))
            with pytest.raises(Refused, match="new version"):
                picturing.add(item, *blue, zh="图", en="Chart", by=by(author))
            with pytest.raises(Refused, match="new version"):
                picturing.remove(item, row.uid, by=by(author))
            first = items.newest(item)
            items.review(first, by=by("check"), approved=True, ticked=list(items.CHECKS), comments={})
        gone = db.session.query(StoredFile).filter_by(sha256=blue[0].sha256).one()
        assert gone.erased_at is not None
        kept = db.session.query(ItemPicture).one()
        for change in (
            "UPDATE item_picture SET alt_en = 'x'", "DELETE FROM item_picture",
            "INSERT INTO item_picture (uid, version_id, place, file_id, width, height, alt_zh, alt_en, at) "
            "SELECT 'x', version_id, 7, file_id, width, height, alt_zh, alt_en, at FROM item_picture",
        ):  # fmt: skip
            with pytest.raises(DatabaseError, match="on record"), transaction():
                db.session.execute(sql(change))
        with pytest.raises(Frozen), transaction():
            db.session.delete(kept)
            db.session.flush()
        with pytest.raises(Frozen), transaction():
            db.session.query(ItemPicture).one().alt_en = "x"
            db.session.flush()
        with transaction():  # the next version has the picture too, and may lose it: the one before keeps it
            item = db.session.query(Item).one()
            second = items.write(item, asking("看", "See"), by=by(author))
            mine = item_pictures.of(second.id)[second.id][1]
            assert (mine.file_id, mine.alt_en) == (kept.file_id, "A chart")
            picturing.remove(item, mine.uid, by=by(author))
            assert db.session.get_one(StoredFile, mine.file_id).erased_at is None
        assert picture_verify.verify_pictures() == (1, [])
        deeds = [
            one.verb for one in db.session.scalars(audit.of_subject(item.subject)) if "picture" in one.verb
        ]
        assert sorted(deeds) == ["item.picture_added"] * 2 + ["item.picture_removed"] * 2


def test_a_form_with_an_item_whose_picture_is_gone_is_refused_and_verify_names_it(app: Flask) -> None:
    with inside(app), english(app):
        with transaction():
            sit.house("lin")
        red = taken()
        with transaction():
            pictured("Q9", *red)
        with transaction():
            for one in ("Q1",):  # four are needed: the pictured one is among them now
                items.newest(db.session.query(Item).filter_by(key=one).one()).state = ItemState.RESTING
        with transaction():
            exam_forms.draw_form("OPDEV", "written", candidate=None, by=seats.who("certs"), called="A")
        store.delete(files.address(red[0].sha256))
        with pytest.raises(Refused, match=r"missing: Q9 \(1\)"), transaction():
            exam_forms.draw_form("OPDEV", "written", candidate=None, by=seats.who("certs"), called="B")
        with pytest.raises(Refused, match=r"missing: Q9 \(1\)"):
            exam_forms.refuse_lost("OPDEV")
        with pytest.raises(Refused, match="cannot fill"), transaction():  # a candidate is told of no item
            exam_forms.draw_form("OPDEV", "written", candidate=seats.who("lin"), by=seats.who("lin"))
        assert "SHA-256" in picture_verify.verify_pictures()[1][0]


def test_gift_keeps_marks_and_says_that_pictures_are_lacking(app: Flask) -> None:
    with inside(app), english(app):
        with transaction():
            Bank()
        file = "::G1:: See [[picture:1]] {=one ~two [[picture:2]]}"
        with transaction():
            found = item_import.read(file.encode(), "a.gift")
            outcome = item_import.bring_in(found, "OPDEV", by=exam_items.who("author"))
        assert "GIFT holds no pictures" in outcome.warnings[0]
        assert "[[picture:1]], [[picture:2]]" in outcome.warnings[0]
        red = taken()
        with transaction():
            item = db.session.query(Item).one()
            assert marks(items.newest(item).text["en"]) == [1]
            picturing.add(item, *red, zh="图", en="Chart", by=exam_items.who("author"))
            found = item_import.read(file.replace("See", "Look").encode(), "a.gift")
            outcome = item_import.bring_in(found, "OPDEV", by=exam_items.who("author"))
        assert "names [[picture:2]]," in outcome.warnings[0]


# ---- Doors


def pictured(key: str, content: files.Content, picture: uploads.Picture) -> ItemVersion:
    """Put an item with a picture in its text and in an option in use; call inside a transaction."""
    row = items.begin("OPDEV", key, by=seats.who("certs"), topic="operators")
    version = items.write(
        row, asking("看 [[picture:1]]", "See [[picture:1]]", " [[picture:1]]"), by=seats.who("certs")
    )
    picturing.add(row, content, picture, zh="一张图", en="A bar chart", by=seats.who("certs"))
    version.state = ItemState.LIVE
    db.session.flush()
    return version


def let_in(app: Flask, name: str) -> tuple[FlaskClient, str]:
    """Check a candidate in; return his browser and the address of his exam."""
    with inside(app), transaction():
        row = db.session.query(Booking).filter_by(person_id=seats.who(name).id).one()
        uid = sit.let_in(name).uid
        assert row.level == "OPDEV"
    return browser(app, f"{name}@mail.example"), f"/exams/sittings/{uid}"


def test_a_picture_is_served_only_to_the_candidate_whose_running_attempt_asks_it(app: Flask) -> None:
    at = sit.scene(app, "lin", "mo")
    with inside(app):
        red, blue = taken(), taken("blue")
        with transaction():
            version, other = pictured("SECRETKEY", *red), pictured("OTHER", *blue)
            version_id, uids = version.id, [one.item.uid for one in (version, other)]
            for key in ("Q1", "OTHER"):  # so that every form has the pictured one and never the other
                items.newest(db.session.query(Item).filter_by(key=key).one()).state = ItemState.RESTING
    with clock.stopped_at(at):
        lin, url = let_in(app, "lin")
        mo, theirs = let_in(app, "mo")
        post(browser(app, "proctor@house.example"), f"/office/exams/sessions/{session_uid(app)}/opening")
        with inside(app), reading():
            row = item_pictures.of(version_id)[version_id][1]
            foreign = db.session.query(ItemPicture).filter(ItemPicture.version_id != version_id).one()
            attempt = url.rsplit("/", 1)[-1]
            mine = f"{url}/pictures/{item_pictures.address_in(attempt, row)}"
            wrong = [
                f"{url}/pictures/{item_pictures.address_in(attempt, foreign)}",
                f"{url}/pictures/{row.uid}",
            ]
            names = (row.uid, foreign.uid, *uids, "SECRETKEY")
        assert lin.get(mine).status_code == 404  # before the start
        for client, page in ((lin, url), (mo, theirs)):
            assert post(client, f"{page}/start", rules="y").status_code == 303
        page = lin.get(url).text
        assert set(re.findall(r'<img [^>]*src="([^"]+)"', page)) == {mine}
        assert page.count("[[picture") == 0
        assert 'alt="A bar chart"' in page
        assert not any(name in page for name in names)
        given = lin.get(mine)
        assert (given.status_code, given.mimetype, given.data) == (200, "image/png", red[1].data)
        assert "no-store" in given.headers["Cache-Control"]
        assert given.headers["X-Content-Type-Options"] == "nosniff"
        assert given.headers["Content-Disposition"] == "inline; filename=picture.png"
        assert [lin.get(one).status_code for one in wrong] == [
            404,
            404,
        ]  # an item that is not asked; the office's name
        assert mo.get(mine).status_code == 404
        assert mo.get(mine.replace(url, theirs)).status_code == 404  # each attempt has addresses of its own
        assert (
            browser(app, "lin@mail.example").get(mine).status_code == 404
        )  # another browser of the same candidate
        assert app.test_client().get(mine).status_code in (302, 303, 401)
        assert lin.get(f"/office/exams/items/{uids[0]}/pictures/{names[0]}").status_code in (403, 404)
        with clock.stopped_at(at + timedelta(minutes=60)):
            assert lin.get(mine).status_code == 404  # the clock is over
        assert post(lin, f"{url}/end").status_code == 303
        assert lin.get(mine).status_code == 404  # handed in


def session_uid(app: Flask) -> str:
    with inside(app), reading():
        return sit.session().uid


def test_an_author_adds_and_removes_pictures_on_the_page_and_reviewers_see_them(app: Flask) -> None:
    with inside(app), transaction():
        Bank()
        make_person("grader@house.example", "Gr", staff=(StaffRole.GRADER,))
        item = items.begin("OPDEV", "P1", by=exam_items.who("author"), topic="operators")
        items.write(item, asking("看 [[picture:1]]", "See [[picture:1]]"), by=exam_items.who("author"))
        url = f"/office/exams/items/{item.uid}"
    author, checker = browser(app, "author@house.example"), browser(app, "check@house.example")
    assert "names a picture that is not here" in author.get(url).text
    tried = post(author, f"{url}/pictures", file=(io.BytesIO(b"<svg/>"), "a.png"), **ALT)
    assert tried.status_code == 422
    assert "A bar chart" in tried.text
    assert "both languages what" in post(author, f"{url}/pictures", file=(io.BytesIO(drawn()), "a.png"), alt_zh="图", alt_en="").text  # fmt: skip
    assert post(checker, f"{url}/pictures", file=(io.BytesIO(drawn()), "a.png"), **ALT).status_code == 403
    assert post(author, f"{url}/pictures", file=(io.BytesIO(drawn()), "a.png"), **ALT).status_code == 303
    page = author.get(url).text
    assert "Send to review" in page
    with inside(app), reading():
        uid = db.session.query(ItemPicture).one().uid
    seen = f"{url}/pictures/{uid}"
    assert seen in page
    assert 'alt="一张柱状图"' in page
    assert checker.get(seen).mimetype == "image/png"
    assert browser(app, "grader@house.example").get(seen).status_code == 403
    assert post(author, f"{url}/submission").status_code == 303
    assert post(author, f"{seen}/removal").status_code == 409
    assert seen in checker.get(url).text


def test_a_grader_sees_the_picture_of_an_answer_that_waits_and_no_other(app: Flask) -> None:
    at = sit.scene(app, "lin")
    with inside(app):
        red, blue = taken(), taken("blue")
        with transaction():
            make_person("grader@house.example", "Gr", staff=(StaffRole.GRADER,))
            other = pictured("OTHER", *blue)
            other_uid = other.uid
            row = items.begin("OPDEV", "S1", by=seats.who("certs"), topic="operators")
            key = {
                "code": "a",
                "text": {"zh": "缓存", "en": "cache"},
                "weight": "1",
                "feedback": {},
                "pinned": False,
            }
            texts = {"zh": "这是什么？[[picture:1]]", "en": "What is it? [[picture:1]]"}
            short = items.write(row, Content(Kind.SHORT, texts, options=[key]), by=seats.who("certs"))
            picturing.add(row, *red, zh="一张图", en="A bar chart", by=seats.who("certs"))
            short.state = ItemState.LIVE
            db.session.flush()
            short_id, uid = short.id, short.uid
            for name in ("Q4", "OTHER"):
                items.newest(db.session.query(Item).filter_by(key=name).one()).state = ItemState.RESTING
    with clock.stopped_at(at):
        grader = browser(app, "grader@house.example")
        with inside(app), transaction():
            attempt = sit.let_in("lin")
            sit.start(attempt)
            sit.save(attempt, sit.position_of(attempt, Kind.SHORT), "a buffer", 1)
            mine = f"/office/marking/answers/{uid}/pictures/{item_pictures.of(short_id)[short_id][1].uid}"
        assert grader.get(mine).status_code == 404  # nobody has handed it in
        with inside(app), transaction():
            attempt = db.session.query(Attempt).one()
            sitting.hand_in(attempt, place=1, device_hash=sit.HERE, by=attempt.person)
    with clock.stopped_at(at + timedelta(days=40)):  # the practical was never opened: the attempt ends
        with inside(app):
            sitting_chores.close_sittings()
        grader = browser(app, "grader@house.example")
        page = grader.get("/office/marking/answers").text
        assert mine in page
        assert "[[picture" not in page
        assert grader.get(mine).data == red[1].data
        assert grader.get(mine.replace(uid, other_uid)).status_code == 404
        assert browser(app, "certs@house.example").get(mine).status_code == 403


def test_judges_of_a_panel_see_the_pictures_of_what_they_rate(app: Flask) -> None:
    with inside(app):
        red = taken()
        with transaction():
            sit.house("lin")
            version = pictured("Q9", *red)
            roles = {"judge": StaffRole.GRADER, "decider": StaffRole.DECIDER, "grader": StaffRole.GRADER}
            people = {
                one: make_person(f"{one}@house.example", one, staff=(role,)) for one, role in roles.items()
            }
            row = CutPanel(
                exam="OPDEV",
                part="written",
                lead=seats.who("certs"),
                items=[{"version": version.id, "points": 1}],
            )
            db.session.add_all(
                [row, CutJudge(panel=row, person=people["judge"], competence="ten years of kernels")]
            )
            db.session.flush()
            page = f"/office/cut-panels/{row.uid}"
            mine = f"{page}/pictures/{item_pictures.of(version.id)[version.id][1].uid}"
    judge = browser(app, "judge@house.example")
    shown = judge.get(page).text
    assert shown.count(mine) == 4  # in the text and in an option, each also in full size
    assert judge.get(mine).data == red[1].data
    assert judge.get(mine[:-1] + "x").status_code == 404
    assert browser(app, "decider@house.example").get(mine).status_code == 404  # sees the panel, not its items
    assert browser(app, "grader@house.example").get(mine).status_code == 404
