"""Operations about certificates: the public check, and the bulk check of employers by exact numbers."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Any

from flask import Response, request
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, Field

from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.certs import numbers, verifying
from portal.certs.naming import Shown
from portal.certs.standing import CertificateState
from portal.core.api import (
    PUBLIC_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    Words,
    operations,
    responses,
    shared,
    told,
)
from portal.core.errors import Missing
from portal.core.web import public as anybody

certificates_api = operations("api_certificates", __name__, str(_l("Certificates")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
Typed = Annotated[str, Clean, Field(max_length=100)]


class Number(BaseModel):
    """The number on the paper, in any usual spelling."""

    number: Annotated[str, Field(max_length=100)]


class LevelAnswer(Answer):
    """A level of certification."""

    code: str
    title: Words


class NameAnswer(Answer):
    """A name in both scripts, as far as its holder shows it."""

    zh: str
    latin: str


class Holder(Answer):
    """Whose certificate it is, as far as the holder wishes; a hidden name is null."""

    shown: Shown
    name: NameAnswer | None


class Issuer(Answer):
    """Who issued it: a DID, and the name."""

    id: str
    name: Words


class CertificateAnswer(Answer):
    """What a certificate is worth at `checked_at`; `since` is when that state began."""

    number: str
    state: CertificateState
    since: datetime
    reason_code: str | None
    level: LevelAnswer
    holder: Holder
    awarded_on: date
    valid_until: datetime
    superseded: bool
    issuer: Issuer
    document_sha256: str | None
    badge: str | None
    checked_at: datetime


class Check(Body):
    """Exact numbers to check, at most 200."""

    numbers: Annotated[list[Typed], Field(min_length=1, max_length=200)]


class Checked(Answer):
    """One number as it was sent; `problem` says mistyped or unknown, else `certificate` answers."""

    typed: str
    problem: str | None
    certificate: CertificateAnswer | None


class Checks(Answer):
    """The answers in the order of the numbers."""

    items: list[Checked]


@certificates_api.get(
    "/certificates/<number>", operation_id="get_certificate", summary=str(_l("Check a certificate")),
    responses=responses(*PUBLIC_PROBLEMS, ok=CertificateAnswer), security=[],
)  # fmt: skip
@anybody
def get_certificate(path: Number) -> Response:
    """By its exact number; the name as far as its holder shows it."""
    body = verifying.answer(verifying.see(verifying.found(verifying.read(path.number))))
    made = shared(CertificateAnswer.model_validate(body))
    steady = {key: str(value) for key, value in body.items() if key != "checked_at"}
    made.set_etag(hashlib.sha256(repr(sorted(steady.items())).encode()).hexdigest()[:32])
    made.headers["X-Robots-Tag"] = "noindex"
    made.make_conditional(request)
    return made


@certificates_api.post(
    "/certificate-checks", operation_id="check_certificates", summary=str(_l("Check many certificates")),
    responses=responses(*WRITE_PROBLEMS, ok=Checks), security=TOKEN,
)  # fmt: skip
@needs(Scope.CERTIFICATES_CHECK)
def check_certificates(body: Check) -> Any:
    """Up to 200 exact numbers at once; the answers are those of the public check."""
    return told(Checks(items=[_checked(typed) for typed in body.numbers]))


def _checked(typed: str) -> Checked:
    number = numbers.normalise(typed)
    if number is None:
        return Checked(typed=typed, problem="mistyped", certificate=None)
    try:
        seen = verifying.see(verifying.found(number))
    except Missing:
        return Checked(typed=typed, problem="unknown", certificate=None)
    return Checked(
        typed=typed, problem=None, certificate=CertificateAnswer.model_validate(verifying.answer(seen))
    )
