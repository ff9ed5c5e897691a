"""Hourly netting and sharing keys: who used whose energy in an interval, in whole Wh."""
