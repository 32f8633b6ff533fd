"""Continuing education in the real tables: written down, checked, counted once, and an award renewed without losing a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.certs import award_steps, awarding
from portal.certs.education import checking, counting, entries, renewing, rules
from portal.certs.education.counting import Piece
from portal.certs.education.verify import verify_education
from portal.certs.models.award import Award, RevokeCause
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core import catalogue, clock, files, outbox
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.mail import MailMessage
from tests.awarded import DECIDED, award, granted, house, person
from tests.educated import (
    CHECKER,
    DECIDER,
    EARLY,
    END,
    HOLDER,
    SECOND,
    accepted,
    asked,
    claim,
    decide,
    enough,
    holder,
    newest,
    submitted,
)

E, R = EducationState, RenewalState
DAY = timedelta(days=1)


def refused(words: str, deed: Any) -> None:
    """Expect a refusal in English."""
    with force_locale("en"), pytest.raises(Refused, match=words), transaction():
        deed()


@pytest.fixture
def held(app: Flask) -> Flask:
    """A house with one holder of a level, decided on `DECIDED`."""
    house(app)
    granted(app)
    return app


# ---- Counting


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 40)), max_size=12),
    st.dictionaries(st.sampled_from("ab"), st.integers(1, 40)),
    st.integers(1, 60),
)
def test_points_count_up_to_their_caps_and_a_renewal_takes_the_oldest_it_needs(
    rows: list[tuple[str, int, int]], caps: dict[str, int], needed: int
) -> None:
    pieces = [Piece(n, kind, DECIDED + day * DAY, points) for n, (kind, day, points) in enumerate(rows)]
    found = counting.tally(pieces, caps, needed)
    assert found == counting.tally(reversed(pieces), caps, needed)
    assert found.counts == sum(one.counts for one in found.kinds)
    for one in found.kinds:
        assert one.counts == min(one.earned, caps.get(one.kind, one.earned))
    assert found.missing == max(0, needed - found.counts)
    assert min(found.counts, needed) <= found.used <= found.counts
    of = {one.number: one for one in pieces}
    assert all(1 <= counts <= of[number].points for number, counts in found.taken)
    if found.used > needed:  # without the last one it would not have been enough
        assert found.used - found.taken[-1][1] < needed
    days = [of[number].day for number, _counts in found.taken]
    assert days == sorted(days)


def test_the_months_end_on_the_day_of_asking_and_never_begin_before_the_award() -> None:
    assert counting.days(date(2028, 11, 20), 24, DECIDED) == (date(2026, 11, 21), date(2028, 11, 20))
    assert counting.days(EARLY, 24, DECIDED) == (DECIDED, EARLY)


# ---- From an entry to a new award


def test_an_entry_is_written_down_checked_and_renews_the_award_without_losing_a_day(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(EARLY):
        with transaction():
            row = submitted(12)
        with transaction():
            checking.accept(row, 10, by=person(CHECKER))
        if row.state is E.SECOND_LOOK:  # the draw is a real one here
            with transaction():
                checking.accept(row, 10, by=person(SECOND))
        assert (row.state, row.points) == (E.ACCEPTED, 10)
        with transaction():
            accepted(25, kind="report")
            accepted(14, kind="talk", drawn=True)
        old = newest()
        seen = renewing.standing(old, entries.of_person(holder()), clock.today())
        assert (seen.tally.counts, seen.why_not) == (10 + 25 + 14, None)
        with transaction():
            asking = asked()
        assert (asking.points, asking.state) == (49, R.ASKED)
        assert {one.state for one in entries.of_person(holder())} == {E.COUNTED}
        decide(asking)
        made = newest()
        assert (made.renews, made.start, made.end) == (old, EARLY, date(2030, 11, 20))
        assert made.decision == asking.subject
        assert verify_education() == (3, [])
        outbox.drain()
        titles = list(db.session.scalars(select(MailMessage.title).where(MailMessage.address == HOLDER)))
        assert "Renewed by continuing education: FlagOS Operator Developer" in titles
        assert sum(title.startswith("Accepted: ") for title in titles) == 3
        refused("too early", asked)


def test_decided_after_the_end_it_lasts_from_the_decision(held: Flask) -> None:
    with held.app_context():
        with clock.stopped_at(END + 80 * DAY):
            with transaction():
                enough()
            with transaction():
                asking = asked()
        with clock.stopped_at(END + 95 * DAY):  # asked in time, decided later
            decide(asking)
            assert (newest().start, newest().end) == (END + 95 * DAY, date(2031, 2, 23))


def test_a_refusal_frees_the_points_and_they_can_be_asked_with_again(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(EARLY):
        with transaction():
            enough()
        for end in ("refused", "taken back", "refused"):
            with transaction():
                asking = asked()
            if end == "refused":
                decide(asking, granted=False)
            else:
                with transaction():
                    renewing.withdraw(asking, by=holder())
            assert {(one.state, one.renewal_id, one.counted) for one in entries.of_person(holder())} == {
                (E.ACCEPTED, None, None)
            }
            refused("meanwhile", lambda row=asking: verdict(row))
        assert awarding.of_person(holder()) == [newest()]
        assert verify_education()[1] == []


# ---- Refusals


def verdict(
    row: EducationRenewal, *, granted: bool = True, by: str = DECIDER, reason: str = "There."
) -> None:
    renewing.decide(row, granted=granted, by=person(by), reason=reason)


def test_what_cannot_be_an_entry_is_refused_at_its_field(held: Flask) -> None:
    paper = (files.Content("ab" * 32, 9, files.PDF), "shown.pdf")
    with held.app_context(), clock.stopped_at(EARLY):
        with transaction():
            entries.submit(holder(), claim(link="https://Git.example/a/"), by=holder())
            entries.submit(holder(), claim(link=""), by=holder(), paper=paper)

        def tries(**more: Any) -> Any:
            points = more.pop("points", 5)
            return lambda: entries.submit(holder(), claim(points, **more), by=holder())

        refused("choose the kind", tries(kind="holiday"))
        refused("not come yet", tries(on=EARLY + DAY))
        refused("too long ago", tries(on=DECIDED - DAY))
        refused("what it was", tries(what=" "))
        refused("begins with https", tries(link="http://git.example/b"))
        refused("by a link, or by a file", tries(link=""))
        refused("link shows another", tries(link="https://git.example/a#top"))
        refused("file shows another", lambda: entries.submit(holder(), claim(), by=holder(), paper=paper))
        for points in ("2.5", "five", "-3", "", "1e1"):
            refused("whole number", tries(points=points))
        for most in (0, 101):
            refused("at least 1 point", tries(points=most))
        with transaction():
            row = entries.submit(holder(), claim("１２"), by=holder())
            entries.withdraw(row, by=holder())
        with transaction():  # what was taken back may be shown anew
            assert entries.submit(holder(), claim(12, link=row.link), by=holder()).claimed == 12
        refused("was checked already", lambda: entries.withdraw(accepted(), by=holder()))
    with held.app_context(), clock.stopped_at(END + 90 * DAY):
        refused("no certificate that points could renew", lambda: submitted())


def test_nobody_checks_his_own_entry_and_the_second_look_is_somebody_elses(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(EARLY):
        with transaction():
            award(CHECKER, on=DECIDED, decision="decision:2")
            own = entries.submit(person(CHECKER), claim(), by=person(CHECKER))
            row = submitted(8)
            row.uid = next(
                f"{n:032x}" for n in range(10_000) if checking.drawn(checking.draw_of(f"{n:032x}"), 10)
            )
        refused("your own entry", lambda: checking.accept(own, 5, by=person(CHECKER)))
        refused("your own entry", lambda: checking.refuse(own, by=person(CHECKER), reason="x"))
        for points in (0, 9):
            refused("Between 1 and 8", lambda points=points: checking.accept(row, points, by=person(CHECKER)))
        refused("give the reason", lambda: checking.refuse(row, by=person(CHECKER), reason=" "))
        with transaction():
            checking.accept(row, 8, by=person(CHECKER))
        assert (row.state, row.share, len(row.draw)) == (E.SECOND_LOOK, 10, checking.DIGITS)
        assert not checking.may_check(row, person(CHECKER))
        for deed in (
            lambda: checking.accept(row, 8, by=person(CHECKER)),
            lambda: checking.refuse(row, by=person(CHECKER), reason="x"),
        ):
            refused("belongs to somebody else", deed)
        refused("was checked already", lambda: entries.withdraw(row, by=holder()))
        with transaction():
            checking.refuse(row, by=person(SECOND), reason="The link leads nowhere.")
        assert (row.state, row.points) == (E.REFUSED, None)
        refused("meanwhile", lambda: checking.accept(row, 8, by=person(SECOND)))


def test_a_draw_takes_its_share_whatever_the_points_and_is_the_same_each_time(held: Flask) -> None:
    with held.app_context():
        draws = [checking.draw_of(f"{n:032x}") for n in range(2000)]
        assert draws == [checking.draw_of(f"{n:032x}") for n in range(2000)]
    assert 140 < sum(checking.drawn(one, 10) for one in draws) < 260
    assert not any(checking.drawn(one, 0) for one in draws)
    assert all(checking.drawn(one, 100) for one in draws)


def test_an_award_out_of_its_window_on_hold_or_revoked_is_not_renewed(held: Flask) -> None:
    with held.app_context():
        with clock.stopped_at(END - 181 * DAY):
            with transaction():
                enough()
            refused("too early", asked)
        with clock.stopped_at(END - 180 * DAY), transaction():
            asked()
            db.session.rollback()
        with clock.stopped_at(END + 90 * DAY):
            refused("is over", asked)
        with clock.stopped_at(EARLY):
            with transaction():
                asking = asked()
            refused("asked for this renewal already", asked)
            with transaction():
                award_steps.suspend(newest(), reason="doubt", by=person(DECIDER))
            refused("on hold", lambda: verdict(asking))
            with transaction():
                renewing.withdraw(asking, by=holder())
            refused("on hold", asked)
            row = newest()
            with transaction():
                award_steps.lift(row, by=person(DECIDER), second="x", reason="clear")
                asking = asked()
            with transaction():
                award_steps.revoke(row, cause=RevokeCause.ERROR, by=person(DECIDER), reason="x")
            assert asking.state is R.LAPSED
            refused("revoked", lambda: renewing.ask(row, by=holder()))
            assert {one.state for one in entries.of_person(holder())} == {E.ACCEPTED}


def test_points_over_the_cap_or_outside_the_months_do_not_count(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(END + 60 * DAY):
        with clock.stopped_at(DECIDED), transaction():
            accepted(30, on=DECIDED)  # too long ago by the day of asking
        with transaction():
            enough([("talk", 15), ("talk", 15), ("teaching", 20)])
        seen = renewing.standing(newest(), entries.of_person(holder()), clock.today())
        assert (seen.tally.counts, seen.tally.missing) == (35, 5)
        assert {one.kind: (one.earned, one.counts) for one in seen.tally.kinds} == {
            "talk": (30, 15),
            "teaching": (20, 20),
        }
        refused("5 of 40 points", asked)
        with transaction():  # caps are dated rows: those of the day of asking hold
            body = catalogue.entry(rules.KIND, "talk") | {"most": 18}
            catalogue.put(rules.KIND, "talk", body, clock.today())
            enough([("report", 2)])
        with transaction():
            asking = asked()
        assert [(one.points, one.counted) for one in renewing.counted(asking)] == [
            (15, 15),
            (15, 3),
            (20, 20),
            (2, 2),
        ]


def test_who_decides_had_no_part_in_it(held: Flask) -> None:
    with held.app_context(), clock.stopped_at(EARLY):
        with transaction():
            enough()
        with transaction():
            asking = asked()
        for by in (CHECKER, HOLDER):
            refused("somebody else decides", lambda by=by: verdict(asking, by=by))
        refused("reason", lambda: verdict(asking, reason=" "))
        with transaction():  # the exam was faster
            award(on=EARLY, decision="decision:4")
        refused("by another way", lambda: verdict(asking))
        decide(asking, granted=False)
        assert {one.state for one in entries.of_person(holder())} == {E.ACCEPTED}
        with reading():
            assert db.session.scalar(select(func.count(Award.id)).where(Award.person_id == holder().id)) == 2
            assert db.session.scalar(select(func.count(EducationRenewal.id))) == 1
            assert db.session.scalar(select(func.count(EducationEntry.id))) == 2
