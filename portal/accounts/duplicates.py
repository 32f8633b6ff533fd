"""Signs that two organisations may be one: legal key, registrable domain and normalised name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from publicsuffixlist import PublicSuffixList

MAIL_HOSTS = """
gmail.com googlemail.com qq.com foxmail.com 163.com 163.net 126.com 126.net yeah.net 188.com
sina.com sina.cn sina.com.cn sohu.com tom.com 139.com 189.cn wo.cn 21cn.com 263.net 2980.com 88.com
aliyun.com outlook.com hotmail.com hotmail.co.uk live.com live.cn msn.com
yahoo.com yahoo.cn yahoo.com.cn yahoo.com.hk yahoo.com.tw yahoo.com.sg yahoo.co.jp yahoo.co.uk
yahoo.co.in yahoo.de yahoo.fr ymail.com rocketmail.com icloud.com me.com mac.com aol.com
proton.me protonmail.com protonmail.ch pm.me tutanota.com tuta.io tuta.com fastmail.com hey.com
gmx.com gmx.de gmx.net gmx.at gmx.ch web.de t-online.de mail.com mail.ru yandex.com yandex.ru
zoho.com duck.com orange.fr free.fr laposte.net libero.it naver.com daum.net hanmail.net
rediffmail.com hinet.net pchome.com.tw netvigator.com
"""
PUBLIC_MAIL = frozenset(MAIL_HOSTS.split())
HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*://|//|mailto:)")

# Legal forms that are hardly ever part of a proper name, in any place …
ANYWHERE = """
co company ltd coltd limited inc incorporated corp corporation llc llp plc group gmbh ggmbh mbh kgaa
pte pty pvt sarl sàrl srl eurl
"""
# … and short ones that are taken off the end only: "SE Labs" and "AS Watson" keep them.
AT_THE_END = "sa sas ag se kg ug ev nv bv spa sl ab oy oyj as asa aps kk kft doo"
FORMS, LAST_FORMS = frozenset(ANYWHERE.split()), frozenset(AT_THE_END.split())
# 分公司 is a branch and no legal form, so its 公司 stays.
CHINESE_FORMS = re.compile(
    "股份有限公司|有限[责責]任公司|股份公司|有限公司|(?:特殊)?普通合伙|有限合伙|[总總]公司|集[团團]"
    "|株式会社|有限会社|合同会社|(?<!分)公司"
)
HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(f"[{HAN}]+|[^\\s{HAN}]+")
INITIALS = re.compile(r"(?<!\w)(?:[^\W\d_]\.\s*)+[^\W\d_](?!\w)")
MARKS = dict.fromkeys(map(ord, "™℠®©"))


@dataclass(frozen=True, slots=True)
class Keys:
    """By what an organisation is recognised: values of `legal_key`, `registrable_domain`, `normal_name`."""

    legal: str | None
    domains: frozenset[str]
    names: frozenset[str]


def hits(a: Keys, b: Keys) -> tuple[str, ...]:
    """Return which of `legal`, `domain` and `name` agree, in this order; an empty value agrees with none."""
    found = {
        "legal": bool(a.legal) and a.legal == b.legal,
        "domain": bool((a.domains & b.domains) - {""}),
        "name": bool((a.names & b.names) - {""}),
    }
    return tuple(key for key, agrees in found.items() if agrees)


def registrable_domain(url_or_mail: str) -> str | None:
    """Return the domain someone registered, lower case in ASCII (`xn--…`), under ICANN and private suffixes.

    None for public mail hosts, bare suffixes, addresses of machines and whatever is no host.
    """
    host = _host(url_or_mail)
    if host is None:
        return None
    domain = _suffixes().privatesuffix(host)
    return None if domain in PUBLIC_MAIL else domain


def normal_name(name: str) -> str:
    """Return a name for comparing: folded, without spaces, punctuation, symbols and legal forms.

    Brackets are opened and their content kept. A name of nothing but legal forms keeps them; one
    without letters and digits is empty. Normalising twice changes nothing.
    """
    text = name.translate(MARKS)
    # Joining the words may leave a new legal form ("L. L. C"), so go on until nothing changes.
    while (shorter := _shorter(text)) != text:
        text = shorter
    return text


def _host(url_or_mail: str) -> str | None:
    """Return the host of a URL, a mail address or a bare host, as lower-case ASCII labels; None if it is none."""
    text = _fold(url_or_mail).strip().rstrip(">").replace("。", ".")
    text = SCHEME.sub("", text.rpartition("<")[2], count=1)
    authority = re.split(r"[/\\?#]", text, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", authority).removesuffix(".")
    labels = [label if label.isascii() else _ascii(label) for label in host.split(".")]
    if labels[-1].isdigit() or len(".".join(labels)) > 253:
        return None
    return ".".join(labels) if all(HOST_LABEL.fullmatch(label) for label in labels) else None


def _ascii(label: str) -> str:
    """Return a Unicode label in its `xn--` form, or an empty one if it holds more than letters and digits."""
    if not all(_kept(c) or c == "-" for c in label):
        return ""
    # The standard library's IDNA codec is of 2003 and would turn ß into ss, another domain.
    return "xn--" + label.encode("punycode").decode("ascii")


@cache
def _suffixes() -> PublicSuffixList:
    """Return the bundled list, read once."""
    return PublicSuffixList()


def _shorter(name: str) -> str:
    """Return the name joined without its legal forms, or joined with them if nothing else is left."""
    text = INITIALS.sub(lambda found: re.sub(r"[.\s]", "", found[0]), _fold(name, case=str.casefold))
    words = WORD.findall("".join(c if _kept(c) else " " for c in text))
    own = [word for word in words if word not in FORMS]
    while len(own) > 1 and own[-1] in LAST_FORMS:
        own.pop()
    return CHINESE_FORMS.sub("", "".join(own)) or "".join(words)


def _fold(text: str, case: Callable[[str], str] = str.lower) -> str:
    """Return the text by NFKC in one case, without invisible characters."""
    folded = unicodedata.normalize("NFKC", case(unicodedata.normalize("NFKC", text)))
    return "".join(c for c in folded if unicodedata.category(c) != "Cf")


def _kept(char: str) -> bool:
    """Whether a character is a letter, a digit or a mark that belongs to one."""
    return unicodedata.category(char)[0] in "LMN"
