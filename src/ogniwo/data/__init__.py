"""Packaged data: rates, layouts, texts. Files only."""
