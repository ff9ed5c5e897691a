"""The interval store."""
