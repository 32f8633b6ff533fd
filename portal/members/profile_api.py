"""Operations about the organisations a token acts for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.privacy_models import Channel
from portal.accounts.scopes import Scope
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    Int,
    OneRow,
    Uid,
    Words,
    operations,
    responses,
    stale,
    told,
)
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.idempotency import WriteHeaders, once
from portal.members import profile
from portal.members.access import own_membership
from portal.members.standing import Standing

profiles = operations("api_profiles", __name__, str(_l("Organisations")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
SITE = r"^$|^https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?(/[!-~]*)?$"
Name = Annotated[str, Clean, Field(max_length=120)]


class MembershipAnswer(Answer):
    """How an organisation belongs."""

    tier: str
    standing: Standing
    since: date | None


class OrganisationAnswer(Answer):
    """An organisation's profile; `version` goes back with a change."""

    id: Uid
    version: int
    legal_name: str
    legal_name_en: str
    display_name: Words
    country: str
    category: str
    homepage: str
    about: str
    listing: bool
    membership: MembershipAnswer | None


class Organisations(Answer):
    """All organisations of the token."""

    items: list[OrganisationAnswer]


class ProfileChange(Body):
    """What changes; fields that are left out stay. `version` is that of the profile you read."""

    version: Int
    display_name_zh: Name = ""
    display_name_en: Name = ""
    homepage: Annotated[str, Field(max_length=300, pattern=SITE)] = ""
    about: Annotated[str, Clean, Field(max_length=4000)] = ""
    listing: bool = False


def _answer(org: Organisation) -> OrganisationAnswer:
    row = own_membership(org.id)
    return OrganisationAnswer(
        id=org.uid,
        version=org.version,
        legal_name=org.legal_name,
        legal_name_en=org.legal_name_en,
        display_name=Words(zh=org.display_name_zh, en=org.display_name_en),
        country=org.country,
        category=org.category,
        homepage=org.homepage,
        about=org.about,
        listing=org.listing_consent,
        membership=MembershipAnswer(tier=row.tier, standing=row.standing, since=row.member_since)
        if row
        else None,
    )


def own_org(uid: str, what: May) -> Organisation:
    """Return an organisation of the token where it may do this; others look missing."""
    row = db.session.scalars(
        select(Organisation).where(Organisation.uid == uid, Organisation.id.in_(me().orgs(what)))
    ).first()
    if row is None:
        raise Missing(_("There is no such organisation, or it is not yours."))
    return row


@profiles.get(
    "/organisations", operation_id="list_organisations", summary=str(_l("Organisations the token acts for")),
    responses=responses(*TOKEN_PROBLEMS, ok=Organisations), security=TOKEN,
)  # fmt: skip
@needs(Scope.PROFILE_READ)
def list_organisations() -> Any:
    """The list is short and has no pages."""
    mine = select(Organisation).where(Organisation.id.in_(me().orgs(May.SEE_ORG))).order_by(Organisation.id)
    return told(Organisations(items=[_answer(org) for org in db.session.scalars(mine)]))


@profiles.get(
    "/organisations/<uid>", operation_id="get_organisation", summary=str(_l("One organisation's profile")),
    responses=responses(*TOKEN_PROBLEMS, ok=OrganisationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.PROFILE_READ)
def get_organisation(path: OneRow) -> Any:
    """With its membership, where it has one."""
    return told(_answer(own_org(path.uid, May.SEE_ORG)))


@profiles.patch(
    "/organisations/<uid>", operation_id="change_organisation", summary=str(_l("Change the profile")),
    responses=responses(*WRITE_PROBLEMS, ok=OrganisationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.PROFILE_WRITE)
@once
def change_organisation(path: OneRow, body: ProfileChange, header: WriteHeaders) -> Any:
    """Names on the wall, site, words about it, and whether it is shown; 409 when somebody was faster."""
    org = own_org(path.uid, May.EDIT_PROFILE)
    if org.version != body.version:
        raise stale()
    given = body.model_dump(exclude={"version"}, exclude_unset=True)
    profile.change(org, given, by=me().person, channel=Channel.API)
    return told(_answer(org))
