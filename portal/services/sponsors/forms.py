"""The forms of sponsorship: an edition, a package, what it promises, who takes a place, what was done."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, FileField, IntegerField
from wtforms.validators import InputRequired, NumberRange, Optional

from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.core.money import Money
from portal.members.forms import area
from portal.services.sponsors.editions import PRODUCTS
from portal.services.sponsors.kinds import PromiseKind, Scope


def _day(label: Any, *, required: bool = True, **words: Any) -> DateField:
    return DateField(label, validators=[InputRequired(REQUIRED.message) if required else Optional()], **words)


class NewEdition(Form):
    """An edition of an event."""

    name_zh = text_field(_l("Name in Chinese"), longest=120)
    name_en = text_field(_l("Name in English"), longest=120)
    event = text_field(
        _l("Code of the event"), longest=40, description=_l("The same every year, for example summit: first refusal goes by it.")
    )  # fmt: skip
    year = IntegerField(
        _l("Year"),
        validators=[InputRequired(REQUIRED.message), NumberRange(2000, 2100, _l("Please give a year from 2000 to 2100."))],
    )  # fmt: skip
    city = text_field(_l("City"), longest=80)
    first_day = _day(_l("First day of the event"))
    last_day = _day(_l("Last day of the event"))
    refusal_until = _day(_l("Last year's title sponsor has first refusal until"), required=False)

    def names(self) -> dict[str, str]:
        """Return the name in both languages."""
        return {"zh": str(self.name_zh.data), "en": str(self.name_en.data)}


class NewPackage(Form):
    """A package of an edition."""

    name_zh = text_field(_l("Name in Chinese"), longest=120)
    name_en = text_field(_l("Name in English"), longest=120)
    product = choice_field(_l("Kind of place"))
    price = text_field(_l("Price, tax included"), longest=30)
    quantity = IntegerField(_l("How many places"), validators=[InputRequired(REQUIRED.message)])
    scope = choice_field(_l("What the sponsor has for itself"))
    title = BooleanField(_l("This is the title of the edition: first refusal counts for it."))

    def offer(self, products: dict[str, str]) -> None:
        """Offer the kinds of places and what they can have for themselves."""
        self.product.choices = options((code, products[code]) for code in PRODUCTS if code in products)
        self.scope.choices = options((one.value, labels.label(one)) for one in Scope)

    def names(self) -> dict[str, str]:
        """Return the name in both languages."""
        return {"zh": str(self.name_zh.data), "en": str(self.name_en.data)}

    def sum(self) -> Money:
        """Return the price; `Refused` beside the field if it is no sum."""
        try:
            return Money.parse(str(self.price.data))
        except ValueError:
            raise Refused(_l("Please write the amount like 12,000.00."), field="price", status=422) from None


class NewItem(Form):
    """Something a package promises."""

    kind = choice_field(_l("Whose turn"))
    words_zh = text_field(_l("In Chinese"), longest=200)
    words_en = text_field(_l("In English"), longest=200)
    days = IntegerField(
        _l("Days after the first day"), validators=[InputRequired(REQUIRED.message)],
        description=_l("Below zero: days before it."),
    )  # fmt: skip

    def offer(self) -> None:
        """Offer both sides."""
        self.kind.choices = options((one.value, labels.label(one)) for one in PromiseKind)


class Hold(Form):
    """For whom a place is held."""

    package = choice_field(_l("Package"))
    org = text_field(_l("Organisation"), description=_l("Its name or credit code"))


class Sign(Form):
    """That the contract is executed."""

    contract = text_field(_l("Contract"), description=_l("Its number: signed by both sides."))


class HandIn(Form):
    """What the sponsor hands in."""

    words = text_field(_l("Where it is, or a word about it"), required=False, longest=500)
    file = FileField(_l("File"))


class Prove(Form):
    """That something is done."""

    proof = text_field(_l("How does one see that it is done?"), longest=500)
    file = FileField(_l("Proof as a file"))


class Back(Form):
    """Why something cannot be used."""

    reason = text_field(_l("What is wrong with it?"), longest=300)


class Leave(Form):
    """Why a place is cancelled."""

    reason = area(_l("Reason"), longest=300, rows=2)
