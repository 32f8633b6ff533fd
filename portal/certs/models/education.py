"""Continuing education: what holders did since they were certified, who checked it, and the renewals asked for with it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.award import Award
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class EducationState(StrEnum):
    """The life of an entry: checked by one person, drawn ones by a second, and counted for one renewal."""

    SUBMITTED = "submitted"
    SECOND_LOOK = "second_look"
    ACCEPTED = "accepted"
    COUNTED = "counted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


E = EducationState
EDUCATION_LIFE = life(
    EducationState,
    {
        E.SUBMITTED: [E.SECOND_LOOK, E.ACCEPTED, E.REFUSED, E.WITHDRAWN],
        E.SECOND_LOOK: [E.ACCEPTED, E.REFUSED, E.WITHDRAWN],
        E.ACCEPTED: [E.COUNTED],
        E.COUNTED: [E.ACCEPTED],
    },
)
labels.name(
    EducationState,
    {
        E.SUBMITTED: _l("Entry to be checked"), E.SECOND_LOOK: _l("Drawn for a second look"), E.ACCEPTED: _l("Points accepted"),
        E.COUNTED: _l("Counted for a renewal"), E.REFUSED: _l("Entry refused"), E.WITHDRAWN: _l("Entry taken back"),
    },
    {E.SUBMITTED: "wait", E.SECOND_LOOK: "wait", E.ACCEPTED: "good", E.COUNTED: "good", E.REFUSED: "bad"},
)  # fmt: skip


class RenewalState(StrEnum):
    """The life of a renewal that was asked for with points."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


R = RenewalState
RENEWAL_LIFE = life(RenewalState, {R.ASKED: [R.GRANTED, R.REFUSED, R.WITHDRAWN, R.LAPSED]})
labels.name(
    RenewalState,
    {
        R.ASKED: _l("Renewal to be decided"), R.GRANTED: _l("Renewed"), R.REFUSED: _l("Renewal refused"),
        R.WITHDRAWN: _l("Renewal taken back"), R.LAPSED: _l("Fell away with the award"),
    },
    {R.ASKED: "wait", R.GRANTED: "good", R.REFUSED: "bad"},
)  # fmt: skip
_STANDS = "state IN ('asked', 'granted')"


class EducationRenewal(Model):
    """That a holder asked to have an award renewed by points; one per award is open or granted at most."""

    __tablename__ = "education_renewal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False)
    award: Mapped[Award] = relationship(lazy="joined", innerjoin=True)
    needed: Mapped[int]
    points: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[RenewalState] = mapped_column(choice(RenewalState), init=False, default=R.ASKED, index=True)
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    reason: Mapped[str] = mapped_column(String(1000), init=False, default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id], init=False, default=None)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        CheckConstraint("points >= needed AND needed > 0", name="enough"),
        CheckConstraint("first_day <= last_day", name="lasts"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("state NOT IN ('granted', 'refused') OR decided_by_id IS NOT NULL", name="by_somebody"),
        Index(
            "uq_education_renewal_stands", "award_id", unique=True,
            sqlite_where=literal_column(_STANDS), postgresql_where=literal_column(_STANDS),
        ),
    )  # fmt: skip
    __mapper_args__ = {"version_id_col": edition}


_LINK = "link_key <> '' AND state NOT IN ('refused', 'withdrawn')"
_FILE = "file_key <> '' AND state NOT IN ('refused', 'withdrawn')"


class EducationEntry(Model):
    """What a holder did on a day, with what shows it and the points claimed; checked, perhaps twice, and counted once."""

    __tablename__ = "education_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    kind: Mapped[str] = mapped_column(String(60))
    done_on: Mapped[date]
    what: Mapped[str] = mapped_column(String(500))
    claimed: Mapped[int]
    link: Mapped[str] = mapped_column(String(300), default="")
    link_key: Mapped[str] = mapped_column(String(64), default="")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(default=None)
    file_key: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[EducationState] = mapped_column(
        choice(EducationState), init=False, default=E.SUBMITTED, index=True
    )
    points: Mapped[int | None] = mapped_column(init=False, default=None)
    reason: Mapped[str] = mapped_column(String(500), init=False, default="")
    first_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    first: Mapped[Person | None] = relationship(foreign_keys=[first_id], init=False, default=None)
    first_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    # What the draw for a second look gave, in hexadecimal, and the share in per cent that it was held against.
    draw: Mapped[str] = mapped_column(String(16), init=False, default="")
    share: Mapped[int | None] = mapped_column(init=False, default=None)
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    second_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    renewal_id: Mapped[int | None] = mapped_column(
        ForeignKey("education_renewal.id"), init=False, default=None, index=True
    )
    renewal: Mapped[EducationRenewal | None] = relationship(init=False, default=None)
    counted: Mapped[int | None] = mapped_column(init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __table_args__ = (
        CheckConstraint("claimed BETWEEN 1 AND 100", name="claimed"),
        CheckConstraint("points IS NULL OR points BETWEEN 1 AND claimed", name="points"),
        CheckConstraint("counted IS NULL OR counted BETWEEN 1 AND points", name="part"),
        CheckConstraint("(state = 'counted') = (renewal_id IS NOT NULL)", name="counted_once"),
        CheckConstraint("(renewal_id IS NULL) = (counted IS NULL)", name="counted_for"),
        CheckConstraint("state NOT IN ('accepted', 'counted') OR points IS NOT NULL", name="worth"),
        CheckConstraint("first_id IS NULL OR first_id <> person_id", name="not_by_oneself"),
        CheckConstraint(
            "second_id IS NULL OR (second_id <> first_id AND second_id <> person_id)", name="two_eyes"
        ),
        Index(
            "uq_education_entry_link", "person_id", "link_key", unique=True,
            sqlite_where=literal_column(_LINK), postgresql_where=literal_column(_LINK),
        ),
        Index(
            "uq_education_entry_file", "person_id", "file_key", unique=True,
            sqlite_where=literal_column(_FILE), postgresql_where=literal_column(_FILE),
        ),
    )  # fmt: skip
    __mapper_args__ = {"version_id_col": edition}
