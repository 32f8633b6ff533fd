"""The forms by which licences are handed over, granted and signed for longer than usual."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField
from wtforms.validators import NumberRange

from portal.core import labels
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.members.forms import area
from portal.services.licences import plans
from portal.services.licences.forms import BETWEEN
from portal.services.licences.models.record import Verb

MOST_NODES, MOST_DAYS = 100_000, 1096


def _count(label: Any, high: int) -> IntegerField:
    words = _l("Please give a number from %(low)s to %(high)s.", low=1, high=high)
    return IntegerField(
        label, validators=[REQUIRED, NumberRange(1, high, message=words)], render_kw={"inputmode": "numeric"}
    )


class HandOver(Form):
    """To whom a licence goes, and why."""

    to = text_field(
        _l("Registration of the other organisation (for China its Unified Social Credit Code)"), longest=80
    )
    reason = area(_l("Why it goes over"), longest=300, rows=3)


class Give(Form):
    """Whom staff give nodes, of which plan, for how long and why."""

    org = text_field(_l("For whom: name or number of the organisation"), longest=200)
    plan = choice_field(_l("Plan"))
    verb = choice_field(_l("What is given"))
    nodes = _count(_l("How many nodes"), MOST_NODES)
    days = _count(_l("For how many days"), MOST_DAYS)
    reason = area(_l("Why"), longest=300, rows=3)

    def offer(self) -> Give:
        """Offer the plans of the catalogue and what may be given."""
        self.plan.choices = options((one.code, one.words) for one in plans.every())
        self.verb.choices = options((one.value, labels.label(one)) for one in (Verb.GRANT, Verb.TRIAL))
        return self


class LongFile(Form):
    """For which machines a file runs longer than the plan allows, and why."""

    fingerprints = area(_l("Machines, one a line"), longest=20_000, rows=4)
    days = _count(_l("For how many days"), MOST_DAYS)
    reason = area(_l("Why"), longest=300, rows=2)

    def named(self) -> list[str]:
        """Return the machines that were named, each once."""
        return [one for one in dict.fromkeys(BETWEEN.split(str(self.fingerprints.data or ""))) if one]
