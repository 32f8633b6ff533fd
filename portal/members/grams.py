"""Search in names: pieces of three characters point to the few organisations that are then looked at."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam, delete, false, insert, select, text, true

from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.paging import folded
from portal.members.models import NameGram

SIZE = 3
FEW = 200  # organisations; a piece that more of them hold narrows too little to be worth asking
TRIED = 8  # pieces of a query whose spread is looked at
LONGEST = 1000  # characters; longer than any name
ESCAPE = "/"


def grams(text: str) -> set[str]:
    """Return every piece of three characters of a folded text."""
    return {text[at : at + SIZE] for at in range(len(text) - SIZE + 1)}


def write(org: Organisation, names: Iterable[str]) -> None:
    """Write the search text of a stored organisation, and its pieces where the text has changed."""
    whole = "\n".join(sorted({folded(name) for name in names}))
    if whole == org.search_text:
        return
    org.search_text = whole
    db.session.execute(delete(NameGram).where(NameGram.org_id == org.id))
    if found := sorted(grams(whole)):
        db.session.execute(insert(NameGram), [{"gram": gram, "org_id": org.id} for gram in found])


# How many organisations hold each of eight pieces, counted no further than needed. Spelt out: the words of a search
# are all that differs from one to the next, and putting this together took as long as asking it.
_SPREAD = text(
    " UNION ALL ".join(
        f"SELECT {n}, count(*) FROM (SELECT org_id FROM name_gram WHERE gram = :gram_{n} LIMIT {FEW}) AS g{n}"  # noqa: S608 (numbers of ours)
        for n in range(TRIED)
    )
)
_HOLDING = (
    select(Organisation.id)
    .join(NameGram, NameGram.org_id == Organisation.id)
    .where(
        NameGram.gram == bindparam("gram"), Organisation.search_text.like(bindparam("like"), escape=ESCAPE)
    )
)


def holding(words: str) -> ColumnElement[bool]:
    """Return the condition that some name of an organisation holds these words; all organisations without words.

    The answer is that of LIKE over all search texts, as a test proves; the pieces only make it cheap: the rarest
    piece of the query is looked up, and if few organisations hold it, they alone are compared.
    """
    wanted = folded(words)
    if not wanted:
        return true()
    if len(wanted) > LONGEST:
        return false()
    like = Organisation.search_text.like(_pattern(wanted), escape=ESCAPE)
    pieces = sorted(grams(wanted))
    if not pieces:
        return like
    tried = [pieces[n * len(pieces) // TRIED] for n in range(TRIED)]
    wire = db.session.connection()
    spread = wire.execute(_SPREAD, {f"gram_{n}": piece for n, piece in enumerate(tried)})
    rarest, held = min(((int(n), int(count)) for n, count in spread), key=lambda one: one[1])
    if held >= FEW:
        return like
    found = wire.scalars(_HOLDING, {"gram": tried[rarest], "like": _pattern(wanted)})
    return Organisation.id.in_(found.all())


def _pattern(words: str) -> str:
    """Return the pattern of LIKE for texts that contain these words as they stand."""
    for sign in (ESCAPE, "%", "_"):
        words = words.replace(sign, ESCAPE + sign)
    return f"%{words}%"
