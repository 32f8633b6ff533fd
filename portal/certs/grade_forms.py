"""The forms of marking and deciding: give back, worth, vote, decision, appeal, rekey, panel, cut."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from wtforms import DateField, HiddenField
from wtforms.validators import InputRequired

from portal.accounts.people import Person
from portal.certs import schemes
from portal.certs.models.deciding import Ballot, Remedy, Verdict
from portal.certs.models.grading import Tie
from portal.certs.seat_forms import several
from portal.core import catalogue, labels
from portal.core.forms import Form, choice_field, options, text_field
from portal.members.forms import area

_NONE = ("", _l("– please choose –"))  # nobody is led to one answer


class Back(Form):
    """Why a work is given back."""

    tie = choice_field(_l("Do you know whose it is?"), required=False)
    reason = area(_l("In a sentence"), longest=300, rows=2)

    def offer(self) -> None:
        """Offer every tie, and none."""
        none = ("", _l("No, there is another reason"))
        self.tie.choices = options([none, *((one.value, labels.label(one)) for one in Tie)])


class Worth(Form):
    """What a short answer is worth."""

    digest = HiddenField(validators=[InputRequired()])
    fraction = text_field(_l("Share of the points, from 0 to 1"), longest=10)


class Why(Form):
    """A reason, and nothing else."""

    reason = area(_l("Reason"), longest=300, rows=2)


class Vote(Form):
    """A reviewer's vote."""

    ballot = choice_field(_l("Your vote"))
    reason = area(_l("Your reasons, which the candidate reads"), longest=1000, required=False, rows=4)

    def offer(self) -> None:
        """Name the votes in the reader's language."""
        self.ballot.choices = options([_NONE, *((one.value, labels.label(one)) for one in Ballot)])


class Appoint(Form):
    """Whom the chief examiner asks for votes, and why."""

    people = several(_l("Holders of this level or of one above it"))
    reason = area(_l("Reason"), longest=300, rows=2)

    def offer(self, people: list[Person]) -> dict[str, Person]:
        """Offer these people; return them by what is chosen."""
        found = {one.uid: one for one in people}
        self.people.choices = options((uid, one.name) for uid, one in found.items())
        return found


class Decide(Form):
    """A decision on a certificate."""

    verdict = choice_field(_l("Decision on the certificate"))
    reason = area(_l("Reason"), longest=1000, rows=3)

    def offer(self) -> None:
        """Name the verdicts in the reader's language."""
        self.verdict.choices = options([_NONE, *((one.value, labels.label(one)) for one in Verdict)])


class Lodge(Form):
    """What a candidate appeals against."""

    kind = choice_field(_l("What is it about?"))
    words = area(_l("What is wrong, and why?"), longest=4000, rows=6)

    def offer(self) -> None:
        """Offer an appeal and a complaint."""
        pairs = (("appeal", _l("The result or the decision")), ("complaint", _l("How the exam was held")))
        self.kind.choices = options(pairs)


class Revision(Form):
    """What a candidate changed."""

    words = area(_l("What did you change?"), longest=4000, rows=6)


class Judge(Form):
    """How an appeal is answered."""

    remedy = choice_field(_l("What follows"))
    answer = area(_l("Reasons, which the candidate reads"), longest=2000, rows=6)

    def offer(self, fitting: Iterable[Remedy]) -> None:
        """Offer what fits an appeal or a complaint."""
        self.remedy.choices = options([_NONE, *((one.value, labels.label(one)) for one in fitting)])


class NewPanel(Form):
    """A panel: which part, and its judges."""

    part = choice_field(_l("Part of the exam"))
    judges = area(_l("Judges"), longest=5000, rows=8)

    def offer(self) -> None:
        """Offer every part that has a blueprint."""
        pairs = [
            (f"{level.code}/{part.code}", f"{level.code} · {catalogue.in_words(part.names)}")
            for level in schemes.examined()
            for part in schemes.scheme(level.code).parts
            if part.topics
        ]
        self.part.choices = options(pairs)


class NewCut(Form):
    """The cut that a lead proposes."""

    share = text_field(_l("Cut in per cent; empty for the panel’s own"), longest=20, required=False)
    valid_from = DateField(_l("Counts from"), validators=[InputRequired(_l("Please give a day."))])
    reason = area(_l("Reason"), longest=300, rows=2)
