"""Forms of the learning path."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, StringField, TextAreaField
from wtforms.validators import Optional

from portal.core.forms import Form, clean, most


class Declaration(Form):
    """That a step is done, and what shows it."""

    evidence = TextAreaField(
        _l("What shows it"), validators=[most(1000)], filters=[clean], render_kw={"rows": 3}
    )
    link = StringField(
        _l("Link to it"),
        validators=[most(300)],
        filters=[clean],
        render_kw={"type": "url", "placeholder": "https://"},
    )
    done_on = DateField(_l("Done on"), validators=[Optional()])


class Return(Form):
    """Why a declaration goes back."""

    reason = TextAreaField(
        _l("What is missing"), validators=[most(500)], filters=[clean], render_kw={"rows": 2}
    )


class CompletionsFile(Form):
    """A provider's list of people who finished."""

    file = FileField(_l("List as a CSV file"), validators=[FileRequired(_l("Please choose a file."))])
    check_only = BooleanField(_l("Only check, change nothing"))
