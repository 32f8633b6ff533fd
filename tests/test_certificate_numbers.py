"""Numbers of certificates: what is drawn reads back, and any one changed character is refused."""

from __future__ import annotations

import string

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_37_36

from portal.certs.numbers import BITS, CROCKFORD, Unlucky, check_character, drawn, format_number, normalise

BITS_50 = st.integers(0, 2**BITS - 1)
PREFIX = st.text(string.ascii_uppercase, min_size=2, max_size=6)
YEAR = st.integers(1000, 9999)
TYPED = string.ascii_letters + string.digits + "- 　－ＯＩ１０*ſßİ²"


def number(prefix: str, year: int, n: int) -> str:
    try:
        return format_number(prefix, year, n)
    except Unlucky:
        assume(False)
        raise


@settings(max_examples=300)
@given(PREFIX, YEAR, BITS_50)
def test_a_number_reads_back_and_its_check_is_that_of_the_standard(prefix: str, year: int, n: int) -> None:
    made = number(prefix, year, n)
    assert normalise(made) == made
    plain = made.replace("-", "")
    assert mod_37_36.is_valid(plain)
    assert check_character(plain[:-1]) == mod_37_36.calc_check_digit(plain[:-1]) == plain[-1]
    assert set(plain[-11:]) <= set(CROCKFORD)


@settings(max_examples=300)
@given(PREFIX, YEAR, BITS_50, st.data())
def test_any_one_changed_character_is_refused(prefix: str, year: int, n: int, data: st.DataObject) -> None:
    made = number(prefix, year, n).replace("-", "")
    at = data.draw(st.integers(0, len(made) - 1))
    # A typed hyphen or space is no character: then one is lost, which is the next test's.
    other = data.draw(st.sampled_from([char for char in TYPED if char.isalnum()]))
    changed = made[:at] + other + made[at + 1 :]
    read = normalise(changed)
    assert read is None or read.replace("-", "") == made


@settings(max_examples=300)
@given(PREFIX, YEAR, BITS_50, st.data())
def test_a_lost_or_a_doubled_character_is_no_other_number(
    prefix: str, year: int, n: int, data: st.DataObject
) -> None:
    made = number(prefix, year, n).replace("-", "")
    at = data.draw(st.integers(0, len(made) - 1))
    for changed in (made[:at] + made[at + 1 :], made[:at] + made[at] + made[at:]):
        read = normalise(changed)
        # A prefix may be shorter: such a number is then told apart by the check, 36 of 37 times, and never known.
        assert read is None or len(read.split("-")[0]) != len(prefix)


def test_neighbours_that_change_places_are_nearly_always_caught() -> None:
    swapped = missed = 0
    for n in range(1, 4000):
        try:
            made = format_number("FOS", 2026, n * 281474976710597 % 2**BITS).replace("-", "")
        except Unlucky:
            continue
        for at in range(len(made) - 1):
            if made[at] != made[at + 1]:
                swapped += 1
                turned = made[:at] + made[at + 1] + made[at] + made[at + 2 :]
                missed += normalise(turned) is not None
    assert swapped > 40_000
    assert missed / swapped < 0.001


def test_people_type_as_they_like() -> None:
    made = format_number("FOS", 2026, 0x1C0FFEE000001)
    body = made[9:]
    for typed in (
        made.lower(), f"  {made} ", made.replace("-", ""), made.replace("-", " "), made.replace("-", "－"),
        "ＦＯＳ" + made[3:], made[:9] + body.replace("0", "o").replace("1", "l"), made[:9] + body.replace("0", "O").replace("1", "I"),
    ):  # fmt: skip
        assert normalise(typed) == made
    for wrong in ("", "FOS", made + "1", made[:-1], made.replace("FOS", "F0S"), "x" * 5000, "\0", "ſ" * 20):
        assert normalise(wrong) is None


def test_the_check_is_never_a_letter_that_is_misread_and_numbers_are_no_series() -> None:
    found = {drawn("FOS", 2026) for _ in range(500)}
    assert len(found) == 500
    assert {one[-1] for one in found} <= set(CROCKFORD)
    turns = iter(list(range(200)) * 2)
    assert drawn("FOS", 2026, below=lambda _most: next(turns)).startswith("FOS-2026-00000-000")
    for wrong in (
        ("fos", 2026, 1),
        ("FOS", 26, 1),
        ("FOS", 2026, 2**BITS),
        ("FOS", 2026, -1),
        ("F", 2026, 1),
    ):
        try:
            format_number(*wrong)
        except Unlucky:
            raise AssertionError(wrong) from None
        except ValueError:
            continue
        raise AssertionError(wrong)
