"""The application factory: it starts no thread, no clock and no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, has_request_context
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import schedule, wiring
from portal.accounts import access, frame
from portal.billing import curves, kinds
from portal.billing import words as billing_words
from portal.core import (
    acting,
    api,
    assets,
    audit,
    catalogue,
    headers,
    i18n,
    labels,
    problems,
    retry,
    rich,
    shield,
    steps,
    story,
    web,
    words,
)
from portal.core.db import db, guard
from portal.core.remember import Remember, frozen
from portal.core.settings import load, place
from portal.core.templates import Pages, address, badge, drawing, icon

if TYPE_CHECKING:
    from config import Settings

LIMITS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)
# Statements may be logged with an error, what they carry may not.
SQLITE = {"hide_parameters": True}
POSTGRES = {"hide_parameters": True, "connect_args": {"options": LIMITS}}


class Portal(OpenAPI):
    """The application: Flask with a document of its JSON API, and with another try for lost races."""

    jinja_environment = Pages

    def ensure_sync(self, func: Any) -> Any:
        """Return a view or hook as it is: none of ours is a coroutine, and asking each at each request takes its time."""
        return func

    def dispatch_request(self) -> Any:
        """Answer the request; a view that lost a race in the database runs again."""
        return retry.at_the_door(super().dispatch_request)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application with the settings given, or those of the environment."""
    found = settings or load()
    app = Portal(
        "portal",
        info=Info(title="Foundation Portal API", version="1"),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        validation_error_model=api.Problem,
        validation_error_callback=api.not_right,
        doc_ui=False,
        template_folder=str(place("templates")),
        static_folder=str(place("portal/static")),
    )
    app.extensions["settings"] = found
    app.config.update(
        SECRET_KEY=found.secret_key,
        SECRET_KEY_FALLBACKS=list(found.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=found.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=SQLITE if found.sqlite else POSTGRES,
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="__Host-portal" if found.https else "portal",
        SESSION_COOKIE_SECURE=found.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_ENABLED=not found.shield_off,
        TESTING=found.testing,
    )
    app.session_interface = problems.Sessions()
    if found.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=found.proxies, x_proto=found.proxies)  # type: ignore[method-assign]
    _install(app)
    return app


def _install(app: Portal) -> None:
    shield.prepare(app)
    shield.install(app)  # before CSRF, so that every error page has its number and every try is counted
    db.init_app(app)
    with app.app_context():
        guard(db.engine)
    Migrate(app, db, directory=str(place("migrations")))
    audit.install(db.session)
    steps.install(db.session)
    i18n.install(app)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(lambda _key: None)
    shield.spare_programs(app, csrf, login)
    access.install(app)
    web.install_errors(app)
    app.after_request(headers.put)
    assets.install(app)
    _templates(app)
    for blueprint in wiring.BLUEPRINTS:
        app.register_blueprint(blueprint)
    for operations in wiring.APIS:  # programs bring tokens and no cookies, so there is nothing to forge
        app.register_api(operations)
        csrf.exempt(operations)
    csrf.exempt("portal.billing.pay.webhook")  # signed by its sender instead
    for mailing in ("reports.closed.mailing_views", "jobs.saved_views"):  # mail programs bring other words
        csrf.exempt(f"portal.{mailing}.one_click")
    wiring.install()
    schedule.install()


def _templates(app: Portal) -> None:
    """Give the templates their words, filters and drawings."""
    app.context_processor(_words)
    app.jinja_env.add_extension(Remember)
    app.jinja_env.globals.update(frozen=frozen)
    app.jinja_env.globals.update(url_for=address, icon=icon, render_icon=drawing, badge=badge)
    app.jinja_env.filters.update(
        money=words.money,
        price=words.price,
        day=words.day,
        last_day=words.last_day,
        moment=words.moment,
        month=words.month,
        actor=acting.actor,
        label=labels.label,
        tone=labels.tone,
        said=catalogue.in_words,
        story=story.tell,
        plain=words.plain,
        account=billing_words.account,
        overdue=billing_words.overdue,
        stream=curves.stream,
        price_said=curves.said,
        entry_kind=kinds.to_finance,
        total=words.total,
        units=words.units,
        article=lambda text: rich.shown(text, "article"),
    )


def _words() -> dict[str, Any]:
    locale = i18n.language()
    other = next(code for code in i18n.LANGUAGES if code != locale)
    return {
        "csp_nonce": headers.csp_nonce,
        "locale": i18n.HTML.get(locale, "en"),
        "other_locale": {"code": other, "name": i18n.LANGUAGES[other]},
        "brand": catalogue.brand(),
        "policy": catalogue.policy,
        "url_with": web.url_with,
        **(frame.words() if has_request_context() else {}),
    }
