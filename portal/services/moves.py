"""Each move of the tables of services as news for the programs of the organisation it is about.

Which kinds of news there are follows from the tables: `ticket.solved` is a ticket that came to the state `solved`. A
message has ids, numbers and states; never a person's name, a sum, or a word that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect

from portal.accounts import hooks
from portal.accounts.hook_models import WebhookEndpoint
from portal.accounts.organisations import Organisation
from portal.accounts.people import new_uid
from portal.billing.quote_models import QuoteState
from portal.core import clock, labels, steps
from portal.core.states import TABLES
from portal.core.steps import Step
from portal.services.engagements.models import Engagement, EngagementState, Milestone, MilestoneState
from portal.services.quotes.models import BEFORE, ServiceQuote
from portal.services.slots.kinds import SlotState
from portal.services.slots.models import SlotRequest
from portal.services.sponsors.kinds import PlaceState
from portal.services.sponsors.models import SponsorPlace
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeStatement
from portal.services.support.models import SupportTicket, TicketState

ORDERED = "order.placed"


@dataclass(frozen=True)
class Life:
    """A table whose moves are news: its name in messages, whose it is, what a message says beside, and what stays inside."""

    code: str
    states: type[StrEnum]
    owner: Callable[[Any], Organisation | None]
    more: Callable[[Any], dict[str, Any]]
    inside: frozenset[StrEnum] = field(default=frozenset())


def _holder(row: SponsorPlace) -> Organisation | None:
    """Return who has a place, or had it until this very step."""
    return row.org or next((one for one in inspect(row).attrs.org.history.deleted or () if one), None)


def _of_ticket(row: SupportTicket) -> Organisation | None:
    return None if row.spam else row.org


LIVES: dict[type[Any], Life] = {
    ServiceQuote: Life(
        "quote", QuoteState, lambda row: row.party.org,
        lambda row: {"number": row.number, "version": row.version}, frozenset(BEFORE),
    ),
    Engagement: Life(
        "engagement", EngagementState, lambda row: row.org,
        lambda row: {"number": row.number, "quote": row.quote.uid},
    ),
    Milestone: Life(
        "milestone", MilestoneState, lambda row: row.engagement.org,
        lambda row: {"number": row.n, "engagement": row.engagement.uid},
    ),
    SupportTicket: Life(
        "ticket", TicketState, _of_ticket,
        lambda row: {"number": row.number, "into": row.into.uid if row.into is not None else None},
    ),
    ComputeStatement: Life(
        "statement", StatementState, lambda row: row.seller.org,
        lambda row: {"number": row.number, "month": row.month.isoformat()},
    ),
    SlotRequest: Life(
        "slot", SlotState, lambda row: row.org,
        lambda row: {"quarter": row.quarter.code if row.quarter is not None else None},
    ),
    SponsorPlace: Life(
        "place", PlaceState, _holder, lambda row: {"number": row.n, "edition": row.package.edition.uid},
    ),
}  # fmt: skip
GROUPS: dict[str, LazyString] = {
    "quote.": _l("Quotes: sent, accepted, declined, expired, replaced"),
    "order.": _l("Orders placed"),
    "engagement.": _l("Projects: started, paused, delivered, closed"),
    "milestone.": _l("Milestones: handed in, accepted, given back"),
    "ticket.": _l("Tickets: each state of a ticket"),
    "statement.": _l("Compute statements: each step until the invoice"),
    "slot.": _l("Adaptation slots: offered, booked, used, released"),
    "place.": _l("Places of sponsors: held, signed, in use, fulfilled"),
}


def kinds() -> Iterator[tuple[str, str]]:
    """Give every kind of news of services with its words, as the tables say them."""
    for life in LIVES.values():
        for state in TABLES[life.states]:
            if state not in life.inside:
                yield f"{life.code}.{state.value}", labels.label(state)
    yield ORDERED, _("Order placed")


def on_steps(taken: list[Step]) -> None:
    """Tell programs of the steps of a flush: each once, those of one row in their order."""
    ears: dict[int, list[WebhookEndpoint]] = {}
    counts: dict[str, int] = {}
    for step in taken:
        life, org = LIVES[type(step.row)], step.noted
        if org is None or step.to in life.inside:
            continue
        if org.id not in ears:
            ears[org.id] = hooks.listening(org.id)
        if ears[org.id]:
            _tell(life, step, org, ears[org.id], counts)


def _tell(
    life: Life, step: Step, org: Organisation, ears: list[WebhookEndpoint], counts: dict[str, int]
) -> None:
    row, at = step.row, clock.now()
    stream = f"{life.code}:{row.uid}"
    said = {
        "organisation": org.uid, life.code: row.uid, "from": step.before.value if step.before else None,
        "to": step.to.value, **life.more(row),
    }  # fmt: skip
    kinds = [f"{life.code}.{step.to.value}"]
    if step.to is QuoteState.ACCEPTED:
        kinds.append(ORDERED)  # an order is known by the quote it was placed with
    for kind in kinds:
        counts[stream] = _next(ears, stream, at, counts.get(stream, 0))
        hooks.tell(
            org.id, kind, message=(message := f"sm_{new_uid()}"), stream=stream, sequence=counts[stream], at=at,
            data={"id": message, "sequence": counts[stream], **said},
        )  # fmt: skip


def _next(ears: list[WebhookEndpoint], stream: str, at: datetime, told: int) -> int:
    """Return the next number of a stream: it grows although messages are deleted, and whatever a clock does."""
    return max(max(told, hooks.last_of(ears, stream)) + 1, int(at.timestamp() * 1000))


def install() -> None:
    """Follow the lives of services, and offer them to programs."""
    for model, life in LIVES.items():
        steps.follow(model, life.owner)
    steps.heed(on_steps)
    hooks.offers(GROUPS, kinds)
