"""The deterministic ledger: transactions, state machine, Merkle log, proofs."""
