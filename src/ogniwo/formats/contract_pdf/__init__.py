"""The printed e-contract, and signatures on it."""
