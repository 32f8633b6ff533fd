"""The exports as the outside programs see them: accepted as they are, refused once one fen differs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from portal.billing import plain_text
from portal.core.db import reading
from tests.test_past_books import DATA, bring_in

CHECKS = {
    "hledger": lambda file: ["hledger", "-f", file, "check"],
    "beancount": lambda file: [str(Path(sys.executable).parent / "bean-check"), file],
}


def checked(form: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / f"books.{form}"
    file.write_text(text, "utf-8")
    return subprocess.run(CHECKS[form](str(file)), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", ["hledger", "beancount"])
@pytest.mark.parametrize("name", ["books-small.json", "books-wide.json"])
def test_the_programs_take_the_journal_and_miss_a_fen(
    app: Flask, name: str, form: str, tmp_path: Path
) -> None:
    with app.app_context():
        bring_in((DATA / name).read_text("utf-8"))
        with reading():
            told = "\n".join(plain_text.journal(form)) + "\n"
            assert "\n".join(plain_text.journal(form)) + "\n" == told
    good = checked(form, told, tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    line = re.search(r"^ +(Assets:1122-Receivables:P\d+)  (\d+\.\d)\d CNY$", told, re.M)
    assert line is not None
    bad = checked(
        form, told.replace(line[0], line[0][:-5] + ("1" if line[0][-5] != "1" else "2") + " CNY", 1), tmp_path
    )
    assert bad.returncode != 0
    assert line[1] in bad.stderr + bad.stdout
