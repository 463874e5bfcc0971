"""How likely the data is to an energy network."""
