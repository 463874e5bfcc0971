"""Real handwritten digits, and what sources make of them."""
