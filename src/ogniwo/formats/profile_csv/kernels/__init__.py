"""Compiled parsing of profile rows; `reference.py` beside the package says the same in plain Python."""
