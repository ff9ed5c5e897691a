"""A member's statement of tokens on paper."""
