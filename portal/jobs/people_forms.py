"""The forms of candidates and of those who read applications: profile, application, answers, steps, searches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FileField, RadioField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core import catalogue, labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, mail_field, options, text_field
from portal.jobs import credits, naming
from portal.jobs.kinds import Employment
from portal.jobs.models import Post
from portal.jobs.stages import TO_APPLY, TO_SHOW, Field, JobApplicationState, Tongue
from portal.members.forms import area

AGREE = _l("Please tick that you agree, or leave this page: nothing is sent.")


def ticks(label: Any, pairs: Iterable[tuple[str, Any]] = (), **words: Any) -> SelectMultipleField:
    """Return boxes of which none is ticked."""
    return SelectMultipleField(
        label, choices=options(pairs), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(), **words
    )  # fmt: skip


def cities() -> list[tuple[str, str]]:
    """Return the cities of the board, for a list to choose from."""
    return [(code, catalogue.in_words(body["name"])) for code, body in catalogue.entries("job_city").items()]


def named(fields: Iterable[Field]) -> list[tuple[str, str]]:
    """Return fields as boxes."""
    return [(one.value, labels.label(one)) for one in fields]


class ProfileForm(Form):
    """What a candidate says of himself."""

    city = choice_field(_l("City you live in or would work in"), required=False)
    skills = area(_l("Skills"), longest=900, required=False, rows=3)
    kinds = ticks(_l("Kinds of work you look for"))
    languages = ticks(_l("Languages you work in"))
    reach = text_field(_l("How to reach you, for employers you show it to"), required=False)

    def offer(self) -> None:
        """Offer cities, kinds and languages."""
        self.city.choices = options([("", _("Not said")), *cities()])
        self.kinds.choices = options((one.value, labels.label(one)) for one in Employment)
        self.languages.choices = options((one.value, labels.label(one)) for one in Tongue)


class ResumeForm(Form):
    """A résumé."""

    resume = FileField(_l("Résumé (PDF)"))


class ShutOutForm(Form):
    """An employer by name."""

    employer = text_field(_l("Employer to shut out"))


class ApplyForm(Form):
    """An application: words, a résumé, and what the employer may see of all that; nothing is ticked before."""

    letter = area(_l("What you write to the employer"), required=False, rows=6)
    resume = FileField(_l("Another résumé for this post (PDF)"))
    fields = ticks(_l("What the employer may see"))
    agree = BooleanField(_l("I agree that this employer sees, for this post, what I ticked above"))
    keep = BooleanField(_l("I agree that this employer keeps my application for other posts of its own"))
    outcome = BooleanField(_l("I agree that whoever referred me sees what becomes of it"))

    def offer(self) -> None:
        """Offer what can be shown."""
        self.fields.choices = options(named(TO_APPLY))

    def chosen(self) -> list[Field]:
        """Return what is ticked; `Refused` beside the field where something handed in would be seen by nobody."""
        if not self.agree.data:
            raise Refused(AGREE, field="agree", status=422)
        found = [Field(one) for one in self.fields.data or ()]
        if self.letter.data and Field.LETTER not in found:
            raise Refused(
                _l("You wrote something to the employer: tick it, or take it out. It is not sent unseen."), field="fields", status=422
            )  # fmt: skip
        if self.resume.data and self.resume.data.filename and Field.RESUME not in found:
            raise Refused(_l("You chose a résumé: tick it, or leave it out."), field="fields", status=422)
        return found


class FieldsForm(Form):
    """What an employer may see of an application from now on."""

    fields = ticks(_l("What the employer may see"))
    keep = BooleanField(_l("I agree that this employer keeps my application for other posts of its own"))

    def offer(self) -> None:
        """Offer what can be shown."""
        self.fields.choices = options(named(TO_APPLY))


class AnswerForm(Form):
    """The yes to a request for contact."""

    fields = ticks(_l("What this employer may see"))
    agree = BooleanField(_l("I agree that this employer sees what I ticked above"))

    def offer(self) -> None:
        """Offer what can be shown."""
        self.fields.choices = options(named(TO_SHOW))

    def chosen(self) -> list[str]:
        """Return what is ticked; `Refused` without the word that it is agreed."""
        if not self.agree.data:
            raise Refused(AGREE, field="agree", status=422)
        return list(self.fields.data or ())


class StepForm(Form):
    """The employer's next step with an application."""

    to = choice_field(_l("What comes next"))
    words = area(_l("Your words to the candidate"), required=False, rows=4)
    by_certificate = RadioField(
        _l("If hired: did a certificate count?"), choices=options((("yes", _l("Yes")), ("no", _l("No")))),
        validate_choice=False,
    )  # fmt: skip

    def offer(self, steps: Sequence[JobApplicationState]) -> None:
        """Offer the steps that are possible now."""
        self.to.choices = options((one.value, STEP_WORDS[one]) for one in steps)

    def counted(self) -> bool | None:
        """Return whether a certificate counted; None if that was not said."""
        return {"yes": True, "no": False}.get(str(self.by_certificate.data))


STEP_WORDS = {
    JobApplicationState.INTERVIEW: _l("Invite to an interview"), JobApplicationState.OFFER: _l("Make an offer"),
    JobApplicationState.HIRED: _l("Say that the person is hired"), JobApplicationState.DECLINED: _l("Decline the application"),
}  # fmt: skip


class SearchForm(Form):
    """What an employer looks for in the pool."""

    level = choice_field(_l("Lowest level"), required=False)
    city = choice_field(_l("City"), required=False)
    skills = text_field(_l("Skills, all of them"), required=False)
    kind = choice_field(_l("Kind of work"), required=False)
    language = choice_field(_l("Language"), required=False)

    def offer(self) -> None:
        """Offer levels, cities, kinds and languages."""
        anything = ("", _("Any"))
        self.level.choices = options(
            [anything, *((str(rank), name) for rank, _code, name in credits.levels())]
        )
        self.city.choices = options([anything, *cities()])
        self.kind.choices = options([anything, *((one.value, labels.label(one)) for one in Employment)])
        self.language.choices = options([anything, *((one.value, labels.label(one)) for one in Tongue)])


class AskForm(Form):
    """A request for contact."""

    post = choice_field(_l("Which post is it about?"))
    reason = area(_l("Why you ask this person"), longest=1000, rows=4)

    def offer(self, posts: Iterable[Post]) -> None:
        """Offer the employer's open posts."""
        self.post.choices = options((one.uid, naming.title_of(one)) for one in posts)


class ReferForm(Form):
    """An address of somebody who is referred, and the word that he would want it."""

    address = mail_field(_l("Mail address of the person"))
    sure = BooleanField(
        _l("I know this person, and expect that a letter about this post is welcome"), validators=[REQUIRED]
    )
