"""The small forms of renewing: order number, pause, more time, a reason."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import DateField

from portal.core.forms import REQUIRED, Form, text_field
from portal.members.forms import area


class Confirm(Form):
    """What the member says before it goes on."""

    number = text_field(
        _l("Your purchase-order number"), longest=60, required=False,
        description=_l("If the invoice should name one."),
    )  # fmt: skip


class Until(Form):
    """A day and a reason: a pause of the reminders, or more time to pay."""

    until = DateField(
        _l("Until"), validators=[REQUIRED], description=_l("The first day on which it goes on again.")
    )
    reason = area(_l("Reason"), longest=300, rows=2)


class Why(Form):
    """A reason."""

    reason = area(_l("Reason"), longest=300, rows=2)
