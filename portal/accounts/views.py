"""The door's pages: register, confirm, sign in with two factors, a new password, sign out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, render_template, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door, factors, passwords, throttle, tickets
from portal.accounts import forms as f
from portal.accounts.access import Reader, found_session, half_way, me, own_account, who
from portal.accounts.people import Level, TicketKind
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.web import go, public, safe_next

accounts = Blueprint("accounts", __name__)


def _next() -> str:
    return safe_next(request.args.get("next") or request.form.get("next"), "")


@accounts.route("/register", methods=["GET", "POST"])
@public
def register() -> Any:
    """Make an account."""
    form = f.Register()
    if form.validate_on_submit():
        try:
            person = door.register(
                form.email.data, form.name.data, form.password.data, str(get_locale()), next=_next()
            )
        except Refused as refusal:
            form.refused(refusal)
        else:
            if person is not None:
                session["registered"] = person.uid
            session["asked"] = door.normal(form.email.data)
            return go("accounts.registered")
    return render_template("accounts/register.html", form=form, next=_next()), 422 if form.errors else 200


@accounts.get("/register/sent")
@public
def registered() -> Any:
    """Say that a mail was sent, the same words whether the address was known or not."""
    if "asked" not in session:
        return go("accounts.register")
    return render_template("accounts/sent.html", email=session.get("asked", ""), about="confirm")


@accounts.get("/confirm/<secret>")
@public
def confirm_link(secret: str) -> BaseResponse:
    """Take the ticket out of the address, and show the page that uses it."""
    session["ticket"] = secret
    return go("accounts.confirm")


@accounts.route("/confirm", methods=["GET", "POST"])
@public
def confirm() -> Any:
    """Confirm the mail address; the browser that registered is signed in at once."""
    ticket = tickets.find(TicketKind.CONFIRM, str(session.get("ticket", "")))
    if ticket is None:
        return render_template("accounts/gone.html", again=url_for("accounts.sign_in")), 410
    if request.method == "POST":
        fresh = str(ticket.detail.get("email") or "")
        same_browser = not fresh and session.get("registered") == ticket.person.uid
        onward = str(ticket.detail.get("next") or "")
        with transaction():
            person = door.confirm(ticket)
            if same_browser:  # the password was typed here, the mail was read: both factors were shown
                door.open_session(person, Level.FULL)
        if same_browser:
            return go("accounts.arrive", _("Welcome, %(name)s.", name=person.name), next=onward or None)
        session.pop("ticket", None)
        if fresh:
            return go("accounts.security", _("From now on you sign in with %(email)s.", email=fresh))
        return go("accounts.sign_in", _("Your address is confirmed. Please sign in."), next=onward or None)
    return render_template(
        "accounts/confirm.html", email=str(ticket.detail.get("email") or ticket.person.email)
    )


@accounts.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Any:
    """Take mail address and password, then lead on to the second step."""
    if request.method == "GET" and who() is not None:
        return go("accounts.arrive", next=_next() or None)
    form, status = f.SignIn(), 200
    if form.validate_on_submit():
        try:
            person = door.check_password(form.email.data, form.password.data)
            with transaction():
                door.begin(person)
        except Refused as refusal:
            form.refused(refusal)
            status = refusal.status
        else:
            return go("accounts.second", next=_next() or None)
    elif form.errors:
        status = 422
    return render_template("accounts/sign_in.html", form=form, next=_next()), status


def _half() -> Reader:
    found = found_session()
    if found is None:
        abort(401)
    return found


@accounts.route("/sign-in/code", methods=["GET", "POST"])
@half_way
def second() -> Any:
    """Take the second factor: app, mail or recovery code, or lead to the passkey."""
    found = _half()
    person = found.person
    if found.session.level is Level.FULL:
        return go("accounts.arrive", next=_next() or None)
    ways = ["app"] if person.totp_sealed else []
    ways += ["passkey"] if factors.passkeys(person) else []
    ways += ["mail"] if not found.staff or not ways else []
    ways += ["recovery"] if factors.recovery_left(person) else []
    way = request.args.get("way", ways[0])
    if way not in ways:
        abort(404)
    form = f.Code()
    if form.validate_on_submit():
        account = f"factor {person.uid}"
        try:
            throttle.check(account)
            with transaction():
                good = door.second_step(found.session, way, form.code.data)
                if good:
                    door.complete(found.session)
            throttle.note(account, good=good)
            if good:
                return go("accounts.arrive", next=_next() or None)
            form.refused(Refused(_("This code is not right, was used, or has run out."), field="code"))
        except Refused as refusal:
            form.refused(refusal)
    page = render_template(
        "accounts/second.html", form=form, way=way, ways=ways, email=person.email, next=_next()
    )
    return page, 422 if form.errors else 200


@accounts.post("/sign-in/code/mail")
@half_way
def mail_code() -> BaseResponse:
    """Send a code by mail, to people who may use one."""
    found = _half()
    if found.staff and (found.person.totp_sealed or factors.passkeys(found.person)):
        abort(403)
    with transaction():
        door.send_code(found.session)
    return go("accounts.second", _("A new code is on its way."), way="mail", next=_next() or None)


@accounts.route("/sign-in/again", methods=["GET", "POST"])
@own_account
def again() -> Any:
    """Ask for both factors anew before something that matters."""
    form = f.ChangePassword()
    del form.password
    if form.validate_on_submit():
        person = me().person
        try:
            door.check_password(person.email, form.current.data)
        except Refused as refusal:
            form.refused(Refused(str(refusal), field="current"))
        else:
            with transaction():
                door.begin(person)
            return go("accounts.second", next=_next() or None)
    return render_template("accounts/again.html", form=form, next=_next()), 422 if form.errors else 200


@accounts.get("/arrive")
@own_account
def arrive() -> BaseResponse:
    """Lead a person who has just come in to where he wanted to go, or to his home."""
    onward = _next()
    if onward:
        return Response(status=303, headers={"Location": onward})
    return go("office.home" if me().works_here() else "member.home")


@accounts.post("/sign-out")
@public
def sign_out() -> BaseResponse:
    """End the session on the server and in the browser."""
    with transaction():
        door.end_this()
    session.clear()
    answer = go("public.home", _("You are signed out."))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@accounts.route("/reset", methods=["GET", "POST"])
@public
def ask_reset() -> Any:
    """Send a link for a new password; the answer is the same for unknown addresses."""
    form, status = f.AskReset(), 200
    if form.validate_on_submit():
        try:
            door.ask_reset(form.email.data)
        except Refused as refusal:
            form.refused(refusal)
            status = refusal.status
        else:
            session["asked"] = door.normal(form.email.data)
            return go("accounts.reset_sent")
    return render_template("accounts/ask_reset.html", form=form), status


@accounts.get("/reset/sent")
@public
def reset_sent() -> Any:
    """Say that a mail was sent if there is an account."""
    if "asked" not in session:
        return go("accounts.ask_reset")
    return render_template("accounts/sent.html", email=session.get("asked", ""), about="reset")


@accounts.get("/reset/<secret>")
@public
def reset_link(secret: str) -> BaseResponse:
    """Take the ticket out of the address, and show the page that uses it."""
    session["ticket"] = secret
    return go("accounts.reset")


@accounts.route("/reset/new", methods=["GET", "POST"])
@public
def reset() -> Any:
    """Set a new password; the second factor is still asked for at the next sign-in."""
    ticket = tickets.find(TicketKind.RESET, str(session.get("ticket", "")))
    if ticket is None:
        return render_template("accounts/gone.html", again=url_for("accounts.ask_reset")), 410
    form = f.SetPassword()
    if form.validate_on_submit():
        person = ticket.person
        try:
            passwords.check_strength(form.password.data, *door.names_of(person))
            hashed = passwords.hashed(form.password.data)
            with transaction():
                if not tickets.use(ticket):
                    abort(410)
                door.set_password(person, hashed, by=person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            session.pop("ticket", None)
            return go("accounts.sign_in", _("Your new password is set. Please sign in."))
    return render_template("accounts/reset.html", form=form), 422 if form.errors else 200
