"""Operations about exams that are open to everybody: levels with prices and what each asks for."""

from __future__ import annotations

from typing import Literal

from flask import Response
from flask_babel import lazy_gettext as _l

from portal.certs import levels, schemes
from portal.certs.models.eligibility import ExamKind
from portal.core.api import PUBLIC_PROBLEMS, Amount, Answer, Words, operations, responses, shared
from portal.core.web import public as anybody

exams_api = operations("api_exams", __name__, str(_l("Exams and levels")))


class AskedAnswer(Answer):
    """A level that must be held; `ever` also takes an award that has expired."""

    level: str
    mode: Literal["in_force", "ever"]


class PartAnswer(Answer):
    """A part of an exam; weight and least share in percent."""

    code: str
    title: Words
    minutes: int
    weight: int
    minimum: int


class ExamAnswer(Answer):
    """A level as it is examined today. Prices include tax; a retake or renewal costs the exam's price where nothing else is said."""

    code: str
    programme: str
    title: Words
    shows: Words | None
    asks: list[AskedAnswer]
    parts: list[PartAnswer]
    languages: list[str]
    review_votes: int
    validity_months: int
    scheme: int
    price: Amount | None
    retake: Amount | None
    renewal: Amount | None


class Exams(Answer):
    """All levels, in the order of the catalogue."""

    items: list[ExamAnswer]


def _amount(code: str, kind: ExamKind) -> Amount | None:
    price = levels.listed(code, kind)
    return Amount.of(price.amount) if price is not None else None


def _answer(one: levels.Level) -> ExamAnswer:
    scheme = schemes.scheme(one.code)
    return ExamAnswer(
        code=one.code, programme=one.programme, title=Words(**one.names), shows=Words(**one.shows) if one.shows else None,
        asks=[AskedAnswer(level=asked.level, mode="ever" if asked.mode == levels.EVER else "in_force") for asked in one.asks],
        parts=[
            PartAnswer(code=part.code, title=Words(**part.names), minutes=part.minutes, weight=part.weight, minimum=part.minimum)
            for part in scheme.parts
        ],
        languages=list(scheme.languages), review_votes=scheme.votes, validity_months=scheme.validity_months,
        scheme=scheme.version, price=_amount(one.code, ExamKind.EXAM), retake=_amount(one.code, ExamKind.RETAKE),
        renewal=_amount(one.code, ExamKind.RENEWAL),
    )  # fmt: skip


@exams_api.get(
    "/exams", operation_id="list_exams", summary=str(_l("Levels, prices and what each asks for")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Exams), security=[],
)  # fmt: skip
@anybody
def list_exams() -> Response:
    """Whoever wants to book needs an account; this list does not."""
    return shared(Exams(items=[_answer(one) for one in schemes.examined()]))
