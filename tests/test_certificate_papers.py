"""Certificates as papers: no missing letter, signed over the whole file, the fast path alike, the same bytes again."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pikepdf
import pytest
from flask import Flask
from PIL import ImageChops

from portal.certs import awarding, issuing, signing_badges
from portal.certs.documents import drawing, faces, fast, layout, readiness, sealing
from portal.certs.naming import Names
from portal.cli import cli
from portal.core import clock, files, machine, pdf, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from tests.awarded import award, families, granted, house, person
from tests.rasters import SIDE, code_on, picture

pytestmark = pytest.mark.papers
RARE = "喆堃玥犇淼垚珺翀甯镕珒彧祎頔旻䶮㐂㵙㛃𠮷𬭎𫟹"
LATIN = ("Łukasz Żółć", "Şule Ağaoğlu", "Nguyễn Thị Minh", "Zoë O’Connor-Müller", "Ærøskøbing Ñandú")


@pytest.fixture
def certs(sqlite_app: Flask) -> Flask:
    families(sqlite_app)
    house(sqlite_app, at=clock.now() - timedelta(days=2))
    return sqlite_app


def body_of(app: Flask, names: Names, n: int = 0, **more: Any) -> dict[str, Any]:
    """Return the snapshot of an award to a name; call inside an application context."""
    with transaction():
        row = award(on=clock.today(), decision=f"decision:{n}", names=names, issue=False)
        document = issuing.issue(row, by=person("cen@house.example"))
        found = issuing.body_of(document)
    assert found is not None
    return {**found, **more}


def run(*words: str, data: bytes = b"") -> str:
    done = subprocess.run(words, input=data, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def text_of(data: bytes, folder: Path) -> str:
    file = folder / "text.pdf"
    file.write_bytes(data)
    return run("pdftotext", "-layout", str(file), "-")


def test_every_letter_is_set_in_one_face_that_has_it_or_the_name_is_refused_with_its_letters(
    certs: Flask,
) -> None:
    with certs.app_context():
        known = faces.families()
        assert known is not None
        assert known.face_for("张伟") == "text"
        for letter in RARE:
            assert known.face_for(f"张{letter}") in {"text", "wide"}, letter
        for name in LATIN:
            assert known.face_for(name) is not None, name
        assert known.face_for("Łukasz") == "latin"
        with pytest.raises(Refused, match=r"U\+10FFFD"):
            faces.refuse_unprintable(Names("张\U0010fffd", ""))
        with pytest.raises(Refused), transaction():
            award(on=clock.today(), names=Names("张Ł", "Zhang"))


def test_long_names_shrink_in_steps_and_then_stand_on_two_lines(certs: Flask) -> None:
    with certs.app_context():
        known = layout.known()

        def sizes(zh: str, latin: str) -> list[int]:
            return [one.size for one in layout.lines(known, {"zh": zh, "latin": latin})]

        assert sizes("张伟", "Zhang Wei") == [34, 21]
        assert sizes("", "Zhang Wei") == [34]
        assert sizes("阿卜杜热合曼·艾合买提", "") == [34]
        assert sizes("一" * 20, "") == [34]
        assert sizes("一" * 23, "") == [29]
        assert sizes("一" * 28, "") == [24]
        assert sizes("一" * 40, "") == [21, 21]
        long = "Maria Alexandra Wilhelmina von Hohenstauffen zu Schwarzenberg"
        assert sizes("张伟", long)[0] == 34
        assert len(long) > 60


def test_the_fast_path_looks_reads_and_lists_the_same_as_the_page_of_weasyprint(
    certs: Flask, tmp_path: Path
) -> None:
    with certs.app_context():
        known = layout.known()
        body = body_of(certs, Names("张伟", "Zhang Wei"))
        assert fast.fits(body, known)
        quick = fast.draw(body, known, b'{"badge": 1}')
        slow = drawing.draw(body, known, b'{"badge": 1}')
        assert fast.draw(body, known, b'{"badge": 1}') == quick
        assert drawing.draw(body, known, b'{"badge": 1}') == slow
    one, other = picture(quick, tmp_path), picture(slow, tmp_path)
    assert one.size == other.size
    differs = ImageChops.difference(one, other).convert("L").point(lambda value: 255 if value > 24 else 0)
    share = sum(differs.histogram()[1:]) / (one.width * one.height)
    assert share <= 0.001, share
    assert text_of(quick, tmp_path).split() == text_of(slow, tmp_path).split()
    assert "张伟" in text_of(quick, tmp_path)

    def listed(data: bytes) -> set[str]:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            return {str(font.BaseFont).split("+")[-1] for font in pdf.pages[0].obj.Resources.Font.values()}

    assert listed(quick) == listed(slow)


def test_names_outside_the_family_and_tagged_variants_take_the_path_of_weasyprint(
    certs: Flask, tmp_path: Path
) -> None:
    with certs.app_context():
        known = layout.known()
        body = body_of(certs, Names("张㛃", "Łukasz Żółć"))
        assert not fast.fits(body, known)
        assert not fast.fits({**body, "names": {"zh": "张伟", "latin": ""}, "variant": "pdf/ua-1"}, known)
        for variant in drawing.VARIANTS:
            data = drawing.draw({**body, "variant": variant}, known, b"{}")
            assert "张㛃" in text_of(data, tmp_path)
        with pikepdf.open(io.BytesIO(data)) as pdf:
            assert "/StructTreeRoot" in pdf.Root
            with pdf.open_metadata() as said:
                assert said["pdfuaid:part"] == "1"


def test_the_signed_file_is_trusted_and_whole_and_one_byte_more_or_less_is_seen(
    certs: Flask, tmp_path: Path
) -> None:
    uid = granted(certs, at=clock.today())
    with certs.app_context(), reading():
        document = issuing.current(awarding.found(uid))
        assert document is not None
        assert document.file is not None, document.error
        data = files.read(document.file)
        badge = signing_badges.of_certificate(document)
        root = signing.active(signing.KeyUse.ROOT).certificate_pem
        assert badge is not None
        carried = badge.document
    sealing.check(data, root, at=clock.now())
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert pdf.check_pdf_syntax() == []  # what `qpdf --check` says
    with pytest.raises(sealing.Unsound):
        sealing.check(data + b"\n%%EOF\n", root, at=clock.now())
    place = data.index(b"stream", len(data) // 3) + 20
    with pytest.raises(sealing.Unsound):
        sealing.check(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], root, at=clock.now())
    file = tmp_path / "signed.pdf"
    file.write_bytes(data)
    said = run("pdfsig", "-nocert", str(file))
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    file.write_bytes(data + b"\n% more\n")
    assert "Total document signed" not in run("pdfsig", "-nocert", str(file))
    file.write_bytes(data)
    run("pdfdetach", "-saveall", "-o", str(tmp_path), str(file))
    assert (tmp_path / drawing.BADGE).read_text("utf-8") == carried
    (tmp_path / "root.pem").write_text(root)
    with certs.app_context(), reading():
        leaf = signing.active(signing.KeyUse.PDF).certificate_pem
    (tmp_path / "leaf.pem").write_text(leaf)
    assert "OK" in run("openssl", "verify", "-CAfile", str(tmp_path / "root.pem"), str(tmp_path / "leaf.pem"))


def test_the_code_on_the_page_reads_back_from_a_raster_of_150_dpi(certs: Flask, tmp_path: Path) -> None:
    with certs.app_context():
        known = layout.known()
        body = body_of(certs, Names("张伟", "Zhang Wei"))
        page = picture(fast.draw(body, known, b"{}"), tmp_path, 150)
        rows = layout.qr_rows(body["url"])
    assert code_on(page, 150, len(rows)) == rows
    assert SIDE >= 25


def test_two_hundred_names_have_every_glyph_in_the_face_meant_for_them(certs: Flask) -> None:
    family = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
    given = [
        f"{a}{b}" for a in family for b in ("喆", "堃", "珺", "伟", "翀", "芳芳", "思源", "䶮", "𠮷", "㛃")
    ]
    assert len(given) == 200
    with certs.app_context():
        known = layout.known()
        for n, zh in enumerate(given):
            latin = LATIN[n % len(LATIN)]
            for line in layout.lines(known, {"zh": zh, "latin": latin}):
                assert known.lacks(line.face, line.text) == [], (line.face, line.text)
                font = layout.face_of(known.files[line.face]["Bold"])
                assert all(font.get_nominal_glyph(ord(char)) for char in line.text)


def test_a_template_that_was_published_is_never_edited(certs: Flask) -> None:
    source = Path(certs.root_path).parent / "templates" / "papers" / "award.html"
    assert layout.digest(source.read_text("utf-8")) == layout.PUBLISHED[issuing.TEMPLATE]


def test_what_keeps_papers_from_being_made_is_said_in_one_line_with_what_mends_it(certs: Flask) -> None:
    with certs.app_context():
        known = layout.known()
        assert readiness.all_lacking() == ""
        assert readiness.embedded(known) == readiness.ours()
        assert pdf.font_caches()
        with mock.patch("os.access", return_value=False):
            assert "XDG_CACHE_HOME" in readiness.lacking()
        with mock.patch.object(machine, "_loads", return_value=False):
            assert "apt-get install libharfbuzz-subset0" in readiness.lacking()
        with mock.patch.object(readiness, "ours", return_value={"Other"}):
            readiness._sampled.cache_clear()
            assert "portal fonts build" in readiness.all_lacking()
        readiness._sampled.cache_clear()
        small = Path(known.files["text"]["Bold"])
        was = small.read_bytes()
        small.write_bytes(was[:-1])
        assert (
            readiness.all_lacking()
            == f"{small.name} is not the file that was built: run `portal fonts build`"
        )
        small.write_bytes(was)
        shutil.rmtree(faces.folder())
        here = {
            "PORTAL_HOME": str(certs.extensions["settings"].home),
            "PORTAL_SECRET_KEY": certs.config["SECRET_KEY"],
        }
        said = certs.test_cli_runner().invoke(cli, ["doctor"], env=here)
        assert (
            "certificates wait: the faces of certificates were not built: run `portal fonts build`"
            in said.output
        )
        with pytest.raises(RuntimeError, match="portal fonts build"):
            layout.known()
        faces.refuse_unprintable(Names("张\U0010fffd", ""))
        db.session.remove()


def test_the_faces_are_let_go_before_the_interpreter_comes_down() -> None:
    code = (
        "import sys\n"
        "from portal.certs.documents import drawing\n"
        "class Kept:\n"
        "    def __del__(self):\n"
        "        print('late' if sys.is_finalizing() else 'in time')\n"
        "drawing._ready['fonts'] = Kept()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "in time\n"
