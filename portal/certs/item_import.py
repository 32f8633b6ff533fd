"""Taking a GIFT file in, whole or not at all: new items, new versions of known ones, and nothing where nothing changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import gift, item_pictures, items, levels
from portal.certs.gift import Gift
from portal.certs.item_content import Content, from_gift, joined, language_of, within
from portal.certs.models.bank import Item, ItemVersion
from portal.certs.picture_marks import mark, named
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.rich import sanitised

BIGGEST = 5 * 1024 * 1024
SHOWN = 20
AUTO = "auto"


@dataclass(slots=True)
class Outcome:
    """What taking a file did: keys by what became of them, and what should be known."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: int = 0
    warnings: list[str] = field(default_factory=list)


def read(data: bytes, name: str) -> Gift:
    """Read a file; `Refused` lists each record that cannot be taken, with its line."""
    if len(data) > BIGGEST:
        raise Refused(_l("%(name)s: the file is larger than 5 MB", name=name), field="file", status=422)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(
            _l("%(name)s: the file is not UTF-8 text", name=name), field="file", status=422
        ) from None
    found = gift.parse(text)
    if found.faults:
        shown = [str(one) for one in found.faults[:SHOWN]]
        more = len(found.faults) - len(shown)
        tail = [str(_l("and %(more)s more", more=more))] if more > 0 else []
        raise Refused("\n".join([str(_l("%(name)s: nothing was taken", name=name)), *shown, *tail]), field="file", status=422)  # fmt: skip
    if not found.items:
        raise Refused(_l("%(name)s: there is no item in it", name=name), field="file", status=422)
    return found


def _clean(content: Content) -> Content:
    """Return content whose HTML can do no harm."""
    if content.format != "html":
        return content
    options = [
        {**one, "text": {key: sanitised(said) for key, said in one["text"].items()}}
        for one in content.options
    ]
    return replace(
        content, text={key: sanitised(said) for key, said in content.text.items()}, options=options
    )


def _known(exam: str) -> dict[str, ItemVersion]:
    """Return the newest version of every item of an exam, by key."""
    rows = db.session.scalars(
        select(ItemVersion).join(Item).where(Item.exam == exam).order_by(ItemVersion.item_id, ItemVersion.n)
    )
    return {row.item.key: row for row in rows}


def _take(one: gift.Item, exam: str, known: ItemVersion | None, language: str, by: Person | None) -> str:
    """Take one item; return what became of it."""
    tongue = language_of(one.text) if language == AUTO else language
    content = _clean(from_gift(one, tongue))
    if known is None:
        made = items.begin(exam, one.key, by=by or "import", topic=one.category)
        items.write(made, content, by=by)
        return "new"
    old = items.content_of(known)
    if within(content, old, tongue):
        return "same"
    items.write(known.item, joined(content, old), by=by, reference=known.reference)
    return "changed"


def _known_one(exam: str, key: str) -> ItemVersion:
    return items.newest(db.session.scalars(select(Item).where(Item.exam == exam, Item.key == key)).one())


def _lacking(one: gift.Item, exam: str) -> list[str]:
    """Return that an item names pictures which it has not: a file of GIFT holds none."""
    version = _known_one(exam, one.key)
    here = item_pictures.of(version.id)[version.id]
    lacking = [mark(n) for n in named(items.content_of(version)) if n not in here]
    if not lacking:
        return []
    return [
        str(
            _l(
                "line %(line)s: %(key)s names %(marks)s, and GIFT holds no pictures: please add them to the draft",
                line=one.line, key=one.key, marks=", ".join(lacking),
            )
        )
    ]  # fmt: skip


def bring_in(found: Gift, exam: str, *, by: Person | None, language: str = AUTO) -> Outcome:
    """Take every item of a file as a draft of the importer."""
    codes = [one.code for one in levels.levels()]
    if exam not in codes:
        raise Refused(_l("There is no exam %(code)s; there are: %(known)s.", code=exam, known=", ".join(codes)), status=404)  # fmt: skip
    known, outcome = _known(exam), Outcome(warnings=[str(one) for one in found.warnings])
    for one in found.items:
        what = _take(one, exam, known.get(one.key), language, by)
        if what == "same":
            outcome.same += 1
        else:
            getattr(outcome, what).append(one.key)
            if named(from_gift(one, "en")):
                outcome.warnings += _lacking(one, exam)
    if outcome.new or outcome.changed:
        audit.record(
            "items.imported", f"exam:{exam}", by=by or "import", new=len(outcome.new), changed=len(outcome.changed)
        )  # fmt: skip
    return outcome
