"""Compiled kernels of balancing: single intervals with all their shares, and totals of months without them.

Whoever calls one imports its module there and then: numba takes a second to load, and most commands share nothing.
"""

STATIC = 0
DYNAMIC = 1
FILL = 2
MERIT = 3
"""The methods by their numbers."""
