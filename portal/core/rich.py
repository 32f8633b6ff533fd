"""Texts as pages show them: plain, Markdown or HTML that can do no harm."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape

TAGS = {
    "p", "br", "b", "strong", "i", "em", "u", "sub", "sup", "code", "pre", "ul", "ol", "li", "table", "thead", "tbody",
    "tr", "th", "td", "blockquote", "span", "div", "h3", "h4", "hr",
}  # fmt: skip


def sanitised(html: str) -> str:
    """Return HTML with harmless tags only: no scripts, styles, pictures, links or attributes."""
    import nh3  # noqa: PLC0415 - heavy

    return nh3.clean(html, tags=TAGS, attributes={}, link_rel=None, strip_comments=True)


@lru_cache(maxsize=2048)
def shown(text: str, form: str) -> Markup:
    """Return a text as markup: `html` or `markdown` without links, `article` (Markdown with links to https), `post`, or plain.

    `post` is an article written by others than the foundation: its links say so to search engines.
    """
    if form == "html":
        return Markup(sanitised(text))  # noqa: S704 - sanitised
    if form == "markdown":
        html = _reader("image", "link", "autolink").render(text)
        return Markup(sanitised(html))  # noqa: S704 - HTML is escaped, then sanitised
    if form in {"article", "post"}:
        import nh3  # noqa: PLC0415 - heavy

        tags, schemes = TAGS | {"a", "h2"} if form == "article" else TAGS | {"a"}, {"https"}
        html = _reader("image").render(text)
        rel = "nofollow ugc noopener" if form == "post" else "nofollow noopener"
        clean = nh3.clean(html, tags=tags, attributes={"a": {"href"}}, url_schemes=schemes, link_rel=rel)
        return Markup(clean)  # noqa: S704 - HTML is escaped, then sanitised
    return Markup("<p>") + escape(text).replace("\n", Markup("<br>")) + Markup("</p>")


def _reader(*without: str) -> Any:
    """Return a Markdown reader that takes no HTML, without some more of what Markdown can do."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy

    return MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", *without])
