"""Conditions that are checked by themselves, and the alarms they raised."""
