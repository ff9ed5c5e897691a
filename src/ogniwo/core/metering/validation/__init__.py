"""Validation rules V1 to V24: findings with the numbers that led to them, and a verdict for a point and month."""
