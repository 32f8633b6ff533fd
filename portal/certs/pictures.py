"""Pictures of levels: drawn by us as SVG and PNG, and baked with a badge so that the file carries it."""

from __future__ import annotations

import io
import struct
import zlib
from xml.sax.saxutils import escape

from portal.certs.documents import faces

SIDE = 512
INK, RED, PAPER = "#1d2127", "#b93620", "#faf8f3"
KEYWORD = b"openbadgecredential"
OPENBADGES = "https://purl.imsglobal.org/ob/v3p0"


def svg(code: str, name: str) -> str:
    """Return the picture of a level as SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512" width="512" height="512" role="img">'
        f"<title>{escape(name)}</title>"
        f'<circle cx="256" cy="256" r="244" fill="{PAPER}" stroke="{INK}" stroke-width="10"/>'
        f'<circle cx="256" cy="256" r="218" fill="none" stroke="{RED}" stroke-width="6"/>'
        f'<path d="M212 300 V120 M212 130 H318 L286 172 L318 214 H212" fill="none" stroke="{RED}" stroke-width="16"'
        f' stroke-linejoin="round" stroke-linecap="round"/>'
        f'<text x="256" y="384" font-family="sans-serif" font-weight="700" font-size="76" text-anchor="middle"'
        f' fill="{INK}">{escape(code)}</text></svg>'
    )


def png(code: str) -> bytes:
    """Return the picture of a level as PNG."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - only where pictures are drawn

    scale = 2
    image = Image.new("RGBA", (SIDE * scale, SIDE * scale), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for inset, fill, line, width in ((12, PAPER, INK, 10), (38, None, RED, 6)):
        box = [inset * scale, inset * scale, (SIDE - inset) * scale, (SIDE - inset) * scale]
        pen.ellipse(box, fill=fill, outline=line, width=width * scale)
    points = [(212, 130), (318, 130), (286, 172), (318, 214), (212, 214)]
    pen.line([(212 * scale, 300 * scale), (212 * scale, 120 * scale)], RED, 16 * scale)
    pen.line([(x * scale, y * scale) for x, y in points], RED, 16 * scale, joint="curve")
    known = faces.families()
    font = (
        ImageFont.truetype(known.files["text"]["Bold"], 76 * scale)
        if known is not None
        else ImageFont.load_default(76 * scale)
    )
    pen.text((256 * scale, 384 * scale), code, INK, font=font, anchor="ms")
    out = io.BytesIO()
    image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def bake_png(picture: bytes, badge: str) -> bytes:
    """Return a PNG that carries a badge in one uncompressed `iTXt`, before its pixels."""
    content = KEYWORD + b"\0\0\0\0\0" + badge.encode()
    chunk = struct.pack(">I", len(content)) + b"iTXt" + content
    chunk += struct.pack(">I", zlib.crc32(b"iTXt" + content))
    after_head = 8 + 25  # the signature, and the header that every PNG begins with
    return picture[:after_head] + chunk + picture[after_head:]


def bake_svg(picture: str, badge: str) -> str:
    """Return an SVG that carries a badge in its `openbadges:credential`."""
    safe = badge.replace("]]>", "]]]]><![CDATA[>")
    carried = (
        f'<openbadges:credential xmlns:openbadges="{OPENBADGES}"><![CDATA[{safe}]]></openbadges:credential>'
    )
    head, _end, rest = picture.partition(">")
    return f"{head}>{carried}{rest}"
