"""Who did what, before and after."""
