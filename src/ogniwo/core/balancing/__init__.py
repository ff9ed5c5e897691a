"""Hourly netting and sharing keys."""
