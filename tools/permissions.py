"""Writes docs/permissions.md: every endpoint and who it opens to, from the declarations and the one table.

usage: python tools/permissions.py – a test compares the file with what the code says.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from portal.accounts.access import FRESH_MARK, HALF_WAY
from portal.accounts.may import CONTACT, STAFF, ContactRole, StaffRole
from portal.app import create_app
from portal.core.web import ACCESS, LIBRARIES, PUBLIC, SIGNED_IN

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "permissions.md"
HEAD = """# Who may open what

Written by `python tools/permissions.py` from the declaration on each view and the table in
`portal/accounts/may.py`; a test compares it. A door that opens shows only the rows its reader may see: rows of
another organisation look missing (404). “Again” means that both factors are asked for anew after ten minutes.

| address | opens to | staff | contacts of an organisation | again |
|---|---|---|---|---|
"""


class Door(NamedTuple):
    """One endpoint under one method."""

    endpoint: str
    method: str
    rule: str
    access: object
    fresh: bool

    def opens_to(self, role: StaffRole | ContactRole) -> bool:
        """Whether the declaration and the table let a role in."""
        if self.access in (PUBLIC, SIGNED_IN, HALF_WAY):
            return True
        table = STAFF[role] if isinstance(role, StaffRole) else CONTACT[role]
        return isinstance(self.access, frozenset) and bool(table & self.access)

    def words(self) -> str:
        """Return the declaration as people read it."""
        if isinstance(self.access, frozenset):
            return ", ".join(sorted(f"`{may}`" for may in self.access))
        return {PUBLIC: "everybody", SIGNED_IN: "whoever is signed in"}.get(
            str(self.access), str(self.access)
        )


def doors(app: Flask) -> Iterator[Door]:
    """Yield every door of the application, but the libraries' own files."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        if rule.endpoint in LIBRARIES:
            continue
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Door(
                rule.endpoint,
                method,
                rule.rule,
                getattr(view, ACCESS, None),
                bool(getattr(view, FRESH_MARK, False)),
            )


def _roles(door: Door, roles: type[StaffRole] | type[ContactRole]) -> str:
    open_to = [role.value for role in roles if door.opens_to(role)]
    return "all" if len(open_to) == len(roles) else ", ".join(open_to) or "–"


def page(app: Flask) -> str:
    """Return the whole file."""
    rows = [
        f"| {door.method} `{door.rule}` | {door.words()} | {_roles(door, StaffRole)} | "
        f"{_roles(door, ContactRole)} | {'yes' if door.fresh else ''} |"
        for door in doors(app)
    ]
    return HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["PORTAL_HOME"] = home
        FILE.write_text(page(create_app()), "utf-8")
    print(f"{FILE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
