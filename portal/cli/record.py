"""What is taken out at the command line is on record, as what is downloaded from a page is."""

from __future__ import annotations

import os
import pwd

from portal.core import audit


def taken_out(name: str, form: str, **filters: object) -> None:
    """Note that a list or report is about to be written out, and by which login of the machine; raises if it cannot be noted."""
    audit.trace(
        "list.exported", f"list:{name}", by="command line", list=name, form=form, login=_login(),
        filters={key: str(value) for key, value in filters.items() if value not in (None, "")},
    )  # fmt: skip


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that nobody has given a name
        return str(os.getuid())
