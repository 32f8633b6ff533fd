"""Applying, and one's own applications, requests for contact and referrals, one page each."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.core import catalogue, files
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.jobs import (
    applying,
    consents,
    contacting,
    credits,
    early,
    looks,
    naming,
    ordering,
    profiles,
    referring,
)
from portal.jobs import people_forms as f
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.applying import Handed
from portal.jobs.candidate_views import HOME
from portal.jobs.models import NO_POST, Post
from portal.jobs.people_doors import candidates
from portal.jobs.people_models import Look
from portal.jobs.stages import OPEN, ContactState, Field, Purpose

APPLICATION = "candidates.application"


def _post(uid: str) -> Post:
    """Return a post that can be applied to in the portal."""
    g.nav = HOME
    row = db.session.scalars(select(Post).where(Post.uid == uid)).first()
    if row is None or not applying.takes(row):
        raise Missing(NO_POST)
    return row


def _before(uid: str) -> JobApplication | None:
    """Return one's application to a post, also when that takes none any more."""
    post = db.session.scalars(select(Post).where(Post.uid == uid)).first()
    return applying.first(post, me().person) if post is not None else None


def _referral(post: Post) -> tuple[Referral | None, str]:
    """Return the referral whose letter led here, with its token, if it is about this post and still waits."""
    token = request.values.get("referral", "")[:80]
    if not token:
        return None, ""
    try:
        row = referring.found(token)
    except Missing:
        return None, ""
    return (row, token) if row.post_id == post.id else (None, "")


def _form_page(post: Post, form: f.ApplyForm, status: int = 200) -> Any:
    person = me().person
    referral, token = _referral(post)
    return render_template(
        "jobs/candidate/apply.html", post=post, form=form, title=naming.title_of, asks=credits.asks(post), rule=ordering.rule(),
        profile=profiles.of(person), texts=consents.texts(Purpose.APPLY, Purpose.KEEP, Purpose.OUTCOME),
        badges=credits.of([person]).get(person.id, []), referral=referral, token=token, purpose=Purpose, city=naming.city,
        opens=None if early.may_begin(person) else early.opens_at(post),
    ), status  # fmt: skip


@candidates.get("/apply/<uid>")
@signed_in
def apply_form(uid: str) -> Any:
    """Show the form of an application; who has applied sees that application."""
    if (before := _before(uid)) is not None:
        return go(APPLICATION, _("You have applied to this post. This is your application."), uid=before.uid)
    form = f.ApplyForm(formdata=None)
    form.offer()
    return _form_page(_post(uid), form)


@candidates.post("/apply/<uid>")
@signed_in
def send(uid: str) -> Any:
    """Send an application; sent again it opens the first."""
    person = me().person
    if (before := _before(uid)) is not None:
        return go(APPLICATION, _("You have applied to this post. This is your application."), uid=before.uid)
    post, form = _post(uid), f.ApplyForm()
    form.offer()
    resume, upload = None, request.files.get("resume")
    if upload is not None and upload.filename:
        try:
            taken = profiles.check(upload)
        except Refused as refusal:
            form.validate()
            form.refused(refusal)
            return _form_page(post, form, refusal.status)
        resume = (files.put(taken.data, taken.media_type), taken.name)
    made: list[JobApplication] = []

    def hand_in() -> None:
        handed = Handed(str(form.letter.data or ""), form.chosen(), resume, bool(form.keep.data))
        made.append(applying.apply(post, handed, by=person))
        referral, _token = _referral(post)
        if referral is not None:
            referring.accept(referral, made[0], outcome=bool(form.outcome.data), by=person)

    status = form.carry_out(hand_in)
    if status:
        return _form_page(post, form, status)
    return go(APPLICATION, _("Sent. We write to you when it is opened and at each step."), uid=made[0].uid)


# ---- One's applications


def _own(uid: str) -> JobApplication:
    g.nav = HOME
    return applying.found(uid, me().person)


def _application_page(row: JobApplication, form: f.FieldsForm, status: int = 200) -> Any:
    person = me().person
    word = consents.word(person, Purpose.APPLY, row.post)
    seen = looks.of_candidate(person).where(Look.about == row.subject)
    return render_template(
        "jobs/candidate/application.html", row=row, form=form, title=naming.title_of, steps=applying.steps_of(row), word=word,
        keep=consents.word(person, Purpose.KEEP, row.post), looks=db.session.scalars(seen).all(), open=row.state in OPEN,
        rule=ordering.rule(), badges=credits.of([person]).get(person.id, []), text=consents.texts(Purpose.APPLY)[Purpose.APPLY],
        shown=[Field(one) for one in word.fields] if word else [],
    ), status  # fmt: skip


@candidates.get("/applications/<uid>")
@signed_in
def application(uid: str) -> Any:
    """Show one's application: where it stands, what the employer may see, and who has looked."""
    row = _own(uid)
    form = f.FieldsForm(formdata=None)
    form.offer()
    word = consents.word(me().person, Purpose.APPLY, row.post)
    form.fields.data = list(word.fields) if word else []
    form.keep.data = consents.word(me().person, Purpose.KEEP, row.post) is not None
    return _application_page(row, form)


@candidates.post("/applications/<uid>/fields")
@signed_in
def change_fields(uid: str) -> Any:
    """Let the employer see more or less from now on."""
    row, form = _own(uid), f.FieldsForm()
    form.offer()
    status = form.carry_out(
        lambda: applying.show(row, form.fields.data or (), keep=bool(form.keep.data), by=me().person)
    )
    if status:
        return _application_page(row, form, status)
    return go(APPLICATION, _("Saved. The employer sees what is ticked, from this moment on."), uid=uid)


@candidates.post("/applications/<uid>/withdrawal")
@signed_in
def withdraw(uid: str) -> BaseResponse:
    """Take an application back."""
    row = _own(uid)
    with transaction():
        applying.withdraw(row, by=me().person)
    return go(APPLICATION, _("Withdrawn. The employer sees nothing of it any more."), uid=uid)


@candidates.get("/applications/<uid>/resume/file")
@signed_in
def sent_resume(uid: str) -> Response:
    """Hand out the résumé that one sent along."""
    row = _own(uid)
    if row.resume is None:
        raise Missing(_("There is no résumé with this application."))
    return files.send(row.resume)


# ---- Requests for contact


def _request_page(row: ContactRequest, form: f.AnswerForm, status: int = 200) -> Any:
    person = me().person
    word = consents.word(person, Purpose.SHOW, row.org) if row.state is ContactState.AGREED else None
    return render_template(
        "jobs/candidate/request.html", row=row, form=form, title=naming.title_of, waits=contacting.is_open(row), word=word,
        text=consents.texts(Purpose.SHOW)[Purpose.SHOW], days=catalogue.policy("jobs.contact_days"),
        shown=[Field(one) for one in word.fields] if word else [],
        looks=db.session.scalars(looks.of_candidate(person).where(Look.about == row.subject)).all(),
    ), status  # fmt: skip


def _asked(uid: str) -> ContactRequest:
    g.nav = HOME
    return contacting.found(uid, me().person)


@candidates.get("/requests/<uid>")
@signed_in
def request_page(uid: str) -> Any:
    """Show a request for contact, with the post and the reason."""
    form = f.AnswerForm(formdata=None)
    form.offer()
    return _request_page(_asked(uid), form)


@candidates.post("/requests/<uid>/agreement")
@signed_in
def agree(uid: str) -> Any:
    """Say yes, with what may be seen."""
    row, form = _asked(uid), f.AnswerForm()
    form.offer()
    status = form.carry_out(lambda: contacting.agree(row, form.chosen(), by=me().person))
    if status:
        return _request_page(row, form, status)
    return go(
        "candidates.request_page",
        _("The employer sees what you ticked. You can take it back at any time."),
        uid=uid,
    )


@candidates.post("/requests/<uid>/refusal")
@signed_in
def refuse(uid: str) -> BaseResponse:
    """Say no; who one is stays hidden."""
    row = _asked(uid)
    with transaction():
        contacting.decline(row, by=me().person)
    return go(
        "candidates.request_page", _("Answered with no. The employer does not learn who you are."), uid=uid
    )


# ---- Referring somebody


@candidates.get("/refer/<uid>")
@signed_in
def refer_form(uid: str) -> Any:
    """Show the form to refer somebody to a post."""
    return _refer_page(_post(uid), f.ReferForm(formdata=None))


def _refer_page(post: Post, form: f.ReferForm, status: int = 200) -> Any:
    person = me().person
    _org, most = referring.member_of(person)
    return render_template(
        "jobs/candidate/refer.html", post=post, form=form, title=naming.title_of, most=most, left=max(0, most - referring.spent(person)),
        days=catalogue.policy("jobs.referral_days"),
    ), status  # fmt: skip


@candidates.post("/refer/<uid>")
@signed_in
def refer(uid: str) -> Any:
    """Send the one letter."""
    post, form = _post(uid), f.ReferForm()
    status = form.carry_out(lambda: referring.refer(post, str(form.address.data), by=me().person))
    if status:
        return _refer_page(post, form, status)
    return go(HOME, _("The letter is on its way. You hear what becomes of it only if the person wants that."))
