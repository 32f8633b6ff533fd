"""How the history of items, forms and learning steps reads, and which page an entry of the audit opens."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.certs.learning import StepKind
from portal.certs.models.bank import Difficulty, Ground, Item
from portal.certs.models.learning import StepSource
from portal.core import labels, story
from portal.core.db import db


def _item(number: int) -> str | None:
    row = db.session.get(Item, number)
    return url_for("exam_office.item", uid=row.uid) if row is not None else None


def _said(*kinds: type[Difficulty] | type[Ground] | type[StepSource] | type[StepKind]) -> story.Said:
    """Return how a value of these kinds reads."""

    def say(value: object) -> str:
        for kind in kinds:
            if value in {one.value for one in kind}:
                return labels.label(kind(str(value)))
        return str(value)

    return say


def install() -> None:
    """Name the verbs of the bank and of the learning path, and their details."""
    audit_office.opens("exam_item", _item)
    story.words(
        {
            "item.begun": (_l("Item begun"), "plus-circle"),
            "item.written": (_l("Version written"), "pencil"),
            "item.tagged": (_l("Tags changed"), "tag"),
            "item.submitted": (_l("Sent to review"), "send"),
            "item.approved": (_l("Item approved"), "check2"),
            "item.returned": (_l("Item returned"), "arrow-return-left"),
            "item.taken_into_use": (_l("Taken into use"), "check-circle"),
            "item.rested": (_l("Put to rest"), "pause-circle"),
            "item.woken": (_l("Back in use"), "play-circle"),
            "item.retired": (_l("Taken out for good"), "archive"),
            "item.compromised": (_l("Reported as leaked"), "exclamation-octagon"),
            "item.parted": (_l("Kept apart from another item"), "arrows-expand"),
            "item.reconciled": (_l("May meet another item again"), "arrows-collapse"),
            "items.imported": (_l("Items imported"), "upload"),
            "form.drawn": (_l("Form drawn"), "shuffle"),
            "step.declared": (_l("Step declared"), "flag"),
            "step.withdrawn": (_l("Declaration taken back"), "arrow-counterclockwise"),
            "step.confirmed": (_l("Learning step confirmed"), "check-circle"),
            "step.returned": (_l("Declaration returned"), "arrow-return-left"),
        },
        {
            "version": _l("Version"), "topic": _l("Topic"), "difficulty": _l("Difficulty, as guessed"), "chip": _l("Chip"),
            "tool": _l("Tool"), "ground": _l("Counts because"), "rating": _l("Panel’s rating"), "enemy": _l("Other item"),
            "forms": _l("Forms"), "items": _l("Items"), "exam": _l("Exam"), "step": _l("Step"), "source": _l("Confirmed how"),
        },
    )  # fmt: skip
    story.values(
        {
            "item.tagged/difficulty": _said(Difficulty),
            "item.taken_into_use/ground": _said(Ground),
            "step.confirmed/source": _said(StepSource),
        }
    )
