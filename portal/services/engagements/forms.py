"""The forms of engagements."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, MultipleFileField
from wtforms.validators import Optional

from portal.accounts.people import Person
from portal.billing.price_forms import minor
from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, options, text_field
from portal.members.forms import area
from portal.services.engagements.models import Health, Milestone, Side
from portal.services.engagements.work_models import NoteKind, Severity


class Acceptors(Form):
    """Who accepts the work for the customer, and who does so instead."""

    acceptor = choice_field(_l("Who accepts the work?"))
    deputy = choice_field(_l("And who instead?"), required=False)

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer the people of the organisation; return them by what is chosen."""
        found = {one.uid: one for one in people}
        pairs = [(uid, one.name) for uid, one in found.items()]
        self.acceptor.choices, self.deputy.choices = options(pairs), options([("", _("Nobody")), *pairs])
        return found


class Who(Form):
    """Somebody of ours."""

    person = choice_field(_l("Who?"))

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer people; return them by what is chosen."""
        found = {one.uid: one for one in people}
        self.person.choices = options((uid, one.name) for uid, one in found.items())
        return found


class Why(Form):
    """A reason."""

    reason = area(_l("Reason"), longest=300, rows=2)


class Pause(Form):
    """For what the work waits, and on which side."""

    side = choice_field(_l("Whose turn is it?"))
    reason = area(_l("What does it wait for?"), longest=300, rows=2)

    def offer(self) -> None:
        """Name the two sides."""
        self.side.choices = options((one.value, labels.label(one)) for one in Side)


class Report(Form):
    """How it goes."""

    health = choice_field(_l("How does it go?"))
    words = area(_l("In a sentence, which the customer reads"), longest=300, rows=2)

    def offer(self) -> None:
        """Name the colours."""
        self.health.choices = options((one.value, labels.label(one)) for one in Health)


class Files(Form):
    """Files for a milestone."""

    files = MultipleFileField(_l("Files"))


class Log(Form):
    """What one worked on a day."""

    day = DateField(_l("Day"), validators=[REQUIRED])
    days = text_field(_l("Days, like 0.5"), longest=6)
    words = area(_l("On what"), longest=300, rows=2)

    @property
    def hundredths(self) -> int:
        """Return the days in hundredths."""
        try:
            return minor(self.days.data, "days") or 0
        except Refused:
            return 0


class Question(Form):
    """What the customer writes down: a question, or a risk."""

    kind = choice_field(_l("What do you write down?"))
    words = area(_l("In your words"), longest=1000, rows=3)

    def offer(self) -> None:
        """Offer the two kinds."""
        kinds = (NoteKind.QUESTION, NoteKind.RISK)
        self.kind.choices = options((one.value, labels.label(one)) for one in kinds)


class Note(Form):
    """A question, a risk, a finding or a free change."""

    kind = choice_field(_l("What do you write down?"))
    words = area(_l("In your words"), longest=1000, rows=3)
    severity = choice_field(_l("Severity of a finding"), required=False)
    owner = text_field(_l("Who has it"), longest=120, required=False)
    due_on = DateField(_l("Until when"), validators=[Optional()])

    def offer(self) -> None:
        """Offer every kind, and how grave a finding is."""
        self.kind.choices = options((one.value, labels.label(one)) for one in NoteKind)
        self.severity.choices = options((one.value, labels.label(one)) for one in Severity)


class Answer(Form):
    """The answer to a note."""

    answer = area(_l("Answer"), longest=1000, rows=2)


def per_criterion(milestone: Milestone, given: Any) -> dict[str, str]:
    """Return what was written for each criterion of a milestone."""
    return {one["code"]: str(given.get(f"c-{one['code']}", ""))[:1000] for one in milestone.criteria}
