"""Quantities, rounding, periods, the settlement calendar, findings, refusals and ids."""
