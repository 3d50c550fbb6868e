"""Columns of many rows at once: Arrow and NumPy helpers, grouping, threads."""
