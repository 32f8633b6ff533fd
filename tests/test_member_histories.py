"""Any sequence of verbs and days: one standing per day, no overlapping terms, exact books, and no order of recording that matters."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings

from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.members import leaving, reports, terms
from portal.members.belonging import Membership
from portal.members.deed_models import DeedVerb
from portal.members.facts import facts_of
from portal.members.standing import Standing, standing_of
from portal.members.verify import verify_deeds
from tests import membership as m
from tests.lives import START, VERBS, Verb, histories, holds_always, row
from tests.undone import lives, undone

D = DeedVerb
ONCE = (Phase.explicit, Phase.generate)


def live(history: list[tuple[Verb, int, int]]) -> int:
    """Live through a history; a refusal leaves everything as it was. Return how many verbs were done."""
    done, day = 0, START
    for verb, number, later in history:
        day += timedelta(days=later)
        with clock.stopped_at(day):
            try:
                with transaction():
                    terms.refresh(db.session.query(Membership).all())
                with transaction():
                    verb(number)
                done += 1
            except Refused:
                pass
            with transaction():
                holds_always(number)
    with clock.stopped_at(day):
        assert verify_books()[1] == []
        assert reports.verify_memberships()[1] == []
        assert verify_deeds()[1] == []
    return done


def test_any_sequence_of_verbs_and_days_keeps_the_rules(app: Flask) -> None:
    m.house(app)
    with m.inside(app), clock.stopped_at(START), transaction():
        m.member(m.company("Galaxy Ltd", "chen@galaxy.example"), start=START)
    done: list[int] = []

    @settings(
        max_examples=lives(app, one_in=10),
        deadline=None,
        phases=ONCE,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(VERBS, longest=9))
    def run(history: list[tuple[Verb, int, int]]) -> None:
        with undone(app):
            done.append(live(history))

    with m.inside(app):
        run()
    assert sum(done) > len(done)  # most histories do something


def test_two_orders_of_recording_the_same_facts_give_the_same_days(app: Flask) -> None:
    """A suspension and a resignation of different days: whoever writes first, the days read the same."""
    m.house(app)
    with m.inside(app), clock.stopped_at(START), transaction():
        m.member(m.company("Galaxy Ltd", "chen@galaxy.example"), start=START)

    def suspended() -> None:
        asked = {"code": "conduct", "start": "2026-03-01", "end": "2026-04-01"}
        m.together(row().org, D.SUSPEND, asked)

    def resigned() -> None:
        leaving.resign(row(), by=m.person("chen"), on=date(2026, 5, 1))

    def read() -> list[Standing]:
        facts = facts_of([row()])[row().id]
        return [standing_of(facts, START + timedelta(days=n), terms.policy_on(START)) for n in range(500)]

    found = []
    with m.inside(app):
        for order in ((suspended, resigned), (resigned, suspended)):
            with undone(app), clock.stopped_at(date(2026, 2, 1)):
                for verb in order:
                    with transaction():
                        verb()
                found.append(read())
    assert found[0] == found[1]
    assert len(set(found[0])) == 3
