"""The holder's own pages: certificates with their downloads, what the public sees, links to give away, an answer, an end."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import TextAreaField

from portal.accounts import consents
from portal.accounts.access import fresh, me, signed_in
from portal.accounts.privacy_models import Channel
from portal.certs import (
    award_proposals,
    awarding,
    issuing,
    levels,
    pictures,
    sharing,
    signing_badges,
    verifying,
)
from portal.certs.models.award import Award, AwardVerb
from portal.certs.models.document import Certificate, PaperState
from portal.certs.naming import Shown
from portal.core import files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import REQUIRED, Form, clean, most
from portal.core.web import go

holder = Blueprint("holder", __name__, url_prefix="/certificates")
EMPLOYERS = "employers"
FORMS = {"json": "application/vc", "jwt": "application/vc+jwt", "png": "image/png", "svg": "image/svg+xml"}


class Words(Form):
    """A few sentences of the holder."""

    words = TextAreaField(
        _l("Your answer"), validators=[REQUIRED, most(award_proposals.LONGEST_ANSWER)], filters=[clean],
        render_kw={"rows": 5},
    )  # fmt: skip


def _own(uid: str) -> Award:
    row = awarding.found(uid)
    if row.person_id != me().person.id:
        raise Missing(_("There is no such award."))
    return row


def _own_document(uid: str) -> Certificate:
    row = issuing.found(uid)
    if row.award.person_id != me().person.id or row.erased_at is not None:
        raise Missing(_("There is no such certificate."))
    return row


@holder.get("/")
@signed_in
def certificates() -> str:
    """List one's own certificates with their state, what they show, and the links one gave away."""
    person = me().person
    rows = awarding.of_person(person)
    documents = {row.id: issuing.current(row) for row in rows}
    seen = {
        row.id: verifying.see(found) for row in rows if (found := documents[row.id]) and not found.erased_at
    }
    return render_template(
        "member/certificates.html", awards=rows, documents=documents, seen=seen, links=sharing.links_of(person),
        employers=consents.stands(EMPLOYERS, person), days=sharing.DAYS, title=levels.name_of, shown=list(Shown),
        linkedin={row.id: sharing.linkedin(found) for row in rows if (found := documents[row.id])},
        asked={row.id: _asked(row) for row in rows},
    )  # fmt: skip


def _asked(award: Award) -> Any:
    """Return the proposal to revoke an award that waits for its holder's answer."""
    return next((one for one in award_proposals.open_for(award) if one.verb is AwardVerb.REVOKE), None)


@holder.get("/<uid>")
@signed_in
def award(uid: str) -> str:
    """Show one award: its dates, its documents, and what is asked of its holder."""
    row = _own(uid)
    document = issuing.current(row)
    return render_template(
        "member/award.html", award=row, document=document, seen=verifying.see(document) if document else None,
        asked=_asked(row), form=Words(formdata=None), title=levels.name_of(row.level),
    )  # fmt: skip


@holder.post("/<uid>/visibility")
@signed_in
def visibility(uid: str) -> BaseResponse:
    """Choose how much of the name the public check shows."""
    row, word = _own(uid), request.form.get("shown", "")
    if word not in {one.value for one in Shown}:
        raise Refused(_("Please choose what is shown."), status=422)
    with transaction():
        sharing.show(row, Shown(word), by=me().person)
    return go("holder.certificates", _("Saved. The public check shows it at once."))


@holder.post("/employers")
@signed_in
def employers() -> BaseResponse:
    """Let members that recruit see one's certificates, or take that back."""
    given = request.form.get("given")
    if given not in {"yes", "no"}:
        raise Refused(_("Please say whether you agree."), status=422)
    with transaction():
        consents.speak(EMPLOYERS, given == "yes", by=me().person, channel=Channel.ACCOUNT)
    return go("holder.certificates", _("You agreed.") if given == "yes" else _("Your consent is taken back."))


@holder.post("/links")
@signed_in
def give_link() -> BaseResponse:
    """Make a link to some of one's certificates."""
    chosen = [_own(uid) for uid in dict.fromkeys(request.form.getlist("awards"))]
    days = request.form.get("days", "")
    with transaction():
        _row, address = sharing.give(
            chosen,
            by=me().person,
            label=request.form.get("label", ""),
            days=int(days) if days.isdecimal() else 0,
        )
    flash(_("Your link, shown this once: %(link)s", link=address), "good")
    return go("holder.certificates")


@holder.post("/links/<uid>/end")
@signed_in
def end_link(uid: str) -> BaseResponse:
    """End a link."""
    with transaction():
        sharing.end(uid, by=me().person)
    return go("holder.certificates", _("The link is over."))


@holder.get("/documents/<uid>/file")
@signed_in
def paper(uid: str) -> Response:
    """Hand out the signed file of a certificate."""
    row = _own_document(uid)
    if row.file is None or row.state is not PaperState.READY:
        raise Missing(_("This file is still being made. Please come back in a few minutes."))
    made = files.send(row.file)
    made.set_etag(row.file.sha256)
    made.make_conditional(request)
    return made


@holder.get("/documents/<uid>/badge/<form>")
@signed_in
def badge_file(uid: str, form: str) -> Response:
    """Hand out the badge of a certificate: as JSON, as JWT, or baked into a picture."""
    row = _own_document(uid)
    badge = signing_badges.of_certificate(row)
    if badge is None or not badge.document or not badge.jwt or form not in FORMS:
        raise Missing(_("There is no such badge."))
    code = row.award.level
    made: dict[str, Any] = {"json": lambda: badge.document, "jwt": lambda: badge.jwt}
    made["png"] = lambda: pictures.bake_png(pictures.png(code), badge.document or "")
    made["svg"] = lambda: pictures.bake_svg(pictures.svg(code, levels.name_of(code)), badge.document or "")
    answer = Response(made[form](), content_type=FORMS[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{row.number}.{form}"'
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@holder.post("/<uid>/answer")
@signed_in
def answer(uid: str) -> Any:
    """Answer a proposal to revoke one's award."""
    row, form = _own(uid), Words()
    proposal = _asked(row)
    if proposal is None:
        raise Missing(_("Nothing is asked of you here."))
    if not form.validate_on_submit():
        document = issuing.current(row)
        return render_template(
            "member/award.html", award=row, document=document, seen=verifying.see(document) if document else None,
            asked=proposal, form=form, title=levels.name_of(row.level),
        ), 422  # fmt: skip
    with transaction():
        award_proposals.hear(proposal, by=me().person, words=str(form.words.data))
    return go(
        "holder.award",
        _("Thank you. Your answer is on record and will be read before the decision."),
        uid=uid,
    )


@holder.post("/<uid>/end")
@fresh
@signed_in
def give_back(uid: str) -> BaseResponse:
    """Give an award back for good; the word is typed, so that it does not happen by mistake."""
    row = _own(uid)
    if request.form.get("level", "").strip().upper() != row.level:
        raise Refused(_("Please type %(code)s to give this award back.", code=row.level), status=422)
    with transaction():
        award_proposals.give_back(row, by=me().person, reason=request.form.get("reason", "").strip()[:300])
    return go("holder.certificates", _("You gave this award back. Its documents say so from now on."))
