"""The forms of adaptation slots: a request, a release, the capacity of a quarter."""

from __future__ import annotations

import re
from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField
from wtforms.validators import InputRequired

from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.members.forms import area
from portal.services.slots.kinds import WorkKind

_QUARTER = re.compile(r"(20[0-9]{2})[-/ ]?[Qq]([1-4])")


def quarter_of(text: str) -> date:
    """Read a quarter (`2026Q3`) as its first day; ValueError for anything else."""
    found = _QUARTER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a quarter: {text!r}")
    return date(int(found.group(1)), 3 * int(found.group(2)) - 2, 1)


class Ask(Form):
    """A request for a slot."""

    kind = choice_field(_l("What for?"))
    wish = area(_l("Which chip, model or scenario, and what should run in the end?"), longest=500, rows=3)

    def offer(self) -> None:
        """Offer the kinds of work."""
        self.kind.choices = options((one.value, labels.label(one)) for one in WorkKind)


class Release(Form):
    """Why a booked slot is given back."""

    reason = text_field(_l("Reason"), longest=300)


class Capacity(Form):
    """What a quarter has."""

    quarter = text_field(_l("Quarter"), longest=10, description=_l("For example 2026Q3"))
    slots = IntegerField(_l("Slots"), validators=[InputRequired(REQUIRED.message)])
    person_days = IntegerField(_l("Person-days behind them"), validators=[InputRequired(REQUIRED.message)])

    def start(self) -> date:
        """Return the first day of the quarter; `Refused` beside the field if it is none."""
        try:
            return quarter_of(str(self.quarter.data))
        except ValueError:
            raise Refused(_l("A quarter reads 2026Q3."), field="quarter", status=422) from None
