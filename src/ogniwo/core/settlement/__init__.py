"""Who owes whom for a period."""
