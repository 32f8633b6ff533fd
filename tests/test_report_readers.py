"""Reports read by the programs people have: LibreOffice, a Chinese spreadsheet with a national character set, readers of PDF."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from pypdf import PdfReader

from portal.core import clock
from portal.core.db import reading
from portal.reports.income import files, pages, papers
from portal.reports.income.figure import Figure, Head, Line, Report, Table
from tests.people import browser
from tests.report_world import NOW, bring_in, question, staff

SOFFICE, LOCALEDEF = shutil.which("soffice"), shutil.which("localedef")
CHARMAP = Path("/usr/share/i18n/charmaps/GBK.gz")
ASKED = "file?from=2026-01&to=2026-06&known=2026-07-08"
NS = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}
# Without a window LibreOffice does not look for the mark itself, as its dialog does: commas, quotes, UTF-8.
TOLD = "--infilter=CSV:44,34,UTF8"
# A reader as Excel is one: a byte order mark says UTF-8, otherwise the machine's own character set counts.
READER = """
import csv, io, locale, sys
data = open(sys.argv[1], "rb").read()
own = locale.getpreferredencoding(False)
said = "utf-8-sig" if data.startswith(b"\\xef\\xbb\\xbf") else own
rows = list(csv.reader(io.StringIO(data.decode(said, "replace"), newline="")))
sys.stdout.buffer.write(("\\n".join([own, *("\\t".join(row) for row in rows)])).encode("utf-8"))
"""


@pytest.fixture
def house(sqlite_app: Flask) -> Any:
    """The wide books, in which one payer is called like a formula and others in Chinese, and finance."""
    with sqlite_app.app_context(), clock.stopped_at(NOW):
        bring_in("books-wide.json", renamed={"A": "=Zeta", "B": "星河芯片"})
        staff()
        yield sqlite_app


def converted(file: Path, *more: str, env: dict[str, str] | None = None) -> ET.Element:
    """Return what LibreOffice makes of a file, as its own flat XML."""
    room = file.parent / "libreoffice"
    command = [str(SOFFICE), f"-env:UserInstallation=file://{room}", "--headless", "--convert-to", "fods"]
    subprocess.run(
        [*command, *more, "--outdir", str(file.parent), str(file)],
        check=True, capture_output=True, timeout=120, env={**os.environ, **(env or {})},
    )  # fmt: skip
    return ET.parse(file.with_suffix(".fods")).getroot()


def cells(root: ET.Element) -> dict[str, list[tuple[str, str, str]]]:
    """Return by sheet each filled cell: its type, its value, and its formula if it has one."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for sheet in root.iterfind(".//office:spreadsheet/table:table", NS):
        name = sheet.get(f"{{{NS['table']}}}name", "")
        for cell in sheet.iterfind(".//table:table-cell", NS):
            kind = cell.get(f"{{{NS['office']}}}value-type", "")
            said = "".join("".join(one.itertext()) for one in cell.iterfind("text:p", NS))
            value = cell.get(f"{{{NS['office']}}}value") or cell.get(f"{{{NS['office']}}}date-value") or said
            if kind:
                found.setdefault(name, []).append((kind, value, cell.get(f"{{{NS['table']}}}formula", "")))
    return found


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_types_heads_that_stay_and_no_formula(house: Flask, tmp_path: Path) -> None:
    fang = browser(house, "fang@house.example", language="zh_Hans_CN")
    file = tmp_path / "payers.xlsx"
    file.write_bytes(fang.get(f"/office/reports/payers/xlsx/{ASKED}").data)
    root = converted(file)
    found = cells(root)
    assert list(found)[-2:] == ["明细", "说明"]
    flat = [cell for sheet in found.values() for cell in sheet]
    assert not any(formula for _kind, _value, formula in flat)
    assert ("string", "=Zeta", "") in flat
    assert ("string", "星河芯片", "") in flat
    numbers = [float(value) for kind, value, _formula in flat if kind in ("float", "currency")]
    assert -5000 in numbers
    days = [value for kind, value, _formula in found["明细"] if kind == "date"]
    assert days
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days)
    # The head row is that of each sheet, also on every printed one.
    heads = root.findall(".//office:spreadsheet/table:table/table:table-header-rows", NS)
    assert len(heads) == len(found)


def in_gb(room: Path) -> dict[str, str]:
    """Return the environment of a machine whose own character set is GBK, as Windows has it in China."""
    subprocess.run(
        [str(LOCALEDEF), "-i", "zh_CN", "-f", "GBK", str(room / "zh_CN.GBK")],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"LOCPATH": str(room), "LC_ALL": "zh_CN.GBK", "LANG": "zh_CN.GBK"}


@pytest.mark.skipif(LOCALEDEF is None or not CHARMAP.exists(), reason="the locale zh_CN.GBK is not installed")
def test_csv_on_a_machine_whose_own_character_set_is_gbk(house: Flask, tmp_path: Path) -> None:
    fang = browser(house, "fang@house.example", language="zh_Hans_CN")
    env = in_gb(tmp_path)
    kept, bare = tmp_path / "months.csv", tmp_path / "bare.csv"
    path = f"/office/reports/months/csv/{ASKED}"
    kept.write_bytes(fang.get(path).data)
    bare.write_bytes(fang.get(f"{path}&bom=0").data)

    def told(file: Path) -> str:
        command = [sys.executable, "-X", "utf8=0", "-c", READER, str(file)]
        run = subprocess.run(command, capture_output=True, check=True, env={**os.environ, **env})
        return run.stdout.decode()

    own, head, *rows = told(kept).split("\n")
    assert own.lower() == "gbk"
    assert head.startswith("收入类别")
    assert any("企业级技术支持" in row or "技术支持" in row for row in rows)
    assert any("\t-5000.00" in row for row in rows)
    assert "收入类别" not in told(bare)  # it is the mark that does it
    if SOFFICE is not None:
        found = [cell for sheet in cells(converted(kept, TOLD, env=env)).values() for cell in sheet]
        assert ("string", "收入类别", "") in found
        assert ("float", "-5000", "") in found
    rows_file = "rows/csv/file?figure=recognised&from=2026-01&to=2026-06&known=2026-07-08"
    text = fang.get(f"/office/reports/{rows_file}").data.decode("utf-8-sig")
    assert any(row[3] == "'=Zeta" for row in csv.reader(io.StringIO(text)))


def as_text(data: bytes, room: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed")
    (room / "a.pdf").write_bytes(data)
    run = subprocess.run(["pdftotext", "-layout", str(room / "a.pdf"), "-"], capture_output=True, check=True)
    return run.stdout.decode()


@pytest.mark.papers
def test_a_paper_says_what_it_is_read_on(house: Flask, tmp_path: Path) -> None:
    with house.test_request_context(), reading():
        said = question(known="2026-07-08")
        report = pages.of("diversity").build(said)
    with house.app_context():
        data = files.of(said, report, "pdf", by="Fang")
        assert data == files.of(said, report, "pdf", by="Fang")
    assert isinstance(data, bytes)
    text = as_text(data, tmp_path)
    # Notes say of what level a row is; without them three rows would read alike.
    for words in ("2026-07-08", "books@1", "合计", "收入分组", "最近 12 个月 · 收入类别"):
        assert words in text, words
    _accessible(data, figures=1)


def _accessible(data: bytes, *, figures: int) -> None:
    """A reader for the blind finds language, title, order, and words in place of pictures."""
    root: Any = PdfReader(io.BytesIO(data)).trailer["/Root"]
    assert b'pdfuaid:part="1"' in root["/Metadata"].get_object().get_data()
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("zh-Hans", True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    kinds: list[Any] = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for one in node:
                walk(one)
        elif isinstance(node, dict):
            kinds.append((node.get("/S"), node.get("/Alt")))
            walk(node.get("/K"))

    walk(root["/StructTreeRoot"])
    pictures = [alt for kind, alt in kinds if kind == "/Figure"]
    assert len(pictures) == figures
    assert all(pictures)
    assert {"/H1", "/Table", "/TH"} <= {kind for kind, _alt in kinds}


def wide(months: int, rows: int = 1) -> Report:
    """Return a report with a month a column, as ten years of them would be."""
    heads = [Head(f"{2020 + n // 12}-{n % 12 + 1:02d}") for n in range(months)] + [Head("In total")]
    table = Table("wide", "Wide", "Stream", heads)
    sums = [Figure.of("recognised", 123_456_789 + n) for n in range(months)]
    total = Figure.of("recognised", sum(one.amount for one in sums))
    table.lines = [Line(f"Stream {n}", [*sums, total]) for n in range(rows)]
    table.lines.append(Line("In total", [*sums, total], total=True))
    return Report("wide", "Wide", "Lead", "Recognised", [table])


@pytest.mark.papers
def test_no_table_runs_out_of_its_sheet_and_totals_stand_once(sqlite_app: Flask, tmp_path: Path) -> None:
    with sqlite_app.test_request_context():
        said = question()
        report = wide(36, rows=40)
        found = list(papers.pieces(report.tables))
        assert [head for one in found for head in one.table.heads] == report.tables[0].heads
        assert max(len(one.table.heads) for one in found) <= papers.MOST_COLUMNS
        data = papers.laid_out(papers.written(said, report, [("x", "y")]))
    text = as_text(data, tmp_path)
    assert len(re.findall(r"^ *In total", text, re.M)) == len(found) == 3
    for n in range(36):
        assert f"1,234,{(123_456_789 + n) // 100 % 1000}.{(123_456_789 + n) % 100:02d}" in text
    run = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "a.pdf"), "-"], capture_output=True, check=True
    )
    widths = [float(one) for one in re.findall(r'<page width="([\d.]+)"', run.stdout.decode())]
    ends = [float(one) for one in re.findall(r'xMax="([\d.]+)"', run.stdout.decode())]
    assert max(ends) <= min(widths) - 14 / 25.4 * 72 + 0.5  # the margin of the sheet stays free
