"""The forms of buying, booking, accommodations, sessions, vouchers and seats."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, DecimalField, IntegerField, SelectMultipleField, TimeField
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.certs import levels, timing
from portal.certs.models.booking import Mode
from portal.certs.models.care import Aid
from portal.certs.models.eligibility import VoucherKind
from portal.core import i18n, labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, mail_field, options, text_field
from portal.members.forms import area

FILLED = InputRequired(_l("Please fill this in."))
PLAIN = {"autocomplete": "off"}
COMMON_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Tokyo", "Europe/Berlin", "Europe/London",
    "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip


def named(kinds: Iterable[StrEnum]) -> list[tuple[str, LazyString]]:
    """Return choices with their words, asked for when the page is drawn: the reader's language is known then."""
    return [(one.value, LazyString(partial(labels.label, one))) for one in kinds]


def several(
    label: Any, pairs: Iterable[tuple[str, Any]] = (), *, required: bool = True
) -> SelectMultipleField:
    """Return boxes to tick."""
    return SelectMultipleField(
        label, choices=options(pairs), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(),
        validators=[REQUIRED] if required else [],
    )  # fmt: skip


def count(label: Any, *, most: int, default: int | None = None) -> IntegerField:
    """Return a whole number from 1 on."""
    said = _l("Please give a whole number from 1 to %(most)s.", most=most)
    return IntegerField(
        label, default=default, validators=[FILLED, NumberRange(min=1, max=most, message=said)],
        render_kw={"inputmode": "numeric", **PLAIN},
    )  # fmt: skip


class Buy(Form):
    """Who pays for an exam, a code, and how old the candidate is."""

    payer = choice_field(_l("Who pays?"))
    code = text_field(_l("Code of a voucher"), longest=40, required=False, render_kw=PLAIN)
    age = choice_field(
        _l("How old are you?"),
        [("", ""), ("adult", _l("18 or older")), ("minor", _l("16 or 17, with a parent's consent"))],
    )
    guardian = text_field(_l("Name of the parent who consents"), longest=120, required=False)

    def told_guardian(self) -> str:
        """Return the parent who consents; `Refused` where one is needed and not named."""
        if self.age.data == "minor" and not self.guardian.data:
            raise Refused(_("Please name the parent who consents."), field="guardian", status=422)
        return self.guardian.data or "" if self.age.data == "minor" else ""


class SeatCode(Form):
    """The code of a company's seat."""

    code = text_field(_l("Code of a seat"), longest=40, render_kw=PLAIN)


class Confirm(Form):
    """The candidate's name as on the document he will show, the language, and the rules."""

    name = text_field(_l("Name on your photo document"), longest=120)
    name_latin = text_field(
        _l("The same name in Latin letters, if the document shows it"), longest=120, required=False
    )
    language = choice_field(_l("Language of the exam"))
    rules = BooleanField(
        _l("I have read the rules of the exam and the notice on personal data, and I accept them."),
        validators=[REQUIRED],
    )


class Move(Form):
    """Which session instead."""

    to = choice_field(_l("New session"))


class AskAid(Form):
    """What a candidate needs, and why."""

    wanted = several(_l("What do you need?"), named(Aid))
    evidence = area(
        _l("Evidence in words: what a doctor or authority has stated, and when"), longest=4000, rows=5
    )


class Reason(Form):
    """A reason that stays on record."""

    reason = area(_l("Reason"), longest=300, rows=2)


class Excuse(Form):
    """Why an absence is excused, and by what evidence."""

    reason = choice_field(
        _l("Cause"), [("", ""), ("illness", _l("Illness")), ("our fault", _l("A fault of ours"))]
    )
    evidence = area(_l("Evidence: what was shown, by whom, of which day"), longest=2000, rows=3)


class StaffMove(Form):
    """Which session instead, and why."""

    to = choice_field(_l("New session"))
    reason = area(_l("Reason"), longest=300, rows=2)


class Decide(Form):
    """What of a request for accommodations is granted, or why nothing is."""

    granted = several(_l("Accommodations granted"), named(Aid), required=False)
    reason = area(
        _l("If nothing is granted: reason told to the candidate"), longest=300, rows=2, required=False
    )


def zones() -> list[tuple[str, str]]:
    """Return the time zones of the world, the usual ones first."""
    return [(one, one) for one in (*COMMON_ZONES, *sorted(available_timezones() - set(COMMON_ZONES)))]


class NewSession(Form):
    """A session at the local time of its site."""

    level = choice_field(_l("Exam"))
    day = DateField(_l("Day"), validators=[FILLED])
    start = TimeField(_l("Start, local time of the site"), validators=[FILLED])
    minutes = count(_l("Length in minutes"), most=1440, default=60)
    tz = choice_field(_l("Time zone of the site"), default="Asia/Shanghai")
    which = choice_field(
        _l("This time comes twice that night: which one?"),
        [("", ""), ("first", _l("the earlier one")), ("second", _l("the later one"))], required=False, validate_choice=False,
    )  # fmt: skip
    mode = choice_field(_l("Place"), named(Mode))
    place = text_field(_l("Address of the site, or of the online room"), longest=300)
    capacity = count(_l("Number of seats"), most=5000, default=20)
    languages = several(_l("Languages"), i18n.LANGUAGES.items())
    proctors = several(_l("Proctors"), required=False)

    def fill(self, proctors: Iterable[tuple[str, str]]) -> None:
        """Give the lists their choices."""
        self.level.choices = [(one.code, one.name) for one in levels.levels()]
        self.tz.choices, self.proctors.choices = zones(), list(proctors)

    def instants(self) -> tuple[datetime, datetime]:
        """Return start and end as instants; `Refused` for a local time that does not exist, or comes twice."""
        wall = datetime.combine(self.day.data, self.start.data)
        later = {"first": False, "second": True}.get(self.which.data or "")
        start = timing.instant_of(wall, timing.zone_of(self.tz.data), later=later)
        return start, start + timedelta(minutes=self.minutes.data)


class Capacity(Form):
    """How many seats."""

    capacity = count(_l("Number of seats"), most=5000)


class Proctors(Form):
    """Who watches over a session."""

    proctors = several(_l("Proctors"), required=False)


class NewVoucher(Form):
    """What a voucher takes off, for what, until when and how often."""

    words = text_field(_l("What is it for?"), longest=120)
    kind = choice_field(
        _l("What it takes off"),
        named(one for one in VoucherKind if one is not VoucherKind.SEAT),
    )
    value = DecimalField(
        _l("Percent, or CNY"), places=2, validators=[Optional(), NumberRange(min=0, max=1_000_000, message=_l("Please give a figure from 0 on."))],
        render_kw={"inputmode": "decimal", **PLAIN},
    )  # fmt: skip
    levels = several(_l("Only for these exams (none: for all)"), required=False)
    starts = DateField(_l("Valid from"), validators=[FILLED])
    ends = DateField(_l("No longer valid from"), validators=[FILLED])
    most = count(_l("Uses in all"), most=100_000, default=1)
    per_person = count(_l("Uses per person"), most=100, default=1)
    codes = count(_l("How many codes"), most=200, default=1)
    reason = area(_l("Reason, for the second person"), longest=300, rows=2, required=False)


class BuySeats(Form):
    """For which company, which exam and how many seats."""

    org = choice_field(_l("Organisation"))
    level = choice_field(_l("Exam"))
    quantity = count(_l("How many seats"), most=1000, default=10)


class Assign(Form):
    """To whom a seat is assigned."""

    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "off"})
