"""Readings, statements and invoices as ledger transactions."""
