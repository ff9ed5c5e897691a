"""Use-cases of organisations, members and their points."""
