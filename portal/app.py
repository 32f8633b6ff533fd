"""The application factory: it starts no thread, no clock and no connection."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from flask import Flask, g, has_request_context, request
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import schedule, wiring
from portal.accounts import access, frame
from portal.core import audit, catalogue, i18n, labels, story, web, words
from portal.core.db import db, guard
from portal.core.settings import load, place
from portal.core.settings import settings as app_settings
from portal.core.templates import Pages, address, badge, drawing, icon

if TYPE_CHECKING:
    from config import Settings

LIMITS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)
POSTGRES = {"pool_pre_ping": True, "connect_args": {"options": LIMITS}}


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application with the settings given, or those of the environment."""
    found = settings or load()
    app = Flask("portal", template_folder=str(place("templates")), static_folder=str(place("portal/static")))
    app.jinja_environment = Pages
    app.extensions["settings"] = found
    app.config.update(
        SECRET_KEY=found.secret_key,
        SECRET_KEY_FALLBACKS=list(found.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=found.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={} if found.sqlite else POSTGRES,
        MAX_CONTENT_LENGTH=12 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="__Host-portal" if found.https else "portal",
        SESSION_COOKIE_SECURE=found.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        BOOTSTRAP_SERVE_LOCAL=True,
        WTF_CSRF_TIME_LIMIT=None,
        TESTING=found.testing,
    )
    if found.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=found.proxies, x_proto=found.proxies)  # type: ignore[method-assign]
    _install(app)
    return app


def _install(app: Flask) -> None:
    app.before_request(_arrive)  # before CSRF, so that every error page has its number
    db.init_app(app)
    with app.app_context():
        guard(db.engine)
    Migrate(app, db, directory=str(place("migrations")))
    audit.install(db.session)
    i18n.install(app)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(lambda _key: None)
    access.install(app)
    web.install_errors(app)
    app.after_request(web.headers)
    app.context_processor(_words)
    app.jinja_env.globals.update(url_for=address, icon=icon, render_icon=drawing, badge=badge)
    app.jinja_env.filters.update(
        money=words.money,
        price=words.price,
        day=words.day,
        moment=words.moment,
        label=labels.label,
        tone=labels.tone,
        said=catalogue.in_words,
        story=story.tell,
    )
    for blueprint in wiring.BLUEPRINTS:
        app.register_blueprint(blueprint)
    csrf.exempt("portal.billing.pay.webhook")  # signed by its sender instead
    wiring.install()
    schedule.install()


def _arrive() -> None:
    """Give each request a number, and refuse a host that is not on the list."""
    g.request_id = secrets.token_hex(6)
    hosts = app_settings().hosts
    if hosts and request.host.rsplit(":", 1)[0] not in hosts:
        raise BadRequest


def _words() -> dict[str, Any]:
    locale = i18n.language()
    other = next(code for code in i18n.LANGUAGES if code != locale)
    return {
        "csp_nonce": web.csp_nonce,
        "locale": i18n.HTML.get(locale, "en"),
        "other_locale": {"code": other, "name": i18n.LANGUAGES[other]},
        "brand": catalogue.brand(),
        "url_with": web.url_with,
        **(frame.words() if has_request_context() else {}),
    }
