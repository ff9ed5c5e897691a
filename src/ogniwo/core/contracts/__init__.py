"""Contract terms, templates, states and the canonical text that is signed."""
