"""What every operation of the JSON API shares: strict models, strict requests, problems, lists by cursor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any, get_type_hints

from flask import Response, current_app, request
from flask_babel import gettext as _
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from portal.core.errors import Refused
from portal.core.forms import clean
from portal.core.money import Money
from portal.core.problems import problem

PREFIX = "/api/v1"
Responses = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
MOST_BYTES = 256 * 1024
WRITES = {"POST", "PATCH", "PUT", "DELETE"}
TAKES = "__portal_takes__"
JSON = "application/json"


class Body(BaseModel):
    """What a program sends: exactly the fields we know, of exactly their types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """What stands behind the question mark: text that must read as the type of its field."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What we answer: a list of fields, never a whole row."""

    model_config = ConfigDict(extra="forbid")


def _whole(value: Any) -> Any:
    """Take 33.0 as JSON Schema does, an integer; `true` is none."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)  # stands behind the bounds: before them it would hide them from the document
Int = Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]
Uid = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", min_length=32, max_length=32)]


Clean = AfterValidator(clean)  # drops control characters, which no name or answer needs


class Words(Answer):
    """A name in both languages."""

    zh: str
    en: str


class Amount(Answer):
    """Money: whole fen (hundredths) and the currency."""

    amount: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Return money as programs read it."""
        return cls(amount=money.minor, currency=money.currency)


class OneRow(BaseModel):
    """The id in the address."""

    uid: Uid


class Paged(Query):
    """Which part of a list: how many rows at most, and after which one."""

    limit: Annotated[int, Field(ge=1, le=100)] = 25
    cursor: Annotated[str, Field(max_length=800, pattern=r"^[A-Za-z0-9_=-]*$")] = ""


class Fault(Answer):
    """One thing that is wrong with a request: where, and in words."""

    at: str
    problem: str


class Problem(Answer):
    """RFC 9457: what went wrong, in the language of Accept-Language."""

    type: str
    title: str
    status: int
    detail: str
    reference: str
    errors: list[Fault] = Field(default_factory=list)


def _documented(statuses: Iterable[int]) -> Responses:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {str(one): {"content": {"application/problem+json": {"schema": schema}}} for one in statuses}


PUBLIC_PROBLEMS = (400, 404, 413, 422, 429, 500, 503)
TOKEN_PROBLEMS = (*PUBLIC_PROBLEMS, 401, 403)
WRITE_PROBLEMS = (*TOKEN_PROBLEMS, 409, 415)


def responses(*problems: int, **good: type[Answer]) -> Responses:
    """Return what an operation may answer: `ok=`/`created=` models and the problems."""
    names = {"ok": "200", "created": "201"}
    return {**{names[name]: model for name, model in good.items()}, **_documented(problems)}


def operations(name: str, module: str, tag: str) -> APIBlueprint:
    """Return the blueprint for a domain's operations, with the strict reading of requests in front."""
    made = APIBlueprint(name, module, url_prefix=PREFIX, abp_tags=[Tag(name=tag)])
    made.before_request(read_strictly)
    return made


def read_strictly() -> Response | None:
    """Refuse what a lenient reader would pass over: unknown or repeated parameters, other media, doubled keys."""
    request.max_content_length = MOST_BYTES
    names, takes_body = _taken(current_app.view_functions[str(request.endpoint)])
    if request.query_string and (wrong := _wrong_query(names)):
        return problem(422, _("Not right yet"), wrong[0]["problem"], errors=wrong)
    return _read_body(takes_body) if request.method in WRITES else None


@lru_cache(maxsize=1024)
def _taken(view: Callable[..., Any]) -> tuple[frozenset[str], bool]:
    """Return the parameters that a view knows, and whether it takes a body."""
    hints = get_type_hints(view)
    known = hints.get("query")
    names = () if known is None else (one.alias or name for name, one in known.model_fields.items())
    return frozenset(names), "body" in hints


def _wrong_query(names: frozenset[str]) -> list[dict[str, str]]:
    return [
        {"at": "query", "problem": said}
        for said, bad in (
            (_("A parameter we do not know."), set(request.args) - names),
            (_("A parameter is there more than once."), any(len(v) > 1 for _k, v in request.args.lists())),
        )
        if bad
    ]


def _read_body(asks: bool) -> Response | None:
    if not asks and not request.get_data():
        return None  # nothing is to be said here, and nothing was
    if request.content_type != JSON:  # the usual spelling needs no reading
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        if request.mimetype != JSON or charset not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType
    try:
        raw = request.get_data()
        found = _READER.decode(raw.decode("utf-8"))
        if b"\\u" in raw:  # half a character is none, no database keeps it, and only an escape can spell it
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        said = _("The body is not well-formed JSON in UTF-8, or names a key twice.")
        return problem(400, _("We could not read that"), said)
    request._cached_json = (found, found)  # what the library would read once more, and less strictly
    if not isinstance(found, dict):
        return problem(422, _("Not right yet"), _("The body must be a JSON object."))
    return None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_READER = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_no_number)


def _in_words(error: Any) -> str:
    limit = error.get("ctx", {})
    if error["type"] == "missing":
        return _("Please fill this in.")
    if error["type"] == "extra_forbidden":
        return _("A field we do not know.")
    if error["type"] == "string_too_long":
        return _("Please use at most %(max)s characters.", max=limit["max_length"])
    if error["type"].endswith("_type") or error["type"].endswith("_parsing"):
        return _("This is of the wrong type.")
    return _("This value is not possible here.")


def not_right(error: ValidationError) -> Response:
    """Return the problem document for input that does not fit its model; what was sent is not repeated."""
    faults = [
        {
            "at": "/".join(
                str(part) for part in (one["loc"][:-1] if one["type"] == "extra_forbidden" else one["loc"])
            ),
            "problem": _in_words(one),
        }
        for one in error.errors(include_input=False, include_url=False)[:20]
    ]
    return problem(422, _("Not right yet"), _("Something in what was sent is not right yet."), errors=faults)


def shared(answer: Answer, *, seconds: int = 300) -> Response:
    """Return public data that any page may read and any cache may keep for a while."""
    made = Response(answer.model_dump_json(), content_type="application/json")
    return share(made, seconds=seconds)


def share(answer: Response, *, seconds: int = 300) -> Response:
    """Let any page read a public answer, and any cache keep it for a while."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Cache-Control"] = f"public, max-age={seconds}"
    answer.add_etag()
    return answer


def told(answer: Answer, status: int = 200, **headers: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return an answer of ours as Flask takes it."""
    return answer.model_dump(mode="json"), status, headers


def stale() -> Refused:
    """Return the refusal of a change that was made on an older version of the row."""
    return Refused(
        _("This was changed meanwhile. Please read it again and make your change on the new version."),
        field="version",
    )
