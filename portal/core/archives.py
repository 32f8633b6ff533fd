"""Archives that strangers hand in: walked as streams under caps, never unpacked to disk and never run. Pure."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

MOST_ENTRIES = 5_000
MOST_BYTES = 400 * 1024 * 1024
MOST_RATIO = 200
CHUNK = 256 * 1024
LONGEST_NAME = 400


class Hostile(ValueError):
    """An archive that is not what an honest one is; `why` names the fault in one word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive: its path within, and its content as far as it is asked for."""

    path: str
    content: IO[bytes]


def kind_of(data: bytes) -> str | None:
    """Return `zip` or `tar.gz` by the first bytes, else None."""
    if data.startswith(b"PK\x03\x04"):
        return "zip"
    return "tar.gz" if data.startswith(b"\x1f\x8b\x08") else None


class _Counted(io.RawIOBase):
    """A stream that stops when more comes out of it than is allowed."""

    def __init__(self, source: io.BufferedIOBase, most: int) -> None:
        super().__init__()
        self._source, self._left = source, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        asked = CHUNK if size is None or size < 0 else min(size, CHUNK)
        found = self._source.read(asked)
        self._left -= len(found)
        if self._left < 0:
            raise Hostile("size")
        return found


def _path(name: str) -> str:
    """Return a path that stays within; `Hostile` for one that leads out."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if (
        pure.is_absolute()
        or ".." in pure.parts
        or len(name) > LONGEST_NAME
        or "\0" in name
        or ":" in name[:3]
    ):
        raise Hostile("path")
    return str(pure)


def _zip(data: bytes, most: int) -> Iterator[Entry]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = archive.infolist()
        if len(rows) > MOST_ENTRIES:
            raise Hostile("entries")
        if sum(one.file_size for one in rows) > most:
            raise Hostile("size")
        for one in rows:
            path = _path(one.filename)
            if one.flag_bits & 0x1:
                raise Hostile("locked")
            if stat.S_ISLNK(one.external_attr >> 16):
                raise Hostile("link")
            if not one.is_dir():
                with archive.open(one) as content:
                    yield Entry(path, content)


def _tar(data: bytes, most: int) -> Iterator[Entry]:
    # The whole stream is counted, so that headers that lie about sizes gain nothing.
    import gzip  # noqa: PLC0415 - only where an archive is one

    with gzip.GzipFile(fileobj=io.BytesIO(data)) as plain:
        counted = _Counted(plain, most)
        with tarfile.open(fileobj=counted, mode="r|") as archive:
            for count, one in enumerate(archive, 1):
                if count > MOST_ENTRIES:
                    raise Hostile("entries")
                path = _path(one.name)
                if one.issym() or one.islnk():
                    raise Hostile("link")
                if one.isdev() or one.isfifo():
                    raise Hostile("device")
                if one.isfile() and (content := archive.extractfile(one)) is not None:
                    yield Entry(path, content)


def entries(data: bytes) -> Iterator[Entry]:
    """Walk the files of a zip or tar.gz under caps; `Hostile` for bombs, links, paths that lead out, damaged or locked ones."""
    most = min(MOST_BYTES, max(len(data) * MOST_RATIO, CHUNK))
    walk = {"zip": _zip, "tar.gz": _tar}.get(kind_of(data) or "")
    if walk is None:
        raise Hostile("kind")
    try:
        yield from walk(data, most)
    except (
        zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RuntimeError,
        NotImplementedError,
    ) as error:  # fmt: skip
        if isinstance(error, Hostile):
            raise
        raise Hostile("damaged") from error


def inspect(data: bytes) -> list[str]:
    """Read an archive to its end under the caps and return the paths of its files; `Hostile` if it is none to keep."""
    found, total = [], 0
    most = min(MOST_BYTES, max(len(data) * MOST_RATIO, CHUNK))
    for one in entries(data):
        found.append(one.path)
        try:
            while chunk := one.content.read(CHUNK):
                total += len(chunk)
                if total > most:
                    raise Hostile("size")
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise Hostile("damaged") from error
    if not found:
        raise Hostile("empty")
    return found
