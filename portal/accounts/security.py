"""One's own account: name and language, password, second factors, sessions."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from flask import abort, render_template, session
from flask_babel import gettext as _
from sqlalchemy import delete
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import devices, door, factors, passwords, throttle
from portal.accounts import forms as f
from portal.accounts.access import fresh_account, me, own_account
from portal.accounts.people import Passkey, Person
from portal.accounts.views import accounts
from portal.core import audit, clock, pdf, vault
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go


@accounts.route("/account", methods=["GET", "POST"])
@own_account
def security() -> Any:
    """Show one's account; take a changed name or language."""
    reader = me()
    person = reader.person
    form = f.Profile(obj=person)
    if form.validate_on_submit():
        with transaction():
            person.name, person.language = form.name.data, form.language.data
            audit.record("person.changed", person, by=person)
        session["language"] = person.language
        return go("accounts.security", _("Saved."))
    return render_template(
        "accounts/security.html",
        form=form,
        person=person,
        must_enrol=not reader.enrolled,
        passkeys=factors.passkeys(person),
        recovery_left=factors.recovery_left(person),
        sessions=door.sessions(person),
        this=reader.session,
        device=devices.device,
    ), 422 if form.errors else 200


@accounts.route("/account/password", methods=["GET", "POST"])
@fresh_account
def change_password() -> Any:
    """Change the password; the present one is asked for."""
    reader, form = me(), f.ChangePassword()
    person = reader.person
    if form.validate_on_submit():
        account = f"password {person.uid}"
        try:
            throttle.check(account)
            if not passwords.matches(form.current.data, person.password_hash):
                throttle.note(account, good=False)
                raise Refused(_("This is not your present password."), field="current")
            passwords.check_strength(form.password.data, *door.names_of(person))
            hashed = passwords.hashed(form.password.data)
            with transaction():
                door.set_password(person, hashed, by=person, keep=reader.session)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("accounts.security", _("Your new password is set."))
    return render_template("accounts/password.html", form=form), 422 if form.errors else 200


@accounts.route("/account/app", methods=["GET", "POST"])
@fresh_account
def enrol_app() -> Any:
    """Take a code app into use: show the seed as QR code, take the first code."""
    reader, form = me(), f.Enrol()
    person = reader.person
    if person.totp_sealed:
        return go("accounts.security")
    seed = _seed(person)
    if form.validate_on_submit():
        try:
            with transaction():
                codes = factors.enrol_totp(person, seed, form.code.data, by=person)
                door.factor_changed(person, keep=reader.session)
        except Refused as refusal:
            form.refused(refusal)
        else:
            session.pop("seed", None)
            return render_template("accounts/recovery.html", codes=codes)
    qr = pdf.qr_svg(factors.seed_uri(person, seed))
    page = render_template("accounts/enrol.html", form=form, qr=qr, seed=seed)
    return page, 422 if form.errors else 200


def _seed(person: Person) -> str:
    """Return the seed that waits for its first code; sealed, since a browser can read its own cookie."""
    bound = f"seed:{person.uid}"
    try:
        return vault.unseal(str(session["seed"]), bound_to=bound)
    except (KeyError, ValueError, InvalidTag):
        seed = factors.new_seed()
        session["seed"] = vault.seal(seed, bound_to=bound)
        return seed


@accounts.post("/account/app/removal")
@fresh_account
def drop_app() -> BaseResponse:
    """Stop using the code app; staff keep at least one strong factor."""
    reader = me()
    if reader.staff and not factors.passkeys(reader.person):
        raise Refused(_("Please register a passkey first: staff need a code app or a passkey."))
    with transaction():
        factors.drop_totp(reader.person, by=reader.person)
        door.factor_changed(reader.person, keep=reader.session)
    return go("accounts.security", _("The code app is no longer used."))


@accounts.post("/account/recovery-codes")
@fresh_account
def new_recovery_codes() -> str:
    """Replace the recovery codes and show them once."""
    reader = me()
    person = reader.person
    with transaction():
        codes = factors.fresh_recovery_codes(person)
        audit.record("person.recovery_codes_made", person, by=person)
        door.factor_changed(person, keep=reader.session)
    return render_template("accounts/recovery.html", codes=codes)


@accounts.post("/account/passkeys/<uid>/removal")
@fresh_account
def passkey_drop(uid: str) -> BaseResponse:
    """Forget a passkey; staff keep at least one strong factor."""
    reader = me()
    keys = factors.passkeys(reader.person)
    if uid not in {key.uid for key in keys}:
        raise Missing(_("There is no such passkey."))
    if reader.staff and len(keys) == 1 and not reader.person.totp_sealed:
        raise Refused(_("Please set up a code app first: staff need a code app or a passkey."))
    with transaction():
        db.session.execute(delete(Passkey).where(Passkey.uid == uid, Passkey.person_id == reader.person.id))
        audit.record("person.passkey_dropped", reader.person, by=reader.person)
        door.factor_changed(reader.person, keep=reader.session)
    return go("accounts.security", _("The passkey is removed."))


@accounts.post("/account/sessions/<uid>/end")
@own_account
def end_session(uid: str) -> BaseResponse:
    """End one of one's sessions."""
    reader = me()
    row = next((row for row in door.sessions(reader.person) if row.uid == uid), None)
    if row is None:
        abort(404)
    with transaction():
        row.ended_at = clock.now()
    return go("accounts.security", _("The session is ended."))


@accounts.post("/account/sessions/end")
@own_account
def end_others() -> BaseResponse:
    """End all sessions but this one."""
    reader = me()
    with transaction():
        door.end_all(reader.person, keep=reader.session)
    return go("accounts.security", _("All other sessions are ended."))


@accounts.route("/account/mail", methods=["GET", "POST"])
@fresh_account
def change_mail() -> Any:
    """Ask for another mail address; it takes effect once the link sent there was opened."""
    person, form = me().person, f.ChangeMail()
    if form.validate_on_submit():
        try:
            door.ask_new_mail(person, form.email.data)
        except Refused as refusal:
            form.refused(refusal)
            return render_template("accounts/change_mail.html", form=form), refusal.status
        words = _("We have written to %(email)s. Please open the link in that mail.", email=form.email.data)
        return go("accounts.security", words)
    return render_template("accounts/change_mail.html", form=form), 422 if form.errors else 200
