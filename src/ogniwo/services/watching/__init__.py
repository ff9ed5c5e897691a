"""Watches: conditions that are checked by themselves, and the alarms they raise."""
