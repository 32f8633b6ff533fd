"""Registrable domains, normalised names and which keys of two organisations agree (members.md §2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.accounts.duplicates import PUBLIC_MAIL, Keys, hits, normal_name, registrable_domain

free = settings(deadline=None)
PIECES = [
    "L",
    "l.",
    "C",
    "Co",
    ".",
    ", ",
    " ",
    "In",
    "c",
    "Ltd",
    "S.A",
    "sa",
    "ag",
    "有限",
    "公司",
    "集团",
    "分",
    "华",
]
names = st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
few = st.frozensets(st.sampled_from(["", "a", "b", "c"]), max_size=3)
keys = st.builds(Keys, legal=st.sampled_from([None, "", "CN:1", "CN:2"]), domains=few, names=few)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("cloud.tencent.com", "tencent.com"),
        ("https://cloud.tencent.com:8443/product?x=1#y", "tencent.com"),
        ("www.ict.ac.cn", "ict.ac.cn"),
        ("ia.ac.cn", "ia.ac.cn"),
        ("somebody@mail.Example.COM", "example.com"),
        ("mailto:somebody@example.com?subject=x", "example.com"),
        ("Somebody <somebody@example.com>", "example.com"),
        ("https://user:secret@www.example.co.uk", "example.co.uk"),
        ("//www.example.com.cn/", "example.com.cn"),
        ("example.com/@somebody", "example.com"),
        ("https://web.archive.org/web/http://other.example.com", "archive.org"),
        (" www。example。com. ", "example.com"),
        ("ｗｗｗ．ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("project.github.io", "project.github.io"),
        ("a.project.github.io", "project.github.io"),
        ("https://www.例子.中国/", "xn--fsqu00a.xn--fiqs8s"),
        ("somebody@XN--FSQU00A.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("www.例子.公司.cn", "xn--fsqu00a.xn--55qx5d.cn"),
        ("straße.de", "xn--strae-oqa.de"),
    ],
)
def test_registrable_domain(text: str, domain: str) -> None:
    assert registrable_domain(text) == domain
    assert registrable_domain(domain) == domain


@pytest.mark.parametrize("host", sorted(PUBLIC_MAIL))
def test_public_mail_hosts_tell_nothing(host: str) -> None:
    assert registrable_domain(f"somebody@{host}") is None
    assert registrable_domain(f"https://www.{host}/") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "com",
        "ac.cn",
        "公司.cn",
        "github.io",
        "localhost",
        "http://192.0.2.1/",
        "[2001:db8::1]",
        "http://[2001:db8::1]:80/",
        "a..com",
        "not a host.com",
        "例！子.com",
        "-a.com",
        "a" * 64 + ".com",
        "somebody@",
        "https://",
    ],
)
def test_no_registrable_domain(text: str) -> None:
    assert registrable_domain(text) is None


@free
@given(st.text(max_size=40) | st.lists(st.text(max_size=5), max_size=5).map(".".join))
def test_a_registrable_domain_is_its_own(text: str) -> None:
    domain = registrable_domain(text)
    assert domain is None or (domain.isascii() and registrable_domain(domain) == domain)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("示例（北京）科技有限公司", "示例北京科技"),
        ("示例北京科技股份有限公司", "示例北京科技"),
        ("示例 科技 有限责任公司", "示例科技"),
        ("示例科技集团有限公司", "示例科技"),
        ("示例科技(集团)股份有限公司", "示例科技"),
        ("示例電子集團公司", "示例電子"),
        ("示例电子公司", "示例电子"),
        ("示例科技有限公司北京分公司", "示例科技北京分公司"),
        ("Example (Beijing) Technology Co., Ltd.", "examplebeijingtechnology"),
        ("EXAMPLE BEIJING TECHNOLOGY CO.,LTD", "examplebeijingtechnology"),
        ("Example Technology Company Limited (Beijing)", "exampletechnologybeijing"),
        ("Ｅｘａｍｐｌｅ，Ｉｎｃ．", "example"),
        ("Example™ L.L.C.", "example"),
        ("Example l. l. c", "example"),
        ("Example GmbH & Co. KG", "example"),
        ("Example Corporation", "example"),
        ("Example Group PLC", "example"),
        ("Example S.A.", "example"),
        ("Example S.p.A.", "example"),
        ("Example Pte. Ltd.", "example"),
        ("Incorporated Ideas Inc.", "ideas"),
        ("示例Inc", "示例"),
        ("SE Example", "seexample"),
        ("Straße & Söhne AG", "strassesöhne"),
        ("Example.js Foundation", "examplejsfoundation"),
        ("Limited", "limited"),
        ("有限公司", "有限公司"),
        (" — ", ""),
        ("", ""),
    ],
)
def test_normal_name(name: str, normal: str) -> None:
    assert normal_name(name) == normal


@free
@given(names)
def test_normalising_a_name_twice_changes_nothing(name: str) -> None:
    once = normal_name(name)
    assert normal_name(once) == once


@free
@given(names)
def test_a_name_with_a_letter_or_digit_is_never_empty(name: str) -> None:
    assert normal_name("7" + name) != ""


def test_hits_in_a_fixed_order() -> None:
    first = Keys("CN:1", frozenset({"example.com"}), frozenset({"example", "old"}))
    same = Keys("CN:1", frozenset({"example.com", "example.org"}), frozenset({"old"}))
    other = Keys("CN:2", frozenset({"example.com"}), frozenset({"new"}))
    assert hits(first, same) == ("legal", "domain", "name")
    assert hits(first, other) == ("domain",)
    assert hits(first, Keys("CN:3", frozenset(), frozenset({"example"}))) == ("name",)
    assert hits(other, Keys("CN:3", frozenset({"example.org"}), frozenset())) == ()


def test_empty_keys_agree_with_nothing() -> None:
    for legal in (None, ""):
        nobody = Keys(legal, frozenset({""}), frozenset({""}))
        assert hits(nobody, nobody) == ()


@free
@given(keys, keys)
def test_hits_are_symmetric(a: Keys, b: Keys) -> None:
    assert hits(a, b) == hits(b, a)
