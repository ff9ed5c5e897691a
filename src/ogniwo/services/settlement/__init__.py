"""Use-cases of settlement."""
