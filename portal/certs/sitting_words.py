"""How the taking in of responses reads on timelines and in the audit chain."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import story


def install() -> None:
    """Give the verbs their words."""
    story.words(
        {"sitting.imported": (_l("Responses of a sitting imported"), "upload")},
        {"exam": _l("Exam"), "sitting": _l("Sitting"), "candidates": _l("Number of candidates")},
    )
