"""The application factory: it starts no thread, no clock and no connection."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from flask import Flask, g, request
from flask_babel import get_locale
from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.core import audit, catalogue, clock, i18n, web
from portal.core.db import db, guard
from portal.core.money import Money
from portal.core.settings import load, place
from portal.core.settings import settings as app_settings

if TYPE_CHECKING:
    from datetime import date, datetime

    from config import Settings

LIMITS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)
POSTGRES = {"pool_pre_ping": True, "connect_args": {"options": LIMITS}}


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application with the settings given, or those of the environment."""
    found = settings or load()
    app = Flask("portal", template_folder=str(place("templates")), static_folder=str(place("portal/static")))
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
    CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None
    login.user_loader(lambda _key: None)
    web.install_errors(app)
    app.after_request(web.headers)
    app.context_processor(_words)
    app.jinja_env.filters.update(money=money, day=day, moment=moment)
    from portal import schedule  # noqa: PLC0415 - the domains stand above the factory's parts
    from portal.core import files, mail  # noqa: F401, PLC0415 - their tables and handlers
    from portal.public.views import public  # noqa: PLC0415 - the domains stand above the factory's parts

    app.register_blueprint(public)
    schedule.install()


def _arrive() -> None:
    """Give each request a number, and refuse a host that is not on the list."""
    g.request_id = secrets.token_hex(6)
    hosts = app_settings().hosts
    if hosts and request.host.rsplit(":", 1)[0] not in hosts:
        raise BadRequest


def _words() -> dict[str, Any]:
    locale = str(get_locale() or i18n.DEFAULT)
    other = next(code for code in i18n.LANGUAGES if code != locale)
    return {
        "csp_nonce": web.csp_nonce,
        "locale": i18n.HTML.get(locale, "en"),
        "other_locale": {"code": other, "name": i18n.LANGUAGES[other]},
        "brand": catalogue.brand(),
        "url_with": web.url_with,
    }


def money(value: Money) -> str:
    """Return a sum as the reader writes it: `¥1,200.00` in Chinese, `CN¥1,200.00` in English."""
    return str(format_currency(value.decimal, value.currency, locale=get_locale() or "zh_Hans_CN"))


def day(value: date) -> str:
    """Return a date as the reader writes it: `2026年11月22日`, `22 Nov 2026`."""
    locale = get_locale() or "zh_Hans_CN"
    return str(format_date(value, "d MMM y" if str(locale).startswith("en") else "long", locale=locale))


def moment(value: datetime) -> str:
    """Return an instant in the office's zone as the reader writes it."""
    return str(format_datetime(value, "medium", tzinfo=clock.OFFICE, locale=get_locale() or "zh_Hans_CN"))
