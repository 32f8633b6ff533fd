"""Adding pictures to a draft of an item and removing them: every one told in both languages, and drawn anew."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import items
from portal.certs.item_pictures import of
from portal.certs.models.bank import Item, ItemState, ItemVersion
from portal.certs.models.pictures import ItemPicture
from portal.certs.picture_marks import named
from portal.core import audit, catalogue, files
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.files import Content, StoredFile
from portal.members.uploads import Picture

PURPOSE = "exam_picture"


def refuse_unwritten(version: ItemVersion) -> None:
    """Refuse what is no draft: what was sent to review or used keeps its pictures."""
    if version.state is not ItemState.DRAFT:
        raise Refused(_l("Pictures are added to a draft and removed from it: please write a new version."))


def draft(item: Item) -> ItemVersion:
    """Return the newest version of an item under the item's lock; it must be a draft."""
    items.hold(item)
    version = items.newest(item)
    db.session.refresh(version)
    refuse_unwritten(version)
    return version


def free_place(version: ItemVersion) -> int:
    """Return the number of the next picture: the first that the text names and that is not here, else the first free."""
    taken = of(version.id)[version.id]
    asked = [n for n in named(items.content_of(version)) if n > 0]
    free: list[int] = [n for n in [*asked, *range(1, 100)] if n not in taken]
    return free[0]


def add(item: Item, content: Content, picture: Picture, *, zh: str, en: str, by: Person) -> ItemPicture:
    """Add a picture to the draft of an item, with what it shows in both languages."""
    version = draft(item)
    if not zh.strip() or not en.strip():
        field = "alt_zh" if not zh.strip() else "alt_en"
        raise Refused(_l("Please say in both languages what the picture shows: who does not see it reads that."), field=field, status=422)  # fmt: skip
    most = int(catalogue.policy("item.pictures"))
    if len(of(version.id)[version.id]) >= most:
        raise Refused(_l("An item has at most %(most)s pictures.", most=most), field="file", status=422)
    file = StoredFile(
        sha256=content.sha256, name="picture", media_type=content.media_type, size=content.size, purpose=PURPOSE
    )  # fmt: skip
    db.session.add(file)
    row = ItemPicture(
        version=version, place=free_place(version), file=file, width=picture.width, height=picture.height,
        alt_zh=zh.strip(), alt_en=en.strip(), by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "item.picture_added", item, by=by, version=version.n, picture=row.place, sha256=content.sha256
    )
    return row


def remove(item: Item, uid: str, *, by: Person) -> int:
    """Remove a picture from the draft of an item; its content goes if no other version shows it. Return its number."""
    version = draft(item)
    row = next((one for one in of(version.id)[version.id].values() if one.uid == uid), None)
    if row is None:
        raise Missing(_l("There is no such picture in this draft."))
    place, file = row.place, row.file
    db.session.delete(row)
    db.session.flush()
    audit.record("item.picture_removed", item, by=by, version=version.n, picture=place, sha256=file.sha256)
    if not db.session.scalar(select(func.count(ItemPicture.id)).where(ItemPicture.file_id == file.id)):
        files.forget(file)
    return place
