"""A member's pages: his energy, his bills, his tokens, his keys."""
