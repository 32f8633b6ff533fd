"""The forms of compute statements: a month's sales, what is wrong with a statement, sellers and their rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DecimalField,
    FieldList,
    FormField,
    HiddenField,
    MultipleFileField,
    StringField,
)
from wtforms import Form as Plain
from wtforms.validators import InputRequired

from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, clean, most, text_field
from portal.members.forms import area
from portal.services.statements.reading import month_of

ROWS = 5


def _cell(label: Any, longest: int) -> StringField:
    return StringField(label, validators=[most(longest)], filters=[clean])


class Row(Plain):
    """One line of sales."""

    month = _cell(_l("Month"), 20)
    package = _cell(_l("Package"), 120)
    hours = _cell(_l("Hours sold"), 20)
    unit_price = _cell(_l("Price per hour"), 20)
    evidence = _cell(_l("Evidence"), 300)

    @property
    def filled(self) -> bool:
        """Whether something was typed into the row."""
        return any((field.data or "").strip() for field in self if field.short_name != "month")

    def raw(self) -> dict[str, str]:
        """Return the row as a line of a file would say it."""
        return {str(field.short_name): str(field.data or "") for field in self}


class Report(Form):
    """A month's sales: a file, or rows, or the word that nothing was sold."""

    file = MultipleFileField(
        _l("List and evidence"),
        description=_l(
            "A CSV file with the columns month, package, hours, unit_price, amount, evidence; beside it contracts or bills as PDF, pictures or archives. Up to 5 files of 10 MB."
        ),
    )  # fmt: skip
    rows = FieldList(FormField(Row), min_entries=ROWS, max_entries=40)
    nothing = BooleanField(_l("Nothing was sold in this month, and nothing is to be corrected."))
    note = area(_l("A word to finance"), longest=300, required=False, rows=2)


class Confirm(Form):
    """The figures that were seen."""

    sending = HiddenField(validators=[REQUIRED])

    def number(self) -> int:
        """Return which sending was seen; 0 if that is no number."""
        said = str(self.sending.data or "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0


class Dispute(Form):
    """What is wrong with a statement."""

    words = area(_l("What is wrong, and what would be right?"), longest=2000, rows=4)


class Send(Form):
    """An answer to a dispute, if there is one."""

    answer = area(_l("Your answer to the seller"), longest=2000, required=False, rows=3)


class Month(Form):
    """A month."""

    def read(self, name: str) -> Any:
        """Return the month of a field; `Refused` beside it if it is none."""
        try:
            return month_of(str(self[name].data))
        except ValueError:
            raise Refused(_l("A month reads 2026-05."), field=name, status=422) from None


class NewSeller(Month):
    """A member that begins to sell."""

    org = text_field(_l("Member"), description=_l("Its name or credit code"))
    since = text_field(_l("First month"), longest=20, description=_l("For example 2026-05"))
    contract = text_field(
        _l("Contract"), description=_l("Its number or name; it gives the right to look at the books.")
    )


class EndSeller(Month):
    """The first month without sales."""

    until = text_field(_l("First month without sales"), longest=20, description=_l("For example 2026-05"))


class NewRate(Month):
    """A rate from a month on."""

    start = text_field(_l("From the month"), longest=20, description=_l("For example 2026-05"))
    percent = DecimalField(_l("Rate in per cent"), places=2, validators=[InputRequired(REQUIRED.message)])
    reason = text_field(_l("Reason"), longest=300)

    def bp(self) -> int:
        """Return the rate in basis points; `Refused` if it has more than two decimals."""
        value = Decimal(self.percent.data or 0) * 100
        if not value.is_finite() or value != value.to_integral_value() or abs(value) > 10**6:
            raise Refused(_l("A rate has at most two decimals."), field="percent", status=422)
        return int(value)
