"""The ledger as plain text: two programs that know nothing of us read it, and find a changed fen."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.billing import crediting, ledger, settling
from portal.billing.plain_text import Dialect, Names, figure, ledger_text, part
from portal.core import clock
from portal.core.db import reading, transaction
from portal.core.money import Money
from tests import books

BEAN_CHECK = Path(sys.executable).with_name("bean-check")


def check(dialect: Dialect, text: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Let the program whose format it is read a ledger."""
    file = home / f"ledger.{dialect.value}"
    file.write_text(text, "utf-8")
    if dialect is Dialect.BEANCOUNT:
        words = [str(BEAN_CHECK), str(file)]
    else:
        found = shutil.which("hledger")
        assert found, "hledger is missing: run `sh tools/system test`"
        words = [found, "-f", str(file), "check", "--strict"]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def said(app: Flask, dialect: Dialect, until: object = None) -> str:
    with app.app_context(), reading():
        return "".join(ledger_text(dialect, until))  # type: ignore[arg-type]


def fill(app: Flask) -> None:
    """Let a company pay in part, twice and too much, and get some of it back."""
    books.house(app)
    with app.app_context():
        with transaction():
            first, second = books.bill("test:1"), books.bill("test:2", "dues.gold")
            crediting.reverse_invoice(books.bill("test:3"), by="test", reason="test")
        with transaction():
            books.transfer("A1", Money(1_200_000), first.reference or "")
            books.transfer("A2", Money(900_000), first.reference or "")
            books.transfer("A3", Money(33), "nobody's", payer='某某公司 "引号"')
            settling.put_on(books.online("T1", Money(16_000_000)), second, by="test")
        with transaction():
            ledger.post(
                "hand", "test:usd",
                [
                    ledger.Line(ledger.BANK, Money(720_033), currency="USD", units=100_000),
                    ledger.Line(ledger.EXCHANGE, Money(-720_033)),
                ],
                on=clock.today(),
            )  # fmt: skip


@pytest.mark.parametrize("dialect", Dialect)
def test_the_programs_accept_the_ledger_and_the_same_journal_gives_the_same_bytes(
    app: Flask, tmp_path: Path, dialect: Dialect
) -> None:
    fill(app)
    text = said(app, dialect)
    found = check(dialect, text, tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    assert text == said(app, dialect)
    assert "1000.00 USD @@ 7200.33 CNY" in text
    assert "Assets:1122-Receivables:P00000" in text
    assert "Galaxy Ltd" in text


@pytest.mark.parametrize("dialect", Dialect)
def test_one_fen_moved_by_hand_is_found_and_named(app: Flask, tmp_path: Path, dialect: Dialect) -> None:
    fill(app)
    text = said(app, dialect)
    wrong = text.replace("  12000.00 CNY", "  12000.01 CNY", 1)
    assert wrong != text
    found = check(dialect, wrong, tmp_path)
    assert found.returncode != 0
    assert "12000.01" in found.stdout + found.stderr or "0.01" in found.stdout + found.stderr
    # Both sides of an entry moved: it balances, and what stands on the accounts at the month's end does not.
    both = wrong.replace("  -12000.00 CNY", "  -12000.01 CNY", 1)
    assert both != wrong
    found = check(dialect, both, tmp_path)
    assert found.returncode != 0
    words = found.stdout + found.stderr
    assert "1002-Bank" in words or "1122-Receivables" in words or "220" in words


@pytest.mark.parametrize("dialect", Dialect)
def test_nothing_booked_and_nothing_yet_are_ledgers_too(app: Flask, tmp_path: Path, dialect: Dialect) -> None:
    assert check(dialect, said(app, dialect), tmp_path).returncode == 0
    fill(app)
    early = said(app, dialect, clock.today() - timedelta(days=400))
    assert check(dialect, early, tmp_path).returncode == 0
    assert "1122" not in early


def test_accounts_keep_their_names_apart(app: Flask) -> None:
    with app.app_context(), reading():
        names = Names()
        given_names = [names.of(f"6001.{code}", None) for code in ("a_b", "a-b", "会费", "研究", "dues")]
        assert names.of("6001.a-b", None) == given_names[1]
    assert len(set(given_names)) == 5
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9-]*(:[A-Z0-9][A-Za-z0-9-]*)+", name) for name in given_names)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["CNY", "USD", "JPY", "KWD"]))
def test_figures_are_those_of_money(minor: int, currency: str) -> None:
    value, code = figure(minor, currency).split()
    assert code == currency
    assert Money.parse(value, currency).minor == minor


@given(st.text())
def test_a_part_of_a_name_is_always_one(text: str) -> None:
    assert re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", part(text))
