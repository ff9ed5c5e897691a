"""Use-cases: load, call core, save, audit."""
