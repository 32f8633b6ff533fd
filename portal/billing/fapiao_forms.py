"""The forms about fapiao, reminders and order numbers."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, FileField, TextAreaField
from wtforms.validators import Optional

from portal.billing.dunning_models import HoldKind
from portal.billing.fapiao_models import FapiaoKind
from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.core.money import Money

SUM = "amount-"


class AskFapiao(Form):
    """A request: kind, a note, and (as fields of their own) a sum per invoice."""

    kind = choice_field(
        _l("Kind of fapiao"),
        description=_l(
            "A special VAT fapiao lets your company deduct the tax; it needs all invoice details."
        ),
    )
    note = text_field(
        _l("Note for our finance"),
        longest=300,
        required=False,
        description=_l("What must be written in the remarks, for example."),
    )

    def offer(self) -> AskFapiao:
        """Fill the choices in the reader's language."""
        self.kind.choices = options((kind.value, labels.label(kind)) for kind in FapiaoKind)
        return self


def sums(given: Any, uids: dict[str, int]) -> dict[int, Money]:
    """Return the sums typed per invoice, by id; empty ones are left out, unreadable ones `Refused`."""
    found = {}
    for uid, number in uids.items():
        text = str(clean(given.get(SUM + uid, "")))
        if not text:
            continue
        try:
            amount = Money.parse(text)
        except ValueError:
            raise Refused(_l("Please write the amount like 12,000.00."), status=422) from None
        if amount:
            found[number] = amount
    return found


class RecordFapiao(Form):
    """What the tax system issued."""

    number = text_field(
        _l("Fapiao number"), longest=40, description=_l("20 digits on an electronic fapiao; nothing of ours.")
    )
    day = DateField(_l("Day of issue"), validators=[REQUIRED])
    file = FileField(
        _l("File (PDF or OFD)"),
        description=_l("The payer downloads it. Up to 10 MB."),
        render_kw={"accept": ".pdf,.ofd"},
    )


class Hold(Form):
    """A pause of the reminders."""

    kind = choice_field(_l("Kind of pause"))
    until = DateField(
        _l("Until"), validators=[Optional()], description=_l("The day promised; reminders go on after it.")
    )
    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )

    def offer(self) -> Hold:
        """Fill the choices in the reader's language."""
        self.kind.choices = options((kind.value, labels.label(kind)) for kind in HoldKind)
        return self


class OrderNumber(Form):
    """The payer's own order number."""

    number = text_field(
        _l("Your purchase-order number"),
        longest=60,
        required=False,
        description=_l("It stands beside the invoice; the invoice itself does not change."),
    )
