"""Number sequences and issued invoices."""
