"""The monthly report of a company's support, made once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import new_uid
from portal.billing.note_models import CreditNote
from portal.core import clock
from portal.core.db import Model
from portal.core.files import StoredFile


class SupportReport(Model):
    """What a company's paid support did in a month; `month` is its first day. The paper comes once the outbox made it."""

    __tablename__ = "support_report"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    month: Mapped[date]
    level: Mapped[str] = mapped_column(String(40))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(lazy="joined", init=False, default=None)
    credit_id: Mapped[int | None] = mapped_column(ForeignKey("credit_note.id"), init=False, default=None)
    credit: Mapped[CreditNote | None] = relationship(lazy="joined", init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("org_id", "month"),)
