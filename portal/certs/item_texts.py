"""The texts of items as pages show them: plain, Markdown or HTML that can do no harm."""

from __future__ import annotations

from functools import lru_cache

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
    """Return a text of an item as markup."""
    if form == "html":
        return Markup(sanitised(text))  # noqa: S704 - sanitised
    if form == "markdown":
        from markdown_it import MarkdownIt  # noqa: PLC0415 - heavy

        reader = MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", "image", "link", "autolink"])  # fmt: skip
        return Markup(sanitised(reader.render(text)))  # noqa: S704 - HTML is escaped, then sanitised
    return Markup("<p>") + escape(text).replace("\n", Markup("<br>")) + Markup("</p>")
