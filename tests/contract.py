"""Checks requests to Stripe against the types of the pinned version: what the types forbid, the API refuses."""

from __future__ import annotations

import decimal
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import stripe
import typing_extensions
from stripe import RequestOptions
from stripe._object_classes import get_object_class

OPTIONS = frozenset(typing_extensions.get_type_hints(RequestOptions, {**vars(typing), **vars(typing_extensions)}, {"StripeContext": Any, "Decimal": decimal.Decimal}))  # fmt: skip


class BrokenContract(AssertionError):
    """A request that the API of the pinned version would refuse."""


def _names(kind: type[Any]) -> dict[str, Any]:
    """Return what the forward references of a type may name."""
    return {
        **vars(typing), **vars(typing_extensions), "Decimal": decimal.Decimal, "StripeContext": Any,
        **vars(sys.modules[kind.__module__]),
    }  # fmt: skip


def check(value: Any, kind: Any, where: str) -> None:
    """Raise `BrokenContract` unless a value fits a type, all the way down."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return
    if origin in {typing_extensions.NotRequired, typing_extensions.Required, typing.Annotated}:
        check(value, inner[0], where)
    elif origin in {typing.Union, types.UnionType}:
        _check_union(value, inner, where)
    elif origin is typing.Literal or origin is typing_extensions.Literal:
        if value not in inner:
            raise BrokenContract(f"{where}: {value!r} is none of {inner}")
    elif typing_extensions.is_typeddict(kind):
        _check_dict(value, kind, where)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise BrokenContract(f"{where}: not a map")
        for key, item in value.items():
            check(item, inner[1], f"{where}.{key}")
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        if not isinstance(value, list | tuple):
            raise BrokenContract(f"{where}: not a list")
        for n, item in enumerate(value):
            check(item, inner[0], f"{where}[{n}]")
    elif type(value) is not kind:  # bool is no int, float is no int
        raise BrokenContract(f"{where}: {value!r} is no {kind}")


def _check_union(value: Any, options: tuple[Any, ...], where: str) -> None:
    """A literal beside `str` is closed: the types leave enums open, the API does not. `''` alone clears a field."""
    literals = [
        one for one in options if typing.get_origin(one) in {typing.Literal, typing_extensions.Literal}
    ]
    closed = any(typing.get_args(one) != ("",) for one in literals)
    kept = [one for one in options if not (closed and one is str)]
    problems = []
    for one in kept:
        try:
            check(value, one, where)
        except BrokenContract as problem:
            problems.append(str(problem))
        else:
            return
    raise BrokenContract(" / ".join(problems))


def _check_dict(value: Any, kind: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise BrokenContract(f"{where}: not a map")
    hints = typing_extensions.get_type_hints(kind, _names(kind), include_extras=True)
    known = set(hints) - OPTIONS
    if unknown := set(value) - known:
        raise BrokenContract(f"{where}: the API has no {sorted(unknown)}")
    if missing := set(kind.__required_keys__) - OPTIONS - set(value):
        raise BrokenContract(f"{where}: {sorted(missing)} is missing")
    for key, item in value.items():
        check(item, hints[key], f"{where}.{key}")


def params_type(method: Any) -> Any:
    """Return the TypedDict of a service's method: its name stands in the annotation, as a forward reference."""
    annotation = str(inspect.signature(method).parameters["params"].annotation)
    name = re.findall(r"\w*Params\b", annotation)[-1]
    service = inspect.getmodule(method.__func__ if hasattr(method, "__func__") else method)
    assert service is not None
    package = service.__name__.rsplit(".", 1)[0].removeprefix("stripe").strip(".")
    places = [f"stripe.params.{package}" if package else "stripe.params", "stripe.params"]
    for place in places:
        found = getattr(importlib.import_module(place), name, None)
        if found is not None:
            return found
    raise LookupError(name)


class Checked:
    """A client, or a part of one, whose calls are checked before they go out."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return Checked(found)

        def call(*args: Any, **more: Any) -> Any:
            named = inspect.signature(found).bind_partial(*args, **more).arguments
            if named.get("params") is not None:
                check(named["params"], params_type(found), name)
            return found(*args, **more)

        return call


def check_answer(body: Any, where: str = "answer", kind: type[Any] | None = None) -> None:
    """Raise `BrokenContract` if an answer of a double has a field that its resource does not have."""
    if isinstance(body, list):
        for n, item in enumerate(body):
            check_answer(item, f"{where}[{n}]", kind)
    if not isinstance(body, dict):
        return
    if isinstance(body.get("object"), str):
        kind = get_object_class("V1", body["object"])
        if kind is stripe.StripeObject:
            raise BrokenContract(f"{where}: there is no {body['object']}")
    if kind is None or not (known := _fields(kind)):  # a map of anything, such as metadata
        return
    if unknown := set(body) - known:
        raise BrokenContract(f"{where}: {kind.__name__} has no {sorted(unknown)}")
    for key, value in body.items():
        check_answer(value, f"{where}.{key}", kind._inner_class_types.get(key))


def _fields(kind: type[Any]) -> set[str]:
    """Return the fields of a resource: what it and the classes it is made of annotate."""
    found: set[str] = set()
    for one in kind.__mro__:
        if issubclass(one, stripe.StripeObject) and one is not stripe.StripeObject:
            found |= {name for name in inspect.get_annotations(one) if not name.startswith("_")}
    return (found - {"OBJECT_NAME"}) | {"object"}


def client(key: str = "sk_test_x", **more: Any) -> Any:
    """Return a checked client."""
    return Checked(stripe.StripeClient(key, **more))
