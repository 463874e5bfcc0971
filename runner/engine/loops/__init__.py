"""How a loop of delayed edges runs."""
