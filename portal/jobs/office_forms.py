"""The forms of the moderators: reasons and sentences of a decision, an answer to an employer, a domain, a partner."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core import catalogue
from portal.core.forms import Form, options, text_field
from portal.jobs.kinds import Verdict
from portal.members.forms import area


class Decision(Form):
    """Why a post goes back or comes down: reasons by code, a sentence in each language."""

    reasons = SelectMultipleField(
        _l("Reasons"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    words_zh = area(_l("To the employer, in Chinese"), longest=1000, rows=3)
    words_en = area(_l("To the employer, in English"), longest=1000, rows=3)
    n = HiddenField()

    def offer(self, verdict: Verdict) -> Decision:
        """Offer the reasons that fit a verdict."""
        self.reasons.choices = options(
            (code, catalogue.in_words(row["name"]))
            for code, row in catalogue.entries("job_reason").items()
            if verdict.value in row["verdicts"]
        )
        return self

    def chosen(self) -> dict[str, Any]:
        """Return reasons and sentences as the verbs take them."""
        return {
            "reasons": list(self.reasons.data or ()),
            "words": (str(self.words_zh.data), str(self.words_en.data)),
        }


class AppealAnswer(Form):
    """What another moderator says of an appeal."""

    granted = HiddenField()
    words_zh = area(_l("To the employer, in Chinese"), longest=1000, rows=3)
    words_en = area(_l("To the employer, in English"), longest=1000, rows=3)


class Declined(Form):
    """Why an employer is not confirmed."""

    words = area(_l("Words to the employer"), longest=500, rows=3)


class Domain(Form):
    """One more domain of an employer."""

    domain = text_field(_l("Domain"), longest=253)


class Partner(Form):
    """Who reads the feeds with a key."""

    partner = text_field(_l("Name of the partner"), longest=80)
