"""The files that a practical task hands out, attached by its author while the version is being written."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import items, tasks
from portal.certs import sitting_forms as f
from portal.certs.doors import exam_office
from portal.certs.item_desk import item_of, item_page
from portal.core import files
from portal.core.db import let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import work_files


@exam_office.post("/items/<uid>/files")
@allow(May.WRITE_ITEMS)
def attach_file(uid: str) -> Any:
    """Attach a file to the newest version of a practical task."""
    item, form = item_of(uid), f.WorkFile()
    tasks.refuse_unwritten(items.newest(item))  # such a page has no form in which this could be said
    if not form.validate_on_submit():
        return item_page(item, status=422, handout=form)
    try:
        taken = work_files.check(form.file.data)
        let_go()
        content = files.put(taken.data, taken.media_type)
        with transaction():
            tasks.attach(items.newest(item_of(uid)), content, name=taken.name, by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return item_page(item_of(uid), status=refusal.status, handout=form)
    return go("exam_office.item", _("Attached. Candidates get it with the task."), uid=uid)


@exam_office.get("/items/<uid>/files/<file>")
@allow(May.READ_ITEMS)
def task_file(uid: str, file: str) -> Response:
    """Give a file of a task to whoever may read items."""
    row = item_of(uid)
    found = next((one for one in tasks.files_of(items.newest(row)) if one.uid == file), None)
    if found is None:
        raise Missing(_("There is no such entry, or it is not yours."))
    return files.send(found.file)
