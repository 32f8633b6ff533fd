"""Engagements with their milestones, what was handed in for each, the team, and the people's days."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import OrderLine
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life
from portal.services.quotes.models import ServiceQuote


class EngagementState(StrEnum):
    """The life of an engagement."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    DELIVERED = "delivered"
    CLOSED = "closed"
    TERMINATED = "terminated"


E = EngagementState
ENGAGEMENT_LIFE = life(
    EngagementState,
    {
        E.PLANNED: [E.RUNNING, E.TERMINATED],
        E.RUNNING: [E.PAUSED, E.DELIVERED, E.TERMINATED],
        E.PAUSED: [E.RUNNING, E.TERMINATED],
        E.DELIVERED: [E.CLOSED, E.RUNNING],
    },
)
LIVE = (E.PLANNED, E.RUNNING, E.PAUSED)
labels.name(
    EngagementState,
    {
        E.PLANNED: _l("Project planned"),
        E.RUNNING: _l("Project running"),
        E.PAUSED: _l("Project paused"),
        E.DELIVERED: _l("Project delivered"),
        E.CLOSED: _l("Project closed"),
        E.TERMINATED: _l("Project terminated"),
    },
    {E.PLANNED: "wait", E.RUNNING: "good", E.PAUSED: "warn", E.DELIVERED: "good", E.TERMINATED: "bad"},
)


class MilestoneState(StrEnum):
    """The life of a milestone."""

    PLANNED = "planned"
    IN_WORK = "in_work"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    DEEMED = "deemed"
    RETURNED = "returned"


M = MilestoneState
MILESTONE_LIFE = life(
    MilestoneState,
    {
        M.PLANNED: [M.IN_WORK],
        M.IN_WORK: [M.SUBMITTED],
        M.SUBMITTED: [M.ACCEPTED, M.DEEMED, M.RETURNED],
        M.RETURNED: [M.SUBMITTED],
    },
)
DONE = (M.ACCEPTED, M.DEEMED)
labels.name(
    MilestoneState,
    {
        M.PLANNED: _l("Not begun"),
        M.IN_WORK: _l("Being worked on"),
        M.SUBMITTED: _l("To be accepted"),
        M.ACCEPTED: _l("Milestone accepted"),
        M.DEEMED: _l("Deemed accepted"),
        M.RETURNED: _l("Given back"),
    },
    {M.IN_WORK: "wait", M.SUBMITTED: "warn", M.ACCEPTED: "good", M.DEEMED: "good", M.RETURNED: "bad"},
)


class Health(StrEnum):
    """How an engagement goes, as its lead sees it."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


labels.name(
    Health,
    {Health.GREEN: _l("On course"), Health.AMBER: _l("Needs care"), Health.RED: _l("Off course")},
    {Health.GREEN: "good", Health.AMBER: "warn", Health.RED: "bad"},
)


class Side(StrEnum):
    """Of the two sides of an engagement."""

    OURS = "ours"
    CUSTOMER = "customer"


labels.name(Side, {Side.OURS: _l("The foundation"), Side.CUSTOMER: _l("The customer")})


class Engagement(Model):
    """Work that an accepted quote sold. Its money lies on the order lines of its milestones."""

    __tablename__ = "engagement"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    quote_id: Mapped[int] = mapped_column(ForeignKey("service_quote.id"), init=False, unique=True)
    quote: Mapped[ServiceQuote] = relationship()
    offer: Mapped[str] = mapped_column(String(60), index=True)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    deemed: Mapped[bool]
    warranty_days: Mapped[int]
    state: Mapped[EngagementState] = mapped_column(choice(EngagementState), default=E.PLANNED, index=True)
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None, index=True)
    lead: Mapped[Person | None] = relationship(foreign_keys=[lead_id], init=False, default=None)
    acceptor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    acceptor: Mapped[Person | None] = relationship(foreign_keys=[acceptor_id], init=False, default=None)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    deputy: Mapped[Person | None] = relationship(foreign_keys=[deputy_id], init=False, default=None)
    health: Mapped[Health] = mapped_column(choice(Health), init=False, default=Health.GREEN)
    health_words: Mapped[str] = mapped_column(String(300), init=False, default="")
    health_on: Mapped[date | None] = mapped_column(init=False, default=None)
    paused_on: Mapped[date | None] = mapped_column(init=False, default=None)
    pause_reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    pause_side: Mapped[Side | None] = mapped_column(choice(Side), init=False, default=None)
    started_on: Mapped[date | None] = mapped_column(init=False, default=None)
    delivered_on: Mapped[date | None] = mapped_column(init=False, default=None)
    ended_on: Mapped[date | None] = mapped_column(init=False, default=None)
    end_reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    ending_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    ending_by: Mapped[Person | None] = relationship(foreign_keys=[ending_by_id], init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    milestones: Mapped[list[Milestone]] = relationship(
        init=False, back_populates="engagement", order_by="Milestone.n"
    )
    __table_args__ = (
        CheckConstraint("(state = 'paused') = (paused_on IS NOT NULL)", name="paused"),
        CheckConstraint("deputy_id IS NULL OR deputy_id <> acceptor_id", name="two_acceptors"),
    )


class TeamMember(Model):
    """Somebody who works on an engagement and sees its files; walled people need the consent of both sides."""

    __tablename__ = "engagement_member"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    engagement_id: Mapped[int] = mapped_column(ForeignKey("engagement.id"), init=False)
    engagement: Mapped[Engagement] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    wall: Mapped[str] = mapped_column(String(200), default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person | None] = relationship(foreign_keys=[by_id], default=None)
    ours_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    ours_by: Mapped[Person | None] = relationship(foreign_keys=[ours_by_id], init=False, default=None)
    theirs_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    theirs_by: Mapped[Person | None] = relationship(foreign_keys=[theirs_by_id], init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_engagement_member_live", "engagement_id", "person_id", unique=True,
            sqlite_where=literal_column("ended_at IS NULL"), postgresql_where=literal_column("ended_at IS NULL"),
        ),
    )  # fmt: skip

    @property
    def inside(self) -> bool:
        """Whether this person is let in: without a wall, or with the consent of both sides."""
        return self.ended_at is None and (
            not self.wall or (self.ours_by_id is not None and self.theirs_by_id is not None)
        )


class Milestone(Model):
    """A step of an engagement that carries a share of an order line; its criteria are what acceptance answers."""

    __tablename__ = "milestone"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    engagement_id: Mapped[int] = mapped_column(ForeignKey("engagement.id"), init=False)
    engagement: Mapped[Engagement] = relationship(back_populates="milestones")
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), init=False, index=True)
    order_line: Mapped[OrderLine] = relationship()
    n: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    percent: Mapped[int]
    criteria: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    days: Mapped[int]
    promised_on: Mapped[date | None] = mapped_column(default=None)
    planned_on: Mapped[date | None] = mapped_column(default=None, index=True)
    state: Mapped[MilestoneState] = mapped_column(
        choice(MilestoneState), init=False, default=M.PLANNED, index=True
    )
    accepted_on: Mapped[date | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        UniqueConstraint("engagement_id", "n"),
        UniqueConstraint("order_line_id", "code"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="share"),
        CheckConstraint("(state IN ('accepted', 'deemed')) = (accepted_on IS NOT NULL)", name="accepted"),
    )
