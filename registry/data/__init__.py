"""Columns to arrays."""
