"""What candidates and graders of the demo do, each step by its own verb: sit, hand in, mark, release, vote."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.accounts.people import Person
from portal.certs import (
    answering,
    case_facts,
    cases,
    exam_forms,
    graders,
    handing,
    learning,
    mark_deeds,
    proctoring,
    reviewing,
    sessions,
    sitting,
)
from portal.certs.answering import Said
from portal.certs.models.bank import FormItem
from portal.certs.models.booking import Booking, ExamSession
from portal.certs.models.deciding import Ballot
from portal.certs.models.delivery import Attempt
from portal.certs.models.grading import Assignment, ExamCase
from portal.certs.models.watching import Paper
from portal.core import clock, files
from portal.core.db import db, let_go, transaction

Who = Callable[[str], Person]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DEVICE, RULES = "demo", "2026-01"
STEPS = ("opdev.practice", "opdev.exercises")
Levels = dict[str, int]
TOP: Levels = {"correct": 3, "performance": 3, "tests": 2, "documents": 2}
GOOD: Levels = {"correct": 3, "performance": 2, "tests": 2, "documents": 1}
FAIR: Levels = {"correct": 2, "performance": 2, "tests": 1, "documents": 1}
THIN: Levels = {"correct": 2, "performance": 1, "tests": 1, "documents": 1}
LOW: Levels = {"correct": 1, "performance": 1, "tests": 1, "documents": 0}
SAID = {
    "zh": {
        "correct": "含尾块在内的形状均与参考实现一致。",
        "performance": "第二次读取可以避免，建议合并两趟循环。",
        "tests": "请补充不能整除分块大小的形状。",
        "documents": "请说明分块大小的取舍。",
    },
    "en": {
        "correct": "Agrees with the reference for every shape, the last block included.",
        "performance": "The second read could be spared: join the two loops.",
        "tests": "Please add shapes that no block size divides.",
        "documents": "Say why these block sizes were chosen.",
    },
}
WEAK = {
    "zh": {
        "correct": "列数不能整除分块大小时结果有误。", "performance": "每个元素读取了三次，慢于参考实现。",
        "tests": "只覆盖了一个形状。", "documents": "没有说明如何运行。",
    },
    "en": {
        "correct": "Wrong where no block size divides the number of columns.",
        "performance": "Each element is read three times: slower than the reference.",
        "tests": "One shape alone is tested.", "documents": "Nothing says how to run it.",
    },
}  # fmt: skip
WORDS = {
    "zh": "按行分块实现 softmax，先减最大值再归一化；float16 与 float32 均与参考实现对比通过，误差容限见 tests/。",
    "en": "Softmax by rows: the maximum is subtracted first, then each row is scaled. Compared with the reference in float16 and float32; tolerances stand in tests/.",
}


class Fate(NamedTuple):
    """Somebody who sits: the first part of his address, and how many of twenty answers are right."""

    key: str
    right: int


def _archive(name: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("softmax/README.md", f"# Softmax\n\nAuthor: {name}\n\nRun the tests: pytest tests\n")
        new.writestr("softmax/LICENSE", "Apache License, Version 2.0\n")
        new.writestr(
            "softmax/kernel.py", "def softmax(x):\n    shifted = x - x.max(axis=-1, keepdims=True)\n    ...\n"
        )
        new.writestr("softmax/tests/test_softmax.py", "def test_a_row_sums_to_one():\n    ...\n")
    return made.getvalue()


def let_in(row: Booking, who: Who, *, four: str) -> Attempt:
    """Compare the candidate's document, and open the session; call inside a transaction."""
    made = sitting.check_in(row, paper=Paper.IDENTITY_CARD, last_four=four, by=who("proctor"))
    proctoring.open_session(row.session, by=who("proctor"))
    return made


def begin(row: Attempt, right: int) -> None:
    """Start the written part and answer so many of its questions right, the others wrong; call inside a transaction."""
    part = sitting.start(row, device_hash=DEVICE, rules=RULES, language=row.language, by=row.person)
    assert part.form is not None
    counting = [one for one in exam_forms.places(part.form) if one.scored]
    said = [Said(one.position, _answer(one, n < right), 1) for n, one in enumerate(counting)]
    answering.save(row.id, said, device_hash=DEVICE, by=row.person)


def _answer(place: FormItem, right: bool) -> str:
    version = place.version
    if version.numbers:
        return str(version.numbers[0]["value"]) if right else "1"
    return next(str(one["code"]) for one in version.options if (one["weight"] == "1") is right)


def _write(row: Attempt, start: datetime, right: int) -> None:
    """Write the written part within its hour; call inside a transaction."""
    with clock.stopped_at(start + 2 * MINUTE):
        begin(row, right)
    with clock.stopped_at(start + 48 * MINUTE):
        sitting.hand_in(row, place=1, device_hash=DEVICE, by=row.person)


def _hand_in(row: Attempt, content: files.Content) -> None:
    """Open the practical task, upload an archive, hand it in, and end the part; call inside a transaction."""
    for step in STEPS:
        learning.complete(row.person, step, on=clock.today(), by="import")
    sitting.open_next(row, by=row.person)
    handing.add(row, content, name="softmax.zip", by=row.person)
    words = WORDS["zh" if row.language.startswith("zh") else "en"]
    handing.hand_in(row, text=words, repository="", commit="", by=row.person)
    sitting.hand_in(row, place=2, device_hash=None, by=row.person)


def sit(place: ExamSession, bookings: dict[Fate, Booking], who: Who) -> dict[str, int]:
    """Let candidates sit both parts of a session; return their cases by the first part of their addresses."""
    start = place.starts_at
    papers = {fate: files.put(_archive(row.person.name), "application/zip") for fate, row in bookings.items()}
    let_go()
    with clock.stopped_at(start - 5 * MINUTE), transaction():
        let = {
            fate: let_in(row, who, four=f"{1207 + 811 * n}") for n, (fate, row) in enumerate(bookings.items())
        }
        for fate, row in let.items():
            _write(row, start, fate.right)
    with clock.stopped_at(place.ends_at), transaction():
        sessions.close(place.id, by="close_sessions")
    with clock.stopped_at(place.ends_at + 2 * HOUR), transaction():
        proctoring.report(place, words="Orderly; nothing else to report.", by=who("proctor"))
    with clock.stopped_at(start + 26 * HOUR), transaction():
        for fate, row in let.items():
            _hand_in(row, papers[fate])
        return {fate.key: cases.begin(row.id).id for fate, row in let.items()}


def case(number: int) -> ExamCase:
    """Return a case by its number."""
    return db.session.get_one(ExamCase, number)


def hands(number: int, *, third: bool = False) -> list[Assignment]:
    """Return who is to mark a case, in the order of their draw."""
    (work,) = case_facts.works_of(case(number), 1)
    rows = [one for one in graders.standing(work, third=third) if one.state in graders.WAITS]
    return sorted(rows, key=lambda one: one.id)


def mark(row: Assignment, levels: Levels, *, but: str = "") -> None:
    """Let a grader take a work and mark it, with a word on each criterion; call inside a transaction."""
    language = "zh" if row.grader.language.startswith("zh") else "en"
    words = {code: (SAID if level > 1 else WEAK)[language][code] for code, level in levels.items()}
    mark_deeds.accept(row, by=row.grader)
    mark_deeds.mark(
        row, by=row.grader, levels=levels, comments={code: words[code] for code in levels if code != but}
    )


def mark_both(number: int, first: Levels, second: Levels) -> None:
    """Let both graders mark a case; call inside a transaction."""
    for row, levels in zip(hands(number), (first, second), strict=True):
        mark(row, levels, but="documents")


def vote(number: int, who: Who, *voters: str) -> None:
    """Let reviewers approve a work; call inside a transaction."""
    review = reviewing.of_case(case(number))
    assert review is not None
    for key in voters:
        reviewing.vote(
            review, by=who(key), ballot=Ballot.APPROVE, ticked=list(reviewing.POINTS),
            reason="许可证清晰，测试可以复现，文档足以上手。" if who(key).language.startswith("zh") else "Clear licence, tests that run, and enough documentation to begin.",
        )  # fmt: skip
