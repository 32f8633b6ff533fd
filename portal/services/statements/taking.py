"""What a report's form brings: rows typed, a list as a file, evidence beside it; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal.core import files
from portal.core.errors import Refused
from portal.members import work_files
from portal.services.statements import reading
from portal.services.statements.forms import Report
from portal.services.statements.reading import Told
from portal.services.statements.reporting import Attached

MOST = 5


def attached(uploads: Iterable[FileStorage], month: date) -> tuple[list[Told], list[Attached]]:
    """Check files, read the list among them, and lay all in the store; outside any transaction."""
    chosen = [one for one in uploads if one.filename]
    if len(chosen) > MOST:
        raise Refused(_l("Please attach at most %(most)s files.", most=MOST), field="file", status=422)
    taken = [work_files.check(one) for one in chosen]
    lists = [one for one in taken if one.name.lower().endswith(".csv")]
    if len(lists) > 1:
        raise Refused(_l("Please give one list only: one CSV file."), field="file", status=422)
    told = reading.lines_of(lists[0].data, month) if lists else []
    return told, [Attached(files.put(one.data, one.media_type), one.name) for one in taken]


def lines(form: Report, month: date) -> list[Told]:
    """Return the rows that were typed."""
    return [
        reading.line_of(n, entry.form.raw(), month)
        for n, entry in enumerate(form.rows, 1)
        if entry.form.filled
    ]
