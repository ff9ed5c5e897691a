"""The audit report of a ledger on paper."""
