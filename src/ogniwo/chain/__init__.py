"""The ledger's durable block store."""
