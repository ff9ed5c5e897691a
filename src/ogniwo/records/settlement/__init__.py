"""Runs and statements, version after version."""
