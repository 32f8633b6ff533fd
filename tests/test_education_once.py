"""Points count once, whatever is asked at once or again; and what is kept of people goes with time and at their wish."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.certs import award_privacy, awarding
from portal.certs.education import checking, entries, privacy, renewing
from portal.certs.education.verify import verify_education
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core import clock, files, retaining
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from tests.awarded import DECIDED, ZHANG, granted, house, person
from tests.educated import (
    CHECKER,
    EARLY,
    HOLDER,
    asked,
    claim,
    decide,
    enough,
    holder,
    submitted,
)
from tests.people import make_person
from tests.test_races import run

E, R = EducationState, RenewalState
DAY = timedelta(days=1)
TWICE = ["do", "do", "ask", "ask", "grant", "do", "ask", "do", "ask", "back", "ask", "grant"]


@pytest.fixture
def held(app: Flask) -> Flask:
    """A house with one holder of a level, decided on `DECIDED`."""
    house(app)
    granted(app)
    return app


@example(TWICE)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(("do", "do", "do", "ask", "ask", "grant", "refuse", "back")), min_size=6, max_size=16
    )
)
def test_an_entry_counts_for_one_renewal_whatever_is_asked_refused_and_taken_back(
    sqlite_app: Flask, deeds: list[str]
) -> None:
    with sqlite_app.app_context(), clock.stopped_at(EARLY):
        used = _lived(deeds)
        rows = db.session.scalars(select(EducationEntry).order_by(EducationEntry.id)).all()
        assert all(one.renewal_id == used[one.id] for one in rows if one.id in used)
        assert verify_education()[1] == []
        if deeds is TWICE:
            assert len(set(used.values())) == 2


def _lived(deeds: list[str]) -> dict[int, int]:
    """Live through deeds of a new holder; return which renewal each entry was used for when it was granted."""
    n = db.session.scalar(select(func.count(Person.id))) or 0
    with transaction():
        who = make_person(f"h{n}@holder.example", "Holder")
        checker, second, decider = (make_person(f"{one}{n}@house.example", one.upper()) for one in "csd")
        awarding.grant(
            who, level="OPDEV", names=ZHANG, decision=f"decision:{n}", decided_on=DECIDED, by=decider, issue=False
        )  # fmt: skip
    open_now: EducationRenewal | None = None
    used: dict[int, int] = {}
    for deed in deeds:
        award_now = awarding.newest(who, "OPDEV")
        assert award_now is not None
        try:
            with clock.stopped_at(award_now.end - 100 * DAY), transaction():
                if deed == "do":
                    for kind, points in (("report", 15), ("contribution", 8)):
                        row = entries.submit(who, claim(9 if points == 8 else points, kind=kind), by=who)
                        checking.accept(row, points, by=checker)
                        if row.state is E.SECOND_LOOK:
                            checking.accept(row, points, by=second)
                elif deed == "ask":
                    open_now = renewing.ask(award_now, by=who)
                elif open_now is not None and deed == "back":
                    renewing.withdraw(open_now, by=who)
                elif open_now is not None:
                    renewing.decide(open_now, granted=deed == "grant", by=decider, reason="Looked at.")
                    if deed == "grant":
                        used |= {one.id: open_now.id for one in renewing.counted(open_now)}
        except Refused:
            db.session.expire_all()
    return used


ASKER = """
import sys, time
from portal.app import create_app
from portal.certs import awarding
from portal.certs.education import renewing
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from tests.educated import EARLY, holder
def ask():
    with transaction():
        return renewing.ask(awarding.newest(holder(), "OPDEV"), by=holder()).uid
with create_app().app_context(), clock.stopped_at(EARLY):
    time.sleep(max(0.0, float(sys.argv[1]) - time.time()))
    try:
        print(patiently(ask))
    except Refused:
        print("refused")
"""


@pytest.mark.race
def test_two_asks_at_once_make_one_renewal(held: Flask, tmp_path: Path) -> None:
    with held.app_context(), clock.stopped_at(EARLY), transaction():
        enough(
            [("contribution", 30), ("talk", 10), ("report", 32), ("teaching", 20)]
        )  # for two, were there two awards
    told = run(held, tmp_path, ASKER, *[(str(time.time() + 1.5),)] * 3)
    assert sorted(one.strip() == "refused" for one in told) == [False, True, True], told
    with held.app_context(), reading():
        (row,) = db.session.scalars(select(EducationRenewal)).all()
        assert row.points == sum(one.counted or 0 for one in renewing.counted(row))
        assert verify_education() == (4, [])


# ---- People's data


def test_an_erasure_takes_words_links_and_files_and_frees_what_was_asked(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(EARLY):
        content = files.put(b"%PDF-1.4 shown", files.PDF)
        with transaction():
            enough()
            asking = asked()
            waits = entries.submit(holder(), claim(link=""), by=holder(), paper=(content, "shown.pdf"))
            who = holder()
        sheets = {one.code: one.rows for one in privacy.sheets(who)}
        assert [len(sheets["education"]), len(sheets["education_renewals"])] == [3, 1]
        assert [(one.item, one.count) for one in privacy.lines(who)] == [
            ("education_evidence", 3),
            ("education_points", 3),
        ]
        with transaction():
            award_privacy.on_erased(PersonErased(who, "gone-1", "Zhang Wei", HOLDER))
            privacy.on_erased(PersonErased(who, "gone-1", "Zhang Wei", HOLDER))
        assert (asking.state, waits.state) == (R.LAPSED, E.WITHDRAWN)
        for one in entries.of_person(who):
            assert (one.what, one.link, one.link_key, one.file_key) == ("", "", "", "")
        assert waits.file is not None
        assert waits.file.erased_at is not None
        assert privacy.lines(who)[0].count == 0


def test_what_shows_entries_goes_two_years_after_they_were_refused_or_used(held: Flask) -> None:
    with held.app_context():
        with clock.stopped_at(EARLY):
            with transaction():
                enough()
                row = submitted()
                checking.refuse(row, by=person(CHECKER), reason="No.")
                asking = asked()
            decide(asking)
        for days, left in ((729, 3), (731, 0)):
            with clock.stopped_at(EARLY + days * DAY):
                due = {one.kind: one.count for one in retaining.dry_run()}
                assert due["education"] == 3 - left
                with mock.patch.object(retaining, "_rules", {"education": retaining._rules["education"]}):
                    retaining.run(by="test")
            assert sum(bool(one.what) for one in entries.of_person(holder())) == left
        assert {(one.kind, one.points) for one in entries.of_person(holder())} == {
            ("contribution", 30), ("talk", 10), ("contribution", None),
        }  # fmt: skip
