"""What may happen to a membership, as verbs with a number that says how, and what holds whatever happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

from hypothesis import strategies as st

from portal.billing import crediting
from portal.billing.models import Invoice
from portal.billing.note_models import NoteKind
from portal.core import clock
from portal.core.db import db
from portal.members import endings, holding, leaving, terms
from portal.members.belonging import Membership, TermKind
from portal.members.deed_models import DeedVerb
from portal.members.facts import facts_of
from portal.members.standing import Facts, Standing, standing_of, stops
from tests import membership as m

D = DeedVerb
START = date(2026, 1, 1)
Verb = Callable[[int], None]


def row() -> Membership:
    return db.session.query(Membership).filter(Membership.org.has(legal_name="Galaxy Ltd")).one()


def _day(number: int) -> str:
    return str(clock.today() + timedelta(days=number))


def _renew(number: int) -> None:
    last = leaving.last_day_of_membership(row()) or clock.today()
    m.member(row().org, start=max(last, clock.today()), kind=TermKind.RENEWAL, paid=number % 3 > 0)


def _open(number: int) -> None:
    kind = ("complimentary", "lifetime", "reinstatement")[number % 3]
    asked = {
        "kind": kind,
        "tier": "silver",
        "start": _day(number - 60),
        "months": 1 + number % 14,
        "charged": 0,
    }
    m.together(row().org, D.OPEN_TERM, asked)


def _suspend(number: int) -> None:
    end = _day(number + 20) if number % 2 else None
    m.together(row().org, D.SUSPEND, {"code": "conduct", "start": _day(number % 9), "end": end})


def _lift(number: int) -> None:
    held = holding.running(row())
    if held:
        one = held[number % len(held)]
        asked = {"hold": str(one.id), "code": "agreed", "from_day": str(max(one.start, clock.today()))}
        m.together(row().org, D.LIFT, asked)


def _resign(number: int) -> None:
    on = None if number % 2 else clock.today() + timedelta(days=number)
    leaving.resign(row(), by=m.person("chen"), on=on)


def _undo(number: int) -> None:
    leaving.undo_resignation(row(), by=m.person("rui"), staff=bool(number % 2))


def _cancel(number: int) -> None:
    own = endings.terms_of(row())
    term, _stop = own[number % len(own)]
    if term.invoice is not None and number % 2:
        invoice = db.session.get_one(Invoice, term.invoice_id)
        note = crediting.propose_note(invoice, NoteKind.CANCELLATION, by=m.person("fang"), reason="agreed")
        crediting.issue_note(note, by=m.person("feng"))
        terms.refresh([row()])
    asked = {"term": term.uid, "on": str(term.start + timedelta(days=number))}
    m.together(row().org, D.CANCEL_TERM, asked, by="fang", second="rui")


def _expel(number: int) -> None:
    asked = {"on": _day(number % 5), "barred_until": _day(40 + number) if number % 3 else None}
    m.together(row().org, D.EXPEL, asked, by="sun", paper=True)


def _absorb(number: int) -> None:
    other = m.company(
        f"Small {db.session.query(Membership).count()}", f"s{random.Random(number).random()}@x.example"
    )
    m.member(other, tier="silver" if number % 2 else "platinum", start=clock.today() - timedelta(days=number))
    m.together(row().org, D.ABSORB, {"on": _day(number % 4)}, other=other, paper=True, second="rong")


VERBS: tuple[Verb, ...] = (
    _renew, _open, _suspend, _lift, _resign, _undo, _cancel, _expel, _absorb,
)  # fmt: skip


def histories(
    verbs: tuple[Verb, ...], *, longest: int, shortest: int = 2
) -> st.SearchStrategy[list[tuple[Verb, int, int]]]:
    """Return histories of verbs, each with its number and how many days after the one before it comes."""
    return st.lists(
        st.tuples(st.sampled_from(verbs), st.integers(0, 90), st.integers(0, 200)),
        min_size=2,
        max_size=longest,
    )


def recorded_anew(facts: Facts, order: list[int]) -> Facts:
    """Return the same facts as if they had been recorded in another order of those that do not tie."""
    shuffled = random.Random(order[0])
    return replace(
        facts,
        **{
            name: tuple(shuffled.sample(getattr(facts, name), len(getattr(facts, name))))
            for name in ("terms", "endings", "holds", "reversals", "applications")
        },
    )


def spans(facts: Facts) -> list[tuple[date, date]]:
    until = stops(facts)
    found = [(one.start, until[one.id][0] or date.max) for one in facts.terms]
    return [(start, stop) for start, stop in found if start < stop]


def holds_always(number: int) -> None:
    """One standing a day, no two terms on one day, the copy equals the facts, and reading order does not matter."""
    own = row()
    facts, policy = facts_of([own])[own.id], terms.policy_on(clock.today())
    mixed = recorded_anew(facts, [number])
    for n in range(-30, 800, 17):
        day = clock.today() + timedelta(days=n)
        found = standing_of(facts, day, policy)
        assert isinstance(found, Standing)
        assert standing_of(mixed, day, policy) is found
    for one, other in combinations(spans(facts), 2):
        assert max(one[0], other[0]) >= min(one[1], other[1]), (one, other)
    assert own.standing is standing_of(facts, clock.today(), policy)
