"""What the applications of one test process may share: templates, statements and addresses, compiled once for all of them."""

from __future__ import annotations

from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from portal.core.db import db


class Compiled(BytecodeCache):
    """Templates compiled by any application of this process, by language, name and source."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[str, CodeType]] = {}

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        key = f"{getattr(environment, 'language', '')}:{name}"
        bucket = Bucket(environment, key, self.get_source_checksum(source))
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self.known.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self.known[bucket.key] = (bucket.checksum, bucket.code)


_templates = Compiled()
_rules: dict[Any, dict[str, Any]] = {}
_compile_anew = Rule.compile
READ = ("_parts", "_trace", "_converters", "arguments")
BUILT = ("_build", "_build_unknown")


def _compile(rule: Rule) -> None:
    """Read an address as another application of this process read it: all have the same ones, and this is most of their making."""
    key = (rule.rule, rule.subdomain, rule.merge_slashes, frozenset(rule.arguments))
    known = None if rule.defaults else _rules.get(key)
    if known is None:
        _compile_anew(rule)
        if not rule.defaults:
            made = vars(rule)
            _rules[key] = {name: made[name] for name in READ} | {name: made[name].__func__ for name in BUILT}
        return
    for name in READ:
        setattr(rule, name, known[name])
    for name in BUILT:
        setattr(rule, name, known[name].__get__(rule, None))


Rule.compile = _compile  # type: ignore[method-assign, assignment]
_dialects: dict[str, tuple[Dialect, Any]] = {}


def share(app: Flask) -> None:
    """Let an application use what those before it compiled; its database's dialect is the first one's."""
    app.jinja_env.bytecode_cache = _templates
    with app.app_context():
        engine = db.engine
        if engine.dialect.name not in _dialects:
            with engine.connect():
                _dialects[engine.dialect.name] = (engine.dialect, LRUCache(1_500))
        engine.dialect, engine._compiled_cache = _dialects[engine.dialect.name]
