"""Plug-ins of others: allowed by name, loaded whole or not at all, never taken at their word."""
