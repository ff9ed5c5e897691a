"""Intervals of many points as one Parquet file."""
