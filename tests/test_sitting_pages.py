"""The pages of a sitting as candidate, proctor, chief examiner and decider meet them, with and without scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.accounts import tokens
from portal.accounts.may import StaffRole
from portal.accounts.scopes import Scope
from portal.certs import cases, items, releasing, sitting, tasks
from portal.certs.gift_answers import Kind
from portal.certs.models.bank import Item, ItemState
from portal.certs.models.booking import Booking
from portal.certs.models.delivery import Attempt, AttemptState, Submission
from portal.certs.models.grading import ExamCase
from portal.certs.models.watching import Invalidation
from portal.core import clock, files
from portal.core.db import db, reading, transaction
from tests import graded, seats
from tests import sittings as sit
from tests.counting import counted
from tests.membership import inside
from tests.people import browser, make_person, post, token
from tests.road import picture
from tests.seats import refused, who
from tests.sittings import MINUTE, ready_for_practical


@pytest.fixture
def begin(app: Flask) -> Iterator[datetime]:
    """A booked session whose start has come."""
    at = sit.scene(app, "lin", "mo")
    with clock.stopped_at(at):
        yield at


def candidate(app: Flask, name: str = "lin") -> FlaskClient:
    return browser(app, f"{name}@mail.example")


def staff(app: Flask, name: str) -> FlaskClient:
    return browser(app, f"{name}@house.example")


def session_uid(app: Flask) -> str:
    with inside(app), reading():
        return sit.session().uid


def checked_in(app: Flask, name: str = "lin", *, opened: bool = True) -> str:
    """Let a candidate in through the console; return the address of the exam."""
    proctor = staff(app, "proctor")
    page = f"/office/exams/sessions/{session_uid(app)}"
    with inside(app), reading():
        uid = db.session.query(Booking).filter_by(person_id=who(name).id).one().uid
    done = post(proctor, f"{page}/check-ins", booking=uid, paper="passport", last_four="12x4")
    assert done.status_code == 303
    if opened:
        assert post(proctor, f"{page}/opening").status_code == 303
    with inside(app), reading():
        attempt = db.session.query(Attempt).filter_by(person_id=who(name).id).one()
        return f"/exams/sittings/{attempt.uid}"


def started(app: Flask, name: str = "lin") -> tuple[FlaskClient, str]:
    url = checked_in(app, name)
    lin = candidate(app, name)
    assert post(lin, f"{url}/start", rules="y").status_code == 303
    return lin, url


def send(client: FlaskClient, url: str, **body: object) -> Any:
    headers = {"X-CSRFToken": token(client, "/terms")}
    return client.post(f"{url}/answers", json=body, headers=headers)


def place(app: Flask, kind: Kind, name: str = "lin") -> int:
    with inside(app), reading():
        return sit.position_of(db.session.query(Attempt).filter_by(person_id=who(name).id).one(), kind)


def test_a_candidate_waits_reads_the_rules_starts_and_sees_the_server_clock(
    app: Flask, begin: datetime
) -> None:
    url = checked_in(app, opened=False)
    lin = candidate(app)
    assert "proctor opens the session soon" in lin.get(url).text
    assert post(lin, f"{url}/start", rules="y").status_code == 409
    post(staff(app, "proctor"), f"/office/exams/sessions/{session_uid(app)}/opening")
    page = lin.get(url).text
    assert "Before you start" in page
    assert "Please accept the rules first." in post(lin, f"{url}/start").text
    assert post(lin, f"{url}/start", rules="y").status_code == 303
    page = lin.get(url).text
    assert 'data-clock="3600"' in page
    assert page.count("data-position=") == 4
    assert "Question Q1" in page
    assert "weight" not in page
    with clock.stopped_at(begin + 10 * MINUTE):
        assert 'data-clock="3000"' in lin.get(url).text
    assert f'href="{url}">Open your exam' in lin.get("/exams/mine").text
    lin.post("/language", data={"csrf_token": token(lin), "language": "zh_Hans_CN"})
    assert "剩余时间" in lin.get(url).text


def test_a_page_saves_by_itself_and_learns_what_stands_and_how_much_is_left(
    app: Flask, begin: datetime
) -> None:
    lin, url = started(app)
    n = place(app, Kind.SINGLE)
    found = send(
        lin, url, answers=[{"position": n, "value": "b", "seq": 1, "flagged": True}], hints=["paste"]
    )
    assert found.status_code == 200
    assert found.json["left"] == 3600
    (kept,) = found.json["saved"]
    assert (kept["seq"], kept["value"], kept["flagged"], kept["taken"]) == (1, "b", True, True)
    (older,) = send(lin, url, answers=[{"position": n, "value": "c", "seq": 1}]).json["saved"]
    assert (older["taken"], older["value"]) == (False, "b")
    for bad in ({"answers": 3}, {"answers": [{"position": "1", "seq": 1}]}, {"answers": [{"position": n, "value": {"a": 1}, "seq": 2}]}, {"answers": [{"position": n, "value": "z", "seq": 2}]}):  # fmt: skip
        assert send(lin, url, **bad).status_code == 422
    post(
        staff(app, "proctor"),
        f"/office/exams/sessions/{session_uid(app)}/notices",
        zh="请安静。",
        en="Quiet, please.",
    )
    assert [one["words"] for one in send(lin, url).json["notices"]] == ["Quiet, please."]
    with clock.stopped_at(begin + 62 * MINUTE):
        late = send(lin, url, answers=[{"position": n, "value": "c", "seq": 2}])
        assert (late.status_code, late.json["over"]) == (409, True)
        assert "too late" in late.json["words"]
        assert "Time is up" in lin.get(url).text
    assert "Quiet, please." in lin.get(url).text
    with clock.stopped_at(begin + MINUTE):
        post(lin, f"{url}/end")
    assert "Quiet, please." not in lin.get(url).text  # said of a part that is over


def test_without_scripts_the_page_posts_and_a_stale_page_does_not_overwrite(
    app: Flask, begin: datetime
) -> None:
    lin, url = started(app)
    n, many, text = (place(app, kind) for kind in (Kind.SINGLE, Kind.MULTIPLE, Kind.SHORT))
    base: dict[str, Any] = {f"seq-{one}": "0" for one in range(1, 5)}
    sent = {
        **base,
        f"answer-{n}": "a",
        f"answer-{many}": ["a", "c"],
        f"answer-{text}": "cache",
        f"flag-{text}": "on",
    }
    assert post(lin, f"{url}/page", **sent).status_code == 303
    page = lin.get(url).text
    assert "Saved." in page
    assert re.search(rf'name="answer-{n}" id="answer-{n}-a" value="a" checked', page)
    stale = post(lin, f"{url}/page", **(sent | {f"answer-{n}": "b"}))
    assert "Changed meanwhile in another window" in lin.get(stale.location).text
    with inside(app), reading():
        row = db.session.query(Attempt).one()
        assert sit.answer_at(row, n).value == "a"
        assert sit.answer_at(row, many).value == ["a", "c"]
    fresh: dict[str, Any] = {**sent, f"seq-{n}": "1", f"seq-{many}": "1", f"seq-{text}": "1"}
    to = post(lin, f"{url}/page", **fresh, **{"hand-in": "yes"})
    assert to.location.endswith("/end")
    page = lin.get(to.location).text
    assert "3 of 4" in page
    assert post(lin, f"{url}/end").status_code == 303
    assert "Next: Practical" in lin.get(url).text
    assert post(lin, f"{url}/end").status_code == 303


def test_what_a_proctor_typed_outlives_a_refusal(app: Flask, begin: datetime) -> None:
    started(app)
    proctor = staff(app, "proctor")
    page = f"/office/exams/sessions/{session_uid(app)}"
    early = post(proctor, f"{page}/report", report="A quiet morning so far")
    assert early.status_code == 409
    assert "A quiet morning so far" in early.text
    with inside(app), reading():
        uid = db.session.query(Attempt).filter_by(person_id=who("lin").id).one().uid
    hold = f"/office/exams/attempts/{uid}/hold"
    assert post(proctor, hold, held_for="A second person").status_code == 303
    again = post(proctor, hold, held_for="The camera was covered")
    assert again.status_code == 409
    assert "The camera was covered" in again.text
    assert "This result is held already." in again.text


def test_another_browser_is_told_and_goes_on_when_the_proctor_frees_it(app: Flask, begin: datetime) -> None:
    _lin, url = started(app)
    other = candidate(app)
    assert "open in another browser" in other.get(url).text
    assert send(other, url).status_code == 409
    assert post(other, f"{url}/takeover").status_code == 409
    with inside(app), reading():
        office = f"/office/exams/attempts/{db.session.query(Attempt).one().uid}"
    assert post(staff(app, "proctor"), f"{office}/browser").status_code == 303
    assert post(other, f"{url}/takeover").status_code == 303
    assert send(other, url).status_code == 200
    assert send(_lin, url).status_code == 409


def upload(client: FlaskClient, url: str, name: str, data: bytes) -> Any:
    fields = {"csrf_token": token(client), "file": (io.BytesIO(data), name)}
    return client.post(f"{url}/files", data=fields, content_type="multipart/form-data")


def test_practical_work_comes_in_with_receipts_and_is_handed_in(app: Flask, begin: datetime) -> None:
    lin, url = started(app)
    post(lin, f"{url}/end")
    assert "learning path are not confirmed" in lin.get(url).text
    with inside(app), transaction():
        ready_for_practical(db.session.query(Attempt).one())
    assert post(lin, f"{url}/next").status_code == 303
    assert "Question T1" in lin.get(url).text
    bad = upload(lin, url, "x.html", b"<script>alert(1)</script>")
    assert bad.status_code == 422
    assert "something else" in bad.text
    assert "upload your work first" in post(lin, f"{url}/submissions", text="done").text
    assert upload(lin, url, "work.py", b"print(1)\n").status_code == 303
    page = lin.get(url).text
    file = re.search(rf"{url}/files/[0-9a-f]+", page)
    assert file is not None
    got = lin.get(file.group())
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in got.headers["Content-Security-Policy"]
    assert candidate(app, "mo").get(file.group()).status_code == 404
    wrong = post(lin, f"{url}/submissions", text="kept words", repository="http://x.example", commit="")
    assert wrong.status_code == 422
    assert "kept words" in wrong.text
    assert post(lin, f"{url}/submissions", text="done").status_code == 303
    assert post(lin, f"{url}/end").status_code == 303
    assert "Two people mark your work" in lin.get(url).text
    with inside(app), reading():
        assert db.session.query(Submission).one().text == "done"
        assert db.session.query(Attempt).one().state is AttemptState.SUBMITTED


def test_the_console_shows_everybody_and_only_its_proctors_act(app: Flask, begin: datetime) -> None:
    lin, url = started(app)
    page = f"/office/exams/sessions/{session_uid(app)}"
    proctor = staff(app, "proctor")
    assert page in proctor.get("/office/exams/watch").text
    text = proctor.get(f"{page}/console").text
    assert "1 expected, 0 checked in, 1 at work, 0 silent, 0 done." in text
    with clock.stopped_at(begin + 3 * MINUTE):
        assert "1 silent" in proctor.get(f"{page}/console/lines").text
    assert (
        post(proctor, f"{page}/incidents", kind="conduct", severity="minor", note="noise").status_code == 303
    )
    assert post(proctor, f"{page}/outage", minutes="5", why="power").status_code == 303
    assert send(lin, url).json["left"] == 3900
    with inside(app), reading():
        attempt = f"/office/exams/attempts/{db.session.query(Attempt).one().uid}"
    assert post(proctor, f"{attempt}/time", minutes="5", why="alarm").status_code == 303
    assert post(proctor, f"{attempt}/time", minutes="x", why="").status_code == 422
    assert (
        post(proctor, f"{attempt}/incidents", kind="health", severity="minor", note="unwell").status_code
        == 303
    )
    assert "unwell" in proctor.get(attempt).text
    assert post(proctor, f"{attempt}/end", cause="phone").status_code == 303
    assert post(proctor, f"{attempt}/hold", held_for="phone").status_code == 303
    with inside(app), transaction():
        make_person("stranger@house.example", "Stranger", staff=(StaffRole.PROCTOR,))
    stranger, reader = staff(app, "stranger"), staff(app, "certs")
    for path in (f"{page}/console", f"{page}/console/lines", attempt):
        assert stranger.get(path).status_code == 404
        assert reader.get(path).status_code == 200
        assert candidate(app).get(path).status_code == 403
    assert post(stranger, f"{page}/opening").status_code == 404
    assert post(reader, f"{attempt}/time", minutes="5", why="x").status_code == 403
    assert post(reader, f"{attempt}/hold/lifting").status_code == 303


def test_the_console_asks_the_same_few_questions_however_many_sit(app: Flask, begin: datetime) -> None:
    proctor = staff(app, "proctor")
    page = f"/office/exams/sessions/{session_uid(app)}/console/lines"
    checked_in(app)
    proctor.get(page)
    with counted(app) as one:
        proctor.get(page)
    checked_in(app, "mo")
    with counted(app) as two:
        proctor.get(page)
    assert len(two) == len(one)


def test_an_attempt_is_declared_invalid_on_the_pages_of_three_people(app: Flask, begin: datetime) -> None:
    lin, url = started(app)
    with inside(app), transaction():
        make_person("decider@house.example", "Decider", staff=(StaffRole.DECIDER,))
    with inside(app), reading():
        attempt = f"/office/exams/attempts/{db.session.query(Attempt).one().uid}"
    proctor, noted = staff(app, "proctor"), f"{attempt}/incidents"
    seen = {"kind": "conduct", "severity": "major", "note": "phone"}
    wrong = post(proctor, noted, **seen, file=(io.BytesIO(b"MZ"), "phone.png"))
    assert wrong.status_code == 422
    assert "phone</textarea>" in wrong.text
    assert post(proctor, noted, **seen, file=(io.BytesIO(picture()), "phone.png")).status_code == 303
    chief = staff(app, "chief")
    incident = re.search(r'<option value="([0-9a-f]{32})"', chief.get(attempt).text)
    assert incident is not None
    assert post(chief, f"{attempt}/doubts", incident=incident.group(1), reason="a phone").status_code == 303
    assert "may be declared invalid" in lin.get(url).text
    with inside(app), reading():
        doubt = db.session.query(Invalidation).one().uid
    decider = staff(app, "decider")
    evidence = re.search(
        r"/office/exams/incidents/[0-9a-f]{32}/file", decider.get("/office/exams/doubts").text
    )
    assert evidence is not None
    for reader in (decider, chief, proctor):
        assert reader.get(evidence.group()).headers["Content-Security-Policy"].startswith("sandbox")
    assert lin.get(evidence.group()).status_code == 403
    assert "still has time" in decider.get("/office/exams/doubts").text
    assert post(decider, f"/office/exams/doubts/{doubt}/confirmation").status_code == 409
    assert (
        post(candidate(app, "mo"), f"/exams/sittings/doubts/{doubt}/answer", words="mine").status_code == 404
    )
    assert post(lin, f"/exams/sittings/doubts/{doubt}/answer", words="It was off.").status_code == 303
    assert "It was off." in decider.get("/office/exams/doubts").text
    assert post(decider, f"/office/exams/doubts/{doubt}/confirmation").status_code == 303
    assert "declared invalid" in lin.get(url).text


def test_a_foreign_attempt_looks_missing_everywhere(app: Flask, begin: datetime) -> None:
    _lin, url = started(app)
    mo = candidate(app, "mo")
    assert mo.get(url).status_code == 404
    assert mo.get(f"{url}/end").status_code == 404
    for verb in ("start", "takeover", "page", "end", "next", "submissions", "files"):
        assert post(mo, f"{url}/{verb}").status_code == 404
    assert send(mo, url).status_code == 404
    with inside(app), reading():
        row = db.session.query(Attempt).one()
        assert sitting.running(row) is not None
        assert seats.again(row).state is AttemptState.RUNNING


def test_programs_read_their_own_attempts_and_results_once_released(app: Flask, begin: datetime) -> None:
    lin, url = started(app)
    with inside(app), transaction():
        keys = {one: tokens.give("own", [Scope.EXAMS_READ], 30, by=who(one))[1] for one in ("lin", "mo")}
    client, uid = app.test_client(use_cookies=False), url.rsplit("/", 1)[-1]

    def ask(name: str, path: str = "/attempts") -> Any:
        return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {keys[name]}"})

    (one,) = ask("lin").json["items"]
    assert (one["state"], one["result"], one["held"]) == ("running", None, None)
    assert [(part["code"], part["state"]) for part in one["parts"]] == [
        ("written", "running"),
        ("practical", "to_come"),
    ]
    assert ask("mo").json["items"] == []
    assert ask("mo", f"/attempts/{uid}").status_code == 404
    post(lin, f"{url}/end")
    with inside(app), transaction():
        make_person("gao@examiner.example", "Gao", staff=(StaffRole.GRADER,))
        make_person("gong@examiner.example", "Gong", staff=(StaffRole.GRADER,))
        row = db.session.query(Attempt).one()
        ready_for_practical(row)
        sitting.open_next(row, by=row.person)
        sitting.hand_in(row, place=2, device_hash=None, by=row.person)
        for verdict in graded.assigned(case := cases.begin(row.id)):
            graded.give(verdict)
        releasing.hold(case, by=who("certs"), reason="looked at")
    told = ask("lin", f"/attempts/{uid}").json
    assert (told["state"], told["held"], told["result"]) == ("marking", "looked at", None)
    with inside(app), transaction():
        (case,) = db.session.query(ExamCase)
        releasing.lift(case, by=who("certs2"))
        releasing.release(case, by=who("certs2"), reason="alone")
    told = ask("lin", f"/attempts/{uid}").json
    assert (told["state"], told["held"], told["result"]["passed"]) == ("released", None, False)
    assert [(s["code"], s["weight"], s["reached"]) for s in told["result"]["sections"]] == [
        ("written", "40.00", "0.00"), ("practical", "60.00", "100.00"),
    ]  # fmt: skip


def test_material_is_handed_out_while_the_part_runs_and_only_to_who_sits_it(
    app: Flask, begin: datetime
) -> None:
    with inside(app):
        content = files.put(b"data", "text/plain")
        with transaction():
            (task,) = tasks.in_use("OPDEV")
            with refused("in use"):
                tasks.attach(task, content, name="data.txt", by=who("certs"))
            task.state = ItemState.DRAFT
            uid = tasks.attach(task, content, name="data.txt", by=who("certs")).uid
            task.state = ItemState.LIVE
    lin, url = started(app)
    assert lin.get(f"{url}/material/{uid}").status_code == 404
    post(lin, f"{url}/end")
    with inside(app), transaction():
        ready_for_practical(db.session.query(Attempt).one())
    assert post(lin, f"{url}/next").status_code == 303
    assert f"{url}/material/{uid}" in lin.get(url).text
    assert lin.get(f"{url}/material/{uid}").data == b"data"
    assert lin.get(f"{url}/material/{'0' * 32}").status_code == 404
    assert candidate(app, "mo").get(f"{url}/material/{uid}").status_code == 404
    post(lin, f"{url}/end")
    assert lin.get(f"{url}/material/{uid}").status_code == 404


def test_a_leaked_item_lists_the_attempts_in_which_it_stood_and_names_nobody(
    app: Flask, begin: datetime
) -> None:
    _lin, url = started(app)
    with inside(app), transaction():
        page = f"/office/exams/items/{db.session.query(Item).filter_by(key='Q1').one().uid}"
        make_person("author@house.example", "Author", staff=(StaffRole.AUTHOR,))
    attempt = f"/office/exams/attempts/{url.rsplit('/', 1)[-1]}"
    assert attempt not in staff(app, "chief").get(page).text
    with inside(app), transaction():
        items.compromise(
            db.session.query(Item).filter_by(key="Q1").one(), by=who("chief"), reason="seen in a forum"
        )
    shown = staff(app, "chief").get(page).text
    assert attempt in shown
    assert "Lin" not in shown
    assert attempt not in staff(app, "author").get(page).text
