"""Charts as pure functions: data in, SVG out; equal input gives equal bytes, on screen and in a PDF."""
