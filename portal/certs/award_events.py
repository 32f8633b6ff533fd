"""What certification tells the others about awards."""

from __future__ import annotations

from dataclasses import dataclass

from portal.certs.models.award import Award
from portal.certs.models.document import Certificate
from portal.certs.naming import Shown


@dataclass(frozen=True, slots=True)
class CertificateIssued:
    """A document of an award has its number; its file follows."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class AwardSuspended:
    """An award is on hold."""

    award: Award


@dataclass(frozen=True, slots=True)
class AwardReinstated:
    """An award on hold counts again."""

    award: Award


@dataclass(frozen=True, slots=True)
class AwardRevoked:
    """An award is revoked for good."""

    award: Award


@dataclass(frozen=True, slots=True)
class AwardExpired:
    """An award's last day is over; told once."""

    award: Award


@dataclass(frozen=True, slots=True)
class VisibilityChanged:
    """A holder shows more or less of an award's name to the public."""

    award: Award
    shown: Shown
