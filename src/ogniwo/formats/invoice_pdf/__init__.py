"""The printed bill: a canonical invoice document drawn as an accessible, archivable PDF."""
