"""What an attempt was bought with, let in by and started under stands: for the rows, for the database, for every later rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from portal.certs import cases, deciding, releasing, reviewing, sitting
from portal.certs.models.award import Award
from portal.certs.models.deciding import Ballot, Verdict
from portal.certs.models.delivery import Attempt, AttemptPart
from portal.certs.models.grading import ExamCase, ExamWork
from portal.certs.models.pins import Pinned
from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.core.periods import nth
from tests import awarded, graded, seats
from tests import sittings as sit
from tests.graded import who
from tests.membership import inside

OTHER: dict[type[Any], dict[str, Any]] = {
    Attempt: {
        "level": "ADAPT", "scheme": 7, "language": "zh_Hans_CN", "factor": 150, "frozen": {}, "rules": "later",
        "rules_language": "zh_Hans_CN", "rules_at": None, "started_at": None, "person_id": 1, "booking_id": 99,
    },
    AttemptPart: {
        "attempt_id": 99, "place": 9, "code": "other", "written": False, "minutes": 1, "form_id": None, "started_at": None,
    },
    ExamCase: {"attempt_id": 99, "rules": {}},
    ExamWork: {"level": "ADAPT", "section": "other", "task": "other", "rubric": {}},
}  # fmt: skip


@contextmanager
def refused(kind: type[Exception], match: str) -> Iterator[None]:
    with pytest.raises(kind, match=match), transaction():
        yield


def test_what_an_attempt_pins_is_refused_by_its_rows_and_by_the_database(app: Flask) -> None:
    with sit.at_work(app) as (row, _):
        with transaction():
            sitting.hand_in(row, place=1, device_hash=sit.HERE, by=row.person)
            sit.ready_for_practical(row)
            sitting.open_next(row, by=row.person)
            sitting.hand_in(row, place=2, device_hash=None, by=row.person)
            cases.begin(row.id)
        for kind, columns in OTHER.items():
            for name, value in columns.items():
                found: Any = db.session.query(kind).order_by(kind.id).first()
                with refused(Pinned, name):
                    getattr(found, name)  # as whoever would change it has looked at it
                    setattr(found, name, value)
                    db.session.flush()
                said = "'{}'" if isinstance(value, dict | str) else "NULL"
                words = text(
                    f"UPDATE {kind.__tablename__} SET {name} = {said if value is None or said != 'NULL' else value}"
                )
                with refused(DatabaseError, "on record"):
                    db.session.execute(words)
        with transaction():  # while what lives on goes on
            row.device_free = True
            db.session.query(ExamWork).one().text = ""
        assert (row.device_free, row.level, row.factor) == (True, "OPDEV", 100)


def test_the_version_that_was_bought_counts_whatever_is_published_between_sale_and_decision(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy")
        awarded.make_keys()
        sold = clock.today()
        parts = [{key: said for key, said in one.items() if key != "topics"} for one in sit.SCHEME["parts"]]
        bought = {"code": "OPDEV", "votes": 2, "languages": ["zh", "en"], "parts": parts}
        catalogue.put("scheme", "OPDEV", bought, sold)
        row = graded.attempt("amy", seats.session(days=30), graded.bank())
        with clock.stopped_at(clock.now() + timedelta(days=1)):
            seats.rule("section.minimum", 100)
            seats.rule("validity.months", 6)
            later = [{**one, "minimum": 100, "minutes": 1} for one in parts]
            catalogue.put(
                "scheme",
                "OPDEV",
                {**bought, "validity_months": 12, "votes": 0, "parts": later},
                clock.today(),
            )
            case = cases.begin(row.id)
            assert case.rules["minima"] == {"written": "1/2", "practical": "1/2"}
            graded.marked(case, {**graded.TOP, "tests": 1}, {**graded.TOP, "tests": 1})
            releasing.release_session(row.booking.session, by=who("certs"))
            review = reviewing.of_case(case)
            assert review is not None
            assert review.quorum == 2
            for name in ("rui", "rong"):
                reviewing.vote(
                    review, by=who(name), ballot=Ballot.APPROVE, ticked=list(reviewing.POINTS), reason="fit"
                )
            review.closes_at = clock.now()
            assert reviewing.close(review, by="close_reviews") == 1
            deciding.decide(case, Verdict.GRANTED, by=who("deng"), reason="clean")
            award = db.session.query(Award).one()
            assert award.scheme_version == row.scheme == catalogue.version_of("scheme", "OPDEV", on=sold)
            assert award.end == nth(clock.today(), 24, 1)
