"""Checked specs and results as tables and drawings."""
