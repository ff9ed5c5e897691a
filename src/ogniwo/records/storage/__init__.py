"""Which points are storages since when, and what was found of the origin of their energy, month by month."""
