"""Invoices, VAT, numbers, corrections."""
