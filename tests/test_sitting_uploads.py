"""Practical work that is hostile: bombs, links, paths that lead out, scripts under other names, things that are no archive."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from contextlib import suppress

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage

from portal.core import archives
from portal.core.archives import Hostile
from portal.core.errors import Refused
from portal.members import work_files


def zipped(files: dict[str, bytes], **more: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = more.get("attr", 0)
            archive.writestr(entry, data)
    return out.getvalue()


def tarred(*entries: tarfile.TarInfo, data: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for one in entries:
            if one.isfile():
                one.size = len(data)
                archive.addfile(one, io.BytesIO(data))
            else:
                archive.addfile(one)
    return out.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


LIAR = zipped({"a.txt": b"0" * 5_000_000})


def lying() -> bytes:
    """Return a zip that says its one file is small."""
    data = bytearray(LIAR)
    size = (5_000_000).to_bytes(4, "little")
    for at in [n for n in range(len(data) - 4) if data[n : n + 4] == size]:
        data[at : at + 4] = (10).to_bytes(4, "little")
    return bytes(data)


def test_honest_archives_are_walked() -> None:
    assert archives.inspect(zipped({"src/a.py": b"print(1)", "README.md": b"# x"})) == [
        "src/a.py",
        "README.md",
    ]
    assert archives.inspect(tarred(entry("src", tarfile.DIRTYPE), entry("src/a.py"))) == ["src/a.py"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped({"bomb": b"\0" * 60_000_000}), "size"),
        (tarred(entry("bomb"), data=b"\0" * 60_000_000), "size"),
        (gzip.compress(b"\0" * 8_000_000), "empty"),
        (zipped({}), "kind"),
        (zipped({f"f{n}": b"" for n in range(archives.MOST_ENTRIES + 1)}), "entries"),
        (zipped({"../etc/passwd": b"x"}), "path"),
        (zipped({"/etc/passwd": b"x"}), "path"),
        (zipped({"C:\\x": b"x"}), "path"),
        (zipped({"a\\..\\..\\b": b"x"}), "path"),
        (zipped({"link": b"/etc/passwd"}, attr=0o120777 << 16), "link"),
        (tarred(entry("link", tarfile.SYMTYPE, "/etc/passwd")), "link"),
        (tarred(entry("hard", tarfile.LNKTYPE, "a")), "link"),
        (tarred(entry("dev", tarfile.CHRTYPE)), "device"),
        (tarred(entry("../out")), "path"),
        (zipped({"a": b"x" * 1000})[:60], "damaged"),
        (lying(), "damaged"),
        (tarred(entry("a"))[:40], "damaged"),
        (b"#!/bin/sh\nrm -rf /\n", "kind"),
        (b"", "kind"),
    ],
    ids=lambda one: one if isinstance(one, str) else "archive",  # never by content: it holds the time it was made at
)  # fmt: skip
def test_hostile_archives_are_refused_by_name_of_the_fault(data: bytes, why: str) -> None:
    with pytest.raises(Hostile) as told:
        archives.inspect(data)
    assert told.value.why == why
    assert why in work_files.WORDS


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_mutated_archive_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    base = bytearray(
        data.draw(
            st.sampled_from([zipped({"a.py": b"print(1)" * 50, "b": b"x"}), tarred(entry("a"), entry("b"))])
        )
    )
    for _n in range(data.draw(st.integers(1, 6))):
        base[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Hostile):
        assert isinstance(archives.inspect(bytes(base)), list)


def upload(name: str, data: bytes) -> work_files.Taken:
    with force_locale("en"):
        return work_files.check(FileStorage(io.BytesIO(data), name))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("run.sh", b"#!/bin/sh\n"), ("page.html", b"<script>alert(1)</script>"), ("pic.svg", b"<svg onload='x'/>"),
        ("a.exe", b"MZ\x90"), ("a.py", b"\x7fELF\0"), ("a.txt", b"\xff\xfe\x00"), ("a.zip", b"print(1)"),
        ("a.tar.gz", zipped({"a": b"x"})), ("a.pdf", b"<html>"), ("a.png", b"\xff\xd8\xff"), ("noending", b"text"),
        ("a.txt", b""), ("big.txt", b"x" * (10 * 1024 * 1024 + 1)),
    ],
)  # fmt: skip
def test_what_is_not_what_its_name_says_is_refused_in_words(app: Flask, name: str, data: bytes) -> None:
    with app.app_context(), pytest.raises(Refused) as told:
        upload(name, data)
    assert told.value.status == 422
    assert len(str(told.value)) > 15


def test_source_and_archives_come_in_under_a_safe_name(app: Flask) -> None:
    with app.app_context():
        found = upload("../../src/a\u202e.py", b"print(1)\n")
        assert (found.name, found.media_type) == ("a.py", "text/plain")
        assert upload("w.tgz", tarred(entry("a"))).media_type == "application/gzip"
        assert upload("w.zip", zipped({"a": b"x"})).media_type == "application/zip"
