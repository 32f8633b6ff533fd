"""Languages: messages read from `.po` at run time, the reader's language, dates and words."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import cast

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_app_context, has_request_context, request, session
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.core.problems import by_program
from portal.core.settings import place

LANGUAGES = {"en": "English", "zh_Hans_CN": "简体中文"}
HTML = {"en": "en", "zh_Hans_CN": "zh-Hans-CN"}
DEFAULT = "zh_Hans_CN"
MOST_TAGS = 200  # letters of a list of languages that are read


@lru_cache(maxsize=8)
def catalogue(language: str) -> Translations | NullTranslations:
    """Return a language's messages: every `.po` of its folder, parsed once per process."""
    folder = place("translations") / language / "LC_MESSAGES"
    files = sorted(folder.glob("*.po"))
    if not files:
        return NullTranslations()
    merged = Catalog(locale=language)
    for file in files:
        with file.open("rb") as source:
            for message in read_po(source, locale=language):
                if message.id:
                    merged.add(message.id, message.string, context=message.context)
    out = BytesIO()
    write_mo(out, merged)
    out.seek(0)
    return Translations(out)


@lru_cache(maxsize=8)
def _code(locale: Locale) -> str:
    return str(locale)


KNOWN = {code: Locale.parse(code) for code in LANGUAGES}
_CODES = {id(locale): code for code, locale in KNOWN.items()}  # these two live as long as the process


def language() -> str:
    """Return the language in force: the reader's, or the one a letter or paper is written in."""
    # flask-babel keeps what it found in `g`; asking it again takes ten times as long, and lists ask for each row.
    try:
        locale = getattr(g._get_current_object().get("_flask_babel"), "babel_locale", None) or get_locale()
    except RuntimeError:  # outside of any application
        return DEFAULT
    return _CODES.get(id(locale)) or (DEFAULT if locale is None else _code(locale))


class PoDomain(Domain):
    """flask-babel's domain, without compiled files."""

    def get_translations(self) -> Translations | NullTranslations:
        """Return the messages of the language in force."""
        return catalogue(language()) if has_app_context() else NullTranslations()


class PoBabel(Babel):
    """flask-babel with our domain."""

    domain_instance = PoDomain()


def primary(tag: str) -> str | None:
    """Return our language for a browser's tag, by its primary part: `zh-HK` is Chinese to us."""
    part = tag.replace("_", "-").split("-")[0].lower()
    return {"zh": "zh_Hans_CN", "en": "en"}.get(part)


def reader_language() -> str:
    """Return the reader's language: the account's choice, then the session's, the browser's, the default."""
    if not has_request_context():
        return DEFAULT
    if chosen := g.get("language"):
        return str(chosen)
    if not by_program():  # programs have no cookies: they say in each request what they want
        if (chosen := session.get("language")) in LANGUAGES:
            return str(chosen)
        own = getattr(current_user, "language", None)
        if own in LANGUAGES:
            return str(own)
    return _preferred(request.headers.get("Accept-Language", ""))


@lru_cache(maxsize=256)
def _preferred(header: str) -> str:
    """Return the first language of a browser's list that is ours, by its wishes; the list is short and seldom new."""
    for tag, _quality in parse_accept_header(header[:MOST_TAGS], LanguageAccept):
        if found := primary(tag):
            return found
    return DEFAULT


def install(app: Flask) -> None:
    """Give the app its languages."""
    PoBabel(
        app,
        default_locale=DEFAULT,
        default_timezone="Asia/Shanghai",
        locale_selector=lambda: cast(str, KNOWN[reader_language()]),  # a locale is taken as it is, unparsed
    )
