"""The staff's forms about awards: a step with its reason, a batch."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FileField

from portal.certs.award_proposals import Wanted
from portal.certs.models.award import Award, AwardVerb, RevokeCause
from portal.certs.naming import Names
from portal.core import labels
from portal.core.forms import Form, choice_field, options, text_field
from portal.members.forms import area


class Step(Form):
    """Why a step is proposed; what it rests on."""

    reason = area(_l("Reason"), longest=300, rows=2)

    def wanted(self, _award: Award) -> Wanted:
        """Return what is proposed."""
        return Wanted(reason=str(self.reason.data))


class Hold(Step):
    """A hold, at once if it is urgent."""

    urgent = BooleanField(_l("Urgent: take effect at once, to be confirmed within three days"))

    def wanted(self, _award: Award) -> Wanted:
        """Return what is proposed."""
        return Wanted(reason=str(self.reason.data), urgent=bool(self.urgent.data))


class Revocation(Step):
    """A revocation with its cause."""

    cause = choice_field(_l("Cause"))

    def wanted(self, _award: Award) -> Wanted:
        """Return what is proposed."""
        return Wanted(reason=str(self.reason.data), cause=RevokeCause(self.cause.data))


class Reissue(Step):
    """A new document, with another name where the person has one."""

    name_zh = text_field(_l("Name in Chinese script"), longest=80, required=False)
    name_latin = text_field(_l("Name in Latin letters"), longest=80, required=False)
    paper = FileField(_l("What shows the new name"))

    def wanted(self, award: Award) -> Wanted:
        """Return what is proposed; names are part of it only if they differ."""
        names = Names(str(self.name_zh.data or ""), str(self.name_latin.data or ""))
        return Wanted(reason=str(self.reason.data), names=None if names == award.names else names)


FORMS: dict[AwardVerb, type[Step]] = {
    AwardVerb.SUSPEND: Hold, AwardVerb.LIFT: Step, AwardVerb.REVOKE: Revocation, AwardVerb.REISSUE: Reissue,
    AwardVerb.REGRANT: Step,
}  # fmt: skip


def form_for(verb: AwardVerb, award: Award, *, given: bool) -> Step:
    """Return the form of a step, filled from the award or from what was sent."""
    form = FORMS[verb]() if given else FORMS[verb](formdata=None)
    if isinstance(form, Revocation):
        causes = [one for one in RevokeCause if one is not RevokeCause.WISH]
        form.cause.choices = options((one.value, labels.label(one)) for one in causes)
    if isinstance(form, Reissue) and not given:
        form.name_zh.data, form.name_latin.data = award.name_zh, award.name_latin
    return form


class BatchForm(Form):
    """A reissue of many."""

    label = text_field(_l("What it is called"), longest=120)
    reason = area(_l("Reason"), longest=300, rows=2)
    numbers = area(_l("Numbers of certificates, one a line"), longest=600_000, rows=8)
