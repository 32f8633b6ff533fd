"""Pages of PDFs as pictures, and the code that stands on a certificate read back from one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from PIL import Image

# Where the code stands on the page and how wide it is with its quiet zone, in millimetres.
LEFT, TOP, SIDE = 236, 147, 33


def picture(data: bytes, folder: Path, dpi: int = 100) -> Image.Image:
    """Draw the first page of a PDF."""
    file = folder / f"page-{len(list(folder.iterdir()))}.pdf"
    file.write_bytes(data)
    words = ["pdftoppm", "-r", str(dpi), "-png", "-singlefile", str(file), str(file.with_suffix(""))]
    subprocess.run(words, capture_output=True, check=True)
    return Image.open(file.with_suffix(".png")).convert("RGB")


def code_on(page: Image.Image, dpi: int, size: int) -> list[list[bool]]:
    """Read a code of so many modules a side, quiet zone included, from the picture of a certificate's page."""
    grey, width, per = page.convert("L").tobytes(), page.width, dpi / 25.4
    middles = [(n + 0.5) * SIDE / size for n in range(size)]
    return [
        [grey[int((TOP + y) * per) * width + int((LEFT + x) * per)] < 128 for x in middles] for y in middles
    ]
