"""From gradients to weights: the rate, the optimizer, and what is kept of the way."""
