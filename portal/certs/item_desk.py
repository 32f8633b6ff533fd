"""The item bank as staff see it: the list, one item in both languages with its reviews and history, the blueprint."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.certs import exam_forms, item_pictures, items, levels, picture_marks, picturing, schemes, tasks
from portal.certs.doors import exam_office
from portal.certs.drawing import topic_of
from portal.certs.forms import Enemy, Leak, PictureForm, Review, Tags, Use
from portal.certs.gift_answers import Kind
from portal.certs.item_content import missing
from portal.certs.models.bank import Form as ExamForm
from portal.certs.models.bank import FormItem, Item, ItemEnemy, ItemReview, ItemState, ItemVersion
from portal.certs.models.delivery import Attempt, AttemptPart
from portal.certs.models.pictures import ItemPicture
from portal.certs.sitting_forms import WorkFile
from portal.core import audit, catalogue, labels, story, web
from portal.core.catalogue import in_words
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.paging import Page, asked, page_of


def count_in_review() -> Select[Any]:
    """Select how many versions wait for an item reviewer."""
    return select(func.count(ItemVersion.id)).where(ItemVersion.state == ItemState.IN_REVIEW)


def _group(key: str, words: str, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    now = asked(key)
    return {
        "label": words,
        "options": [
            {"label": said, "href": web.url_with(**{key: None if now == code else code, "page": None}), "active": now == code}
            for code, said in pairs
        ],
    }  # fmt: skip


def _chips() -> list[dict[str, Any]]:
    groups = [
        _group("exam", _("Exam"), [(one.code, one.code) for one in levels.levels()]),
        _group("state", _("State"), [(one.value, labels.label(one)) for one in ItemState]),
        _group("kind", _("Type"), [(one.value, labels.label(one)) for one in Kind]),
    ]
    if (exam := asked("exam")) in catalogue.entries("scheme"):
        topics = [(one.code, in_words(one.names)) for one in schemes.scheme(exam).topics]
        groups.append(_group("topic", _("Topic"), topics))
    return groups


def beginning(version: ItemVersion) -> str:
    """Return how the text of a version begins, in the reader's language if it has it."""
    text = in_words(version.text) if version.text else ""
    text = picture_marks.MARK.sub(lambda found: str(_("(picture %(n)s)", n=found.group(1))), text)
    return " ".join(text.split())[:110]


@exam_office.get("/items", endpoint="items")
@allow(May.READ_ITEMS)
def listed() -> str:
    """List items by exam, state, type and topic."""
    found = exam_forms.narrowed(
        exam=asked("exam"), state=asked("state"), kind=asked("kind"), topic=asked("topic"), q=asked("q")
    )
    page = page_of(found, order=(ItemVersion.item_id,))
    reader = me()
    return render_template(
        "office/exams/items.html", page=page, chips=_chips(), beginning=beginning, in_use=_in_use(page.items),
        shown=_shown(page.items), most=exam_forms.most_shown(), may_write=reader.staff_may(May.WRITE_ITEMS),
        level_name=levels.name_of,
    )  # fmt: skip


def _in_use(rows: list[ItemVersion]) -> dict[int, ItemVersion]:
    """Return the versions in use of the items on a page, where a newer one is being written."""
    ids = [row.item_id for row in rows]
    found = db.session.scalars(
        select(ItemVersion).where(
            ItemVersion.item_id.in_(ids), ItemVersion.state.in_([ItemState.LIVE, ItemState.RESTING])
        )
    )
    return {row.item_id: row for row in found}


def _shown(rows: list[ItemVersion]) -> dict[int, int]:
    found: dict[int, int] = {}
    for exam in {row.item.exam for row in rows}:
        found |= exam_forms.shown(exam)
    return found


def item_of(uid: str) -> Item:
    """Return an item; `Missing` if there is none."""
    found = db.session.scalars(select(Item).where(Item.uid == uid)).first()
    if found is None:
        raise Missing(_("There is no such item."))
    return found


def version_of(item: Item, n: int | None = None) -> ItemVersion:
    """Return a version of an item, the newest if none is named."""
    if n is None:
        return items.newest(item)
    found = db.session.scalars(
        select(ItemVersion).where(ItemVersion.item_id == item.id, ItemVersion.n == n)
    ).first()
    if found is None:
        raise Missing(_("There is no such version."))
    return found


def _enemies(item: Item) -> list[tuple[ItemEnemy, Item]]:
    rows = db.session.scalars(
        select(ItemEnemy).where(
            or_(ItemEnemy.low_id == item.id, ItemEnemy.high_id == item.id), ItemEnemy.ended_at.is_(None)
        )
    )
    return [(row, row.high if row.low_id == item.id else row.low) for row in rows]


def _reviews(item: Item) -> list[ItemReview]:
    return list(
        db.session.scalars(
            select(ItemReview)
            .join(ItemVersion)
            .where(ItemVersion.item_id == item.id)
            .order_by(ItemReview.id.desc())
        )
    )


def _affected(item: Item, reader: Reader) -> Page | None:
    """Return the attempts in which a leaked item stood, for whoever may see attempts; None of any other item."""
    leaked = any(row.state is ItemState.COMPROMISED for row in _versions(item))
    if not leaked or not reader.staff_may(May.READ_EXAMS):
        return None
    forms = select(FormItem.form_id).join(ItemVersion).where(ItemVersion.item_id == item.id)
    stood = select(AttemptPart.attempt_id).where(AttemptPart.form_id.in_(forms))
    return page_of(select(Attempt).where(Attempt.id.in_(stood)).order_by(Attempt.id.desc()))


def _topic(item: Item) -> str:
    """Return the blueprint's topic that an item's tag belongs to, in words."""
    if item.exam not in catalogue.entries("scheme"):
        return ""
    topics = {one.code: one.names for one in schemes.scheme(item.exam).topics}
    code = topic_of(item.topic, topics)
    return in_words(topics[code]) if code else ""


def _picture(item: Item, row: ItemPicture) -> str:
    return url_for("exam_office.item_picture", uid=item.uid, picture=row.uid)


def _limits() -> dict[str, int]:
    """Return how many pictures an item has at most, how many megabytes and pixels one."""
    return {
        name: int(catalogue.policy(f"item.{name}"))
        for name in ("pictures", "picture_megabytes", "picture_side")
    }


def item_page(item: Item, n: int | None = None, status: int = 200, **forms: Any) -> Any:
    """Show an item with what the reader may do to it."""
    g.nav = "exam_office.items"
    version, reader = version_of(item, n), me()
    words = {
        "tags": Tags(obj=item),
        "review": Review(),
        "use": Use(),
        "leak": Leak(),
        "enemy": Enemy(),
        "handout": WorkFile(formdata=None),
        "picturing": PictureForm(formdata=None),
        **forms,
    }
    for name in ("tags", "use"):
        words[name].offer()
    drawn = item_pictures.Drawn([version], lambda row: _picture(item, row))
    own = reader.person.id in (version.author_id, version.submitted_by_id)
    return render_template(
        "office/exams/item.html", item=item, version=version, newest=items.newest(item), versions=_versions(item),
        drawn=drawn, pictures=drawn.pictures[version.id], wrong=item_pictures.wrong(version, items.content_of(version)), mark=picture_marks.mark, limits=_limits(), next_place=picturing.free_place(version), missing=missing(items.content_of(version)), enemies=_enemies(item), reviews=_reviews(item), own=own,
        shown=exam_forms.shown(item.exam).get(item.id, 0), most=exam_forms.most_shown(), tried=items.tried(version),
        topic=_topic(item), level_name=levels.name_of, forms=page_of(exam_forms.forms_with(item)),
        may_write=reader.staff_may(May.WRITE_ITEMS), may_review=reader.staff_may(May.REVIEW_ITEMS) and not own,
        may_lead=reader.staff_may(May.LEAD_EXAMS), reader=reader.person,
        handouts=tasks.files_of(version), affected=_affected(item, reader),
        history=story.tell(db.session.scalars(audit.of_subject(item.subject)).all()), **words,
    ), status  # fmt: skip


def _versions(item: Item) -> list[ItemVersion]:
    return list(
        db.session.scalars(
            select(ItemVersion).where(ItemVersion.item_id == item.id).order_by(ItemVersion.n.desc())
        )
    )


@exam_office.get("/items/<uid>", endpoint="item")
@allow(May.READ_ITEMS)
def one(uid: str) -> Any:
    """Show the newest version of an item."""
    return item_page(item_of(uid))


@exam_office.get("/items/<uid>/versions/<int:n>", endpoint="item_version")
@allow(May.READ_ITEMS)
def one_version(uid: str, n: int) -> Any:
    """Show an older version of an item."""
    return item_page(item_of(uid), n)


def _rows(exam: str, part: schemes.Part) -> list[dict[str, Any]]:
    """Return each topic of a part: how many items it needs, and how many there are in each state."""
    counts: dict[tuple[str | None, ItemState], int] = {}
    codes = [topic.code for topic in part.topics]
    rows = db.session.execute(
        select(Item.topic, ItemVersion.state, func.count())
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .where(Item.exam == exam)
        .group_by(Item.topic, ItemVersion.state)
    )
    for tag, state, count in rows:
        key = (topic_of(tag, codes), state)
        counts[key] = counts.get(key, 0) + count
    states = (ItemState.LIVE, ItemState.APPROVED, ItemState.IN_REVIEW, ItemState.DRAFT, ItemState.RESTING)
    return [
        {"topic": topic, "counts": [(state, counts.get((topic.code, state), 0)) for state in states],
         "short": counts.get((topic.code, ItemState.LIVE), 0) < topic.count}
        for topic in part.topics
    ]  # fmt: skip


@exam_office.get("/blueprints", endpoint="blueprints")
@allow(May.READ_ITEMS)
def blueprints() -> str:
    """Show every blueprint against the bank: which topics are short, and what was shown too often."""
    found = []
    for level in schemes.examined():
        scheme = schemes.scheme(level.code)
        parts = [(part, _rows(level.code, part)) for part in scheme.parts if part.topics]
        fixed = db.session.scalars(
            select(ExamForm).where(ExamForm.exam == level.code, ExamForm.candidate_id.is_(None)).order_by(ExamForm.id.desc()).limit(20)
        ).all()  # fmt: skip
        names = {topic.code: in_words(topic.names) for topic in scheme.topics}
        short = [(names[one.topic], one.have, one.need) for one in exam_forms.short_topics(level.code)]
        found.append({"level": level, "parts": parts, "short": short, "fixed": fixed})
    return render_template(
        "office/exams/blueprints.html", found=found, may_lead=me().staff_may(May.LEAD_EXAMS), most=exam_forms.most_shown(),
        spoilt=exam_forms.spoilt,
    )  # fmt: skip
