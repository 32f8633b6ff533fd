"""What accounts tell the house: a consent given or taken back, and a person who was erased."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """A person gave or took back a consent, for himself or (`org`) for an organisation."""

    purpose: str
    person: Person
    org: Organisation | None
    given: bool


@dataclass(frozen=True, slots=True)
class PersonErased:
    """A person's data are being erased; `token` stands in their place, `email` was the address until now."""

    person: Person
    token: str
    name: str
    email: str
