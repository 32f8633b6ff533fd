"""Files of all kinds that people hand in: what may come in, judged by content; nothing of it is ever run."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage

from portal.core import archives, files
from portal.core.errors import Refused
from portal.members.uploads import safe_name

ARCHIVES = {"zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip"}
PICTURES = {"png": ("image/png", b"\x89PNG\r\n\x1a\n"), "jpg": ("image/jpeg", b"\xff\xd8\xff"), "jpeg": ("image/jpeg", b"\xff\xd8\xff")}  # fmt: skip
# Plain text is kept and handed out as such: source files are read by people.
TEXTS = frozenset(
    {
        "txt", "md", "rst", "csv", "tsv", "log", "json", "yaml", "yml", "toml", "ini", "cfg", "py", "pyi", "ipynb", "c", "h",
        "cc", "cpp", "hpp", "cu", "cuh", "rs", "go", "java", "patch", "diff", "mlir", "ll", "cmake", "tex",
    }
)  # fmt: skip
WORDS = {
    "size": _l(
        "The archive unpacks to far more than it should. Please hand in less, or without packed data."
    ),
    "entries": _l("The archive holds too many files. Please leave out what is generated."),
    "path": _l("A file of the archive has a path that leads out of it."),
    "link": _l("The archive holds a link to another file. Please put the file itself in."),
    "device": _l("The archive holds something that is no file."),
    "locked": _l("The archive is locked with a password."),
    "damaged": _l("The archive is damaged or not finished."),
    "empty": _l("The archive holds no file."),
    "kind": _l("This file is no archive, whatever its name says."),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A checked file, ready for the store."""

    data: bytes
    media_type: str
    name: str


def check(upload: FileStorage) -> Taken:
    """Read and check a file of 10 MB at most: an archive, a PDF, a picture or plain text; `Refused` says what is wrong."""
    name = safe_name(upload.filename or "")
    data = upload.stream.read(files.BIGGEST + 1)
    if len(data) > files.BIGGEST:
        raise Refused(_l("The file is larger than 10 MB."), field="file", status=422)
    if not data:
        raise Refused(_l("The file is empty."), field="file", status=422)
    return Taken(data, _media_type(name.rsplit(".", 1)[-1].lower() if "." in name else "", data), name)


def _media_type(ending: str, data: bytes) -> str:
    if ending in ARCHIVES:
        return _archive(ending, data)
    if ending == "pdf" and data.startswith(b"%PDF-"):
        from portal.core import pdf_check  # noqa: PLC0415 - heavy

        pdf_check.checked(data)
        return files.PDF
    if ending in PICTURES and data.startswith(PICTURES[ending][1]):
        return PICTURES[ending][0]
    if ending in TEXTS and _is_text(data):
        return "text/plain"
    raise Refused(
        _l("Please choose an archive (zip, tar.gz), a PDF, a picture or plain text: this file is something else."),
        field="file", status=422,
    )  # fmt: skip


def _archive(ending: str, data: bytes) -> str:
    media_type = ARCHIVES[ending]
    try:
        if archives.kind_of(data) != ("zip" if ending == "zip" else "tar.gz"):
            raise archives.Hostile("kind")
        archives.inspect(data)
    except archives.Hostile as fault:
        raise Refused(WORDS[fault.why], field="file", status=422) from None
    return media_type


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
