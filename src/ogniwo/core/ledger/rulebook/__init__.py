"""What each operation does: check everything, then change the state."""
