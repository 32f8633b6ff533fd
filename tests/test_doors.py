"""Every door, proved: who gets in, whose rows stay hidden, what is refused without a token, what each answer carries."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from portal.accounts.access import HALF_WAY
from portal.accounts.may import CONTACT, STAFF, ContactRole, StaffRole
from portal.core.db import db
from portal.core.problems import for_programs
from portal.core.shield import LIMITS
from portal.core.web import ACCESS, PUBLIC, SIGNED_IN, View
from tests.conftest import _admin, build
from tests.kept import Kept
from tests.people import browser, make_person
from tests.world import (
    BODY,
    KNOWN,
    MISSING,
    NOBODY,
    OMNI,
    OPEN,
    OUTSIDER,
    SECRET_NAME,
    World,
    address,
    dump,
    kind,
    methods,
    missing_rows,
    rules,
)
from tests.world import build as build_world

ROOT = Path(__file__).resolve().parents[1]
POLICY = re.compile(
    r"default-src 'none'; script-src 'nonce-[\w-]{24}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    r"connect-src 'self'; form-action 'self'(?: https://checkout\.stripe\.com)?; object-src 'none'; "
    r"base-uri 'none'; frame-ancestors 'none'"
)
FILE_POLICY = "sandbox; default-src 'none'"
PROGRAM_POLICY = "default-src 'none'; frame-ancestors 'none'"
WIDE = ", ".join(
    f"{what}=100000/minute" for what in (*LIMITS, "verify-all")
)  # a walk asks more in a minute than an office does


# What is refused before any row is looked for is refused on one database as on the other; `make proofs` tries both.
ANY_DATABASE = pytest.mark.parametrize(
    "world", ["sqlite", "postgresql"] if os.environ.get("PROOFS") else ["sqlite"], indirect=True
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world on each database, built once: the walks leave it as it was."""
    home = tmp_path_factory.mktemp("world")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), home / "portal.sqlite3")
        app = build(home, f"sqlite:///{home / 'portal.sqlite3'}", PORTAL_LIMITS=WIDE)
        yield build_world(app)
        with app.app_context():
            db.engine.dispose()
        return
    server, template = (
        request.getfixturevalue("postgres_server"),
        request.getfixturevalue("postgres_template"),
    )
    own = Kept(server, template, _admin)
    app = build(home, own.take(), PORTAL_LIMITS=WIDE)
    yield build_world(app)
    with app.app_context():
        db.engine.dispose()
    own.drop()


def everything(world: World) -> bool:
    """Whether a walk goes with every role: on the embedded database always, on the other in `make proofs`."""
    return bool(os.environ.get("PROOFS")) or world.app.extensions["settings"].sqlite


def permissions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("permissions", ROOT / "tools" / "permissions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(role: StaffRole | ContactRole) -> str:
    return f"staff {role.value}" if isinstance(role, StaffRole) else role.value


def may_enter(access: object, role: StaffRole | ContactRole | None, *, inside: bool) -> bool:
    """What the table and the declaration say; an access nobody here knows (a token's) opens to no cookie."""
    if access == PUBLIC:
        return True
    if access in (SIGNED_IN, HALF_WAY):
        return inside
    if not isinstance(access, frozenset) or role is None:
        return False
    return bool(access & (STAFF[role] if isinstance(role, StaffRole) else CONTACT[role]))


People = dict[str, tuple[StaffRole | ContactRole | None, bool]]


def at_the_door(people: People, access: object, n: int) -> People:
    """Return who tries the n-th door: nobody, an outsider, and in turn some who may and some who may not.

    At the first door of each kind of lock, and in `make proofs` at every door, everybody tries.
    """
    if os.environ.get("PROOFS"):
        return people
    roles = list(people)[2:]
    turned = roles[n % len(roles) :] + roles[: n % len(roles)]
    welcome = [who for who in turned if may_enter(access, people[who][0], inside=True)]
    others = [who for who in turned if who not in welcome]
    return {who: people[who] for who in (NOBODY, OUTSIDER, *welcome[:2], *others[:2])}


@ANY_DATABASE
def test_each_door_opens_and_refuses_as_the_table_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind each real lock a view that only says that it was reached: the walk changes nothing."""

    def behind(view: View) -> Callable[..., str]:
        def reached(**_values: Any) -> str:
            return "reached"

        reached.__dict__.update(view.__dict__)
        reached.__annotations__.clear()  # they would be read with the names of the view's own module
        return reached

    for who in world.browsers:
        world.token(who)
    monkeypatch.setattr("portal.core.web.error_page", bare)
    for name, view in list(world.app.view_functions.items()):
        monkeypatch.setitem(world.app.view_functions, name, behind(view))
    people: People = {
        NOBODY: (None, False),
        OUTSIDER: (None, True),
        **{named(role): (role, True) for role in (*StaffRole, *ContactRole)},
    }
    wrong, walked, met = [], 0, set[object]()
    for n, rule in enumerate(rules(world.app)):
        access = getattr(world.app.view_functions[rule.endpoint], ACCESS, None)
        assert access is not None, f"{rule.endpoint} does not say who may enter"
        path = address(world.app, rule, world.rows)
        some = at_the_door(people, access, n) if access in met else people
        met.add(access)
        for method in methods(rule):
            for who, (role, inside) in some.items():
                answer = world.ask(who, method, path)
                got_in = answer.status_code == 200 and answer.text == "reached"
                walked += 1
                if got_in != may_enter(access, role, inside=inside):
                    wrong.append((method, path, who, answer.status_code))
                if not got_in and answer.status_code not in ({303, 401} if not inside else {303, 401, 403}):
                    wrong.append((method, path, who, answer.status_code))
    assert wrong == []
    assert walked > 2000


def test_the_list_of_permissions_is_what_the_code_says(app: Flask) -> None:
    tool = permissions()
    assert tool.FILE.read_text("utf-8") == tool.page(app), "run `python tools/permissions.py`"


def test_every_parameter_of_an_address_is_known(app: Flask) -> None:
    unknown = []
    for rule in rules(app):
        for name in rule.arguments:
            try:
                kind(rule, name)
            except KeyError:
                unknown.append((rule.endpoint, name))
    assert unknown == [], "say in tests/world.py what kind of row stands there, and build one"
    used = {(r.endpoint, n) for r in rules(app) for n in r.arguments}
    used |= {(e.rsplit(".", 1)[0], n) for e, n in used}
    assert set(KNOWN) - used == set()


def guarded(app: Flask) -> list[Rule]:
    """Return the rules with a row behind a role."""
    return [
        rule
        for rule in rules(app)
        if rule.endpoint not in OPEN
        and any(not kind(rule, name).startswith("word:") for name in rule.arguments)
    ]


def bare(status: int, title: str, text: str) -> tuple[str, int]:
    """Stand in for the page of an error: its words, without the frame."""
    return f"{status} {title} {text}", status


def test_another_organisations_rows_are_as_if_they_were_not_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for who in world.browsers:
        world.token(who)
    monkeypatch.setattr("portal.core.web.error_page", bare)
    before = dump(world.app)
    wrong = []
    strangers = [*(role.value for role in ContactRole), OUTSIDER]
    for rule in guarded(world.app):
        pairs = [(address(world.app, rule, world.rows), address(world.app, rule, missing_rows()))]
        if "file" in {
            kind(rule, name) for name in rule.arguments
        }:  # a foreign paper below a case of one's own
            own = {"application": world.own["application"]}
            pairs.append(
                (address(world.app, rule, world.rows, **own), address(world.app, rule, missing_rows(), **own))
            )
        access = getattr(world.app.view_functions[rule.endpoint], ACCESS, None)
        for who in strangers:
            if not may_enter(access, ContactRole(who) if who != OUTSIDER else None, inside=True):
                continue  # the lock refuses before a row is looked for: see the walk above
            for method in methods(rule):
                for path, nothing in pairs:
                    answer, missing = world.ask(who, method, path), world.ask(who, method, nothing)
                    if answer.status_code != 404 or answer.text != missing.text:
                        wrong.append((method, path, who, answer.status_code))
    assert wrong == []
    assert dump(world.app) == before


def test_nothing_of_another_organisation_is_on_any_page(world: World) -> None:
    """Lists, searches, counts, exports and data for programs, as each role of another company and as nobody."""
    marks = [SECRET_NAME, "短尾矮袋鼠", "chen@galaxy-chips.example", "bill@quokka.example"]
    marks += [
        world.rows[what]
        for what in (
            "application",
            "agreement",
            "organisation",
            "invoice",
            "contact",
            "invitation",
            "attempt",
        )
    ]
    found = []
    lists = [rule for rule in rules(world.app) if not rule.arguments and "GET" in methods(rule)]
    roles = ContactRole if everything(world) else (ContactRole.OWNER,)  # who may see most
    people: People = {
        **{role.value: (role, True) for role in roles},
        OUTSIDER: (None, True),
        NOBODY: (None, False),
    }
    for rule in lists:
        if rule.endpoint == "accounts.mailbox":  # the open mailbox of demo and development shows every mail
            continue
        access = getattr(world.app.view_functions[rule.endpoint], ACCESS, None)
        for who, (role, inside) in people.items():
            if not may_enter(access, role, inside=inside):
                continue  # the lock refuses before a row is looked for
            for query in ("", "?q=Quokka&state=all"):
                answer = world.browsers[who].get(rule.rule + query)
                text = answer.data.decode("utf-8", "replace").replace('value="Quokka"', "")  # pictures, too
                found += [(rule.rule + query, who, mark) for mark in marks if mark in text]
    assert found == []


def test_the_switcher_and_mail_links_lead_into_no_other_organisation(world: World) -> None:
    before = dump(world.app)
    for who in (ContactRole.OWNER.value, OUTSIDER):
        client = world.browsers[who]
        data = {"csrf_token": world.token(who), "organisation": world.rows["organisation"]}
        assert client.post("/switch", data=data).status_code == 404
        with client.session_transaction() as state:
            state["org"] = 1
        assert SECRET_NAME not in client.get("/home").text
        assert SECRET_NAME not in client.get("/people").text
    assert dump(world.app) == before


def unsafe(app: Flask) -> list[tuple[Rule, str]]:
    return [(rule, method) for rule in rules(app) for method in methods(rule) if method != "GET"]


def by_token(rule: Rule) -> bool:
    """Whether programs come in here with a token in a header, and cookies count for nothing."""
    return rule.rule.startswith("/api/")


@ANY_DATABASE
def test_no_change_without_the_forms_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.core.web.error_page", bare)
    before = dump(world.app)
    wrong = []
    for rule, method in unsafe(world.app):
        path = address(world.app, rule, world.rows)
        answer = world.browsers[OMNI].open(path, method=method, data=BODY)
        if by_token(rule):
            fine = answer.status_code in {401, 403, 415, 422, 400}
        else:
            fine = answer.status_code == 400
        if not fine:
            wrong.append((method, path, answer.status_code))
    assert wrong == []
    assert dump(world.app) == before


@ANY_DATABASE
def test_no_change_that_another_site_asks_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.token(OMNI)
    monkeypatch.setattr("portal.core.web.error_page", bare)
    before = dump(world.app)
    wrong = []
    foreign = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]
    for rule, method in unsafe(world.app):
        path = address(world.app, rule, world.rows)
        for headers in foreign:
            answer = world.ask(OMNI, method, path, headers=headers)
            if answer.status_code not in ({401, 403, 415} if by_token(rule) else {403}):
                wrong.append((method, path, headers, answer.status_code))
    assert wrong == []
    assert dump(world.app) == before
    token = world.token(OMNI)
    own = world.browsers[OMNI].post(
        "/language",
        data={"csrf_token": token, "language": "en"},
        headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    )
    assert own.status_code == 303


def test_only_doors_for_programs_go_without_a_token(app: Flask) -> None:
    exempt = {name for name in app.extensions["csrf"]._exempt_views if not name.startswith("portal.api")}
    # The provider signs what it sends; a mail program ends mails by their link and the words of RFC 8058.
    assert exempt == {
        "portal.billing.pay.webhook", "portal.reports.closed.mailing_views.one_click",
        "portal.jobs.saved_views.one_click",
    }  # fmt: skip
    assert {
        bp.name for bp in app.extensions["csrf"]._exempt_blueprints if not bp.name.startswith("api")
    } == set()


def look_at(world: World, looking: list[Rule], seen: dict[int, int]) -> list[tuple[str, str, int, str]]:
    """Open pages as somebody with every role, an outsider and nobody; return what was wrong with the answers."""
    wrong: list[tuple[str, str, int, str]] = []
    for rule in looking:
        for who in (OMNI, OUTSIDER, NOBODY):
            path = address(world.app, rule, world.rows)
            answer = world.browsers[who].get(path, buffered=True)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            wrong += [(path, who, answer.status_code, what) for what in lacking(answer)]
            private = who != NOBODY and not rule.endpoint.startswith("static") and not for_programs(path)
            if private and answer.headers.get("Cache-Control") != "no-store":
                wrong.append((path, who, answer.status_code, "no-store"))
            if answer.status_code >= 500:
                wrong.append((path, who, answer.status_code, "bug"))
    return wrong


def test_looking_writes_nothing_and_every_answer_carries_the_headers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.core.web.error_page", bare)  # errors of each kind come with their page below
    # Whoever looks at a candidate leaves a look, which the candidate reads: it is the one trace of a page.
    before = {**dump(world.app), "job_look": ""}
    looking = [rule for rule in rules(world.app) if "GET" in methods(rule)]
    # A list taken away as a file leaves a trace on the audit chain, as is its duty: those come last.
    exports = [rule for rule in looking if rule.rule.endswith("/file")]
    seen: dict[int, int] = {}
    wrong = look_at(world, [rule for rule in looking if rule not in exports], seen)
    assert {**dump(world.app), "job_look": ""} == before
    wrong += look_at(world, exports, seen)
    assert wrong == []
    assert {200, 303, 403, 404} <= set(seen)


def lacking(answer: Any) -> list[str]:
    """Return which headers an answer lacks."""
    policy = answer.headers.get("Content-Security-Policy", "")
    wanted = {
        "policy": bool(POLICY.fullmatch(policy))
        or policy == FILE_POLICY
        or (policy == PROGRAM_POLICY and for_programs(answer.request.path)),
        "attachment": policy != FILE_POLICY or "filename" in answer.headers.get("Content-Disposition", ""),
        "nosniff": answer.headers.get("X-Content-Type-Options") == "nosniff",
        "referrer": answer.headers.get("Referrer-Policy") == "same-origin",
        "opener": answer.headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "number": bool(answer.headers.get("X-Request-ID")),
        "cors": answer.headers.get("Access-Control-Allow-Origin") in {None, "*"},
    }
    return [name for name, good in wanted.items() if not good]


def test_errors_of_each_kind_carry_the_headers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = world.browsers[OMNI]

    def broken(**_values: Any) -> str:
        raise RuntimeError("planted")

    broken.__dict__.update(world.app.view_functions["public.tiers"].__dict__)
    monkeypatch.setitem(world.app.view_functions, "public.tiers", broken)
    asked = {
        400: client.post("/language", data={}),
        401: world.browsers[NOBODY].post("/switch", data={"csrf_token": world.token(NOBODY)}),
        403: world.browsers[OUTSIDER].get("/office/"),
        404: client.get("/nothing"),
        405: client.open("/", method="TRACE"),
        413: client.post("/language", data={"csrf_token": "x" * (13 * 1024 * 1024)}),
        500: client.get("/tiers"),
        200: client.get("/static/portal.css"),
        304: client.get(
            "/static/portal.css", headers={"If-None-Match": client.get("/static/portal.css").headers["ETag"]}
        ),
    }
    assert {wanted: (answer.status_code, lacking(answer)) for wanted, answer in asked.items()} == {
        wanted: (wanted, []) for wanted in asked
    }
    assert "planted" not in asked[500].text
    assert "Traceback" not in asked[500].text


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "DEBUG"])
def test_odd_methods_are_refused(client: Any, method: str) -> None:
    assert client.open("/", method=method).status_code == 405


def test_over_https_the_cookie_is_bound_to_the_host_and_the_browser_keeps_to_https(
    app: Flask, tmp_path: Path
) -> None:
    made = build(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"], PORTAL_PUBLIC_URL="https://portal.example")
    client = made.test_client()
    answer = client.get("/sign-in", base_url="https://portal.example")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal=")
    assert all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"))
    assert "Domain" not in cookie
    with made.app_context():
        db.engine.dispose()


def test_the_plain_cookie_serves_plain_loopback_alone(client: Any) -> None:
    cookie = client.get("/sign-in").headers["Set-Cookie"]
    assert cookie.startswith("portal=")
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie


def test_a_host_that_is_not_on_the_list_is_refused(app: Flask) -> None:
    client = app.test_client()
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]", "a b", "x:y:z"):
        assert client.get("/", headers={"Host": host}).status_code == 400, host
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST"):
        assert client.get("/", headers={"Host": host}).status_code == 200, host
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_addresses_that_name_nothing_are_missing_and_never_a_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.token(OMNI)
    monkeypatch.setattr("portal.core.web.error_page", bare)
    odd = ["0", "-1", "9" * 30, "%00", "%FF%FE", "a" * 3000, "..%2f..%2fetc", "%E2%80%AE", "１２"]
    wrong = []
    for rule in rules(world.app):
        for value in odd if rule.arguments else []:
            path = re.sub(r"<[^>]+>", value, rule.rule)
            for method in methods(rule):
                status = world.ask(OMNI, method, path).status_code
                if status >= 500:
                    wrong.append((method, path[:60], status))
    assert wrong == []
    assert MISSING


def test_no_route_lets_staff_come_in_as_somebody_else(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.core.web.error_page", bare)
    with app.app_context(), db.session.begin():
        pass
    names = " ".join(rule.endpoint + rule.rule for rule in rules(app))
    assert not re.search(r"impersonat|sudo|masquerad|sign-in-as|become", names)
    from portal.core.db import transaction

    with app.app_context(), transaction():
        make_person("admin@house.example", "Ada", staff=tuple(StaffRole))
        target = make_person("chen@chips.example", "Chen").uid
    client = browser(app, "admin@house.example")
    page = client.get("/account").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    for rule, method in unsafe(app):
        if rule.endpoint == "accounts.sign_out":
            continue
        path = address(app, rule, {**missing_rows(), "person": target})
        client.open(path, method=method, data={"csrf_token": token.group(1), "person": target, "uid": target})
        with app.app_context():
            from portal.accounts.people import Person, UserSession

            opened = (
                db.session.query(UserSession)
                .join(Person)
                .filter(Person.email == "chen@chips.example")
                .count()
            )
        assert opened == 0, path
