"""A plan in torch."""
