"""The credit code in layers, personal numbers kept out, and the legal key (members.md §2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal.accounts.registration import Checked, Verdict, check_uscc, inner_check, legal_key

CODE = "91110000600037341L"
LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
free = settings(deadline=None)


def with_check(body: str) -> str:
    """Return 17 characters with their 18th, counted here a second time from the standard."""
    total = sum(LETTERS.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + LETTERS[-total % 31]


def with_personal_check(body: str) -> str:
    """Return 17 digits with the check of a resident's number (GB 11643)."""
    total = sum(int(c) * pow(2, 17 - i, 11) for i, c in enumerate(body))
    return body + "10X98765432"[total % 11]


@st.composite
def right_codes(draw: st.DrawFn) -> str:
    """Draw codes of which both checks hold and the authority is known."""
    authority = draw(st.sampled_from("123456789ANY"))
    kind_and_place = draw(st.text("0123456789", min_size=7, max_size=7))
    body = draw(st.text(LETTERS, min_size=8, max_size=8))
    return with_check(authority + kind_and_place + body + inner_check(body))


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        (CODE, "valid", "ok"),
        ("91350203M0001QKT19", "questionable", "check"),
        ("91110108MA01A2B30A", "questionable", "inner"),
        ("91110000600037314L", "refused", "both"),
        ("9111000060003734IL", "refused", "format"),
        ("", "refused", "format"),
        (CODE[:-1], "refused", "format"),
        (CODE + "0", "refused", "format"),
        ("٩" + CODE[1:], "refused", "format"),
    ],
)
def test_examples_of_the_specification(text: str, verdict: str, reason: str) -> None:
    found = check_uscc(text)
    assert (found.code, found.verdict, found.reason) == (text, verdict, reason)


@pytest.mark.parametrize(
    "text",
    [
        "９１１１００００６０００３７３４１Ｌ",
        "91110000600037341l",
        " 911100-00-600037341-L\n",
        "9111 0000 6000 3734 1L",
        "91110000\u2013600037341\u2212L\u3000",
        "\ufeff91110000\u200b60003734\u00ad1L",
    ],
)
def test_every_way_of_typing_gives_the_same_code(text: str) -> None:
    assert check_uscc(text) == Checked(CODE, Verdict.valid, "ok", ())


def test_the_hint_shows_letters_that_look_like_digits() -> None:
    assert check_uscc("9111000060003734IL").hint == (16,)
    assert check_uscc("911-1oooo6ooo37341l").hint == (4, 5, 6, 7, 9, 10, 11)
    assert check_uscc("S1110000600037341Z").hint == (0,)
    assert check_uscc("91110000600037341V").hint == ()


def test_an_unknown_authority_is_questionable_and_the_catalogue_may_name_more() -> None:
    code = with_check("K" + CODE[1:17])
    assert check_uscc(code) == Checked(code, Verdict.questionable, "authority", ())
    assert check_uscc(code, frozenset("9K")).verdict == Verdict.valid
    assert check_uscc(CODE, frozenset("1")).reason == "authority"


@pytest.mark.parametrize("body", ["00000019000101000", "00000020240229999", "90000018991231123"])
def test_a_personal_number_is_refused_and_forgotten(body: str) -> None:
    number = with_personal_check(body)
    for typed in (number, number.lower(), f"{number[:6]} {number[6:14]}-{number[14:]}"):
        assert check_uscc(typed) == Checked("", Verdict.refused, "personal_number", ())


@pytest.mark.parametrize("body", ["00000019000230000", "00000021000101000", "00000020231301000"])
def test_a_number_without_a_date_of_birth_is_no_personal_number(body: str) -> None:
    number = with_personal_check(body)
    assert check_uscc(number).code == number
    assert check_uscc(number).reason != "personal_number"


def test_a_personal_number_that_is_also_a_right_code_is_questionable() -> None:
    days = (date(1900, 1, 1) + timedelta(n) for n in range(3000))
    halves = (f"{day:%Y%m%d}" for day in days)
    bodies = (f"900000{half}{n:02}{inner_check(half[2:] + f'{n:02}')}" for half in halves for n in range(100))
    code = next(b for b in map(with_check, bodies) if b[16] != "X" and b == with_personal_check(b[:17]))
    assert check_uscc(code) == Checked(code, Verdict.questionable, "personal_number", ())


@free
@given(right_codes())
def test_a_right_code_is_valid(code: str) -> None:
    found = check_uscc(code)
    assume(found.reason != "personal_number")
    assert found == Checked(code, Verdict.valid, "ok", ())


@free
@given(right_codes(), st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ *-"))
def test_one_wrong_character_is_never_valid(code: str, place: int, other: str) -> None:
    assume(code[place] != other)
    assert check_uscc(code[:place] + other + code[place + 1 :]).verdict != Verdict.valid


@free
@given(st.text(max_size=30))
def test_any_text_gets_a_verdict(text: str) -> None:
    found = check_uscc(text)
    assert found.code == "" or check_uscc(found.code).reason == found.reason


@pytest.mark.parametrize(
    ("country", "register", "number", "key"),
    [
        ("CN", "", CODE, f"CN:{CODE}"),
        ("cn", "SAMR", " 91110000-600037341l ", f"CN:{CODE}"),
        ("DE", "Hrb Berlin", "１２ 345-B", "DE:HRBBERLIN:12345-B"),
        ("HK", "BRN", "0000 0000", "HK:BRN:00000000"),
        ("MO", "CR", "00000", "MO:CR:00000"),
        ("TW", "UBN", "00000000", "TW:UBN:00000000"),
        ("XX", "A \u0301", "a\u00b4", "XX:\u00c1:\u00c1"),
    ],
)
def test_legal_key(country: str, register: str, number: str, key: str) -> None:
    assert legal_key(country, register, number) == key


@pytest.mark.parametrize(
    ("country", "register", "number"),
    [
        ("", "HRB", "1"),
        ("DE", " ", "1"),
        ("DE", "HRB", "\u3000"),
        ("CN", "SAMR", "-"),
        ("DE", "A:B", "1"),
        ("D:E", "B", "1"),
    ],
)
def test_legal_key_refuses_what_names_nobody(country: str, register: str, number: str) -> None:
    with pytest.raises(ValueError, match="country"):
        legal_key(country, register, number)
