"""Storages of a community: declared, followed month by month, shown and checked."""
