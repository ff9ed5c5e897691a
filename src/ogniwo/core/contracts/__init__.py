"""Terms of supply with their validity."""
