"""Specimens of papers for the demo."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from portal.core import files


def scan(words: str) -> files.Content:
    """Return a picture that says it is a specimen."""
    image = Image.new("RGB", (900, 600), "#fbfaf6")
    ImageDraw.Draw(image).multiline_text((60, 60), f"SPECIMEN\n{words}\nnot a real licence", fill="#333333")
    out = io.BytesIO()
    image.save(out, "PNG")
    return files.put(out.getvalue(), "image/png")
