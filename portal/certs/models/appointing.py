"""Reviewers whom the chief examiner asks by name, where a work found too few votes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person
from portal.certs.models.deciding import Review
from portal.core import clock
from portal.core.db import Model


class Reviewer(Model):
    """That somebody, without the role of a reviewer, votes on one work: appointed by whom and why."""

    __tablename__ = "exam_reviewer"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    review_id: Mapped[int] = mapped_column(ForeignKey("exam_review.id"), init=False)
    review: Mapped[Review] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id], lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id])
    reason: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("review_id", "person_id"),)
