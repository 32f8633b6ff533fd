"""Offers: what companies can buy, as dated rows of the catalogue; code knows only the forms."""
