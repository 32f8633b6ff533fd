"""The application form: fields and pages from the catalogue, kept as typed, checked page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from portal.accounts.registration import Verdict, check_uscc
from portal.billing.catalogue import price_of
from portal.core import catalogue
from portal.core.forms import clean
from portal.core.words import money

FILE = "file"
FROM = "changes_from"
ORGANISATION, PERSON = "organisation", "person"


def holder_of(answers: dict[str, Any]) -> str:
    """Return whether these are the answers of an organisation or of a person."""
    return str(answers.get("holder", ORGANISATION))


def fits(tier: str) -> bool:
    """Whether a tier is one that organisations apply for."""
    body = catalogue.entries("tier").get(tier)
    return body is not None and body.get("holder", ORGANISATION) == ORGANISATION


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the form as it stands on a day, in the reader's language."""

    code: str
    page: str
    kind: str
    label: str
    hint: str
    required: bool
    longest: int
    tiers: tuple[str, ...]
    categories: tuple[str, ...]
    holder: str = ORGANISATION
    at_change: bool = False

    def asked(self, answers: dict[str, Any]) -> bool:
        """Whether the question is put, given the tier and category chosen so far; at a change only what is new."""
        if self.holder != holder_of(answers):
            return False
        if was := answers.get(FROM):
            if not self.at_change and (not self.tiers or was in self.tiers):
                return False
        elif self.at_change:
            return False
        return (not self.tiers or answers.get("tier") in self.tiers) and (
            not self.categories or answers.get("category") in self.categories
        )

    def options(self, on: date) -> list[tuple[str, str]]:
        """Return what can be chosen, as code and words."""
        if self.kind == "tier":
            return [
                (
                    code,
                    f"{catalogue.in_words(body['name'])} · {money(price_of(body['product'], on=on).amount)}",
                )
                for code, body in catalogue.entries("tier", on=on).items()
                if body.get("holder", ORGANISATION) == ORGANISATION
            ]
        return [
            (code, catalogue.in_words(body["name"]))
            for code, body in catalogue.entries(self.kind, on=on).items()
            if body.get("holder", ORGANISATION) == ORGANISATION
        ]

    def shown(self, value: Any, on: date) -> str:
        """Return an answer as people read it."""
        if self.kind in {"tier", "category", "country"}:
            return dict(self.options(on)).get(str(value), str(value or ""))
        if self.kind == "check":
            return _("Yes") if value else _("No")
        return str(value or "")


def fields(on: date) -> list[Field]:
    """Return every question in force on a day, in order."""
    return [
        Field(
            code=code,
            page=body["page"],
            kind=body["kind"],
            label=catalogue.in_words(body["label"]),
            hint=catalogue.in_words(body["hint"]) if "hint" in body else "",
            required=bool(body.get("required")),
            longest=int(body.get("longest", 200)),
            tiers=tuple(body.get("tiers", ())),
            categories=tuple(body.get("categories", ())),
            holder=str(body.get("holder", ORGANISATION)),
            at_change=bool(body.get("at_change")),
        )
        for code, body in catalogue.entries("form", on=on).items()
    ]


def pages(on: date, answers: dict[str, Any] | None = None) -> dict[str, dict[str, str]]:
    """Return the pages of the form with title and lead, in order: those that ask this holder something."""
    given = answers or {}
    holder, changes = holder_of(given), bool(given.get(FROM))
    asking = {
        field.page for field in fields(on) if (field.asked(given) if changes else field.holder == holder)
    }
    return {
        code: {"title": catalogue.in_words(body["name"]), "lead": catalogue.in_words(body["lead"])}
        for code, body in catalogue.entries("page", on=on).items()
        if code in asking
    }


def taken(field: Field, raw: Any) -> Any:
    """Return an answer as it is kept: trimmed, never longer than ten times the limit, ticks as truth."""
    if field.kind == "check":
        return bool(raw)
    return str(clean(raw or ""))[: field.longest * 10]


def problem(field: Field, value: Any, answers: dict[str, Any], on: date) -> str | None:
    """Return what is wrong with an answer, in words; None if nothing is."""
    if field.kind == "check":
        return None
    if not value:
        return _("Please fill this in.") if field.required else None
    if len(value) > field.longest:
        return _("Please use at most %(max)s characters.", max=field.longest)
    if field.kind in {"tier", "category", "country"}:
        return None if value in dict(field.options(on)) else _("Please choose one of the list.")
    if field.kind == "mail":
        return _bad_mail(value)
    if field.kind == "url":
        return bad_url(value)
    if field.code == "founded" and not re.fullmatch(r"(19|20)\d\d", value):
        return _("Please write the year with four digits.")
    if field.code == "registration" and answers.get("country") == "CN":
        return bad_code(value)
    return None


def _bad_mail(value: str) -> str | None:
    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return _("This does not look like a mail address, such as name@company.com.")
    return None


def bad_url(value: str) -> str | None:
    """Return what is wrong with a web address, in words; None if nothing is."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and "." in (parts.hostname or "") and " " not in value
    except ValueError:
        good = False
    return None if good else _("Please write the whole address, such as https://www.company.com.")


def bad_code(value: str) -> str | None:
    """Return why a credit code cannot be taken; questionable ones can."""
    found = check_uscc(value)
    if found.verdict is not Verdict.refused:
        return None
    if found.reason == "personal_number":
        return _(
            "This is a personal identity number. Please do not give it to us; we need the organisation's credit code."
        )
    if found.hint:
        places = ", ".join(str(place + 1) for place in found.hint)
        return _(
            "Credit codes have no letters I, O, S, V or Z. Please look at character %(places)s: perhaps 1, 0 or 5?",
            places=places,
        )
    if found.reason == "format":
        return _("A credit code has 18 characters: digits and capital letters.")
    return _("The check characters of this code do not fit. Please compare it with the licence.")


def check(answers: dict[str, Any], uploads: set[str], on: date, *, page: str | None = None) -> dict[str, str]:
    """Return what is wrong, by field, on one page or on all."""
    found: dict[str, str] = {}
    for field in fields(on):
        if (page is not None and field.page != page) or not field.asked(answers):
            continue
        if field.kind == FILE:
            if field.required and field.code not in uploads:
                found[field.code] = _("Please add this file.")
            continue
        if words := problem(field, answers.get(field.code), answers, on):
            found[field.code] = words
    return found
