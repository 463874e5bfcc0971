"""Prepared data that is kept: a second run on the same files starts at once."""
