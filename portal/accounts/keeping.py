"""What accounts keep, what for and for how long: the register of its columns, and the rules by which rows go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, delete, exists, func, or_, select

from portal.accounts.organisations import Invitation
from portal.accounts.people import Ticket, UserSession
from portal.accounts.privacy_models import Erasure
from portal.core import personal, retaining
from portal.core.db import db
from portal.core.mail import MailMessage
from portal.core.personal import Keeping, Purpose
from portal.core.retaining import Rule

P, K = Purpose, Keeping


def _register() -> None:
    personal.holds(
        P.ACCOUNT, K.ACCOUNT, "person.name", "person.email", "person.language", "person.password_hash",
        "person.totp_sealed", "passkey.name", "api_token.name",
    )  # fmt: skip
    personal.holds(
        P.SECURITY, K.SESSIONS, "user_session.address", "user_session.agent", "user_session.person_id"
    )
    personal.holds(P.SECURITY, K.TICKETS, "ticket.detail", "ticket.person_id")
    personal.holds(P.SECURITY, K.TRIES, "sign_in_attempt.key")
    personal.holds(P.SECURITY, K.ACCOUNT, "factor_loss.shown", "recovery_code.person_id", "passkey.person_id")
    personal.holds(P.ACTING, K.AUDIT, "contact.person_id", "staff_grant.person_id")
    personal.holds(P.ACTING, K.AUDIT, "owner_letter.email", "join_request.note", "join_request.decided_by")
    personal.holds(P.ACTING, K.AUDIT, "vacancy.left_by", "vacancy.filled_by", "vacancy.declared_by")
    personal.holds(P.ACTING, K.INVITATIONS, "invitation.email", "invitation.by_name")
    personal.holds(
        P.MAIL,
        K.MAILS,
        "mail_message.address",
        "mail_message.name",
        "mail_message.title",
        "mail_message.html",
    )
    personal.holds(P.CONSENT, K.AUDIT, "consent.person_id")
    personal.holds(P.CONSENT, K.AUDIT, "erasure.person_id", "erasure.reason")
    personal.holds(P.PROOF, K.AUDIT, "audit_entry.actor", "audit_entry.detail", "audit_entry.address")
    personal.holds(
        P.MEMBERSHIP,
        K.AUDIT,
        "organisation.legal_name",
        "organisation.address",
        "organisation.person_id",
        "former_name.name",
    )
    personal.no_person("flag.name")


def install() -> None:
    """Put the columns into the register, and the rules on the table."""
    _register()
    retaining.rule(
        Rule("invitations", "invitation", _dead_invitations, _delete(Invitation)),
        Rule("sessions", "user_session", _old_sessions, _delete(UserSession)),
        Rule("tickets", "ticket", _old_tickets, _delete(Ticket)),
        Rule("mails", "mail_message", _old_mails, _empty_mail),
        Rule("last_mails", "mail_message", _last_mails, _empty_mail),
    )


def _delete(model: type[Any]) -> Any:
    def one(number: int) -> None:
        db.session.execute(delete(model).where(model.id == number))

    return one


def _dead_invitations(before: datetime) -> Select[Any]:
    ended = func.coalesce(Invitation.withdrawn_at, Invitation.expires_at)
    return (
        select(Invitation.id).where(Invitation.accepted_at.is_(None), ended < before).order_by(Invitation.id)
    )


def _old_sessions(before: datetime) -> Select[Any]:
    ended = func.coalesce(UserSession.ended_at, UserSession.seen_at)
    return select(UserSession.id).where(ended < before).order_by(UserSession.id)


def _old_tickets(before: datetime) -> Select[Any]:
    return select(Ticket.id).where(Ticket.expires_at < before).order_by(Ticket.id)


def _sent(before: datetime) -> Select[Any]:
    full = or_(MailMessage.text != "", MailMessage.html != "", MailMessage.address != "")
    return select(MailMessage.id).where(MailMessage.sent_at < before, full).order_by(MailMessage.id)


def _old_mails(before: datetime) -> Select[Any]:
    return _sent(before)


def _last_mails(before: datetime) -> Select[Any]:
    """Select the mails that told an erased person what was done."""
    topic = "erasure:" + cast(Erasure.id, String)
    of_erased = exists().where(MailMessage.topic == topic, Erasure.token != "")
    return _sent(before).where(of_erased)


def _empty_mail(number: int) -> None:
    row = db.session.get_one(MailMessage, number)
    row.address = row.name = row.title = row.text = row.html = ""
