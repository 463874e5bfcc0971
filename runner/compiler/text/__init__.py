"""A text as values that know where they stand, and findings as a text."""
