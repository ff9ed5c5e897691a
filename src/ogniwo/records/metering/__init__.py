"""Points, meters, ratios, registers, source files, computing sets."""
