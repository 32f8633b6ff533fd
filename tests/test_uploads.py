"""Uploaded files are hostile until shown otherwise: each refused with a sentence, none a crash."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from flask import Flask
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject
from werkzeug.datastructures import FileStorage

from portal.core.errors import Refused
from portal.members import uploads
from tests import road
from tests.people import post, token

PROGRAMS = "programs or files inside"


def pdf(change: object = None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    if callable(change):
        change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def action(kind: str, **more: str) -> DictionaryObject:
    return DictionaryObject(
        {
            NameObject("/S"): NameObject(kind),
            **{NameObject(f"/{k}"): TextStringObject(v) for k, v in more.items()},
        }
    )


def on_opening(kind: str, **more: str) -> bytes:
    return pdf(lambda w: w._root_object.update({NameObject("/OpenAction"): action(kind, **more)}))


def on_a_page(writer: PdfWriter) -> None:
    page = writer.pages[0]
    hidden = writer._add_object(action("/JavaScript", JS="app.alert(1)"))
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): hidden})


def in_a_link(writer: PdfWriter) -> None:
    link = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]),
            NameObject("/A"): writer._add_object(action("/Launch", F="calc.exe")),
        }
    )
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])


def by_name(writer: PdfWriter) -> None:
    script = writer._add_object(action("/JavaScript", JS="app.alert(1)"))
    names = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), script])})
    writer._root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): names})


def locked() -> bytes:
    return pdf(lambda w: w.encrypt("secret", algorithm="RC4-128"))


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("bomb", b"\0" * 5_000_000)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and carries almost nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def check(name: str, data: bytes) -> uploads.Taken:
    return uploads.check(FileStorage(io.BytesIO(data), filename=name))


HOSTILE = {
    "wrong magic": ("licence.pdf", b"MZ\x90\0" + b"x" * 100, "no PDF, whatever its name"),
    "a picture called PDF": ("licence.pdf", road.picture(), "no PDF, whatever its name"),
    "a PDF called picture": ("licence.png", pdf(), "cannot be read"),
    "a page called picture": ("licence.png", b"<html><script>alert(1)</script>", "cannot be read"),
    "another picture format": ("licence.png", b"GIF89a" + b"\0" * 60, "cannot be read"),
    "svg": ("licence.svg", b"<svg onload='x'/>", "choose a PDF, PNG or JPEG"),
    "no extension": ("licence", road.picture(), "choose a PDF, PNG or JPEG"),
    "two extensions": ("licence.png.exe", road.picture(), "choose a PDF, PNG or JPEG"),
    "right-to-left": ("licence\u202egnp.exe", road.picture(), "choose a PDF, PNG or JPEG"),
    "huge picture": ("licence.png", png_of(60_000, 60_000), "cannot be read"),
    "large picture": ("licence.png", png_of(9_000, 9_000), "too large"),
    "cut picture": ("licence.png", road.picture()[:60], "cannot be read"),
    "zip bomb as PDF": ("licence.pdf", archive(), "no PDF, whatever its name"),
    "zip bomb as picture": ("licence.jpg", archive(), "cannot be read"),
    "zip behind a PDF": ("licence.pdf", pdf() + archive(), "something else at once"),
    "page before a PDF": ("licence.pdf", b"%PDF-1.7\n<script>alert(1)</script>\n" + pdf(), "something else at once"),
    "script on opening": ("licence.pdf", on_opening("/JavaScript", JS="app.alert(1)"), PROGRAMS),
    "launch on opening": ("licence.pdf", on_opening("/Launch", F="calc.exe"), PROGRAMS),
    "script on a page": ("licence.pdf", pdf(on_a_page), PROGRAMS),
    "launch in a link": ("licence.pdf", pdf(in_a_link), PROGRAMS),
    "script by name": ("licence.pdf", pdf(by_name), PROGRAMS),
    "file inside": ("licence.pdf", pdf(lambda w: w.add_attachment("a.exe", b"MZ")), PROGRAMS),
    "locked": ("licence.pdf", locked(), "locked by a password"),
    "cut PDF": ("licence.pdf", b"%PDF-1.7\n1 0 obj\n<<", "cannot be read"),
    "too many pages": ("licence.pdf", pdf(lambda w: [w.add_blank_page(9, 9) for _ in range(200)]), "too many pages"),
    "too large": ("licence.pdf", b"%PDF-" + b"x" * (10 * 1024 * 1024), "larger than 10 MB"),
    "empty": ("licence.png", b"", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_words(sqlite_app: Flask, case: str) -> None:
    name, data, said = HOSTILE[case]
    with sqlite_app.test_request_context("/", headers={"Accept-Language": "en"}):
        with pytest.raises(Refused) as refusal:
            check(name, data)
        assert said in str(refusal.value)
        assert refusal.value.status == 422


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("..\\..\\windows\\licence.png", "licence.png"),
        ("/etc/passwd/licence.PNG", "licence.PNG"),
        ("li\x00ce\nnce.png", "licence.png"),
        ("营业执照\u202e.png", "营业执照.png"),
        ("x" * 300 + ".png", "x" * 116 + ".png"),
    ],
)
def test_names_lose_paths_controls_and_directions(sqlite_app: Flask, given: str, kept: str) -> None:
    with sqlite_app.test_request_context("/"):
        assert check(given, road.picture()).name == kept


def test_good_files_pass_and_pictures_are_drawn_anew(sqlite_app: Flask) -> None:
    out = io.BytesIO()
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.save(out, "PNG")
    with sqlite_app.test_request_context("/"):
        drawn = check("logo.png", out.getvalue() + b"<script>alert(1)</script>")
        plain = pdf(lambda w: w._root_object.update({NameObject("/OpenAction"): ArrayObject([w.pages[0].indirect_reference, NameObject("/Fit")])}))  # fmt: skip
        assert check("licence.pdf", plain).data == plain
        assert check("photo.JPEG", jpeg()).media_type == "image/jpeg"
    assert b"script" not in drawn.data
    with Image.open(io.BytesIO(drawn.data)) as seen:
        assert seen.getpixel((5, 5)) == (255, 255, 255)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (10, 10), "red").save(out, "JPEG")
    return out.getvalue()


def test_a_refused_file_keeps_what_was_typed(app: Flask) -> None:
    client = road.company(app)
    uid = post(client, "/apply", organisation="new").location.split("/")[2]
    sent = client.post(
        f"/applications/{uid}/form/papers",
        data={"csrf_token": token(client), "licence": (io.BytesIO(on_opening("/Launch", F="x")), "licence.pdf")},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert sent.status_code == 422
    assert PROGRAMS in sent.text
    assert 'href="#licence"' in sent.text
