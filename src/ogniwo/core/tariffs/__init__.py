"""Tariffs as data and one module per charge."""
