"""What members do with their benefits: claims, the capacity they share, leave given early, words said once."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.states import life
from portal.members.belonging import Grant
from portal.members.models import Application


class ClaimState(StrEnum):
    """The life of a claim."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    USED = "used"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


C = ClaimState
CLAIM_LIFE = life(
    ClaimState,
    {
        C.WAITING: [C.CLAIMED, C.DECLINED, C.WITHDRAWN],
        C.CLAIMED: [C.CONFIRMED, C.DECLINED, C.WITHDRAWN],
        C.CONFIRMED: [C.USED, C.RELEASED],
    },
)
labels.name(
    ClaimState,
    {
        C.WAITING: _l("On the waiting list"),
        C.CLAIMED: _l("To be confirmed"),
        C.CONFIRMED: _l("Claim confirmed"),
        C.USED: _l("Used"),
        C.DECLINED: _l("Claim declined"),
        C.WITHDRAWN: _l("Claim withdrawn"),
        C.RELEASED: _l("Released"),
    },
    {C.WAITING: "wait", C.CLAIMED: "wait", C.CONFIRMED: "good", C.USED: "good", C.DECLINED: "bad"},
)
# Taken from the member's quantity; seated ones also hold capacity.
SEATED = (C.CLAIMED, C.CONFIRMED, C.USED)
TAKEN = (C.WAITING, *SEATED)
UNCONFIRMED = (C.WAITING, C.CLAIMED)


class Round(Model):
    """What one benefit has for all members over one period; locked while a place is taken or freed.

    `most` is the greatest capacity that was in force whenever a place was taken.
    """

    __tablename__ = "benefit_round"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    benefit: Mapped[str] = mapped_column(String(40))
    start: Mapped[date]
    end: Mapped[date]
    most: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        UniqueConstraint("benefit", "start", "end"),
        CheckConstraint('"end" > start', name="lasts"),
    )


class Claim(Model):
    """A member asks for some of what a grant gives. Tier and category are those it had then: its place in a queue."""

    __tablename__ = "benefit_claim"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    grant_id: Mapped[int] = mapped_column(ForeignKey("benefit_grant.id"), init=False, index=True)
    grant: Mapped[Grant] = relationship(lambda: Grant, lazy="joined", innerjoin=True)
    quantity: Mapped[int]
    tier: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(40))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    note: Mapped[str] = mapped_column(String(500), default="")
    provisional: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ClaimState] = mapped_column(choice(ClaimState), default=ClaimState.CLAIMED, index=True)
    round_id: Mapped[int | None] = mapped_column(
        ForeignKey("benefit_round.id"), init=False, default=None, index=True
    )
    round: Mapped[Round | None] = relationship(default=None)
    claimed_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    used_on: Mapped[date | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (CheckConstraint("quantity > 0", name="some"),)


class EarlyLeave(Model):
    """A director lets a member whose application is approved claim before it is signed and paid."""

    __tablename__ = "early_leave"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, unique=True)
    application: Mapped[Application] = relationship()
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class ExpiryNotice(Model):
    """That a grant is about to end, or has ended, was said once per step; passed-over steps are written too."""

    __tablename__ = "benefit_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    grant_id: Mapped[int] = mapped_column(ForeignKey("benefit_grant.id"), init=False)
    grant: Mapped[Grant] = relationship(lambda: Grant)
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("grant_id", "step"),)
