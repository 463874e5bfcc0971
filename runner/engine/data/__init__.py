"""Columns as parts and batches."""
