"""Figures and states as PNG."""
