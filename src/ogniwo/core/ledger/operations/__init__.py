"""What can be written on the ledger, by what it is about; `transactions` gathers all of it."""
