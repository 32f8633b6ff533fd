"""The forms of sitting an exam: start, practical work, check-in, incidents, time, words to candidates, doubts."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField
from wtforms.validators import DataRequired

from portal.certs.models.watching import HINTS, IncidentKind, Paper, Severity
from portal.certs.seat_forms import PLAIN, count, named
from portal.core.forms import REQUIRED, Form, choice_field, text_field
from portal.members.forms import area


class Start(Form):
    """The candidate's yes to the rules."""

    rules = BooleanField(
        _l("I have read the rules of the exam and the notice on personal data, and accept them."),
        validators=[DataRequired(_l("Please accept the rules first."))],
    )


class Work(Form):
    """A word about practical work, and where its source lies."""

    text = area(_l("What should the examiners know?"), longest=10_000, required=False)
    repository = text_field(
        _l("Address of the repository"), longest=300, required=False, render_kw={"inputmode": "url", **PLAIN}
    )
    commit = text_field(_l("Commit, 40 digits"), longest=64, required=False, render_kw=PLAIN)


class WorkFile(Form):
    """A file of practical work."""

    file = FileField(_l("File"), validators=[REQUIRED])


class Words(Form):
    """What a candidate answers to a proposal."""

    words = area(_l("Your view"), longest=2000)


class CheckIn(Form):
    """Who is let in, and what document he showed."""

    booking = choice_field(_l("Candidate"))
    paper = choice_field(_l("Document shown"), named(Paper))
    last_four = text_field(
        _l("Last four characters of its number"), longest=4, render_kw={"maxlength": 4, **PLAIN}
    )


class Time(Form):
    """Minutes and their reason."""

    minutes = count(_l("Minutes"), most=1440)
    why = text_field(_l("Why the time is given"), longest=300)


class Noted(Form):
    """What happened."""

    kind = choice_field(_l("What happened?"))
    severity = choice_field(_l("How grave?"), named([Severity.MINOR, Severity.MAJOR]))
    note = area(_l("In your words"), longest=1000)
    file = FileField(_l("Evidence"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = named([one for one in IncidentKind if one not in HINTS])


class Told(Form):
    """Words to candidates in both languages."""

    zh = text_field(_l("In Chinese"), longest=500)
    en = text_field(_l("In English"), longest=500)


class Reason(Form):
    """A reason."""

    reason = text_field(_l("Reason"), longest=300)


class EndPart(Form):
    """Why a part is ended."""

    cause = text_field(_l("Why it is ended"), longest=300)


class HoldResult(Form):
    """Why a result is held."""

    held_for = text_field(_l("Why it is held"), longest=300)


class Report(Form):
    """The report of a session."""

    report = area(_l("Report"), longest=2000)


class Doubt(Form):
    """Which incident is cited, and why the attempt should not count."""

    incident = choice_field(_l("Incident"))
    reason = text_field(_l("Reason"), longest=300)
