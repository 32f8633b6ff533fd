"""Search in names: pieces of three characters point to the few organisations that are then looked at."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam, delete, false, func, insert, literal, select, true, union_all

from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.paging import folded
from portal.members.models import NameGram

SIZE = 3
FEW = 200  # organisations; a piece that more of them hold narrows too little to be worth asking
TRIED = 8  # pieces of a query whose spread is looked at
LONGEST = 1000  # characters; longer than any name


def grams(text: str) -> set[str]:
    """Return every piece of three characters of a folded text."""
    return {text[at : at + SIZE] for at in range(len(text) - SIZE + 1)}


def write(org: Organisation, names: Iterable[str]) -> None:
    """Write the search text of a stored organisation, and its pieces where the text has changed."""
    text = "\n".join(sorted({folded(name) for name in names}))
    if text == org.search_text:
        return
    org.search_text = text
    db.session.execute(delete(NameGram).where(NameGram.org_id == org.id))
    if found := sorted(grams(text)):
        db.session.execute(insert(NameGram), [{"gram": gram, "org_id": org.id} for gram in found])


# How many organisations hold each of eight pieces, counted no further than needed; put together once.
_SPREAD = union_all(
    *(
        select(literal(n), func.count()).select_from(
            select(NameGram.org_id)
            .where(NameGram.gram == bindparam(f"gram_{n}"))
            .limit(FEW)
            .subquery(f"g{n}")
        )
        for n in range(TRIED)
    )
)


def holding(words: str) -> ColumnElement[bool]:
    """Return the condition that some name of an organisation holds these words; all organisations without words.

    The answer is that of LIKE over all search texts, as a test proves; the pieces only make it cheap: the rarest
    piece of the query is looked up, and if few organisations hold it, they alone are compared.
    """
    text = folded(words)
    if not text:
        return true()
    if len(text) > LONGEST:
        return false()
    like = Organisation.search_text.contains(text, autoescape=True)
    pieces = sorted(grams(text))
    if not pieces:
        return like
    tried = [pieces[n * len(pieces) // TRIED] for n in range(TRIED)]
    spread = db.session.connection().execute(_SPREAD, {f"gram_{n}": piece for n, piece in enumerate(tried)})
    rarest, held = min(((int(n), int(count)) for n, count in spread), key=lambda one: one[1])
    if held >= FEW:
        return like
    asked = select(Organisation.id).join(NameGram, NameGram.org_id == Organisation.id)
    return Organisation.id.in_(db.session.scalars(asked.where(NameGram.gram == tried[rarest], like)).all())
