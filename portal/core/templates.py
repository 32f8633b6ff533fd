"""Templates compiled once per language: words, icons and addresses that never change are written in beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app, has_request_context, request, url_for
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.environment import TemplateModule
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from portal.core import assets, i18n, labels

WORDS = frozenset({"_", "gettext"})
MOST_PATHS = 20_000


class Page(Template):
    """A template that imports the same macros once per page, not once per frame that it extends."""

    def make_module(
        self,
        vars: dict[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> TemplateModule:
        """Return this template's macros; those that the page at hand holds already, if it does."""
        for held in (vars or {}).values() if shared else ():
            if type(held) is TemplateModule and held.__name__ == self.name:
                return held
        return super().make_module(vars, shared, locals)


class Fold(NodeTransformer):
    """Puts a language's words in place of their keys, and drawings in place of their names."""

    def visit_Call(self, node: nodes.Call, words: Words) -> nodes.Node:  # noqa: N802 - the visitor's name
        """Return the call, or its answer where that is known beforehand."""
        folded: nodes.Node = self.generic_visit(node, words)
        asked, args = node.node, node.args
        if len(args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return folded
        if not isinstance(args[0], nodes.Const) or not isinstance(args[0].value, str):
            return folded
        if isinstance(asked, nodes.Name) and asked.name in WORDS:
            return nodes.Const(words.said(args[0].value), lineno=node.lineno)
        name = asked.name if isinstance(asked, nodes.Name) else getattr(asked, "attr", "")
        if name in {"icon", "render_icon"}:
            return nodes.Const(words.drawn(args[0].value, framed=name == "icon"), lineno=node.lineno)
        return folded


class Words:
    """What is known of a template while it is compiled: its language, and whether it is markup."""

    def __init__(self, language: str, markup: bool) -> None:
        self.language, self.markup = language, markup

    def said(self, message: str) -> str:
        """Return a message as the template would say it: always a format, as at run time."""
        text = i18n.catalogue(self.language).gettext(message)
        return Markup(text) % {} if self.markup else text % {}  # noqa: S704 - our own messages

    def drawn(self, name: str, *, framed: bool) -> Markup:
        """Return an icon."""
        return icon(name) if framed else drawing(name)


class Pages(Environment):
    """Flask's environment with a twin for each language, chosen when a template is asked for."""

    template_class = Page
    language: str = ""

    def _load_template(self, name: str, globals: Any) -> Template:
        if self.language:
            return super()._load_template(name, globals)
        language = i18n.language()
        twins: dict[str, Pages] = self.__dict__.setdefault("twins", {})
        if language not in twins:
            twins[language] = self.overlay(cache_size=400)
            twins[language].language = language
        return twins[language]._load_template(name, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if self.language:
            markup = self.autoescape(name) if callable(self.autoescape) else self.autoescape
            Fold().visit(tree, Words(self.language, bool(markup)))
        return tree


def drawing(name: str) -> Markup:
    """Return an icon of Bootstrap's sheet as it stands in a page."""
    return _drawn(name, framed=False)


def icon(name: str) -> Markup:
    """Return an icon that no screen reader speaks."""
    return _drawn(name, framed=True)


SHEET = "icons/bootstrap-icons.svg"


def _drawn(name: str, *, framed: bool) -> Markup:
    known: dict[Any, Markup] = current_app.extensions.setdefault("icons", {})
    if (found := known.get((name, framed))) is None:
        # Bound here and not by `url_for`: a template may be compiled without a request. The portal stands at the root.
        sheet = current_app.url_map.bind("portal").build(
            "bootstrap.static",
            {"filename": SHEET, "v": assets.version("bootstrap.static", SHEET)},
            force_external=False,
        )
        svg = '<svg class="bi" width="1em" height="1em" fill="currentColor"><use xlink:href="{}#{}"/></svg>'
        if framed:
            svg = f'<span class="icon" aria-hidden="true">{svg}</span>'
        found = known[name, framed] = Markup(svg).format(sheet, name)  # noqa: S704 - our own drawing
    return found


TONES = {
    "good": "check-circle-fill", "wait": "hourglass-split", "warn": "exclamation-triangle-fill", "bad": "x-octagon-fill",
}  # fmt: skip


def badge(state: Any) -> Markup:
    """Return the badge of a state: tone, icon and words."""
    if state is None:
        return Markup('<span class="text-body-secondary">–</span>')
    known: dict[Any, Markup] = current_app.extensions.setdefault("badges", {})
    key = (type(state), str(state), i18n.language())
    if (found := known.get(key)) is None:
        tone = labels.tone(state)
        found = known[key] = Markup('<span class="badge-state tone-{}">{}{}</span>').format(
            tone, icon(TONES.get(tone, "dash-circle")), labels.label(state)
        )
    return found


def address(endpoint: str, **values: Any) -> str:
    """Return the path of an endpoint, remembered: a list writes the same ones again and again."""
    if not has_request_context():
        return url_for(endpoint, **values)
    known, key = _paths(), (endpoint, *values.values(), *values)
    try:
        if (path := known.get(key)) is not None:
            return path
    except TypeError:  # a list can be no key
        return url_for(endpoint, **values)
    path = url_for(endpoint, **values)
    # An instance of another kind may equal a text and be written otherwise; `_external` and the like ask the request.
    plain = all(type(value) is str and not name.startswith("_") for name, value in values.items())
    if plain and not endpoint.startswith("."):
        if len(known) >= MOST_PATHS:
            known.clear()
        known[key] = path
    return path


def _paths() -> dict[Any, str]:
    """Return the paths known where the portal stands; the request holds them at hand."""
    environ = request.environ
    if (known := environ.get("portal.paths")) is None:
        places = current_app.extensions.setdefault("paths", {})
        known = environ["portal.paths"] = places.setdefault(environ.get("SCRIPT_NAME"), {})
    found: dict[Any, str] = known
    return found
