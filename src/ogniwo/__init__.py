"""Ogniwo: from the meter reading to the invoice and the wallet, verifiable at every step."""
