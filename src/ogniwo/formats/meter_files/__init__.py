"""Readers of meter files: one engine per kind of container, one description per layout."""
