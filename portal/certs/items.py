"""The life of items: written by an author, checked by another person, taken into use by the chief examiner."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import item_pictures, levels, rubrics
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content, missing
from portal.certs.models.bank import (
    Difficulty,
    FormItem,
    Ground,
    Item,
    ItemEnemy,
    ItemReview,
    ItemState,
    ItemVersion,
)
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

S = ItemState
CHECKS = ("key", "parity", "bias", "reference")
FIELDS = ("text", "options", "key", "reference", "tags")


def content_of(version: ItemVersion) -> Content:
    """Return what a version says."""
    return Content(
        version.kind, version.text, version.format, version.options, version.numbers, version.feedback, version.points
    )  # fmt: skip


def newest(item: Item) -> ItemVersion:
    """Return the version written last."""
    return db.session.scalars(
        select(ItemVersion).where(ItemVersion.item_id == item.id).order_by(ItemVersion.n.desc()).limit(1)
    ).one()


def begin(exam: str, key: str, *, by: Person | str, topic: str = "") -> Item:
    """Make an item of an exam; its key is its own within the exam."""
    levels.level(exam)
    found = db.session.scalars(select(Item).where(Item.exam == exam, Item.key == key)).first()
    if found is not None:
        raise Refused(_l("There is an item %(key)s already.", key=key), field="key", status=422)
    item = Item(exam=exam, key=key, topic=topic)
    db.session.add(item)
    db.session.flush()
    audit.record("item.begun", item, by=by, exam=exam, key=key)
    return item


def hold(item: Item) -> None:
    """Hold an item until the end of the transaction: what it says and shows is changed by one person at a time."""
    db.session.scalars(select(Item).where(Item.id == item.id).with_for_update()).one()


def write(
    item: Item, content: Content, *, by: Person | None, reference: str = "", machine_aid: bool = False
) -> ItemVersion:
    """Write the next version of an item, a draft; what was written before stays as it is."""
    hold(item)
    before = db.session.scalars(
        select(ItemVersion).where(ItemVersion.item_id == item.id).order_by(ItemVersion.n.desc()).limit(1)
    ).first()
    last = before.n if before is not None else 0
    version = ItemVersion(
        item=item, n=last + 1, kind=content.kind, format=content.format, text=content.text, options=content.options,
        numbers=content.numbers, feedback=content.feedback, digest=content.digest, author=by, points=content.points,
        reference=reference, machine_aid=machine_aid,
    )  # fmt: skip
    db.session.add(version)
    db.session.flush()
    if before is not None:
        item_pictures.carry(before, version, by=by)
    audit.record("item.written", item, by=by or "import", version=version.n)
    return version


def tag(
    item: Item, *, by: Person, topic: str, difficulty: Difficulty, chip: str, tool: str, anchor: bool = False
) -> None:
    """Set the tags of an item, and whether it ties forms together as an anchor."""
    new = {"topic": topic, "difficulty": difficulty, "chip": chip, "tool": tool, "anchor": anchor}
    old = {name: getattr(item, name) for name in new}
    if old != new:
        for name, value in new.items():
            setattr(item, name, value)
        changed = [name for name in new if old[name] != new[name]]
        audit.record("item.tagged", item, by=by, org_id=None, **{name: str(new[name]) for name in changed})


def _latest(version: ItemVersion) -> None:
    if newest(version.item).id != version.id:
        raise Refused(_l("There is a newer version of this item: please go on with that one."))


def submit(version: ItemVersion, *, by: Person) -> None:
    """Send a draft to review; it must say everything in both languages, and its pictures must stand in their places."""
    hold(version.item)
    _latest(version)
    content = content_of(version)
    if missing(content):
        raise Refused(_l("An item is reviewed in both languages: Chinese or English is still missing."))
    item_pictures.refuse_wrong(version, content)
    move(version, S.IN_REVIEW)
    version.submitted_by = by
    audit.record("item.submitted", version.item, by=by, version=version.n)


def _refuse_own(version: ItemVersion, by: Person) -> None:
    if by.id in (version.author_id, version.submitted_by_id):
        raise Forbidden(_l("You wrote or submitted this version: another person reviews it."))


def review(
    version: ItemVersion, *, by: Person, approved: bool, ticked: list[str], comments: dict[str, str]
) -> ItemReview:
    """Approve a version, every point ticked, or return it with comments; never one's own."""
    _refuse_own(version, by)
    _latest(version)
    said = {name: text.strip() for name, text in comments.items() if name in FIELDS and text.strip()}
    ticks = [one for one in CHECKS if one in ticked]
    if approved and len(ticks) < len(CHECKS):
        raise Refused(_l("Every point of the checklist must hold before an item is approved."), field="ticked", status=422)  # fmt: skip
    if not approved and not said:
        raise Refused(_l("Please say what the author should change."), field="text_comment", status=422)
    if approved:
        item_pictures.refuse_wrong(version, content_of(version))
        item_pictures.refuse_lost([version])
    move(version, S.APPROVED if approved else S.DRAFT)
    row = ItemReview(version=version, by=by, approved=approved, ticked=ticks, comments=said)
    db.session.add(row)
    audit.record("item.approved" if approved else "item.returned", version.item, by=by, version=version.n)
    return row


def tried(version: ItemVersion) -> int:
    """Return in how many forms a version stood unscored."""
    counted = select(func.count()).where(FormItem.version_id == version.id, FormItem.scored.is_(False))
    return db.session.scalar(counted) or 0


def _rating(text: str) -> str:
    try:
        share = Decimal(text.strip())
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1 or len(text.strip()) > 10:
        raise Refused(_l("A rating is a share from 0 to 1, such as 0.65."), field="rating", status=422)
    return text.strip()


def take_into_use(version: ItemVersion, *, by: Person, ground: Ground, rating: str = "") -> None:
    """Let an approved version count from now on; the version used before rests and retires."""
    if by.id == version.author_id:
        raise Forbidden(_l("You wrote this version: another person takes it into use."))
    if version.kind is Kind.PRACTICAL and not rubrics.known(version.item.exam, version.item.key):
        raise Refused(_l("A practical task needs a rubric before it can be used."))
    if ground is Ground.PILOT and tried(version) < (least := int(catalogue.policy("item.pilot_forms"))):
        raise Refused(
            _l("This item stood in %(count)s forms so far; it is tried in %(least)s.", count=tried(version), least=least)
        )  # fmt: skip
    version.rating = _rating(rating) if rating.strip() or ground is Ground.ANGOFF else ""
    _latest(version)
    for old in _in_use(version.item):
        if old.state is S.LIVE:
            move(old, S.RESTING)
        move(old, S.RETIRED)
    db.session.flush()
    move(version, S.LIVE)
    version.ground = ground
    audit.record(
        "item.taken_into_use", version.item, by=by, version=version.n, ground=ground, rating=version.rating
    )


def _in_use(item: Item) -> list[ItemVersion]:
    statement = select(ItemVersion).where(
        ItemVersion.item_id == item.id, ItemVersion.state.in_([S.LIVE, S.RESTING])
    )
    return list(db.session.scalars(statement))


DEEDS = {S.RESTING: "item.rested", S.LIVE: "item.woken", S.RETIRED: "item.retired"}


def turn(version: ItemVersion, to: ItemState, *, by: Any, reason: str = "") -> None:
    """Let a version rest, come back into use, or retire."""
    if to is S.LIVE and version.state is not S.RESTING:
        raise Refused(_l("Only a resting item comes back into use."))
    move(version, to)
    audit.record(DEEDS[to], version.item, by=by, version=version.n, reason=reason)


def compromise(item: Item, *, by: Person, reason: str) -> int:
    """Take a leaked item out of every form at once; return in how many forms it stood."""
    if not reason.strip():
        raise Refused(_l("Please say how the item became known."), field="reason", status=422)
    rows = _in_use(item)
    if not rows:
        raise Refused(_l("This item is not in use."))
    for row in rows:
        move(row, S.COMPROMISED)
    forms = db.session.scalar(
        select(func.count(func.distinct(FormItem.form_id)))
        .join(ItemVersion)
        .where(ItemVersion.item_id == item.id)
    )
    audit.record("item.compromised", item, by=by, reason=reason.strip(), forms=forms or 0)
    return forms or 0


def part(one: Item, other: Item, *, by: Person, reason: str) -> ItemEnemy:
    """Say that two items never share a form."""
    if one.id == other.id or one.exam != other.exam:
        raise Refused(_l("Please name another item of the same exam."), field="enemy", status=422)
    low, high = sorted((one, other), key=lambda row: row.id)
    standing = select(ItemEnemy).where(
        ItemEnemy.low_id == low.id, ItemEnemy.high_id == high.id, ItemEnemy.ended_at.is_(None)
    )
    if db.session.scalars(standing).first() is not None:
        raise Refused(_l("These two are kept apart already."), field="enemy", status=422)
    row = ItemEnemy(low=low, high=high, reason=reason.strip(), by=by)
    db.session.add(row)
    audit.record("item.parted", one, by=by, enemy=other.key, reason=reason.strip())
    return row


def reconcile(row: ItemEnemy, *, by: Person) -> None:
    """Say that two items may share a form again."""
    if row.ended_at is None:
        row.ended_at = clock.now()
        audit.record("item.reconciled", row.low, by=by, enemy=row.high.key)
