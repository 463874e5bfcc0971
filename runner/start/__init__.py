"""A spec to start from: one of the gallery, or one that fits a file of data."""
