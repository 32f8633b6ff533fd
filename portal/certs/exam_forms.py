"""Forms of an exam: drawn per candidate or fixed, from what is in use; what is shown too often goes to rest."""

from __future__ import annotations

from collections import Counter
from random import Random, SystemRandom
from typing import Any

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.people import Person
from portal.certs import item_pictures, items, schemes
from portal.certs.drawing import Candidate, Short, counted, draw, shuffled, topic_of
from portal.certs.gift_answers import Kind
from portal.certs.models.bank import Form, FormItem, Item, ItemEnemy, ItemState, ItemVersion
from portal.certs.models.pictures import ItemPicture
from portal.certs.schemes import Part, Scheme, Topic
from portal.core import audit, catalogue
from portal.core.catalogue import in_words
from portal.core.db import db
from portal.core.errors import Refused

log = structlog.get_logger(__name__)
EXPOSURE = "exposure"


def _last_forms(exam: str) -> Select[Any]:
    """Select the forms over which exposure is counted: the last ones that were drawn for somebody."""
    return (
        select(Form.id)
        .where(Form.exam == exam, Form.candidate_id.is_not(None))
        .order_by(Form.id.desc())
        .limit(int(catalogue.policy("item.window")))
    )


def shown(exam: str) -> dict[int, int]:
    """Return in how many of the last drawn forms each item stood, by its id."""
    rows = db.session.execute(
        select(ItemVersion.item_id, func.count())
        .join(FormItem, FormItem.version_id == ItemVersion.id)
        .where(FormItem.form_id.in_(_last_forms(exam)))
        .group_by(ItemVersion.item_id)
    )
    return {row[0]: row[1] for row in rows}


def most_shown() -> int:
    """Return in how many of the last forms an item may stand: the ceiling's share of the window."""
    return int(catalogue.policy("item.window")) * int(catalogue.policy("item.ceiling")) // 100


def enemies(exam: str) -> dict[int, set[int]]:
    """Return for each item of an exam those it never meets."""
    found: dict[int, set[int]] = {}
    rows = db.session.execute(
        select(ItemEnemy.low_id, ItemEnemy.high_id)
        .join(Item, Item.id == ItemEnemy.low_id)
        .where(Item.exam == exam, ItemEnemy.ended_at.is_(None))
    )
    for low, high in rows:
        found.setdefault(low, set()).add(high)
        found.setdefault(high, set()).add(low)
    return found


def seen(exam: str, candidate: Person | None) -> set[int]:
    """Return the versions that a candidate met in earlier forms."""
    if candidate is None:
        return set()
    return set(
        db.session.scalars(
            select(FormItem.version_id).join(Form).where(Form.exam == exam, Form.candidate_id == candidate.id)
        )
    )


def bank(
    exam: str,
    topics: tuple[Topic, ...],
    *,
    state: ItemState = ItemState.LIVE,
    candidate: Person | None = None,
) -> list[Candidate]:
    """Return what a form may be drawn from: versions in one state whose tag belongs to the blueprint."""
    counts, met = shown(exam), seen(exam, candidate)
    codes = [one.code for one in topics]
    rows = db.session.execute(
        select(ItemVersion.id, ItemVersion.item_id, Item.topic, Item.anchor)
        .join(Item)
        .where(Item.exam == exam, ItemVersion.state == state, ItemVersion.kind != Kind.PRACTICAL)
        .order_by(ItemVersion.id)
    )
    return [
        Candidate(version, item, topic, counts.get(item, 0), version in met, anchor)
        for version, item, tag, anchor in rows
        if (topic := topic_of(tag, codes)) is not None
    ]


def short_topics(exam: str, part: Part | None = None) -> list[Short]:
    """Return the topics of a blueprint that the bank cannot fill today: a session of the exam is not published then."""
    scheme = schemes.scheme(exam)
    found: list[Short] = []
    for one in [part] if part is not None else scheme.parts:
        blueprint = {topic.code: topic.count for topic in one.topics}
        rows = bank(exam, one.topics)
        found += counted(blueprint, rows) or draw(blueprint, rows, enemies(exam), Random(0)).short
    return found


def refuse_short(exam: str, short: list[Short] | tuple[Short, ...]) -> None:
    """Refuse while topics cannot be filled, naming each."""
    if short:
        names = {one.code: in_words(one.names) for one in schemes.scheme(exam).topics}
        lines = ", ".join(f"{names.get(one.topic, one.topic)} ({one.have}/{one.need})" for one in short)
        raise Refused(_l("The item bank cannot fill these topics: %(topics)s.", topics=lines))


def _part(scheme: Scheme, code: str) -> Part:
    found = next((one for one in scheme.parts if one.code == code and one.topics), None)
    if found is None:
        raise Refused(_l("This part of the exam has no blueprint."))
    return found


def _pilots(exam: str, part: Part, chosen: tuple[Candidate, ...], random: Random) -> list[Candidate]:
    """Return approved items to be tried unscored, the least shown first: a share of the form, while there are any."""
    places = sum(topic.count for topic in part.topics) * int(catalogue.policy("item.pilot_share")) // 100
    foes, taken = enemies(exam), [one.item for one in chosen]
    found: list[Candidate] = []
    rows = bank(exam, part.topics, state=ItemState.APPROVED)
    random.shuffle(rows)
    for one in sorted(rows, key=lambda row: row.shown):
        if len(found) < places and one.item not in taken and not foes.get(one.item, set()) & set(taken):
            found.append(one)
            taken.append(one.item)
    return found


def _chosen(
    exam: str, part: Part, candidate: Person | None, dice: Random, without: frozenset[int] = frozenset()
) -> list[tuple[int, bool]]:
    """Return the versions of a form and whether each counts; a candidate meets none of which a picture is gone."""
    blueprint = {topic.code: topic.count for topic in part.topics}
    rows = [one for one in bank(exam, part.topics, candidate=candidate) if one.version not in without]
    share = int(catalogue.policy("item.anchor_share"))
    drawn = draw(blueprint, rows, enemies(exam), dice, anchor_share=share)
    refuse_short(exam, drawn.short)
    pilots = [one for one in _pilots(exam, part, drawn.chosen, dice) if one.version not in without]
    places = [(one.version, True) for one in drawn.chosen] + [(one.version, False) for one in pilots]
    gone = item_pictures.lost(version for version, _scored in places) if candidate is not None else {}
    if gone:
        log.error("item.picture_lost", versions=sorted(gone))
        return _chosen(exam, part, candidate, dice, without | gone.keys())
    return places


def refuse_lost(exam: str) -> None:
    """Refuse while an item in use of an exam lacks a picture, naming each."""
    seen = select(ItemPicture.version_id)
    rows = select(ItemVersion).join(Item).where(Item.exam == exam, ItemVersion.state == ItemState.LIVE)
    item_pictures.refuse_lost(
        db.session.scalars(rows.where(ItemVersion.id.in_(seen)).order_by(ItemVersion.id))
    )


def draw_form(
    exam: str, part: str, *, candidate: Person | None, by: Any, called: str = "", random: Random | None = None,
    scheme: Scheme | None = None,
) -> Form:  # fmt: skip
    """Draw a form: for a candidate, or a fixed one that bears a name, by the scheme of today or one given; `Refused` lists the topics that are short."""
    scheme, dice = scheme or schemes.scheme(exam), random or SystemRandom()
    found = _part(scheme, part)
    places = _chosen(exam, found, candidate, dice)
    wanted = select(ItemVersion).where(ItemVersion.id.in_([version for version, _scored in places]))
    rows = {row.id: row for row in db.session.scalars(wanted.order_by(ItemVersion.id))}
    if candidate is None:
        item_pictures.refuse_lost(rows.values())
    form = Form(exam=exam, part=part, scheme=scheme.version, called=called, candidate=candidate)
    db.session.add(form)
    dice.shuffle(places)
    for position, (version, scored) in enumerate(places, 1):
        row = rows[version]
        order = shuffled([(one["code"], bool(one.get("pinned"))) for one in row.options], dice)
        db.session.add(FormItem(form=form, version=row, position=position, shuffled=order, scored=scored))
    db.session.flush()
    audit.record("form.drawn", form, by=by, exam=exam, items=len(places))
    if candidate is not None:
        rest_overexposed(exam, found)
    return form


def rest_overexposed(exam: str, part: Part) -> list[ItemVersion]:
    """Let items rest that were shown too often, as long as their topic can still be filled without them."""
    most, rows = most_shown(), bank(exam, part.topics)
    have = Counter(one.topic for one in rows)
    need = {topic.code: topic.count for topic in part.topics}
    rested = []
    for one in sorted(rows, key=lambda row: -row.shown):
        if one.shown > most and have[one.topic] > need[one.topic]:
            version = db.session.get_one(ItemVersion, one.version)
            items.turn(version, ItemState.RESTING, by=EXPOSURE)
            have[one.topic] -= 1
            rested.append(version)
    return rested


def places(form: Form) -> list[FormItem]:
    """Return the places of a form in their order, each with its version."""
    statement = select(FormItem).where(FormItem.form_id == form.id).order_by(FormItem.position)
    return list(db.session.scalars(statement.options(joinedload(FormItem.version))))


def spoilt(form: Form) -> list[FormItem]:
    """Return the places of a form whose items leaked meanwhile: a fixed form with any is not handed out."""
    statement = (
        select(FormItem)
        .join(ItemVersion)
        .where(FormItem.form_id == form.id, ItemVersion.state == ItemState.COMPROMISED)
        .order_by(FormItem.position)
    )
    return list(db.session.scalars(statement))


def forms_with(item: Item) -> Select[Any]:
    """Select the forms in which an item stood, the newest first."""
    return (
        select(Form)
        .where(Form.id.in_(select(FormItem.form_id).join(ItemVersion).where(ItemVersion.item_id == item.id)))
        .order_by(Form.id.desc())
    )


def narrowed(*, exam: str = "", state: str = "", kind: str = "", topic: str = "", q: str = "") -> Select[Any]:
    """Select the newest version of every item that fits."""
    newest = select(func.max(ItemVersion.id)).group_by(ItemVersion.item_id)
    in_use = [ItemState.LIVE, ItemState.RESTING]
    statement = select(ItemVersion).join(Item).where(ItemVersion.id.in_(newest))
    if exam:
        statement = statement.where(Item.exam == exam)
    if state in in_use:  # what is in use may have a newer draft
        own = select(ItemVersion.item_id).where(ItemVersion.state == state)
        statement = statement.where(Item.id.in_(own))
    elif state:
        statement = statement.where(ItemVersion.state == state)
    if kind:
        statement = statement.where(ItemVersion.kind == kind)
    if topic:
        statement = statement.where(
            or_(Item.topic == topic, Item.topic.startswith(f"{topic}/", autoescape=True))
        )
    if q:
        statement = statement.where(
            or_(Item.key.icontains(q, autoescape=True), Item.topic.icontains(q, autoescape=True))
        )
    return statement
