"""The published document is right, and a real server keeps to it under schemathesis."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from sqlalchemy import select

from portal.accounts import tokens
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.scopes import Scope
from portal.billing import crediting
from portal.billing.models import Invoice
from portal.billing.months import first_of
from portal.billing.note_models import NoteKind
from portal.core import clock, files, signing
from portal.core.api import Answer, Body
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.core.periods import nth
from portal.core.signing import KeyUse
from portal.members import claiming, drafting, landscape, terms
from portal.members.models import Application
from portal.services.statements import reporting, sellers, settling
from portal.services.support import asking
from portal.services.support.clocks import Severity
from tests import job_world, perks, road
from tests.conftest import KEY, build
from tests.contract_exams import BOOKED, exams
from tests.people import make_org, make_person, post
from tests.ports import free_port
from tests.test_processes import answers, until

OWNER = "chen@galaxy-chips.example"
ROOT = Path(__file__).resolve().parents[1]
# Those of licences have a run of their own: tests/test_licence_contract.py.
READY, OPERATIONS, OTHERS = 12, 80, 35
CHANGING = {"PATCH /api/v1/applications/{uid}", "POST /api/v1/applications/{uid}/submission"}
PROFILE = {"GET /api/v1/organisations/{uid}", "PATCH /api/v1/organisations/{uid}"}
BOUGHT = {
    "POST /api/v1/fapiao", "GET /api/v1/fapiao/{uid}", "POST /api/v1/fapiao/{uid}/withdrawal",
    "GET /api/v1/quotes/{uid}", "POST /api/v1/quotes/{uid}/acceptance",
    "GET /api/v1/subscriptions/{uid}", "POST /api/v1/subscriptions/{uid}/quotes",
}  # fmt: skip
CLAIMS = {
    "POST /api/v1/claims", "GET /api/v1/claims/{uid}", "POST /api/v1/claims/{uid}/withdrawal",
}  # fmt: skip
# A change is read by the link from its request alone, and links are followed for the person only.
LINKED = {"GET /api/v1/tier-changes/{uid}"}
CONSENTS = {"GET /api/v1/consents", "POST /api/v1/consents"}
MEMBERSHIP = {"GET /api/v1/organisations/{uid}/membership", "GET /api/v1/organisations/{uid}/renewal"}
# Whoever reports no sales has no statement.
SALES = {
    "GET /api/v1/statements/{uid}",
    *(f"POST /api/v1/statements/{{uid}}/{deed}" for deed in ("report", "confirmation", "dispute")),
}
# Nobody here was sent a quote or has a project, and an order names an offer by its code.
SERVICES = {
    "GET /api/v1/service-quotes/{uid}", "POST /api/v1/service-quotes/{uid}/acceptance",
    "POST /api/v1/service-quotes/{uid}/refusal", "POST /api/v1/orders", "GET /api/v1/engagements/{uid}",
    *(f"POST /api/v1/engagements/{{uid}}/milestones/{{milestone}}/{verb}" for verb in ("acceptance", "refusal")),
}  # fmt: skip
# A person follows the links from a post; others send and hold none: tests/test_jobs_people_ledger.py goes through these.
APPLYING = {
    "GET /api/v1/job-applications/{uid}", "POST /api/v1/job-applications",
    *(f"POST /api/v1/job-applications/{{uid}}/{deed}" for deed in ("withdrawal", "steps")),
}  # fmt: skip
# What a kind of owner has no rows for: the organisation's one application is approved, it bought nothing by the month and
# is nobody who consents or books; staff have none of their own.
NEVER: dict[str, set[str]] = {
    "person": set(), "organisation": APPLYING | SERVICES | CHANGING | BOUGHT | CONSENTS | LINKED | BOOKED,
    "staff": APPLYING | SERVICES | CHANGING | PROFILE | BOUGHT | CLAIMS | MEMBERSHIP | LINKED | BOOKED | SALES,
}  # fmt: skip
LANDSCAPE = (
    "landscape: [{name: Members, subcategories: [{name: Gold, items: [{name: A}, {name: B}, {name: C}]}]}]"
)


def test_the_document_is_openapi_and_names_a_problem_for_every_refusal(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    listed = {(path, method) for path, methods in document["paths"].items() for method in methods}
    served = {
        (re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api_")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert listed == served
    for methods in document["paths"].values():
        for operation in methods.values():
            refusals = {code: one for code, one in operation["responses"].items() if int(code) >= 400}
            assert {"404", "422", "429"} <= set(refusals)
            assert all(list(one["content"]) == ["application/problem+json"] for one in refusals.values())


def heirs(kind: type[BaseModel]) -> list[type[BaseModel]]:
    return [one for heir in kind.__subclasses__() for one in (heir, *heirs(heir))]


def test_no_two_shapes_share_a_name(app: Flask) -> None:
    """The document keeps one shape per name: of two, the second would silently stand for the first."""
    assert app.extensions
    found: dict[str, set[str]] = {}
    for one in [*heirs(Answer), *heirs(Body)]:
        for name, shape in one.model_json_schema().get("$defs", {}).items():
            found.setdefault(name, set()).add(json.dumps(shape, sort_keys=True))
    assert len(found) > 20
    assert [name for name, shapes in found.items() if len(shapes) > 1] == []


def ready(person: Person, n: int, scan: files.Content) -> Application:
    """Return a draft of a new company that lacks nothing."""
    org = make_org(f"Ready {n}", (person, ContactRole.OWNER))
    row = drafting.start(org, by=person, tier="silver", language="en")
    answers = {key: value for page in road.ANSWERS.values() for key, value in page.items()}
    own = {"legal_name": f"Ready {n}", "country": "US", "registration": f"R-{n}", "tier": "silver"}
    drafting.save(row, {**answers, **own, "category": "software"}, by=person)
    drafting.attach(row, "licence", scan, "licence.png", by=person)
    return row


def world(app: Flask) -> dict[str, Any]:
    """Fill the database so that every operation has rows to answer with; return a token per kind of owner."""
    house, chen = road.staff(app), road.company(app)
    billed = road.apply(chen)
    road.review(house, billed)
    assert post(house["dai"], road.case(billed, "approval")).status_code == 303
    with app.app_context():
        scan = files.put(road.picture(), "image/png")
    with app.app_context(), transaction():
        landscape.bring_in(LANDSCAPE)
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        person = db.session.scalars(select(Person).where(Person.email == OWNER)).one()
        galaxy = db.session.scalars(select(Organisation).where(Organisation.legal_key.is_not(None))).one()
        drafts = [ready(person, n, scan) for n in range(READY)]
        ada = make_person("ada@house.example", "Ada", staff=tuple(StaffRole))
        gus = make_person("gus@house.example", "Gus", staff=(StaffRole.FINANCE,))
        bill = db.session.scalars(select(Invoice)).one()
        nets = {bill.lines[0].id: Money(100)}
        note = crediting.propose_note(bill, NoteKind.PRICE_ADJUSTMENT, by=ada, reason="less", nets=nets)
        crediting.issue_note(note, by=gus)
        perks.define("many", tiers={"platinum": 90_000}, start=clock.today())
        member = terms.found_membership(galaxy)
        perks.open_term(member, "platinum", clock.today())
        grant = perks.grant(member, "many")
        for _ in range(READY):
            claiming.claim(grant, 1, by=person)
        for asker, org in ((person, galaxy), (person, galaxy), (ada, None)):
            asking.open_ticket(by=asker, org=org, title="It stops", body="It stops.", severity=Severity.S3)
        job_world.rows(galaxy, person, scan)
        scopes = [scope for scope in Scope if scope is not Scope.METRICS]
        return {
            "ready": [row.uid for row in drafts],
            "benefits": [grant.uid],
            "exams": {**exams(person, ada), **sales(galaxy, person, ada)},
            "tokens": {
                "person": tokens.give("person", scopes, 30, by=person)[1],
                "organisation": tokens.give("organisation", scopes, 30, org=galaxy, by=person)[1],
                "staff": tokens.give("staff", scopes, 30, by=ada)[1],
            },
        }


def sales(org: Organisation, seller: Person, staff: Person) -> dict[str, list[str]]:
    """Let a member report compute: return the ids of what is to be told, to be confirmed and to be disputed."""
    month = first_of(clock.today())
    row = sellers.begin(org, since=nth(month, 1, -3 * READY), contract="C-1", by=staff)
    found: dict[str, list[str]] = {"told": [], "confirmed": [], "disputed": []}
    for n in range(3 * READY):
        statement = sellers.expect(row, nth(month, 1, n - 3 * READY))
        assert statement is not None
        kind = list(found)[n % 3]
        if kind != "told":
            reporting.report(statement, [], by=seller, nothing=True)
            settling.send(statement, by=staff)
        found[kind].append(statement.uid)
    return found


@pytest.fixture(scope="module")
def server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A real server process on a database with a world in it: its API's address, and the world."""
    home = tmp_path_factory.mktemp("contract")
    file = home / "portal.sqlite3"
    shutil.copy(sqlite_template, file)
    app = build(home, f"sqlite:///{file}")
    found = world(app)
    with app.app_context():
        db.engine.dispose()
    port = free_port()
    env = {**os.environ, "PORTAL_HOME": str(home), "PORTAL_SECRET_KEY": KEY}
    env["PORTAL_LIMITS"] = (
        "licence-unknown=100000/minute,licence-token=100000/minute"  # no token is the key of a licence
    )
    env.pop("PORTAL_DATABASE_URL", None)
    web = subprocess.Popen([sys.executable, "-m", "portal.cli", "web", "--port", str(port)], env=env)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the portal answers")
        yield f"http://127.0.0.1:{port}/api/v1", found
    finally:
        web.terminate()
        web.wait(30)


def ids(api: str, token: str) -> dict[str, list[str]]:
    """Return the ids of every list as the token sees them."""
    found = {}
    for kind in (
        "members",
        "organisations",
        "applications",
        "invoices",
        "credit-notes",
        "claims",
        "sessions",
        "bookings",
        "tickets",
        "statements",
        "jobs",
    ):
        asked = urllib.request.Request(f"{api}/{kind}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            found[kind] = [one["id"] for one in json.load(answer)["items"]]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["person", "organisation", "staff"])
def test_schemathesis_finds_nothing(server: tuple[str, dict[str, Any]], tmp_path: Path, kind: str) -> None:
    api, found = server
    token, seen = found["tokens"][kind], tmp_path / "seen"
    known = ids(api, token)
    (tmp_path / "world").write_text(
        json.dumps(
            {
                **known,
                **found["exams"],
                **{name: found["exams"][name][kind == "person" :: 2] for name in ("confirmed", "disputed")},
                "benefits": found["benefits"],
                "ready": found["ready"][1:],
                "drafts": found["ready"][:1],
                "api": api,
                "token": token,
            }
        )
    )
    words = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{api}/openapi.json",
        "-c",
        "all",
        "--seed",
        "7",
    ]
    words += [
        "--exclude-path-regex",
        "/licences",
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
        "-H",
        f"Authorization: Bearer {token}",
    ]
    words += [] if kind == "person" else ["--phases", "fuzzing"]
    words += ["--max-examples", "6" if kind == "person" else "3"]
    env = {
        **os.environ, "SCHEMATHESIS_HOOKS": "tests.contract_hooks", "CONTRACT_WORLD": str(tmp_path / "world"),
        "CONTRACT_SEEN": str(seen), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    run = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert run.returncode == 0, run.stdout[-6000:]
    answered: dict[str, set[int]] = defaultdict(set)
    for line in seen.read_text("utf-8").splitlines():
        label, status = json.loads(line)
        answered[label].add(status // 100)
    assert f"{OPERATIONS} selected / {OPERATIONS + OTHERS} total" in run.stdout
    assert len(answered) == OPERATIONS
    never = {label for label, found in answered.items() if 2 not in found}
    assert never == NEVER[kind]
