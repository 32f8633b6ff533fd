"""Awards and what is done to them: the standing a decision gave, its suspensions, deeds of two people, notices."""

from __future__ import annotations

import uuid
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

from portal.accounts.people import Person, new_uid
from portal.certs.naming import Names, Shown
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class AwardState(StrEnum):
    """The life of an award; that it has expired is derived from time."""

    GRANTED = "granted"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


A = AwardState
AWARD_LIFE = life(AwardState, {A.GRANTED: [A.SUSPENDED, A.REVOKED], A.SUSPENDED: [A.GRANTED, A.REVOKED]})
labels.name(
    AwardState,
    {A.GRANTED: _l("Award in force"), A.SUSPENDED: _l("On hold"), A.REVOKED: _l("Revoked")},
    {A.GRANTED: "good", A.SUSPENDED: "warn", A.REVOKED: "bad"},
)


class RevokeCause(StrEnum):
    """Why an award is revoked."""

    MISCONDUCT = "misconduct"
    ERROR = "issued_in_error"
    PAYMENT = "payment_reversed"
    DUPLICATE = "duplicate_person"
    WISH = "holders_wish"


C = RevokeCause
labels.name(
    RevokeCause,
    {
        C.MISCONDUCT: _l("Misconduct"), C.ERROR: _l("Issued in error"), C.PAYMENT: _l("Payment reversed"),
        C.DUPLICATE: _l("The same person twice"), C.WISH: _l("The holder's own wish"),
    },
)  # fmt: skip


def _subject_uuid() -> str:
    return str(uuid.uuid4())


class Award(Model):
    """A level granted to a person by a decision, for the days [start, end). Its documents are certificates.

    Names are those of the next document; what was issued keeps its own.
    """

    __tablename__ = "award"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    level: Mapped[str] = mapped_column(String(20), index=True)
    scheme_version: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    name_zh: Mapped[str] = mapped_column(String(80))
    name_latin: Mapped[str] = mapped_column(String(80))
    decision: Mapped[str] = mapped_column(String(80))
    decided_on: Mapped[date]
    start: Mapped[date]
    end: Mapped[date] = mapped_column(index=True)
    renews_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), init=False, index=True)
    renews: Mapped[Award | None] = relationship(remote_side="Award.id", default=None)
    shown: Mapped[Shown] = mapped_column(choice(Shown), default=Shown.MASKED)
    state: Mapped[AwardState] = mapped_column(choice(AwardState), default=AwardState.GRANTED, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    cause: Mapped[RevokeCause | None] = mapped_column(choice(RevokeCause), init=False, default=None)
    badge_subject: Mapped[str] = mapped_column(
        String(36), unique=True, init=False, default_factory=_subject_uuid
    )
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        UniqueConstraint("decision", "level"),
        CheckConstraint('"end" > start', name="lasts"),
        CheckConstraint("(state = 'revoked') = (revoked_at IS NOT NULL)", name="revoked_since"),
        CheckConstraint("name_zh <> '' OR name_latin <> ''", name="named"),
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def names(self) -> Names:
        """The names of the next document."""
        return Names(self.name_zh, self.name_latin)


class Suspension(Model):
    """An award on hold from a moment on; an urgent one falls away unless a second person confirms it in time."""

    __tablename__ = "award_suspension"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False, index=True)
    award: Mapped[Award] = relationship(innerjoin=True)
    start: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120), default="")
    confirm_by: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def end(self) -> datetime | None:
        """The moment it ends: lifted, or not confirmed in time; None while nothing ends it."""
        falls = self.confirm_by if self.confirmed_at is None else None
        return min((one for one in (falls, self.lifted_at) if one is not None), default=None)


class AwardVerb(StrEnum):
    """What two of staff do together to an award."""

    SUSPEND = "suspend"
    CONFIRM = "confirm"
    LIFT = "lift"
    REVOKE = "revoke"
    REISSUE = "reissue"
    REGRANT = "regrant"


V = AwardVerb
labels.name(
    AwardVerb,
    {
        V.SUSPEND: _l("Put on hold"), V.CONFIRM: _l("Confirm an urgent hold"), V.LIFT: _l("Lift the hold"),
        V.REVOKE: _l("Revoke"), V.REISSUE: _l("Issue anew"), V.REGRANT: _l("Grant again after an error"),
    },
)  # fmt: skip


class ProposalState(StrEnum):
    """The life of a proposal about an award."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    LAPSED = "lapsed"


P = ProposalState
PROPOSAL_LIFE = life(ProposalState, {P.PROPOSED: [P.CONFIRMED, P.DECLINED, P.LAPSED]})
labels.name(
    ProposalState,
    {
        P.PROPOSED: _l("To be confirmed"), P.CONFIRMED: _l("Confirmed"), P.DECLINED: _l("Declined"),
        P.LAPSED: _l("Not confirmed in time"),
    },
    {P.PROPOSED: "wait", P.CONFIRMED: "good", P.DECLINED: "bad", P.LAPSED: "mute"},
)  # fmt: skip
_OPEN = "state = 'proposed'"


class AwardProposal(Model):
    """What one of staff wants done to an award and another confirms; one waits per award and verb at most."""

    __tablename__ = "award_proposal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False, index=True)
    award: Mapped[Award] = relationship(lazy="joined", innerjoin=True)
    verb: Mapped[AwardVerb] = mapped_column(choice(AwardVerb))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    paper: Mapped[StoredFile | None] = relationship(default=None)
    not_before: Mapped[datetime | None] = mapped_column(default=None)
    heard: Mapped[str] = mapped_column(String(2000), default="")
    heard_at: Mapped[datetime | None] = mapped_column(default=None)
    state: Mapped[ProposalState] = mapped_column(
        choice(ProposalState), default=ProposalState.PROPOSED, index=True
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    answer: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        CheckConstraint("state IN ('proposed', 'lapsed') OR second_id IS NOT NULL", name="decided_by"),
        Index(
            "uq_award_proposal_open", "award_id", "verb", unique=True,
            sqlite_where=literal_column(_OPEN), postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip


class AwardNotice(Model):
    """That a reminder of an award's end was sent, or that its end was told: each step once. Frozen."""

    __tablename__ = "award_notice"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False)
    award: Mapped[Award] = relationship(innerjoin=True)
    step: Mapped[int]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("award_id", "step"),)


class ShareLink(Model):
    """An address its holder gives away: whoever has it sees the awards chosen, with the full name, until it ends."""

    __tablename__ = "share_link"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(innerjoin=True)
    label: Mapped[str] = mapped_column(String(80))
    awards: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
