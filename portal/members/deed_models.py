"""A verb that one of staff proposes and another confirms: what is to be done, what it would do, who stood for it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class DeedVerb(StrEnum):
    """What two of staff do together to a member, or to two organisations."""

    OPEN_TERM = "open_term"
    SUSPEND = "suspend"
    LIFT = "lift"
    CANCEL_TERM = "cancel_term"
    EXPEL = "expel"
    SET_FOUNDING = "set_founding"
    ABSORB = "absorb"
    MERGE = "merge"
    UNMERGE = "unmerge"


D = DeedVerb
labels.name(
    DeedVerb,
    {
        D.OPEN_TERM: _l("Open a term by hand"),
        D.SUSPEND: _l("Suspend the membership"),
        D.LIFT: _l("Lift the suspension"),
        D.CANCEL_TERM: _l("Cancel a term"),
        D.EXPEL: _l("Expel the member"),
        D.SET_FOUNDING: _l("Give or take the founding badge"),
        D.ABSORB: _l("Join two memberships: one company bought the other"),
        D.MERGE: _l("Merge two entries of one organisation"),
        D.UNMERGE: _l("Undo a merge"),
    },
)


class DeedState(StrEnum):
    """The life of a proposal about a membership."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


S = DeedState
DEED_LIFE = life(DeedState, {S.PROPOSED: [S.CONFIRMED, S.DECLINED]})
labels.name(
    DeedState,
    {S.PROPOSED: _l("To be confirmed"), S.CONFIRMED: _l("Confirmed"), S.DECLINED: _l("Declined")},
    {S.PROPOSED: "wait", S.CONFIRMED: "good", S.DECLINED: "bad"},
)
_OPEN = "state = 'proposed'"


class Deed(Model):
    """A proposal about one organisation (`other` where there are two); one waits per organisation at most.

    `seen` is how many facts the membership had, `preview` what the dry run recorded: the run must say the same.
    """

    __tablename__ = "membership_deed"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(foreign_keys=[org_id], lazy="joined", innerjoin=True)
    verb: Mapped[DeedVerb] = mapped_column(choice(DeedVerb))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    seen: Mapped[int]
    preview: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    other_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    other: Mapped[Organisation | None] = relationship(foreign_keys=[other_id], default=None)
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False)
    paper: Mapped[StoredFile | None] = relationship(default=None)
    state: Mapped[DeedState] = mapped_column(choice(DeedState), default=DeedState.PROPOSED, index=True)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    answer: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        CheckConstraint("state = 'proposed' OR second_id IS NOT NULL", name="decided_by_somebody"),
        Index(
            "uq_membership_deed_open", "org_id", unique=True,
            sqlite_where=literal_column(_OPEN), postgresql_where=literal_column(_OPEN),
        ),
    )  # fmt: skip
