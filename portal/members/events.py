"""What the members' domain tells the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from portal.members.belonging import Agreement, Ending, Membership, Term
from portal.members.models import Application
from portal.members.standing import Standing


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """An application was sent in for the first time."""

    application: Application


@dataclass(frozen=True, slots=True)
class ApplicationApproved:
    """A director approved an application."""

    application: Application


@dataclass(frozen=True, slots=True)
class ApplicationClosed:
    """An approved application ended without a membership."""

    application: Application


@dataclass(frozen=True, slots=True)
class AgreementSigned:
    """The member has signed, by click or chop."""

    agreement: Agreement


@dataclass(frozen=True, slots=True)
class AgreementExecuted:
    """Both sides have signed."""

    agreement: Agreement


@dataclass(frozen=True, slots=True)
class TermOpened:
    """A term began to be on record."""

    term: Term


@dataclass(frozen=True, slots=True)
class MembershipJoined:
    """An organisation's first term was opened."""

    membership: Membership


@dataclass(frozen=True, slots=True)
class CreditTermsGiven:
    """Finance lets a holder pay after the start."""

    membership: Membership


@dataclass(frozen=True, slots=True)
class TierChanged:
    """A term of another tier follows the one before it at once, from a day on."""

    membership: Membership
    old: str
    new: str
    on: date


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The copy of a standing changed."""

    membership: Membership
    old: Standing
    new: Standing
    on: date


@dataclass(frozen=True, slots=True)
class TermEnded:
    """A term got an ending: whatever was offered after it falls away, whoever reminds stops."""

    ending: Ending
