"""The forms of licences: a name, a key, nodes, files; and what staff say when they hold, lift or revoke."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, FileField, IntegerField, ValidationError
from wtforms.validators import NumberRange, Optional

from portal.core import clock, labels
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.members.forms import area
from portal.services.licences import plans
from portal.services.licences.kinds import HoldReason, Policy
from portal.services.licences.models.licence import Licence

MOST_BYTES = 256 * 1024
BETWEEN = re.compile(r"[\s,;，；]+")
LEASES = (300, 900, 3600, 14_400, 43_200, 86_400, 604_800)


def _whole(label: Any, low: int, high: int, *, required: bool = True) -> IntegerField:
    words = _l("Please give a number from %(low)s to %(high)s.", low=low, high=high)
    return IntegerField(
        label, validators=[REQUIRED if required else Optional(), NumberRange(low, high, message=words)], render_kw={"inputmode": "numeric"}
    )  # fmt: skip


class Settings(Form):
    """What the owner calls a licence, and for how long a node goes on without an answer."""

    name = text_field(_l("Your name for it"), longest=80, required=False)
    lease = choice_field(_l("How long a node goes on without an answer"))

    def offer(self, row: Licence) -> Settings:
        """Offer the leases that the policy allows."""
        low, high = (plans.SHORTEST, 604_800) if row.policy is Policy.NODE_LOCKED else plans.FLOATING
        known = sorted({one for one in LEASES if low <= one <= high} | {row.lease_seconds})
        self.lease.choices = options((str(one), length(one)) for one in known)
        return self


def length(seconds: int) -> str:
    """Return a lease in words."""
    if seconds % 86_400 == 0:
        return _("%(days)s days", days=seconds // 86_400) if seconds > 86_400 else _("a day")
    if seconds % 3600 == 0:
        return _("%(hours)s hours", hours=seconds // 3600) if seconds > 3600 else _("an hour")
    return _("%(minutes)s minutes", minutes=-(-seconds // 60))


class NewKey(Form):
    """For what a key is, how many nodes at most, until when."""

    label = text_field(_l("What is it for?"), longest=80)
    most_nodes = _whole(_l("At most so many nodes"), 1, 100_000, required=False)
    last = DateField(_l("Last day"), validators=[Optional()])


class EndKey(Form):
    """When a key ends: at once, or with a day."""

    last = DateField(_l("Last day; leave it empty to end the key now"), validators=[Optional()])


class Move(Form):
    """The machine that takes a seat."""

    fingerprint = text_field(_l("Fingerprint of the new machine"), longest=128)


class Why(Form):
    """Why."""

    reason = area(_l("Reason"), longest=300, rows=2)


class Name(Form):
    """A machine for the list."""

    fingerprint = text_field(_l("Fingerprint"), longest=128)


class NewFile(Form):
    """Which machines run without a network, and for how many days."""

    fingerprints = area(_l("Fingerprints, one a line"), longest=200_000, required=False, rows=6)
    upload = FileField(_l("Or a text file of them"))
    days = _whole(_l("Days"), 1, plans.LONGEST_FILE)

    def named(self) -> list[str]:
        """Return the fingerprints that were pasted or uploaded, each once."""
        words = str(self.fingerprints.data or "")
        given = self.upload.data
        if given is not None and hasattr(given, "read"):
            words += "\n" + _text(given.read(MOST_BYTES + 1))
        return [one for one in dict.fromkeys(BETWEEN.split(words)) if one]


def _text(raw: bytes) -> str:
    if len(raw) > MOST_BYTES:
        raise ValidationError(_("This file is too large for a list of machines."))
    return raw.decode("utf-8-sig", "replace").replace("\0", "")


class NewHold(Form):
    """Why staff suspend a licence, in both languages, and after how many days."""

    reason = choice_field(_l("Reason"))
    words_en = area(_l("What the customer reads, in English"), longest=300, rows=2)
    words_zh = area(_l("What the customer reads, in Chinese"), longest=300, rows=2)
    notice = _whole(_l("Days of notice"), 0, 90, required=False)

    def offer(self, allowed: list[HoldReason]) -> NewHold:
        """Offer the reasons that the reader may suspend for."""
        self.reason.choices = options((one.value, labels.label(one)) for one in allowed)
        return self

    def wait(self) -> timedelta | None:
        """Return the notice; None for the usual one."""
        return None if self.notice.data is None else timedelta(days=self.notice.data)


class Limit(Form):
    """A number of nodes to try out."""

    nodes = _whole(_l("So many nodes"), 0, 100_000)


class Retire(Form):
    """Which of staff agreed to a step with a key."""

    second = choice_field(_l("Who agreed"))


def end_of(day: Any) -> Any:
    """Return the end of a day in the office; None for none."""
    return None if day is None else clock.start_of(day + timedelta(days=1))
