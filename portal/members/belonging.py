"""Promising and belonging: agreements, memberships as facts that only grow, grants, the checklist."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.core.states import life
from portal.members.models import Application
from portal.members.standing import EndingCause, HoldCause, Standing


class AgreementState(StrEnum):
    """The life of an agreement."""

    DRAFTED = "drafted"
    SENT = "sent"
    MEMBER_SIGNED = "member_signed"
    EXECUTED = "executed"
    VOIDED = "voided"
    SUPERSEDED = "superseded"
    TERMINATED = "terminated"


G = AgreementState
AGREEMENT_LIFE = life(
    AgreementState,
    {
        G.DRAFTED: [G.SENT, G.VOIDED],
        G.SENT: [G.MEMBER_SIGNED, G.VOIDED],
        G.MEMBER_SIGNED: [G.SENT, G.EXECUTED, G.VOIDED],
        G.EXECUTED: [G.SUPERSEDED, G.TERMINATED],
        G.TERMINATED: [G.EXECUTED],
    },
)
labels.name(
    AgreementState,
    {
        G.DRAFTED: _l("Drafted"),
        G.SENT: _l("To be signed"),
        G.MEMBER_SIGNED: _l("Signed by the member"),
        G.EXECUTED: _l("Executed"),
        G.VOIDED: _l("Voided"),
        G.SUPERSEDED: _l("Superseded"),
        G.TERMINATED: _l("Terminated"),
    },
    {G.SENT: "wait", G.MEMBER_SIGNED: "wait", G.EXECUTED: "good", G.VOIDED: "bad"},
)
_ALIVE = "state IN ('drafted', 'sent', 'member_signed', 'executed')"


class Agreement(Model):
    """One PDF in two languages that both sides sign. The document is frozen when it is sent."""

    __tablename__ = "agreement"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), init=False, index=True)
    application: Mapped[Application] = relationship(lazy="joined", innerjoin=True)
    template_version: Mapped[int]
    party_name: Mapped[str] = mapped_column(String(200))
    tier: Mapped[str] = mapped_column(String(40))
    state: Mapped[AgreementState] = mapped_column(
        choice(AgreementState), default=AgreementState.DRAFTED, index=True
    )
    template: Mapped[str] = mapped_column(String(40), default="membership")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    document: Mapped[StoredFile | None] = relationship(foreign_keys=[document_id], default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    sent_by: Mapped[Person | None] = relationship(foreign_keys=[sent_by_id], default=None)
    asked_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    asked: Mapped[Person | None] = relationship(foreign_keys=[asked_id], default=None)
    signed_at: Mapped[datetime | None] = mapped_column(default=None)
    signed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    signed_by: Mapped[Person | None] = relationship(foreign_keys=[signed_by_id], default=None)
    signed_name: Mapped[str] = mapped_column(String(120), default="")
    signed_from: Mapped[str] = mapped_column(String(64), default="")
    way: Mapped[str] = mapped_column(String(8), default="")
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    scan: Mapped[StoredFile | None] = relationship(foreign_keys=[scan_id], default=None)
    scan_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    scan_by: Mapped[Person | None] = relationship(foreign_keys=[scan_by_id], default=None)
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    checked_by: Mapped[Person | None] = relationship(foreign_keys=[checked_by_id], default=None)
    countersigned_at: Mapped[datetime | None] = mapped_column(default=None)
    countersigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    countersigned_by: Mapped[Person | None] = relationship(foreign_keys=[countersigned_by_id], default=None)
    final_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    final: Mapped[StoredFile | None] = relationship(foreign_keys=[final_id], default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index(
            "uq_agreement_live", "application_id", unique=True,
            sqlite_where=literal_column(_ALIVE), postgresql_where=literal_column(_ALIVE),
        ),
    )  # fmt: skip


class TermKind(StrEnum):
    """Why a term began."""

    NEW = "new"
    RENEWAL = "renewal"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    RECLASS = "reclass"
    REINSTATEMENT = "reinstatement"
    COMPLIMENTARY = "complimentary"
    LIFETIME = "lifetime"
    IMPORTED = "imported"


class Membership(Model):
    """What an organisation is to us, as facts below it. The standing kept here is a copy for lists."""

    __tablename__ = "membership"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False, unique=True)
    org: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    founding: Mapped[bool] = mapped_column(default=False)
    standing: Mapped[Standing] = mapped_column(choice(Standing), default=Standing.NONE, index=True)
    tier: Mapped[str] = mapped_column(String(40), default="", index=True)
    member_since: Mapped[date | None] = mapped_column(default=None, index=True)
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    certificate: Mapped[StoredFile | None] = relationship(default=None)
    listed_tier: Mapped[str] = mapped_column(String(40), default="")
    stated_joined: Mapped[date | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Term(Model):
    """One covered period `[start, end)` at a tier. Never edited."""

    __tablename__ = "term"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    kind: Mapped[TermKind] = mapped_column(choice(TermKind))
    tier: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(40))
    start: Mapped[date]
    end: Mapped[date | None] = mapped_column(index=True)
    anchor: Mapped[date]
    k: Mapped[int]
    period_price: Mapped[Money]
    charged: Mapped[Money]
    cover: Mapped[str] = mapped_column(String(20))
    by_name: Mapped[str] = mapped_column(String(120))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False, default=None)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    source_key: Mapped[str | None] = mapped_column(String(200), unique=True, default=None)
    second_name: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (CheckConstraint('"end" IS NULL OR "end" > start', name="lasts"),)


class Ending(Model):
    """A term that ends before its time, and why."""

    __tablename__ = "term_ending"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term] = relationship()
    on: Mapped[date]
    cause: Mapped[EndingCause] = mapped_column(choice(EndingCause))
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120), default="")
    barred_until: Mapped[date | None] = mapped_column(default=None)
    bar_for_good: Mapped[bool] = mapped_column(default=False)
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Hold(Model):
    """A suspension `[start, end)`; the term's clock runs on."""

    __tablename__ = "membership_hold"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    start: Mapped[date]
    cause: Mapped[HoldCause] = mapped_column(choice(HoldCause))
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120), default="")
    end: Mapped[date | None] = mapped_column(default=None)
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Reversal(Model):
    """What undoes an ending or a hold, and from which day."""

    __tablename__ = "membership_reversal"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    undoes_kind: Mapped[str] = mapped_column(String(8))
    undoes_id: Mapped[int]
    from_day: Mapped[date]
    reason: Mapped[str] = mapped_column(String(300))
    by_name: Mapped[str] = mapped_column(String(120))
    second_name: Mapped[str] = mapped_column(String(120), default="")
    recorded_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class Grant(Model):
    """A benefit that a term, a purchase or a director's leave gave, with how many of it (none: a flag). Never edited.

    After a change of tier it `follows` the grant of the term before: what was taken there counts here.
    """

    __tablename__ = "benefit_grant"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    benefit: Mapped[str] = mapped_column(String(40), index=True)
    quantity: Mapped[int | None]
    start: Mapped[date]
    end: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(60))
    term_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"), init=False, index=True)
    term: Mapped[Term | None] = relationship(default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False)
    invoice: Mapped[Invoice | None] = relationship(default=None)
    application_id: Mapped[int | None] = mapped_column(ForeignKey("application.id"), init=False)
    application: Mapped[Application | None] = relationship(default=None)
    claim_by: Mapped[date | None] = mapped_column(default=None)
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("benefit_grant.id"), init=False)
    # Said by the class itself, here and where others point to it: staff's roles are Grants too.
    follows: Mapped[Grant | None] = relationship(lambda: Grant, remote_side=[id], default=None)
    __table_args__ = (UniqueConstraint("source", "benefit"),)


class ChecklistTick(Model):
    """An item of the onboarding checklist that a person ticked; the others are derived."""

    __tablename__ = "checklist_tick"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    membership_id: Mapped[int] = mapped_column(ForeignKey("membership.id"), init=False, index=True)
    membership: Mapped[Membership] = relationship()
    item: Mapped[str] = mapped_column(String(40))
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    __table_args__ = (UniqueConstraint("membership_id", "item"),)
