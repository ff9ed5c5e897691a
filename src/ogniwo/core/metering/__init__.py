"""Readings, intervals, registers: normalisation, validation, estimation."""
