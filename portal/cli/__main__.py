"""`python -m portal.cli`: what `portal serve` starts its parts by."""

from portal.cli import main

main()
