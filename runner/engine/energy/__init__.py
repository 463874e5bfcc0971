"""How an energy network samples, learns and recalls."""
