"""Steps with the keys that sign licences, which one keeper of keys proposes and another confirms."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.services.licences.models.ids import naming
from portal.services.licences.models.record import ProposedState


class KeyDeed(StrEnum):
    """What is done with a key that signs licences."""

    ADD = "add"
    ACTIVATE = "activate"
    RETIRE = "retire"
    COMPROMISE = "compromise"


labels.name(
    KeyDeed,
    {
        KeyDeed.ADD: _l("Make a key"), KeyDeed.ACTIVATE: _l("Let the next key sign"), KeyDeed.RETIRE: _l("Retire the key"),
        KeyDeed.COMPROMISE: _l("The key has leaked: take it out"),
    },
)  # fmt: skip


class KeyStep(Model):
    """A step with a signing key: proposed by one who keeps keys, confirmed or declined by another."""

    __tablename__ = "licence_key_step"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=naming("ks"))
    deed: Mapped[KeyDeed] = mapped_column(choice(KeyDeed))
    kid: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], innerjoin=True)
    state: Mapped[ProposedState] = mapped_column(
        choice(ProposedState), init=False, default=ProposedState.PROPOSED, index=True
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], init=False, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id OR state = 'declined'", name="two_eyes"),
        CheckConstraint("(state = 'proposed') = (second_id IS NULL)", name="decided_by"),
        Index(
            "uq_licence_key_step_open",
            "deed",
            "kid",
            unique=True,
            sqlite_where=literal_column("state = 'proposed'"),
            postgresql_where=literal_column("state = 'proposed'"),
        ),
    )
