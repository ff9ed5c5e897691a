"""What runs: one file for each group of kinds. A new kind is a function with `@job_kind` in one of these files."""

from importlib import import_module

_FILES = ("bill_mails", "chores", "exports", "imports", "mails", "periods", "sites", "watches", "webhooks")


def load() -> None:
    """Import all kinds, so that they are registered; again it does nothing."""
    for name in _FILES:
        import_module(f"{__name__}.{name}")
