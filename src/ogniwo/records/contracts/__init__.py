"""Supply contracts and community memberships with their validity."""
