"""Lists for programs as JSON, or as CSV where they ask for it by Accept; the cursor then stands in the Link header."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel

from portal.core.api import Answer, told
from portal.core.export import cell

CSV = "text/csv"
# What a model of a list says of its other form.
ALSO_CSV: dict[str, Any] = {
    "extra": "forbid",
    "openapi_extra": {"content": {CSV: {"schema": {"type": "string"}}}},
}


def listed(answer: Answer, kind: type[BaseModel], items: Sequence[BaseModel], onward: str | None) -> Any:
    """Return a part of a list in the form that was asked for; `kind` is the model of its items."""
    if request.accept_mimetypes.best_match(["application/json", CSV]) != CSV:
        body, status, headers = told(answer)
        return body, status, {**headers, "Vary": "Accept"}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = list(kind.model_fields)
    writer.writerow(names)
    for one in items:
        plain = one.model_dump(mode="json")
        writer.writerow([_cell(plain[name]) for name in names])
    made = Response(out.getvalue(), content_type=f"{CSV}; charset=utf-8")
    made.headers["Vary"] = "Accept"
    if onward is not None:
        made.headers["Link"] = (
            f'<{request.path}?{urlencode({**request.args.to_dict(), "cursor": onward})}>; rel="next"'
        )
    return made


def _cell(value: Any) -> str:
    """Return a value as a cell: lists with spaces between, objects as JSON, text that is no formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return cell(" ".join(str(one) for one in value))
    if isinstance(value, dict):
        return cell(json.dumps(value, ensure_ascii=False))
    return cell(value)
