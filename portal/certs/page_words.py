"""Words that every page about exams may use: names of levels, languages and aids, instants at their sites."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.certs import levels
from portal.certs.doors import exam_office, exams
from portal.certs.models.care import Aid
from portal.certs.said import there
from portal.core import i18n, labels


def language_name(code: str) -> str:
    """Return what a language is called in itself."""
    return i18n.LANGUAGES.get(code, code)


def aid_name(code: str) -> str:
    """Return what an accommodation is called."""
    return labels.label(Aid(code)) if code in set(Aid) else code


def ask_words(codes: list[str]) -> str:
    """Return several accommodations in words."""
    return _(", ").join(aid_name(code) for code in codes)


@exams.context_processor
@exam_office.context_processor
def terms() -> dict[str, Any]:
    """Give the templates of certification their words."""
    return {
        "there": there,
        "level_name": levels.name_of,
        "language_name": language_name,
        "aid_name": aid_name,
        "ask_words": ask_words,
    }
