"""Salts and payloads of commitments: erasable, off the log."""
