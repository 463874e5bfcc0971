"""A declarative runner for neural-network experiments."""
