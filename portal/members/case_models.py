"""What staff add to a case: papers of the house, and the reminders that were sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock
from portal.core.db import Model
from portal.core.files import StoredFile
from portal.members.models import Application

MINUTE = "board_minute"


class CasePaper(Model):
    """A paper that staff attach to a case, such as the minute of the board; the applicant does not see it."""

    __tablename__ = "case_paper"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[str] = mapped_column(String(40))
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Reminder(Model):
    """One step of a ladder of reminders, sent or passed over; written in one transaction with its mail."""

    __tablename__ = "application_reminder"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship()
    since: Mapped[datetime]
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("application_id", "since", "step"),)
