"""One file per resource; every operation registers in the table."""
