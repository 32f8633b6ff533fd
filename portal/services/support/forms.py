"""The forms of support: a question, a message, what agents say and decide, the roster, the five steps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, MultipleFileField, RadioField
from wtforms.validators import InputRequired, ValidationError

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import labels
from portal.core.forms import REQUIRED, Form, choice_field, mail_field, options, text_field
from portal.members.forms import area
from portal.services.support.asking import LONGEST
from portal.services.support.clocks import Severity

NUMBER = re.compile(r"\+?[0-9][0-9 ()-]{4,30}[0-9]")


def _files() -> MultipleFileField:
    return MultipleFileField(
        _l("Files"),
        description=_l("Up to 5 files of 10 MB: logs as plain text or in an archive (zip, tar.gz), PDF, pictures. No passwords or keys."),
    )  # fmt: skip


class Message(Form):
    """Something said, with files."""

    body = area(_l("Your message"), longest=LONGEST, rows=6)
    files = _files()


class NewTicket(Form):
    """A question: for whom, how severe, what."""

    org = choice_field(_l("For whom do you ask?"))
    severity = choice_field(_l("How severe is it?"))
    title = text_field(_l("In a few words"))
    body = area(_l("What happens, and what did you expect?"), longest=LONGEST, rows=8)
    files = _files()

    def offer(self, orgs: Iterable[Organisation]) -> None:
        """Offer the organisations for which one may ask, and oneself."""
        self.org.choices = options([*((one.uid, one.name) for one in orgs), ("me", _("For myself"))])
        self.severity.choices = severities()
        if not self.severity.data:
            self.severity.data = Severity.S3.value


def severities() -> list[Any]:
    """Return the severities to choose from, the mildest first."""
    return options((one.value, labels.label(one)) for one in reversed(Severity))


class SetSeverity(Form):
    """How severe it is."""

    severity = choice_field(_l("Severity"))

    def offer(self) -> None:
        """Name the severities in the reader's language."""
        self.severity.choices = severities()


class Object(Form):
    """Why a lowered severity is wrong."""

    words = area(_l("Why do you see it otherwise?"), longest=300, rows=3)


class Rate(Form):
    """Five steps and a sentence."""

    score = RadioField(_l("How was our help?"), validators=[InputRequired(REQUIRED.message)])
    words = area(_l("A sentence about it"), longest=1000, required=False, rows=3)

    def offer(self) -> None:
        """Name the five steps, the best first."""
        steps = (_("Very good"), _("Good"), _("So-so"), _("Poor"), _("Very poor"))
        self.score.choices = options((str(5 - n), words) for n, words in enumerate(steps))


class AddPerson(Form):
    """Somebody for the list."""

    person = choice_field(_l("Who may ask?"))

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer people; return them by what is chosen."""
        found = {one.uid: one for one in people}
        self.person.choices = options((uid, one.name) for uid, one in found.items())
        return found


# ---- Staff


class Say(Form):
    """What an agent says, and what follows from it."""

    deed = choice_field(_l("What is it?"))
    body = area(_l("Message"), longest=LONGEST, rows=8)
    cause = text_field(_l("Cause, when it is solved"), required=False, longest=300)
    files = _files()

    def offer(self) -> None:
        """Offer what can be said."""
        self.deed.choices = options(
            [
                ("answer", _("An answer")), ("workaround", _("An answer with which work can go on")),
                ("ask", _("A question to the customer")), ("solve", _("The solution")),
                ("note", _("A note for staff alone")),
            ]
        )  # fmt: skip


class Hold(Form):
    """Until when a ticket waits, and for what."""

    until = DateField(_l("On hold until"), validators=[REQUIRED])
    reason = area(_l("What it waits for, which the customer reads"), longest=300, rows=2)


class Judge(Form):
    """The severity as staff see it."""

    severity = choice_field(_l("Severity"))
    reason = area(_l("Reason, which the customer reads"), longest=300, rows=2)

    def offer(self) -> None:
        """Name the severities in the reader's language."""
        self.severity.choices = severities()


class Merge(Form):
    """Into which ticket."""

    number = text_field(_l("Number of the other ticket"), longest=20)


class Reject(Form):
    """Why support does not do it, and where it is done."""

    reason = area(_l("Reason, which the customer reads"), longest=2000, rows=3)
    pointer = text_field(_l("Where it is done: a public issue, a quote"), required=False, longest=300)


class Give(Form):
    """To whom a ticket goes."""

    agent = choice_field(_l("Agent"))
    reason = area(_l("Reason"), longest=300, rows=2)

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer the agents; return them by what is chosen."""
        found = {one.uid: one for one in people}
        self.agent.choices = options((uid, one.name) for uid, one in found.items())
        return found


class BlackOut(Form):
    """A secret that stands in a message."""

    secret = text_field(_l("The secret, exactly as it stands there"), longest=500)
    reason = area(_l("Reason"), longest=300, rows=2)


class OnBehalf(Form):
    """A question that somebody asked by telephone."""

    email = mail_field(_l("Mail address of who asks"))
    org = choice_field(_l("Organisation"), required=False)
    severity = choice_field(_l("Severity"))
    title = text_field(_l("In a few words"))
    body = area(_l("What was said"), longest=LONGEST, rows=8)

    def offer(self, orgs: Iterable[Organisation]) -> None:
        """Offer the organisations of who asks, once the address is known."""
        self.org.choices = options(
            [
                ("", _("The one this person acts for")),
                *((one.uid, one.name) for one in orgs),
                ("me", _("None: for the person")),
            ]
        )
        self.severity.choices = severities()


class Roster(Form):
    """Who has duty from a day to a day."""

    person = choice_field(_l("On duty"))
    stand_in = choice_field(_l("Stand-in"), required=False)
    first = DateField(_l("First day"), validators=[REQUIRED])
    last = DateField(_l("Until and including"), validators=[REQUIRED])

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer the agents; return them by what is chosen."""
        found = {one.uid: one for one in people}
        pairs = [(uid, one.name) for uid, one in found.items()]
        self.person.choices, self.stand_in.choices = options(pairs), options([("", _("Nobody")), *pairs])
        return found


class ArticleForm(Form):
    """An article of the knowledge base in both languages; a draft may lack one of them."""

    title_zh = text_field(_l("Question in Chinese"), required=False)
    body_zh = area(_l("Answer in Chinese"), longest=LONGEST, required=False, rows=10)
    title_en = text_field(_l("Question in English"), required=False)
    body_en = area(_l("Answer in English"), longest=LONGEST, required=False, rows=10)

    def texts(self) -> dict[str, str]:
        """Return what was written, by field."""
        return {name: str(self[name].data or "") for name in ("title_en", "title_zh", "body_en", "body_zh")}


class Withdraw(Form):
    """Why an article goes off the site."""

    reason = area(_l("Reason"), longest=300, rows=2)


class Click(Form):
    """A button that needs no more."""


class CallNumber(Form):
    """Under which number one is called on days of duty."""

    telephone = text_field(
        _l("Telephone"), required=False, longest=40, render_kw={"autocomplete": "tel", "inputmode": "tel"}
    )

    def validate_telephone(self, field: Any) -> None:
        """Refuse what no telephone network would take."""
        if field.data and not NUMBER.fullmatch(field.data):
            raise ValidationError(_("Please give a telephone number: digits, with + and spaces."))


class Swap(Form):
    """Two days that change their people."""

    one = DateField(_l("This day"), validators=[REQUIRED])
    second = DateField(_l("And this day"), validators=[REQUIRED])


def apart(**forms: Any) -> dict[str, Any]:
    """Return several forms of one page with ids of their own, so that each label finds its field."""
    for name, form in forms.items():
        for field in form:
            field.id = f"{name}-{field.short_name}"
            field.label.field_id = field.id
    return forms
