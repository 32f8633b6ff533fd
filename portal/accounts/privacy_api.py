"""Operations about one's own consents: the same words as on the account page, by a person's own token."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts import consents
from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.accounts.scopes import Scope
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Words,
    operations,
    responses,
    told,
)
from portal.core.errors import Forbidden
from portal.core.idempotency import WriteHeaders, once

privacy_api = operations("api_privacy", __name__, str(_l("Your consents")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class ConsentAnswer(Answer):
    """A purpose, its words as they stand today, and whether you allow it; `version` is that of the words."""

    purpose: str
    name: Words
    text: Words
    receiver: Words
    fields: list[str]
    version: int
    given: bool
    since: str | None
    until: date | None


class Consents(Answer):
    """Each purpose you are asked about."""

    items: list[ConsentAnswer]


class ConsentWord(Body):
    """Give a consent, or take it back. It takes effect at once and is a condition of nothing."""

    purpose: Annotated[str, Field(max_length=40)]
    given: bool


def _own() -> Person:
    """Return whose consents these are; an organisation's token has none."""
    reader = me()
    if not reader.personal:
        raise Forbidden(_("Consents are a person's own. Please use a token that belongs to you."))
    return reader.person


def _answer(person: Person) -> Any:
    return told(
        Consents(
            items=[
                ConsentAnswer(
                    purpose=one.code, name=Words(**one.body["name"]), text=Words(**one.body["text"]),
                    receiver=Words(**one.body["receiver"]), fields=list(one.body["fields"]), version=one.version,
                    given=one.given, since=one.last.at.isoformat() if one.given and one.last else None,
                    until=one.last.until if one.given and one.last else None,
                )
                for one in consents.asked_of(person)
            ]
        )
    )  # fmt: skip


@privacy_api.get(
    "/consents", operation_id="list_consents", summary=str(_l("What you allow")),
    responses=responses(*TOKEN_PROBLEMS, ok=Consents), security=TOKEN,
)  # fmt: skip
@needs(Scope.PRIVACY)
def list_consents() -> Any:
    """The list is short and has no pages."""
    return _answer(_own())


@privacy_api.post(
    "/consents", operation_id="speak_consent", summary=str(_l("Give a consent or take it back")),
    responses=responses(*WRITE_PROBLEMS, ok=Consents), security=TOKEN,
)  # fmt: skip
@needs(Scope.PRIVACY)
@once
def speak_consent(body: ConsentWord, header: WriteHeaders) -> Any:
    """Said again it changes nothing; each change is a new word in the ledger."""
    person = _own()
    consents.speak(body.purpose, body.given, by=person, channel=Channel.API)
    return _answer(person)
