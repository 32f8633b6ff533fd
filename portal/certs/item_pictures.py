"""Pictures in items: which a version has, what is lacking, how they go on to the next version, and how they are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from itertools import count

from flask import Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs.item_content import Content, Words
from portal.certs.models.bank import ItemVersion
from portal.certs.models.pictures import ItemPicture
from portal.certs.picture_marks import faults, marks, replaced
from portal.core import files, i18n, store
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.rich import shown

ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}


def of(*ids: int) -> dict[int, dict[int, ItemPicture]]:
    """Return the pictures of versions, by version and by number."""
    found: dict[int, dict[int, ItemPicture]] = {number: {} for number in ids}
    rows = select(ItemPicture).where(ItemPicture.version_id.in_(ids))
    for row in db.session.scalars(rows.order_by(ItemPicture.version_id, ItemPicture.place)):
        found[row.version_id][row.place] = row
    return found


def carry(old: ItemVersion, new: ItemVersion, *, by: Person | None) -> None:
    """Let a new version have the pictures of the one before."""
    for row in of(old.id)[old.id].values():
        db.session.add(
            ItemPicture(
                version=new, place=row.place, file=row.file, width=row.width, height=row.height,
                alt_zh=row.alt_zh, alt_en=row.alt_en, by=by,
            )
        )  # fmt: skip


def wrong(version: ItemVersion, content: Content) -> list[str]:
    """Return what is wrong with the pictures of a version, a sentence each."""
    return [str(one) for one in faults(content, of(version.id)[version.id])]


def refuse_wrong(version: ItemVersion, content: Content) -> None:
    """Refuse a version whose marks and pictures do not fit together."""
    if said := wrong(version, content):
        raise Refused("\n".join(said))


def lost(ids: Iterable[int]) -> dict[int, list[int]]:
    """Return the versions of which a picture is gone from the store, with its numbers: nobody can answer them."""
    gone: dict[int, list[int]] = {}
    for number, rows in of(*ids).items():
        away = [one.place for one in rows.values() if one.file.erased_at is not None or not _there(one)]
        if away:
            gone[number] = away
    return gone


def _there(row: ItemPicture) -> bool:
    return store.has(files.address(row.file.sha256))


def refuse_lost(versions: Iterable[ItemVersion]) -> None:
    """Refuse a form of which an item lacks a picture, naming each."""
    rows = {one.id: one for one in versions}
    if gone := lost(rows):
        lines = ", ".join(
            f"{rows[number].item.key} ({', '.join(map(str, away))})" for number, away in gone.items()
        )
        raise Refused(_l("Pictures of these items are missing: %(items)s.", items=lines))


def address_in(attempt: str, row: ItemPicture) -> str:
    """Return what a picture is called in one attempt: it says nothing of the item, and is another for each candidate."""
    return hashlib.sha256(f"picture:{attempt}:{row.uid}".encode()).hexdigest()[:32]


def answer(row: ItemPicture) -> Response:
    """Answer with a picture whose reader was checked before; it is kept by nobody on the way."""
    response = files.send(row.file)
    response.headers["Content-Disposition"] = f"inline; filename=picture.{ENDINGS[row.file.media_type]}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


class Drawn:
    """Texts of versions as a page shows them, pictures in their places; `address` says where the reader gets a picture."""

    def __init__(self, versions: Iterable[ItemVersion], address: Callable[[ItemPicture], str]) -> None:
        self.pictures, self.address = of(*{one.id for one in versions}), address
        self.ids = count(1)

    def text(self, version: ItemVersion, text: str, language: str = "") -> Markup:
        """Return a text; each picture fits the width and opens in full size, without a script and without leaving the page."""
        return replaced(
            shown(text, version.format),
            lambda n: self._image(version, n, language) + self._full(version, n, language),
        )

    def option(self, version: ItemVersion, text: str, language: str = "") -> Markup:
        """Return a text for a label: a click on a picture chooses the option."""
        return replaced(shown(text, version.format), lambda n: self._image(version, n, language))

    def larger(self, version: ItemVersion, text: str, language: str = "") -> Markup:
        """Return the buttons that open the pictures of an option in full size, to stand after its label."""
        return Markup().join(self._full(version, n, language) for n in dict.fromkeys(marks(text)))

    def said(self, version: ItemVersion, words: Words) -> Markup:
        """Return a text in the reader's language, or the other where it has none."""
        mine = _tongue()
        language = mine if words.get(mine) else next(iter(words), mine)
        return self.text(version, words.get(language, ""), language)

    def _image(self, version: ItemVersion, n: int, language: str, *, lazy: bool = False) -> Markup:
        row = self.pictures.get(version.id, {}).get(n)
        if row is None:
            return Markup('<span class="badge-state tone-bad">{}</span>').format(
                _("Picture %(n)s is missing", n=n)
            )
        words = row.alt_zh if (language or _tongue()) == "zh" else row.alt_en
        return Markup('<img class="item-picture" src="{}" alt="{}" width="{}" height="{}"{}>').format(
            self.address(row), words, row.width, row.height, Markup(' loading="lazy"') if lazy else ""
        )

    def _full(self, version: ItemVersion, n: int, language: str) -> Markup:
        if n not in self.pictures.get(version.id, {}):
            return Markup("")
        name = f"picture-{next(self.ids)}"
        return Markup(
            '<button class="btn btn-plain btn-sm item-picture-more" type="button" popovertarget="{name}">{more}</button>'
            '<span class="item-picture-full" id="{name}" popover>{image}'
            '<button class="btn btn-quiet" type="button" popovertarget="{name}" popovertargetaction="hide">{close}</button></span>'
        ).format(
            name=name, more=_("Picture %(n)s in full size", n=n), close=_("Close the picture"),
            image=self._image(version, n, language, lazy=True),
        )  # fmt: skip


def _tongue() -> str:
    return "zh" if i18n.language().startswith("zh") else "en"
