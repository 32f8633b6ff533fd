"""Keeping the people of an organisation right: open domains, requests, vacancies, quarterly checks, letters for owners."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


def _live(name: str, condition: str, *columns: str) -> Index:
    where: ColumnElement[bool] = literal_column(condition)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class MailDomain(Model):
    """People with a verified mail in this domain may ask to act for the organisation. Opened by an owner who has one."""

    __tablename__ = "mail_domain"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    domain: Mapped[str] = mapped_column(String(250), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship()
    opened_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (_live("uq_mail_domain_open", "closed_at IS NULL", "org_id", "domain"),)


class JoinState(StrEnum):
    """The life of a request to act for an organisation."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


J = JoinState
JOIN_LIFE = life(JoinState, {J.ASKED: [J.ACCEPTED, J.DECLINED, J.WITHDRAWN]})
labels.name(
    JoinState,
    {
        J.ASKED: _l("Request to be answered"), J.ACCEPTED: _l("Request accepted"), J.DECLINED: _l("Declined by the owners"),
        J.WITHDRAWN: _l("Request taken back"),
    },
    {J.ASKED: "wait", J.ACCEPTED: "good", J.DECLINED: "bad"},
)  # fmt: skip


class JoinRequest(Model):
    """Somebody with a mail of the organisation's domain asks to act for it in a role; an owner decides."""

    __tablename__ = "join_request"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[ContactRole] = mapped_column(choice(ContactRole))
    note: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[JoinState] = mapped_column(choice(JoinState), default=JoinState.ASKED)
    asked_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[str] = mapped_column(String(120), default="")
    __table_args__ = (_live("uq_join_request_open", "state = 'asked'", "org_id", "person_id"),)


class Vacancy(Model):
    """A required role that nobody fills: a task of the owners, due on a day; closed when somebody takes the role."""

    __tablename__ = "vacancy"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    role: Mapped[ContactRole] = mapped_column(choice(ContactRole))
    due_on: Mapped[date]
    declared_by: Mapped[str] = mapped_column(String(120))
    left_by: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    declared_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    reminded_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    filled_by: Mapped[str] = mapped_column(String(120), default="")
    __table_args__ = (_live("uq_vacancy_open", "closed_at IS NULL", "org_id", "role"),)


class ContactCheck(Model):
    """Owners are asked once a quarter whether the list of their people is right."""

    __tablename__ = "contact_check"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    quarter: Mapped[date]
    asked_on: Mapped[date]
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    confirmed_by: Mapped[Person | None] = relationship(default=None)
    __table_args__ = (UniqueConstraint("org_id", "quarter"), Index("ix_contact_check_quarter", "quarter"))


class ContactReminder(Model):
    """A step of a quarterly check that was said, or passed over by a later one."""

    __tablename__ = "contact_reminder"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    check_id: Mapped[int] = mapped_column(ForeignKey("contact_check.id"), init=False)
    check: Mapped[ContactCheck] = relationship()
    step: Mapped[int]
    sent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("check_id", "step"),)


class OwnerLetterState(StrEnum):
    """The life of a chopped letter that names an owner."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


OWNER_LETTER_LIFE = life(
    OwnerLetterState,
    {OwnerLetterState.PROPOSED: [OwnerLetterState.CONFIRMED, OwnerLetterState.DECLINED]},
)
labels.name(
    OwnerLetterState,
    {
        OwnerLetterState.PROPOSED: _l("Second look needed"),
        OwnerLetterState.CONFIRMED: _l("Owner appointed"),
        OwnerLetterState.DECLINED: _l("Letter declined"),
    },
    {OwnerLetterState.PROPOSED: "wait", OwnerLetterState.CONFIRMED: "good", OwnerLetterState.DECLINED: "bad"},
)


class OwnerLetter(Model):
    """The last owner is gone: a letter with the organisation's chop names a new one; one of staff brings it, another decides."""

    __tablename__ = "owner_letter"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(300))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), init=False)
    file: Mapped[StoredFile] = relationship(lazy="joined", innerjoin=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], lazy="joined", innerjoin=True)
    state: Mapped[OwnerLetterState] = mapped_column(
        choice(OwnerLetterState), default=OwnerLetterState.PROPOSED
    )
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    __table_args__ = (
        CheckConstraint("second_id IS NULL OR second_id <> by_id", name="two_eyes"),
        _live("uq_owner_letter_open", "state = 'proposed'", "org_id"),
    )
