"""Use-cases of billing."""
