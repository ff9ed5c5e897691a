"""Organisations and members: who there is, and who may see whom."""
