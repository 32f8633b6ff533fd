"""Personal data by column: what each is for and how long it is kept; and what a person may take along of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import MetaData
from sqlalchemy.schema import Column

from portal.core import labels


class Purpose(StrEnum):
    """What personal data are for."""

    ACCOUNT = "account"
    SECURITY = "security"
    ACTING = "acting"
    MEMBERSHIP = "membership"
    MONEY = "money"
    MAIL = "mail"
    CONSENT = "consent"
    PROOF = "proof"
    EXAMS = "exams"
    CERTIFICATES = "certificates"
    SUPPORT = "support"
    JOBS = "jobs"


P = Purpose
labels.name(
    Purpose,
    {
        P.ACCOUNT: _l("To give you an account"),
        P.SECURITY: _l("To keep accounts safe"),
        P.ACTING: _l("To know who acts for an organisation"),
        P.MEMBERSHIP: _l("To decide about and carry out memberships and agreements"),
        P.MONEY: _l("To invoice, to receive and return money, and to keep the books"),
        P.MAIL: _l("To write to you"),
        P.CONSENT: _l("To do what you agreed to, and to prove it"),
        P.PROOF: _l("To prove later who did or decided what"),
        P.EXAMS: _l("To hold the exams you book, and to certify what you passed"),
        P.CERTIFICATES: _l("To issue certificates and badges, and to let others check them"),
        P.SUPPORT: _l("To answer what you ask, and to show that promises were kept"),
        P.JOBS: _l("To bring members that recruit and people who look for work together"),
    },
)


class Keeping(StrEnum):
    """How long personal data are kept; days are rows of the catalogue's `retention`."""

    ACCOUNT = "account"
    SESSIONS = "sessions"
    TICKETS = "tickets"
    TRIES = "tries"
    INVITATIONS = "invitations"
    APPLICATION_FILES = "application_files"
    AGREEMENTS = "agreements"
    BOOKS = "books"
    MAILS = "mails"
    AUDIT = "audit"
    EXAMS = "exams"
    ANSWERS = "answers"
    IDENTITY = "identity"
    AWARDS = "awards"
    EDUCATION = "education"
    SUPPORT = "support"
    SUPPORT_FILES = "support_files"
    JOBS = "jobs"
    JOB_PROFILE = "job_profile"
    JOB_APPLICATION = "job_application"


@dataclass(frozen=True, slots=True)
class Held:
    """What a column of personal data is for, and how long it is kept."""

    purpose: Purpose
    keeping: Keeping


_held: dict[str, Held] = {}
_no_person: set[str] = set()
# A column so called holds something of a person until the register says otherwise.
TELLING = frozenset(
    {
        "name", "email", "mail", "address", "telephone", "phone", "agent", "payer", "payee", "payer_account",
        "payee_account", "buyer", "buyer_name", "shown", "answers", "contact", "signatory", "signed_name",
        "signed_from", "html", "bank_account", "legal_name", "title",
    }
)  # fmt: skip


def holds(purpose: Purpose, keeping: Keeping, *columns: str) -> None:
    """Say what columns (`table.column`) are for and how long they are kept."""
    _held.update(dict.fromkeys(columns, Held(purpose, keeping)))


def no_person(*columns: str) -> None:
    """Say that columns which sound personal name no person."""
    _no_person.update(columns)


def _who_did_it(column: Column[Any]) -> bool:
    """Whether a column says who did something: a person's id, or the name beside the deed."""
    return any(key.column.table.name == "person" for key in column.foreign_keys) or column.name.endswith(
        ("by_name", "second_name")
    )


def of(table: str, column: Column[Any]) -> Held | None:
    """Return what a column is for; whoever did something stands there as proof, as long as the audit does."""
    said = _held.get(f"{table}.{column.name}")
    return said or (Held(P.PROOF, Keeping.AUDIT) if _who_did_it(column) else None)


def register(metadata: MetaData) -> Iterator[tuple[str, Held]]:
    """Return every personal column with its purpose and keeping."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if (found := of(table.name, column)) is not None:
                yield f"{table.name}.{column.name}", found


def untagged(metadata: MetaData) -> list[str]:
    """Return the columns that sound personal and say neither purpose nor that they name no person."""
    return [
        key
        for table in metadata.sorted_tables
        for column in table.columns
        if (key := f"{table.name}.{column.name}") not in _no_person
        and column.name in TELLING
        and of(table.name, column) is None
    ]


def unknown(metadata: MetaData) -> list[str]:
    """Return what the register says of columns that are not there."""
    known = {f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.columns}
    return sorted((set(_held) | _no_person) - known)


def by_purpose(metadata: MetaData) -> dict[Purpose, list[Keeping]]:
    """Return the purposes in force, each with how long its data are kept."""
    found: dict[Purpose, set[Keeping]] = {}
    for _key, held in register(metadata):
        found.setdefault(held.purpose, set()).add(held.keeping)
    return {purpose: [one for one in Keeping if one in found[purpose]] for purpose in P if purpose in found}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One kind of a person's data as he takes it along: columns as (key, words), rows of plain values."""

    code: str
    title: LazyString
    columns: tuple[tuple[str, LazyString], ...]
    rows: list[dict[str, Any]]


Collect = Callable[[Any], Iterable[Sheet]]
_collectors: dict[str, Collect] = {}


def collects(domain: str, of_person: Collect) -> None:
    """Let a domain add what it keeps of a person; `wiring.py` hands the callables over."""
    _collectors[domain] = of_person


def sheets(person: Any) -> list[Sheet]:
    """Return everything the domains keep of a person, in their order; kinds without rows stay out."""
    return [sheet for of_person in _collectors.values() for sheet in of_person(person) if sheet.rows]
