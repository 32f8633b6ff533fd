"""Tests of the PDF engine: Chinese survives, bytes repeat, nothing is fetched or embedded by the HTML."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from portal.core.db import transaction
from portal.core.machine import bare, needs, report
from portal.core.pdf import Attachment, Unprintable, fonts_ready, qr_svg, render
from portal.core.settings import load

TEXT = "收据 龍与龘：会员费 ¥1,234.00"
PAGE = f'<!doctype html><html lang="zh-Hans-CN"><title>收据</title><body><h1>{TEXT}</h1><p>Receipt</p>'
WATCHED = {"open", "socket.connect", "socket.getaddrinfo"}
seen: list[str] | None = None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if seen is not None and event in WATCHED:
        seen.append(f"{event} {arguments!r}")


sys.addaudithook(_watch)


@pytest.fixture
def touched() -> Iterator[list[str]]:
    """Every file opened and every connection tried while the test runs."""
    global seen
    seen = []
    yield seen
    seen = None


@pytest.fixture
def lure() -> Iterator[tuple[str, list[str]]]:
    """A loopback server nobody may ask, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x", asked
    server.shutdown()
    server.server_close()
    thread.join()


def fonts(data: bytes) -> Iterator[TTFont]:
    """Return the fonts a PDF carries."""
    for page in PdfReader(io.BytesIO(data)).pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
            file = descriptor.get("/FontFile3") or descriptor.get("/FontFile2")
            yield TTFont(io.BytesIO(file.get_data()))


def text_of(data: bytes) -> str:
    """Return the text of all pages, without its spaces."""
    pages = PdfReader(io.BytesIO(data)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def test_chinese_survives_in_a_chinese_font() -> None:
    data = render(PAGE)
    assert "".join(TEXT.split()) in text_of(data)
    embedded = list(fonts(data))
    assert embedded
    for font in embedded:
        assert "NotoSansCJK" in str(font["CFF "].cff.fontNames[0])
        assert font["maxp"].numGlyphs > 1


def test_pages_are_numbered_a4_tagged_and_marked_pdf_a() -> None:
    reader = PdfReader(io.BytesIO(render(PAGE + '<p style="break-before: page">二</p>')))
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert "1 / 2" in reader.pages[0].extract_text()
    assert "2 / 2" in reader.pages[1].extract_text()
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "zh-Hans-CN"
    assert b"pdfaid" in root["/Metadata"].get_data()


def test_same_input_gives_the_same_bytes_here_and_in_another_process() -> None:
    html, files = (
        f"{PAGE}{qr_svg('https://example.org/v/1')}",
        [Attachment("发票.xml", b"<a/>"), Attachment("b", b"b")],
    )
    once = render(html, css="p { color: #000 }", attachments=files)
    render("<html lang=en><title>other</title><p>Something else</p>")
    assert render(html, css="p { color: #000 }", attachments=files[::-1]) == once
    assert render(html.replace("Receipt", "receipt"), attachments=files) != once
    code = (
        "import hashlib, sys; from portal.core.pdf import render; "
        "sys.stdout.write(hashlib.sha256(render(sys.stdin.buffer.read().decode())).hexdigest())"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Shanghai", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=html.encode(),
            env=environment,
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode() == hashlib.sha256(render(html)).hexdigest()


def test_threads_do_not_disturb_each_other() -> None:
    once, faults = render(PAGE), list[object]()

    def work(job: Callable[[], object]) -> None:
        try:
            if job() != once:
                faults.append("other bytes")
        except Unprintable:
            pass
        except BaseException as fault:
            faults.append(fault)

    def spoiled() -> object:
        return render(PAGE + '<img src="x.png" alt="">') and once

    threads = [threading.Thread(target=work, args=(job,)) for job in (lambda: render(PAGE), spoiled) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_given_attachments_are_carried() -> None:
    data = render(PAGE, attachments=[Attachment("invoice.xml", b"<invoice/>", "e-invoice", "Alternative")])
    assert PdfReader(io.BytesIO(data)).attachments == {"invoice.xml": [b"<invoice/>"]}


HOSTILE = {
    "picture": '<img alt="" src="{url}">',
    "style sheet": '<link rel="stylesheet" href="{url}">',
    "import": '<style>@import url("{url}");</style>',
    "background": '<p style="background: url({url})">x</p>',
    "content": '<style>p::before {{ content: url("{url}") }}</style><p>x</p>',
    "font": '<style>@font-face {{ font-family: x; src: url("{url}") }} p {{ font-family: x }}</style><p>x</p>',
    "colour profile": '<style>@color-profile --x {{ src: url("{url}") }}</style>',
    "list mark": '<ul style="list-style-image: url({url})"><li>x</ul>',
    "attachment": '<a rel="attachment" href="{url}">x</a>',
    "attachment of the page": '<link rel="attachment" href="{url}">',
    "object": '<object data="{url}">x</object>',
    "embed": '<embed src="{url}">',
    "picture in svg": '<svg width="9" height="9"><image href="{url}" width="9" height="9"/></svg>',
    "use in svg": '<svg width="9" height="9"><use href="{url}#a"/></svg>',
    "style in svg": '<svg width="9" height="9"><style>@import url("{url}");</style><path d="M0 0h9"/></svg>',
    "base": '<base href="{url}"><img alt="" src="y">',
}
ADDRESSES = ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", "LURE", "data:text/css,p{}"]


@pytest.mark.parametrize("way", HOSTILE)
@pytest.mark.parametrize("address", ADDRESSES)
def test_hostile_html_fetches_and_embeds_nothing(
    way: str, address: str, lure: tuple[str, list[str]], touched: list[str]
) -> None:
    url, asked = lure
    html = PAGE + HOSTILE[way].format(url=url if address == "LURE" else address)
    try:
        data = render(html)
    except Unprintable:
        pass
    else:  # then the engine knows no such way at all
        assert way in {"object", "embed", "use in svg", "style in svg", "colour profile"}
        assert PdfReader(io.BytesIO(data)).attachments == {}
        assert b"root:x:" not in data
    assert asked == []
    assert [event for event in touched if "passwd" in event or event.startswith("socket")] == []


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "relative"]
)
def test_links_lead_to_web_pages_and_mail_only(link: str) -> None:
    with pytest.raises(Unprintable):
        render(f'{PAGE}<a href="{link}">x</a>')


def test_links_inside_and_to_the_web_are_kept() -> None:
    data = render(f'{PAGE}<a href="https://example.org/a">x</a> <a href="#b">y</a><p id="b">z</p>')
    page: Any = PdfReader(io.BytesIO(data)).pages[0]
    actions = [note.get_object().get("/A", {}) for note in page["/Annots"]]
    assert "https://example.org/a" in [action.get("/URI") for action in actions]


@pytest.mark.parametrize(
    "css", ['@import url("file:///etc/passwd");', "p { background: url(http://127.0.0.1/) }"]
)
def test_a_style_sheet_fetches_nothing(css: str, touched: list[str]) -> None:
    with pytest.raises(Unprintable):
        render(PAGE, css=css)
    assert [event for event in touched if "passwd" in event or event.startswith("socket")] == []


@pytest.mark.parametrize("fault", ['<img alt="" src="relative.png">', '<a href="#nowhere">x</a>'])
def test_faulty_html_makes_no_document(fault: str) -> None:
    with pytest.raises(Unprintable):
        render(PAGE + fault)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "\u202eRTL\u202c مال",
        "a\u200b\ufeffb",
        "emoji 👩‍👩‍👧",
        "x" * 20_000,
        "\x00\x0b",
        "𠀀",
    ],
)
def test_hostile_names_do_not_stop_a_document(name: str) -> None:
    assert len(list(fonts(render(f"{PAGE}<p>{escape(name)}</p>")))) >= 2


def test_refuses_inside_a_transaction(app: Flask) -> None:
    with app.app_context(), transaction(), pytest.raises(RuntimeError, match="outside the transaction"):
        render(PAGE)


def test_without_a_chinese_font_no_document(tmp_path: Path) -> None:
    assert fonts_ready()
    empty = tmp_path / "fonts.conf"
    empty.write_text("<fontconfig></fontconfig>", "utf-8")
    code = (
        "from portal.core.pdf import *\nassert not fonts_ready()\n"
        "try: render('<html lang=en><p>x')\nexcept Unprintable as no: print(no)"
    )
    environment = {**os.environ, "FONTCONFIG_FILE": str(empty)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert b"fonts-noto-cjk" in done.stdout


def test_qr_codes_are_inline_svg_for_pages_and_documents() -> None:
    svg = qr_svg('https://example.org/?a=1&b="<x>', title="<b>&")
    assert svg.startswith("<svg ")
    assert svg.endswith("</svg>")
    assert "<?xml" not in svg
    assert "style=" not in svg
    assert "<title>&lt;b&gt;&amp;</title>" in svg
    assert svg.__html__() == svg
    assert render(f"{PAGE}{svg}") != render(PAGE)


def test_the_machine_has_what_it_needs_and_the_report_keeps_secrets() -> None:
    assert [need.name for need in needs() if not need.ok and not need.tests_only] == []
    lines = dict(report(load(testing=True)))
    assert lines["PORTAL_MODE"] == "development"
    assert lines["PORTAL_SECRET_KEY"] in {"set", "not set"}
    assert lines["PORTAL_DATABASE_URL"].startswith("sqlite:///")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql+psycopg://u:hidden@db:5432/portal?password=hidden",
            "postgresql+psycopg://db:5432/portal",
        ),
        ("smtp://u:hid@den/#?@mail.example.org:587", "smtp://(not shown)"),
        ("smtp://u:hid/den@mail.example.org:587", "smtp://mail.example.org:587"),
        ("redis://:hidden@[::1]:6379/0", "redis://[::1]:6379/0"),
        ("s3://bucket/path?secret_access_key=hid@den", "s3://(not shown)"),
        ("sqlite:////srv/portal.sqlite3", "sqlite:////srv/portal.sqlite3"),
        ("hidden", "set"),
    ],
)
def test_addresses_are_shown_without_their_secrets(url: str, shown: str) -> None:
    assert bare(url) == shown
    assert "hid" not in bare(url)
