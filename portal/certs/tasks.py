"""Practical tasks: one is drawn per candidate from those in use, with the files that it hands out."""

from __future__ import annotations

from random import Random, SystemRandom
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import exam_forms, item_pictures, schemes
from portal.certs.gift_answers import Kind
from portal.certs.models.bank import Form, FormItem, Item, ItemState, ItemVersion
from portal.certs.models.watching import TaskFile
from portal.certs.schemes import Scheme
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import Content, StoredFile

IN_WORK = (ItemState.DRAFT, ItemState.IN_REVIEW, ItemState.APPROVED)


def in_use(exam: str) -> list[ItemVersion]:
    """Return the practical tasks of an exam that are in use."""
    statement = (
        select(ItemVersion)
        .join(Item)
        .where(
            Item.exam == exam, ItemVersion.state == ItemState.LIVE, ItemVersion.kind == Kind.PRACTICAL
        )
        .order_by(ItemVersion.id)
    )  # fmt: skip
    return list(db.session.scalars(statement))


def draw_task(
    exam: str, part: str, *, candidate: Person, by: Any, random: Random | None = None, scheme: Scheme | None = None
) -> Form:  # fmt: skip
    """Draw a candidate's practical task: at random among the least shown, none he met before while there is another."""
    rows, dice = in_use(exam), random or SystemRandom()
    gone = item_pictures.lost(row.id for row in rows)
    rows = [row for row in rows if row.id not in gone]
    if not rows:
        raise Refused(
            _l("No practical task is ready for this exam yet. We have been told; please try again later.")
        )
    counts, met = exam_forms.shown(exam), exam_forms.seen(exam, candidate)
    dice.shuffle(rows)
    one = min(rows, key=lambda row: (row.id in met, counts.get(row.item_id, 0)))
    form = Form(exam=exam, part=part, scheme=(scheme or schemes.scheme(exam)).version, candidate=candidate)
    db.session.add(form)
    db.session.add(FormItem(form=form, version=one, position=1, shuffled=[]))
    db.session.flush()
    audit.record("form.drawn", form, by=by, exam=exam, items=1)
    return form


def of(form: Form | None) -> ItemVersion | None:
    """Return the task of a practical part's form."""
    if form is None:
        return None
    return db.session.scalars(select(ItemVersion).join(FormItem).where(FormItem.form_id == form.id)).first()


def files_of(version: ItemVersion) -> list[TaskFile]:
    """Return the files that a task hands out."""
    statement = select(TaskFile).where(TaskFile.version_id == version.id).order_by(TaskFile.id)
    return list(db.session.scalars(statement))


def refuse_unwritten(version: ItemVersion) -> None:
    """Refuse what hands out no files, and what is in use: that never changes."""
    if version.kind is not Kind.PRACTICAL:
        raise Refused(_l("Only a practical task hands out files."))
    if version.state not in IN_WORK:
        raise Refused(_l("This version is in use: files are attached to a new draft."))


def attach(version: ItemVersion, content: Content, *, name: str, by: Person) -> TaskFile:
    """Attach a file to a practical task while it is being written."""
    refuse_unwritten(version)
    file = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="exam_task"
    )  # fmt: skip
    db.session.add(file)
    row = TaskFile(version=version, file=file, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("item.file_attached", version.item, by=by, version=version.n, file=name)
    return row
