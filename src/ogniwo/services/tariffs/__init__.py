"""Use-cases of tariffs."""
