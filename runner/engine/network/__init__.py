"""A plan as a module."""
