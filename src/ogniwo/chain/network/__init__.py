"""The network engine: the ledger on CometBFT, run by several organisations together."""
