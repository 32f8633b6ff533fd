"""Two deciders at once, on both databases: one decision, one award, one certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from portal.certs import releasing, reviewing
from portal.certs.grade_verify import verify_results
from portal.certs.models.award import Award
from portal.certs.models.deciding import ExamDecision
from portal.certs.models.document import Certificate
from portal.core.db import db, reading, transaction
from tests import awarded, graded
from tests.graded import who
from tests.test_deciding import approve
from tests.test_races import run, soon

pytestmark = pytest.mark.race
DECIDER = """
import sys, time
from portal.app import create_app
from portal.accounts.people import Person
from portal.certs import deciding
from portal.certs.models.deciding import Verdict
from portal.certs.models.grading import ExamCase
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
def decide(name):
    with transaction():
        by = db.session.query(Person).filter(Person.email == name).one()
        deciding.decide(db.session.query(ExamCase).one(), Verdict.GRANTED, by=by, reason="clean")
with create_app().app_context():
    db.session.rollback()
    time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
    try:
        patiently(lambda: decide(sys.argv[1]))
        print("decided")
    except Refused:
        print("refused")
"""


def test_two_deciders_at_once_make_one_decision_and_one_certificate(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        graded.house("amy")
        awarded.make_keys()
        (case,) = graded.ended("amy")
        graded.marked(case)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
        assert reviewing.of_case(case) is not None
        approve(case, "rui", "rong")
    start = soon()
    names = ("deng@examiner.example", "ding@examiner.example")
    said = [one.strip() for one in run(app, tmp_path, DECIDER, *((name, start) for name in names))]
    assert sorted(said) == ["decided", "refused"]
    with app.app_context(), reading():
        assert [db.session.query(kind).count() for kind in (ExamDecision, Award, Certificate)] == [1, 1, 1]
        assert verify_results() == (1, [])
