"""Offers as the catalogue has them: a new offer, level or package is a row; code knows only the forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.core import catalogue, labels
from portal.core.errors import Missing, Refused

KIND = "offer"


class Form(StrEnum):
    """How what is bought is delivered."""

    SUBSCRIPTION = "subscription"
    ENGAGEMENT = "engagement"
    BUNDLE = "bundle"
    PLACE = "place"
    COPY = "copy"
    STATEMENT = "statement"
    UNITS = "units"


labels.name(
    Form,
    {
        Form.SUBSCRIPTION: _l("Subscription"),
        Form.ENGAGEMENT: _l("Project with milestones"),
        Form.BUNDLE: _l("Bundle"),
        Form.PLACE: _l("Place in an edition"),
        Form.COPY: _l("Licensed copy"),
        Form.STATEMENT: _l("Monthly statement"),
        Form.UNITS: _l("Units, used as needed"),
    },
)


class Buyers(StrEnum):
    """Who may buy an offer without being asked."""

    ANYONE = "anyone"
    ORGANISATIONS = "organisations"
    MEMBERS = "members"


labels.name(
    Buyers,
    {
        Buyers.ANYONE: _l("For everybody"),
        Buyers.ORGANISATIONS: _l("Open to organisations"),
        Buyers.MEMBERS: _l("Open to members"),
    },
)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing within a bundle: the product by whose price it is weighed, how many, and which offer delivers it."""

    price: str
    quantity: int = 1
    offer: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: what it is called, how it is delivered and priced, who may buy it, and what it needs."""

    code: str
    name: dict[str, str]
    words: dict[str, str]
    form: Form
    price: str
    buyers: Buyers
    tiers: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    contract: bool = False
    purchase_order: bool = False
    contacts: tuple[str, ...] = ()
    notice_days: int = 30
    template: str = ""
    plan: str = ""
    hidden: bool = False

    @property
    def title(self) -> str:
        """Return what it is called, in the reader's language."""
        return catalogue.in_words(self.name)

    @property
    def said(self) -> str:
        """Return what it is, in the reader's language."""
        return catalogue.in_words(self.words)


def read(body: dict[str, Any]) -> Offer:
    """Return an offer from its row of the catalogue."""
    parts = tuple(
        Part(one["price"], one.get("quantity", 1), one.get("offer", ""), one.get("plan", ""))
        for one in body.get("parts", ())
    )
    return Offer(
        body["code"], body["name"], body["words"], Form(body["form"]), body["price"], Buyers(body.get("for", "organisations")),
        tuple(body.get("tiers", ())), parts, bool(body.get("contract")), bool(body.get("purchase_order")),
        tuple(body.get("contacts", ())), int(body.get("notice_days", 30)), body.get("template", ""),
        body.get("plan", ""), bool(body.get("hidden")),
    )  # fmt: skip


def every(*, on: date | None = None) -> list[Offer]:
    """Return the offers of a day, in the order of the files."""
    return [read(body) for body in catalogue.entries(KIND, on=on).values()]


def shown() -> list[Offer]:
    """Return the offers that stand on the public page."""
    return [one for one in every() if not one.hidden]


def find(code: str, *, on: date | None = None) -> Offer | None:
    """Return an offer of a day by its code, if there is one."""
    body = catalogue.entries(KIND, on=on).get(code)
    return None if body is None else read(body)


def one(code: str, *, on: date | None = None) -> Offer:
    """Return an offer of a day by its code; `Missing` if there is none."""
    found = find(code, on=on)
    if found is None:
        raise Missing(_l("There is no such offer."))
    return found


def title_of(code: str) -> str:
    """Return what an offer is called; its code if it is no longer there."""
    found = find(code)
    return found.title if found is not None else code


def check(body: dict[str, Any]) -> None:
    """Look at an offer before it enters the catalogue."""
    try:
        offer = read(body)
    except (KeyError, ValueError, TypeError) as error:
        raise Refused(f"offer {body.get('code')}: {error} is missing or unknown") from error
    if (offer.form is Form.BUNDLE) != bool(offer.parts):
        raise Refused(_("offer %(code)s: a bundle has parts, and only a bundle has", code=offer.code))
    if any(part.quantity < 1 for part in offer.parts):
        raise Refused(_("offer %(code)s: a part is at least one", code=offer.code))
    if offer.notice_days < 0:
        raise Refused(_("offer %(code)s: notice is not negative", code=offer.code))


def part_for(bundle: str, product: str) -> Part | None:
    """Return the part of a bundle that is one product, if it has it."""
    found = find(bundle)
    return next((one for one in found.parts if one.price == product), None) if found is not None else None
