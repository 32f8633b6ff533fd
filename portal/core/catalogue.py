"""The catalogue: dated, versioned data the board can read, loaded from files and never edited in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from flask import current_app, g, has_request_context
from sqlalchemy import JSON, Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, flags, i18n
from portal.core.db import Model, db
from portal.core.errors import Refused


class CatalogueEntry(Model):
    """One fact of the catalogue in force from a day on, until a later row of the same kind and code."""

    __tablename__ = "catalogue_entry"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(60))
    valid_from: Mapped[date]
    version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (Index("uq_catalogue_entry_kind", "kind", "code", "valid_from", "version", unique=True),)


@dataclass(frozen=True, slots=True)
class Change:
    """What loading a file does to one row."""

    kind: str
    code: str
    what: str
    valid_from: date


T = TypeVar("T")
Loader = Callable[[str, dict[str, Any], date], list[Change]]
_loaders: dict[str, Loader] = {}


def loads(kind: str, loader: Loader) -> None:
    """Let a domain keep a kind in tables of its own (prices); all others become entries."""
    _loaders[kind] = loader


def checked(kind: str, check: Callable[[dict[str, Any]], None]) -> None:
    """Let a domain look at each new row of a kind before it becomes an entry; `check` raises `Refused`."""

    def load(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
        check(row)
        return _load_entry(kind, row, valid_from)

    loads(kind, load)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as kept in memory between requests."""

    code: str
    valid_from: date
    body: dict[str, Any]


def _held() -> dict[str, Any]:
    """Return what this process keeps of the catalogue: its stamp, the rows of a kind, and those in force on a day.

    A request, and elsewhere a transaction, keeps to what belongs to the stamp it has read, whatever others have heard since.
    """
    found: dict[str, Any] | None = g.get("catalogue_held") if has_request_context() else None
    if found is None:
        session = db.session()
        within, found = session.info.get("catalogue", (None, None))
        if found is None or within is not session.get_transaction():
            found = note(*session.execute(_STAMP).one())
            session.info["catalogue"] = (session.get_transaction(), found)
    return found


def _begun_anew() -> None:
    """Let a transaction that writes the catalogue read it by itself: what is rolled back was never shared."""
    session = db.session()
    session.info["catalogue"] = (session.get_transaction(), {"stamp": None, "kinds": {}, "days": {}})


def house() -> tuple[Any, ...]:
    """Return the columns that every request asks for: how far the catalogue has grown, and whether this is a demo."""
    return (
        select(func.count()).select_from(CatalogueEntry).scalar_subquery(),
        select(func.max(CatalogueEntry.id)).scalar_subquery(),
        flags.stands(flags.DEMO),
    )


_STAMP = select(*house())


def note(count: int, newest: int | None, demo: bool) -> dict[str, Any]:
    """Take the values of `house()`; return what is kept of the catalogue, nothing if the table has grown since."""
    stamp = (count, newest)
    held: dict[str, Any] = current_app.extensions.get("catalogue", {})
    if held.get("stamp") != stamp:
        held = current_app.extensions["catalogue"] = {"stamp": stamp, "kinds": {}, "days": {}}
    if has_request_context():
        g.catalogue_stamp, g.demo, g.catalogue_held = stamp, demo, held
    return held


def _rows(kind: str, held: dict[str, Any]) -> list[_Row]:
    """Return every row of a kind in order of validity; kept in memory until the table grows."""
    if kind not in held["kinds"]:
        found = db.session.execute(
            select(CatalogueEntry.code, CatalogueEntry.valid_from, CatalogueEntry.body)
            .where(CatalogueEntry.kind == kind)
            .order_by(CatalogueEntry.valid_from, CatalogueEntry.version, CatalogueEntry.id)
        )
        held["kinds"][kind] = [_Row(*row) for row in found]
    rows: list[_Row] = held["kinds"][kind]
    return rows


def remembered(name: str, read: Callable[[], Any]) -> Any:
    """Return what `read` gives, kept in memory until the catalogue grows: for kinds in tables of their own."""
    held = _held()
    if f"#{name}" not in held["kinds"]:
        held["kinds"][f"#{name}"] = read()
    return held["kinds"][f"#{name}"]


def put(kind: str, code: str, body: dict[str, Any], valid_from: date) -> None:
    """Write one row of the catalogue: what a domain published shows here, and every process hears of it."""
    last = db.session.scalar(
        select(func.max(CatalogueEntry.version)).where(
            CatalogueEntry.kind == kind, CatalogueEntry.code == code
        )
    )
    row = CatalogueEntry(kind=kind, code=code, valid_from=valid_from, version=(last or 0) + 1, body=body)
    db.session.add(row)
    db.session.flush()
    forget()


def forget() -> None:
    """Drop what this process keeps of the catalogue: the next reader asks the database."""
    current_app.extensions.pop("catalogue", None)
    _begun_anew()
    if has_request_context():
        g.pop("catalogue", None)
        g.pop("catalogue_stamp", None)
        g.pop("catalogue_held", None)
        g.pop("remembered", None)


def entries(kind: str, *, on: date | None = None) -> dict[str, dict[str, Any]]:
    """Return every body of a kind in force on a day, by code, in the order of the files."""
    memo: dict[Any, dict[str, dict[str, Any]]] = (
        g.setdefault("catalogue", {}) if has_request_context() else {}
    )
    if (kind, on) not in memo:
        day, held = on or clock.today(), _held()
        rows, days = _rows(kind, held), held["days"]
        if (kind, day) not in days:
            found = {row.code: row.body for row in rows if row.valid_from <= day}
            days[kind, day] = dict(sorted(found.items(), key=lambda item: item[1].get("order", 0)))
        memo[kind, on] = days[kind, day]
    return dict(memo[kind, on])


def entry(kind: str, code: str, *, on: date | None = None) -> dict[str, Any]:
    """Return one body in force on a day; raises KeyError if there is none."""
    return entries(kind, on=on)[code]


def version_of(kind: str, code: str, *, on: date | None = None) -> int:
    """Return which of a row's versions is in force on a day, counted from 1; 0 if none."""
    day = on or clock.today()
    return sum(row.code == code and row.valid_from <= day for row in _rows(kind, _held()))


def nth_version(kind: str, code: str, n: int) -> dict[str, Any] | None:
    """Return the body that was a row's n-th version, counted from 1, whatever came later; None if there is none."""
    bodies = [row.body for row in _rows(kind, _held()) if row.code == code]
    return bodies[n - 1] if 0 < n <= len(bodies) else None


def policy(name: str, *, on: date | None = None) -> Any:
    """Return the value of a policy setting (`term.grace_days`) in force on a day."""
    return entry("policy", name, on=on)["value"]


def in_words(names: dict[str, str] | str) -> str:
    """Return a two-language name in the reader's language."""
    if isinstance(names, str):
        return names
    chinese = i18n.language().startswith("zh")
    return names.get("zh" if chinese else "en") or next(iter(names.values()))


@dataclass(frozen=True, slots=True)
class Brand:
    """Who runs this portal, in the reader's language."""

    name: str
    short: str
    mail: str
    address: str
    bank: dict[str, str]
    legal: dict[str, str]
    tagline: str = ""
    mission: str = ""


def brand() -> Brand:
    """Return the foundation's brand; a plain one before the catalogue is loaded."""
    return derived("brand", _brand)


def derived(name: str, make: Callable[[], T]) -> T:
    """Return what `make` puts together from today's catalogue in the reader's language, kept until the table grows."""
    days: dict[Any, T] = _held()["days"]
    key = (name, clock.today(), i18n.language())
    if key not in days:
        days[key] = make()
    return days[key]


def _brand() -> Brand:
    body = entries("brand").get("foundation")
    if body is None:
        return Brand("Foundation Portal", "Portal", "portal@localhost", "", {}, {})
    words = {key: in_words(body[key]) for key in ("name", "short", "address", "tagline", "mission")}
    bank = {key: in_words(value) for key, value in body["bank"].items()}
    legal = {f"{key}_{tongue}": text for key in ("name", "address") for tongue, text in body[key].items()}
    return Brand(mail=body["mail"], bank=bank, legal=legal, **words)


def _documents(folder: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise Refused(f"{folder}: no catalogue file (*.yml) here")
    for file in files:
        body = yaml.safe_load(file.read_text("utf-8"))
        if not isinstance(body, dict) or not isinstance(body.get("valid_from"), date):
            raise Refused(f"{file.name}: valid_from must be a date")
        yield file, body


def _load_entry(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
    code = str(row["code"])
    rows = db.session.scalars(
        select(CatalogueEntry)
        .where(CatalogueEntry.kind == kind, CatalogueEntry.code == code)
        .order_by(CatalogueEntry.valid_from.desc(), CatalogueEntry.version.desc())
    ).all()
    # What was decided since for a later day is no reason to write the file's row again at each start.
    same_day = [one for one in rows if one.valid_from == valid_from]
    if row in [one.body for one in (*rows[:1], *same_day[:1])]:
        return []
    version = 1 + max((one.version for one in rows), default=0)
    db.session.add(CatalogueEntry(kind=kind, code=code, valid_from=valid_from, version=version, body=row))
    return [Change(kind, code, "changed" if rows else "new", valid_from)]


def load_folder(folder: Path) -> list[Change]:
    """Load a folder of catalogue files in the present transaction; unchanged rows stay as they are.

    Raises `Refused` naming the file, the kind and the row that cannot be taken.
    """
    changes: list[Change] = []
    for file, body in _documents(folder):
        for kind, rows in body.items():
            if kind == "valid_from":
                continue
            for order, row in enumerate(rows):
                if not isinstance(row, dict) or "code" not in row:
                    raise Refused(f"{file.name}: {kind}: row {order + 1} has no code")
                changes += _take(kind, {**row, "order": order}, body["valid_from"])
    db.session.flush()
    forget()
    return changes


def _take(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
    return _loaders.get(kind, _load_entry)(kind, row, valid_from)


def take(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
    """Load one row, as if it stood in a file, in the present transaction; `Refused` if it cannot be taken."""
    changes = _take(kind, row, valid_from)
    db.session.flush()
    forget()
    return changes
