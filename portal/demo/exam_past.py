"""Sessions of the demo that are over: certificates granted, an appeal, a review that lacks votes, results that wait."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from portal.certs import (
    appealing,
    attempts,
    deciding,
    exam_deeds,
    grade_chores,
    proctoring,
    releasing,
)
from portal.certs.models.booking import Booking, ExamSession
from portal.certs.models.deciding import Verdict
from portal.certs.models.watching import IncidentKind, Severity
from portal.core import clock
from portal.core.db import db, transaction
from portal.demo import exam_room, exams
from portal.demo.exam_room import FAIR, GOOD, LOW, THIN, TOP, Fate, Levels
from portal.demo.exams import SHANGHAI, Sitting, Who

FIRST = Sitting(-38, 10, SHANGHAI, 8)
LATEST = Sitting(-6, 14, SHANGHAI, 8)
MISSED = "rosa"
DAY = timedelta(days=1)


def fill(who: Who, today: date) -> None:
    """Live three sessions from their publication as far as each has come."""
    _first(who, today)
    _second(who, today)
    _latest(who, today)
    db.session.remove()


def _book(
    who: Who, today: date, one: Sitting, ago: int, *fates: Fate
) -> tuple[ExamSession, dict[Fate, Booking]]:
    """Publish a session some days ago, and book it."""
    with clock.stopped_at(today - ago * DAY), transaction():
        place = exams.drawn(who, today, one)
        return place, {fate: exams.book(exams.candidate(fate.key), place.id) for fate in fates}


def _release(who: Who, place: ExamSession, at: date) -> None:
    with clock.stopped_at(at), transaction():
        releasing.release_session(place, by=who("certs"))


def _mark(at: datetime, marks: dict[int, tuple[Levels, Levels]]) -> None:
    """Let both graders of each case mark it."""
    with clock.stopped_at(at), transaction():
        for number, (first, second) in marks.items():
            exam_room.mark_both(number, first, second)


def _first(who: Who, today: date) -> None:
    """A session that has come to its end: a certificate, a fail under appeal, and a work that lacks votes."""
    place, made = _book(who, today, FIRST, 44, Fate("qin", 18), Fate("tao", 13), Fate("mira", 17))
    found = exam_room.sit(place, made, who)
    marks = {"qin": (TOP, GOOD), "tao": (FAIR, THIN), "mira": (GOOD, GOOD)}
    _mark(place.starts_at + 3 * DAY, {found[key]: both for key, both in marks.items()})
    _release(who, place, today - 33 * DAY)
    with clock.stopped_at(today - 25 * DAY), transaction():
        exam_room.vote(found["qin"], who, "community", "community2")
    for ago in (19, 12):  # the time of the votes, and the week by which they were extended
        with clock.stopped_at(today - ago * DAY + DAY):
            grade_chores.close_reviews()
    with clock.stopped_at(today - 16 * DAY), transaction():
        deciding.decide(
            exam_room.case(found["qin"]), Verdict.GRANTED, by=who("decider"), reason="材料齐全，评审通过。"
        )
    with clock.stopped_at(today - 5 * DAY), transaction():
        tao = exam_room.case(found["tao"])
        appealing.lodge(tao, by=tao.person, words="性能按另一款加速卡的参考值评分；题目指定的加速卡上，我的实现快于参考实现，日志见提交的 tests 目录。")  # fmt: skip


def _second(who: Who, today: date) -> None:
    """A session with its results out: a pass in review, a fail, a result on hold, and somebody who did not come."""
    place, made = _book(who, today, exams.PAST, 44, Fate("he", 18), Fate("denis", 12), Fate("yan", 15))
    with clock.stopped_at(today - 44 * DAY), transaction():
        missed = exams.book(exams.candidate(MISSED), place.id)
    with clock.stopped_at(place.starts_at + timedelta(minutes=31)), transaction():
        attempts.miss(missed.id, by="mark_no_shows")
    found = exam_room.sit(place, made, who)
    with clock.stopped_at(today - 18 * DAY), transaction():
        exam_deeds.propose_excuse(
            missed, by=who("certs"), reason="illness", evidence="Letter of a hospital, seen on the day after."
        )
    _hold(who, place, found["yan"], today)
    marks = {"he": (TOP, GOOD), "denis": (LOW, LOW), "yan": (FAIR, GOOD | {"correct": 2})}
    _mark(place.starts_at + 3 * DAY, {found[key]: both for key, both in marks.items()})
    _release(who, place, today - 12 * DAY)
    with clock.stopped_at(today - 9 * DAY), transaction():
        exam_room.vote(found["he"], who, "community")


def _hold(who: Who, place: ExamSession, number: int, today: date) -> None:
    """Hold one result back, because of what the proctor wrote down."""
    with clock.stopped_at(today - 19 * DAY), transaction():
        attempt = exam_room.case(number).attempt
        proctoring.note(
            place, IncidentKind.MATERIAL, Severity.MAJOR, attempt=attempt, by=who("proctor"), words="座位上有一部未关机的手机，收走时屏幕亮着。",
        )  # fmt: skip
    with clock.stopped_at(today - 18 * DAY), transaction():
        releasing.hold(exam_room.case(number), by=who("certs"), reason="正在核实监考记录中的一项情况。")


def _latest(who: Who, today: date) -> None:
    """A session that is being marked: one work before its second mark, one before its third, one untouched, one scored."""
    place, made = _book(
        who, today, LATEST, 20, Fate("shi", 16), Fate("leo", 15), Fate("yun", 17), Fate("ana", 14)
    )
    found = exam_room.sit(place, made, who)
    rest = list(found.values())
    mine = who("grader").id
    # Whoever signs in as a grader finds something to do, however graders were drawn.
    untouched = next((one for one in rest if mine in _graders(one)), rest[0])
    rest.remove(untouched)
    disputed = next((one for one in rest if mine not in _graders(one)), rest[0])
    rest.remove(disputed)
    at = place.starts_at + 3 * DAY
    _mark(at, {disputed: (TOP, LOW), rest[0]: (GOOD, FAIR | {"correct": 3})})
    with clock.stopped_at(at), transaction():
        first = min(exam_room.hands(rest[1]), key=lambda one: one.grader_id == mine)
        exam_room.mark(first, GOOD, but="tests")


def _graders(number: int) -> set[int]:
    return {one.grader_id for one in exam_room.hands(number)}
