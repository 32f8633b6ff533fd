"""Forms of continuing education: an entry, points, a reason, a decision."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, StringField

from portal.certs.education import rules
from portal.certs.education.entries import Claim
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.members.forms import area

WHOLE = {"inputmode": "numeric", "autocomplete": "off"}


class NewEntry(Form):
    """What was done, and what shows it."""

    kind = choice_field(_l("Kind of entry"))
    done_on = DateField(_l("Done on"), validators=[REQUIRED])
    what = area(_l("What it was"), longest=500, rows=3)
    link = StringField(
        _l("Link that shows it"), validators=[most(300)], filters=[clean], render_kw={"type": "url", "placeholder": "https://"}
    )  # fmt: skip
    file = FileField(_l("Or a file that shows it"), render_kw={"accept": ".pdf,.png,.jpg,.jpeg"})
    points = text_field(_l("Points you claim"), longest=5, render_kw=WHOLE)

    def offer(self) -> None:
        """Put in the kinds of today, each with its cap."""
        found = rules.kinds()
        self.kind.choices = options([("", _l("Please choose")), *((one.code, one.name) for one in found)])

    def claim(self) -> Claim:
        """Return what the holder says."""
        return Claim(
            str(self.kind.data or ""), self.done_on.data, str(self.what.data or ""), str(self.link.data or ""),
            str(self.points.data or ""),
        )  # fmt: skip


class Acceptance(Form):
    """How many points an entry is worth."""

    points = text_field(_l("Credit points"), longest=5, render_kw=WHOLE)


class Refusal(Form):
    """Why an entry is not accepted."""

    reason = area(_l("Reason, for the holder to read"), longest=500, rows=3)


class Decision(Form):
    """A renewal granted or refused, and why."""

    verdict = choice_field(
        _l("Decision"), [("", _l("Please choose")), ("granted", _l("Renew the award")), ("refused", _l("Refuse the renewal"))]
    )  # fmt: skip
    reason = area(_l("Reason, for the holder to read"), longest=1000, rows=3)
