"""The simulated world: who is in it, what its people plan, and the one way in which they act."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from portal.accounts.care_models import ContactCheck
from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.billing.note_models import CreditNote
from portal.core import clock, files
from portal.core.audit import AuditEntry
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.members.belonging import Ending, Hold, Reversal, Term
from portal.members.renewal_models import LateMoney
from portal.simulation.cast import Firm
from portal.simulation.marks import Marks
from portal.simulation.scenario import Scenario
from portal.simulation.telling import Event

T = TypeVar("T")
FACTS = (
    AuditEntry, Invoice, CreditNote, Receipt, Term, Ending, Hold, Reversal, ContactCheck, LateMoney,
)  # fmt: skip
Act = Callable[[], None]
OPENING = timedelta(hours=10)


@dataclass(slots=True)
class World:
    """The cast, the plans of its people by day, and what is to be told of the day."""

    scenario: Scenario
    paper: files.Content
    staff: dict[str, int]
    tiers: list[str]
    firms: dict[int, Firm] = field(default_factory=dict)
    by_org: dict[int, Firm] = field(default_factory=dict)
    by_membership: dict[int, Firm] = field(default_factory=dict)
    plans: list[tuple[date, int, Act]] = field(default_factory=list)
    said: list[Event] = field(default_factory=list)
    marks: Marks = field(default_factory=lambda: Marks(*FACTS))
    planned: int = 0
    transfers: int = 0

    def who(self, part: str) -> Person:
        """Return somebody of the staff."""
        return db.session.get_one(Person, self.staff[part])

    def owner(self, firm: Firm) -> Person:
        """Return who acts for an organisation."""
        return db.session.get_one(Person, firm.owner_id)

    def plan(self, day: date, act: Act) -> None:
        """Let somebody act on a day; what is planned first is done first. Never before tomorrow, once time runs."""
        self.planned += 1
        heapq.heappush(self.plans, (day, self.planned, act))

    def soon(self, day: date, act: Act) -> None:
        """Let somebody act on a day, or tomorrow if that is over."""
        self.plan(max(day, clock.today() + timedelta(days=1)), act)

    def after(self, days: int, act: Act) -> None:
        """Let somebody act in so many days, tomorrow at the earliest."""
        self.soon(clock.today() + timedelta(days=days), act)

    def sit(self, day: date) -> bool:
        """Let everybody act whose day has come, each a second after the other; return whether anybody did."""
        moment, acted = clock.start_of(day) + OPENING, False
        while self.plans and self.plans[0][0] <= day:
            _day, _n, act = heapq.heappop(self.plans)
            with clock.stopped_at(moment):
                act()
                let_go()  # who only looked holds nothing for the next
            moment, acted = moment + timedelta(seconds=1), True
        return acted

    def attempt(self, firm: Firm, what: str, act: Callable[[], T]) -> T | None:
        """Do something in a transaction of its own; what is refused is told with its reason, and changes nothing."""
        try:
            with transaction():
                return act()
        except Refused as refusal:
            self.said.append(Event("refused", firm.en, {"act": what, "why": str(refusal)}))
            return None
