"""Two entries of one organisation become one (members.md 2): dry run, ledger, signpost, undo while untouched, and refusals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts import contacts, merging
from portal.accounts.may import ContactRole
from portal.accounts.merge_models import MergeMove
from portal.accounts.organisations import Contact, FormerName, Organisation
from portal.billing.access import of_orgs
from portal.billing.models import Invoice, Party
from portal.billing.verify import verify_books
from portal.core import chores, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import (
    credit_terms,
    deeds,
    landscape,
    leaving,
    names,
    renewal_queries,
    reports,
    terms,
    wall,
)
from portal.members.belonging import Grant, Membership, Term, TermKind
from portal.members.deed_models import DeedVerb
from portal.members.models import Application, Kind
from portal.members.renewal_models import CreditTerms, LateMoney, LateState
from portal.members.standing import Standing
from portal.members.verify import verify_deeds
from tests import membership as m

D, S = DeedVerb, Standing
DAY = date(2026, 7, 1)
LISTED = """landscape:
  - name: Members
    subcategories:
      - name: Gold
        items: [{name: Acme, homepage_url: "https://acme.example", joined: "2024-03-01"}]
"""


def org_of(name: str) -> Organisation:
    return db.session.query(Organisation).filter_by(legal_name=name).one()


def found_by(words: str) -> list[str]:
    rows = wall.filtered(select(Membership).join(Organisation), q=words)
    return [row.org.legal_name for row in db.session.scalars(rows)]


def dump() -> Any:
    """Return every row that a merge could touch."""
    found: dict[str, Any] = {}
    for kind in (Organisation, Contact, FormerName, Membership, Term, Party, Application):
        table = kind.__table__
        rows = db.session.execute(select(table).order_by(table.c.id)).mappings()
        found[kind.__tablename__] = [{k: v for k, v in row.items() if k != "version"} for row in rows]
    return found


def clean() -> None:
    assert verify_books()[1] == []
    assert reports.verify_memberships()[1] == []
    assert verify_deeds()[1] == []


@pytest.fixture
def two(app: Flask) -> Any:
    """A member of 2026, and a second entry of it that was a member in 2025 and has a contact of its own."""
    m.house(app)
    with m.inside(app):
        with clock.stopped_at(date(2026, 1, 1)), transaction():
            kept = m.company("Acme Ltd", "an@acme.example", legal_key="CN:91110000600037341L")
            m.member(kept, start=date(2026, 1, 1))
        with clock.stopped_at(DAY), transaction():
            other = m.company("Acme Technologies", "bo@acme.example")
            db.session.add(FormerName(org=other, name="Old Acme", until=date(2024, 1, 1)))
            names.index(other)
            an = m.person("an")
            contacts.appoint(an, other, ContactRole.OWNER, by=an)
            terms.open_term(
                terms.found_membership(other), kind=TermKind.IMPORTED, tier="silver", start=date(2025, 1, 1), months=12,
                price=Money(0), charged=Money(0), cover="elsewhere", invoice=None, by="import",
            )  # fmt: skip
            m.bill(other, "old:1", "silver")
        yield None


def merged(**more: Any) -> Any:
    with transaction():
        return m.together(
            org_of("Acme Ltd"), D.MERGE, {}, other=org_of("Acme Technologies"), second="rong", **more
        )


def test_a_merge_moves_every_row_by_its_ledger_and_leaves_a_signpost(two: Any) -> None:
    with clock.stopped_at(DAY):
        deed = merged()
        with reading():
            kept, gone = org_of("Acme Ltd"), org_of("Acme Technologies")
            assert (gone.merged_into_id, merging.kept_for(gone).id, gone.listing_consent) == (
                kept.id,
                kept.id,
                False,
            )
            row = terms.membership_of(kept)
            assert row is not None
            assert [(one.start.year, one.tier) for one in db.session.scalars(select(Term).where(Term.membership_id == row.id).order_by(Term.start))] == [
                (2025, "silver"), (2026, "gold")
            ]  # fmt: skip
            assert (row.member_since, row.standing) == (date(2025, 1, 1), S.ACTIVE)
            assert db.session.query(Membership).filter_by(org_id=gone.id).one().standing is S.NONE
            live = db.session.scalars(contacts.contacts_of(kept)).all()
            assert sorted((one.person.name, one.role.value) for one in live) == [
                ("An", "billing"), ("An", "owner"), ("An", "signatory"), ("Bo", "billing"), ("Bo", "owner"), ("Bo", "signatory"),
            ]  # fmt: skip
            assert list(db.session.scalars(contacts.contacts_of(gone))) == []
            for words in ("technologies", "old acme", "acme ltd"):
                assert found_by(words) == ["Acme Ltd"]
            said = next(one for one in deed.preview if one["verb"] == "organisation.merged")
            moves = db.session.scalars(select(MergeMove).order_by(MergeMove.n)).all()
            counts = merging.counts(moves)
            assert said["detail"]["moved"] == counts
            assert {"term:1", "contact:4", "former_name:1"} <= set(counts)
            clean()


def test_the_books_of_a_merged_entry_keep_their_payer_and_are_seen_by_the_kept_one(two: Any) -> None:
    with clock.stopped_at(DAY):
        merged()
        with reading():
            kept, gone = org_of("Acme Ltd"), org_of("Acme Technologies")
            assert db.session.query(Party).count() == 2
            seen = db.session.scalars(select(Party).where(of_orgs([kept.id]))).all()
            assert sorted(one.org_id or 0 for one in seen) == sorted([kept.id, gone.id])
            old = db.session.query(Invoice).filter_by(billed_subject="old:1").one()
            assert old.buyer_name == "Acme Technologies"


def test_a_merge_is_undone_for_thirty_days_while_untouched(two: Any) -> None:
    with clock.stopped_at(DAY):
        with reading():
            before = dump()
        merged()
    with clock.stopped_at(DAY + timedelta(days=30)), transaction():
        m.together(org_of("Acme Ltd"), D.UNMERGE, {}, other=org_of("Acme Technologies"), second="rong")
    with clock.stopped_at(DAY):
        with reading():
            assert dump() == before
            assert found_by("technologies") == ["Acme Technologies"]
            clean()
        merged()  # and may be merged again
        with reading():
            clean()


def test_a_merge_stays_when_time_is_over_or_something_has_changed(two: Any) -> None:
    with clock.stopped_at(DAY):
        merged()
    with (
        clock.stopped_at(DAY + timedelta(days=31)),
        pytest.raises(Refused, match="is over"),
        transaction(),
    ):
        m.propose(org_of("Acme Ltd"), D.UNMERGE, {}, other=org_of("Acme Technologies"))
    with clock.stopped_at(DAY + timedelta(days=2)):
        with transaction():
            row = terms.membership_of(org_of("Acme Ltd"))
            assert row is not None
            leaving.resign(row, by=m.person("an"))
        with pytest.raises(Refused, match="gone on since"), transaction():
            m.propose(org_of("Acme Ltd"), D.UNMERGE, {}, other=org_of("Acme Technologies"))


def test_a_contact_that_moved_on_keeps_the_merge(two: Any) -> None:
    with clock.stopped_at(DAY):
        merged()
        with transaction():
            bo = next(
                one
                for one in db.session.scalars(contacts.contacts_of(org_of("Acme Ltd")))
                if one.person.name == "Bo"
            )
            bo.org = m.company("Elsewhere", "el@x.example")
        with pytest.raises(Refused, match="changed since"), transaction():
            m.propose(org_of("Acme Ltd"), D.UNMERGE, {}, other=org_of("Acme Technologies"))


def test_what_cannot_be_one_is_refused(two: Any) -> None:
    with clock.stopped_at(DAY), transaction():
        kept, gone = org_of("Acme Ltd"), org_of("Acme Technologies")
        with pytest.raises(Refused, match="one entry already"):
            m.propose(kept, D.MERGE, {}, other=kept)
        gone.legal_key = "CN:91110108MA01A2B30A"
        db.session.flush()
        with pytest.raises(Refused, match="different registration numbers"):
            m.propose(kept, D.MERGE, {}, other=gone)
        gone.legal_key = None
        m.member(gone, tier="silver", start=DAY)
        with pytest.raises(Refused, match="terms on the same days"):
            m.propose(kept, D.MERGE, {}, other=gone)


def test_two_live_applications_are_not_merged(two: Any) -> None:
    with clock.stopped_at(DAY), transaction():
        kept, gone = org_of("Acme Ltd"), org_of("Acme Technologies")
        for org in (kept, gone):
            db.session.add(
                Application(kind=Kind.JOIN, org=org, applicant=m.person("an"), language="en", form_version=1, catalogue_day=DAY)
            )  # fmt: skip
        db.session.flush()
        with pytest.raises(Refused, match="application under way"):
            m.propose(kept, D.MERGE, {}, other=gone)


def test_what_was_granted_and_offered_goes_over_with_the_membership(app: Flask) -> None:
    """Grants, an open offer and credit terms belong to the membership, whichever entry had them."""
    m.house(app)
    with m.inside(app):
        with clock.stopped_at(date(2026, 1, 1)), transaction():
            m.member(m.company("Acme Technologies", "bo@acme.example"), start=date(2026, 1, 1))
        chores.run("offer_renewals", as_of=date(2026, 11, 1))
        with clock.stopped_at(date(2026, 11, 2)):
            with transaction():
                kept = m.company("Acme Ltd", "an@acme.example")
                old = terms.found_membership(kept)
                theirs = terms.membership_of(org_of("Acme Technologies"))
                assert theirs is not None
                credit_terms.give(theirs, by=m.person("fang"), reason="a long one")
                grants = db.session.query(Grant).filter_by(membership_id=theirs.id).count()
                assert grants
                assert renewal_queries.open_offer(old) is None
            with transaction():
                m.together(org_of("Acme Ltd"), D.MERGE, {}, other=org_of("Acme Technologies"), second="rong")
            with reading():
                row = terms.membership_of(org_of("Acme Ltd"))
                gone = terms.membership_of(org_of("Acme Technologies"))
                assert row is not None
                assert gone is not None
                assert db.session.query(Grant).filter_by(membership_id=row.id).count() == grants
                assert db.session.query(Grant).filter_by(membership_id=gone.id).count() == 0
                assert renewal_queries.open_offer(row) is not None
                assert db.session.query(CreditTerms).one().membership_id == row.id
                clean()
            with transaction():
                m.together(
                    org_of("Acme Ltd"), D.UNMERGE, {}, other=org_of("Acme Technologies"), second="rong"
                )
            with reading():
                back = terms.membership_of(org_of("Acme Technologies"))
                assert back is not None
                assert db.session.query(Grant).filter_by(membership_id=back.id).count() == grants
                clean()


def test_late_money_of_both_is_decided_before_they_become_one(two: Any) -> None:
    with clock.stopped_at(DAY), transaction():
        kept, gone = org_of("Acme Ltd"), org_of("Acme Technologies")
        for org in (kept, gone):
            db.session.add(
                LateMoney(
                    membership=terms.found_membership(org),
                    offer=None,
                    value_on=DAY,
                    amount=Money(100),
                    state=LateState.REVIEW,
                )
            )
        db.session.flush()
        with pytest.raises(Refused, match="Late money of both"):
            m.propose(kept, D.MERGE, {}, other=gone)


def test_an_imported_entry_goes_into_the_applicant_and_the_next_import_finds_it(app: Flask) -> None:
    """The file's entry is a signpost: no second tile on the wall, no second row at the next import."""
    m.house(app)
    with m.inside(app), clock.stopped_at(DAY):
        with transaction():
            landscape.bring_in(LISTED, start=date(2025, 1, 1), end=date(2026, 1, 1))
            kept = m.company("Acme Ltd", "an@acme.example")
            m.member(kept, start=DAY)
        with transaction():
            m.together(kept, D.MERGE, {}, other=org_of("Acme"), second="rong")
        with reading():
            assert [row.org.legal_name for row in db.session.scalars(wall.shown())] == ["Acme Ltd"]
            row = terms.membership_of(org_of("Acme Ltd"))
            assert row is not None
            assert (row.member_since, row.stated_joined, row.org.source_key is not None) == (
                date(2025, 1, 1), date(2024, 3, 1), True
            )  # fmt: skip
        with transaction():
            again = landscape.bring_in(LISTED)
            assert (again.new, again.changed, again.same) == (0, 0, 1)
        with reading():
            assert db.session.query(Organisation).count() == 2
            clean()


def test_a_whole_membership_goes_over_to_an_entry_without_one(two: Any) -> None:
    with clock.stopped_at(DAY):
        with transaction():
            fresh = m.company("Acme New", "cy@acme.example")
        with transaction():
            m.together(fresh, D.MERGE, {}, other=org_of("Acme Ltd"), second="rong")
        with reading():
            row = terms.membership_of(org_of("Acme New"))
            assert row is not None
            assert row.standing is S.ACTIVE
            assert terms.membership_of(org_of("Acme Ltd")) is None
            assert db.session.query(Party).filter_by(org_id=org_of("Acme New").id).one().title == "Acme Ltd"
            assert org_of("Acme New").legal_key == "CN:91110000600037341L"
            clean()
        with clock.stopped_at(DAY + timedelta(days=1)), transaction():
            m.together(org_of("Acme New"), D.UNMERGE, {}, other=org_of("Acme Ltd"), second="rong")
        with reading():
            assert terms.membership_of(org_of("Acme New")) is None
            assert org_of("Acme Ltd").legal_key == "CN:91110000600037341L"
            clean()


def test_documents_keep_the_name_they_were_issued_with_and_both_names_are_found(two: Any) -> None:
    """Renamed: the invoice of March keeps the old name after May; search finds both."""
    with clock.stopped_at(date(2026, 3, 1)), transaction():
        number = m.bill(org_of("Acme Ltd"), "march").id
    with clock.stopped_at(date(2026, 5, 1)), transaction():
        org = org_of("Acme Ltd")
        db.session.add(FormerName(org=org, name=org.legal_name, until=date(2026, 5, 1)))
        org.legal_name = "Apex Ltd"
        names.index(org)
    with clock.stopped_at(date(2026, 6, 1)), reading():
        assert db.session.get_one(Invoice, number).buyer_name == "Acme Ltd"
        assert found_by("acme ltd") == found_by("apex") == ["Apex Ltd"]


def test_a_merge_takes_two_reviewers(two: Any) -> None:
    with clock.stopped_at(DAY):
        with transaction():
            deed = m.propose(org_of("Acme Ltd"), D.MERGE, {}, other=org_of("Acme Technologies"))
        with pytest.raises(Refused), transaction():
            deeds.confirm(deed, by=m.person("rui"))
        with reading():
            assert org_of("Acme Technologies").merged_into_id is None
